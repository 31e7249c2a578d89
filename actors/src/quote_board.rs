//! The market as a shard sees it: the latest quote of each instrument, stamped into commands before they are recorded. It
//! is no state: what of it decides something is journalled with the decision.

use alloc::vec::Vec;

use machine::Outlook;
use model::{Input, InstrumentId, Quote, Timestamp};

use crate::Core;

/// The latest quotes.
#[derive(Debug, Default)]
pub struct QuoteBoard {
    rows: Vec<QuoteRow>,
    /// Instruments whose quote changed since they were last marked, in order of change.
    unmarked: Vec<InstrumentId>,
}

#[derive(Clone, Copy, Debug, Default)]
struct QuoteRow {
    quote: Option<Quote>,
    waits_for_mark: bool,
}

/// Ids are small: the core refuses definitions beyond this.
const MOST_INSTRUMENTS: usize = 1 << 20;

impl QuoteBoard {
    /// A crossed quote is passed over: the one before it stands, and grows old.
    pub(crate) fn put(&mut self, instrument: InstrumentId, quote: Quote, received: Timestamp) {
        let slot = instrument.slot();
        if slot >= MOST_INSTRUMENTS || quote.is_crossed() {
            return;
        }
        if self.rows.len() <= slot {
            self.rows.resize(slot + 1, QuoteRow::default());
        }
        if let Some(row) = self.rows.get_mut(slot) {
            row.quote = Some(Quote { received, ..quote });
            if !core::mem::replace(&mut row.waits_for_mark, true) {
                self.unmarked.push(instrument);
            }
        }
    }

    #[inline]
    pub(crate) fn get(&self, instrument: InstrumentId) -> Option<Quote> {
        self.rows.get(instrument.slot())?.quote
    }

    /// The next instrument to mark, with its quote.
    pub(crate) fn next_unmarked(&mut self) -> Option<(InstrumentId, Quote)> {
        let instrument = self.unmarked.pop()?;
        let row = self.rows.get_mut(instrument.slot())?;
        row.waits_for_mark = false;
        row.quote.map(|quote| (instrument, quote))
    }
}

/// A quote of an instrument comes in.
impl Outlook<Core> for QuoteBoard {
    type Fact = (InstrumentId, Quote);

    fn see(&mut self, (instrument, quote): (InstrumentId, Quote), received: Timestamp) {
        self.put(instrument, quote, received);
    }

    fn step(&mut self, step_ns: i64) {
        for quote in self.rows.iter_mut().filter_map(|row| row.quote.as_mut()) {
            quote.received = Timestamp::from_nanos(quote.received.nanos.saturating_add(step_ns));
        }
    }

    /// A mark that changes nothing is not worth a record.
    fn next_mark(&mut self, core: &Core) -> Option<Input> {
        while let Some((instrument, quote)) = self.next_unmarked() {
            let mark = quote.mark();
            if mark.is_some() && core.instrument(instrument).is_some_and(|book| book.mark != mark) {
                return Some(Input::Mark { instrument, quote });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(bid: u32, ask: u32) -> Quote {
        Quote { bid: bid.into(), ask: ask.into(), ..Quote::default() }
    }

    #[test]
    fn a_crossed_quote_leaves_the_one_before_it_to_grow_old() {
        let (mut board, ibm) = (QuoteBoard::default(), InstrumentId::new(3));
        board.put(ibm, quote(190, 180), Timestamp::from_nanos(1));
        assert_eq!((board.get(ibm), board.next_unmarked()), (None, None));
        board.put(ibm, quote(180, 190), Timestamp::from_nanos(2));
        assert!(board.next_unmarked().is_some());
        board.put(ibm, quote(190, 180), Timestamp::from_nanos(3));
        let stands = board.get(ibm).unwrap();
        assert_eq!((stands.bid, stands.received), (180.into(), Timestamp::from_nanos(2)));
        assert_eq!(board.next_unmarked(), None);
        // Locked, and with one side: both are prices.
        board.put(ibm, quote(185, 185), Timestamp::from_nanos(4));
        assert_eq!(board.get(ibm).unwrap().received, Timestamp::from_nanos(4));
        board.put(ibm, quote(185, 0), Timestamp::from_nanos(5));
        assert_eq!(board.get(ibm).unwrap().received, Timestamp::from_nanos(5));
    }
}
