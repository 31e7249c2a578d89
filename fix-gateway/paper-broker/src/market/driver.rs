//! The thread that brings quotes to the desk and to the feed, at their pace.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender};

use super::{Quote, QuoteFile, SeededMarket};
use crate::config::{Config, Speed};
use crate::feed::Hub;
use crate::{Error, clock};

/// Where quotes come from.
pub(crate) enum QuoteSource {
    /// The built-in market, so many quotes a second.
    Seeded(SeededMarket, u32),
    /// A file.
    File(QuoteFile, Speed),
}

impl QuoteSource {
    /// The source a configuration names, and the symbols it has. A file is checked from its first to its last line.
    pub(crate) fn open(config: &Config) -> Result<(Self, Vec<String>), Error> {
        let market = &config.market;
        if let Some(path) = &market.quotes {
            return Self::open_file(path, market.speed);
        }
        let seeded = SeededMarket::new(&market.seeded, config.personality.seed);
        let symbols = seeded.symbols();
        Ok((Self::Seeded(seeded, market.seeded.quotes_per_second), symbols))
    }

    fn open_file(path: &Path, speed: Speed) -> Result<(Self, Vec<String>), Error> {
        let symbols = QuoteFile::check(path)?.into_iter().collect();
        Ok((Self::File(QuoteFile::open(path)?, speed), symbols))
    }
}

/// What the thread works with.
pub(crate) struct Driver {
    pub(crate) source: QuoteSource,
    pub(crate) hub: Arc<Hub>,
    /// Bounded: at speed `max` the desk sets the pace, too.
    pub(crate) desk: Sender<Quote>,
    /// Disconnects when the broker stops.
    pub(crate) stop: Receiver<()>,
    /// Quotes flow only while so many clients are on the feed.
    pub(crate) wanted_clients: usize,
}

impl Driver {
    /// Runs until the replay is over or the broker stops.
    pub(crate) fn run(mut self) -> Result<(), Error> {
        let mut pace = Pace::default();
        loop {
            if self.wanted_clients > 0 && !self.hub.wait_for_clients(self.wanted_clients) {
                return Ok(());
            }
            let Some((quote, due)) = self.next(&mut pace)? else {
                self.hub.end();
                return Ok(());
            };
            if self.stopped_before(due) || self.desk.send(quote.clone()).is_err() {
                return Ok(());
            }
            self.hub.publish(&quote);
        }
    }

    /// The next quote and when it is due; no moment means at once.
    fn next(&mut self, pace: &mut Pace) -> Result<Option<(Quote, Option<Instant>)>, Error> {
        match &mut self.source {
            QuoteSource::Seeded(market, per_second) => {
                let due = pace.every(Duration::from_secs(1) / (*per_second).max(1));
                Ok(market.step(clock::now_utc_ns()).map(|quote| (quote, Some(due))))
            }
            QuoteSource::File(file, speed) => {
                let quote = file.read()?;
                Ok(quote.map(|quote| {
                    let due = match speed {
                        Speed::Max => None,
                        Speed::Times(times) => Some(pace.at(quote.ts_utc_ns, *times)),
                    };
                    (quote, due)
                }))
            }
        }
    }

    fn stopped_before(&self, due: Option<Instant>) -> bool {
        let stopped = match due {
            None => self.stop.try_recv().is_err_and(|error| error.is_disconnected()),
            Some(due) => self.stop.recv_deadline(due) == Err(RecvTimeoutError::Disconnected),
        };
        stopped || self.hub.is_closed()
    }
}

/// Turns steps or times of quotes into moments.
#[derive(Default)]
struct Pace {
    next: Option<Instant>,
    /// The first quote's time, and when it was played.
    start: Option<(i64, Instant)>,
}

impl Pace {
    fn every(&mut self, step: Duration) -> Instant {
        let now = Instant::now();
        // After a stall of the machine the market goes on, it does not catch up in a burst.
        let due = self.next.filter(|due| *due + step * 10 > now).unwrap_or(now);
        self.next = Some(due + step);
        due
    }

    fn at(&mut self, ts_utc_ns: i64, times: f64) -> Instant {
        let (first_ns, start) = *self.start.get_or_insert_with(|| (ts_utc_ns, Instant::now()));
        let since_ns = u64::try_from(ts_utc_ns.saturating_sub(first_ns)).unwrap_or(0);
        let seconds = Duration::from_nanos(since_ns).as_secs_f64() / times;
        start + Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(u64::from(u32::MAX)))
    }
}
