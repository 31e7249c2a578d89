//! `Mark`: positions are valued at a new price, and with them every portfolio's exposure.

use model::{
    Amount, ArithmeticError, Event, Instrument, InstrumentId, Invariant, Price, Quote, holds, there,
};

use crate::{Core, Exposure, Outcome, Portfolio};

pub(crate) fn apply(core: &mut Core, instrument: InstrumentId, quote: &Quote, out: &mut Outcome) {
    // Whom an invariant set aside keeps its mark: the exposures that it is part of must go with it.
    let Some(book) = core.instrument(instrument).filter(|book| !book.set_aside) else { return };
    let Some(price) = quote.mark().filter(|price| book.mark != Some(*price)) else { return };
    let (definition, old) = (book.definition, book.mark);
    let exact = core.portfolios().all(|portfolio| revalued(portfolio, &definition, old, price).is_ok());
    if !exact {
        // A price too precise to value every position with: the old mark stands.
        return;
    }
    for portfolio in core.portfolios.iter_mut() {
        if let Ok(Some(exposure)) = revalued(portfolio, &definition, old, price) {
            core.changes.exposure(portfolio.definition.id, definition.currency, &exposure);
            portfolio.exposures.insert(definition.currency, exposure);
        }
    }
    there(core.instruments.get_mut(instrument.slot()), Invariant::InstrumentIsThere).mark = Some(price);
    core.changes.mark(instrument, price);
    out.event(Event::Marked { instrument, price });
}

/// The portfolio's exposure at the new price; `None` where it holds nothing of the instrument.
fn revalued(
    portfolio: &Portfolio,
    instrument: &Instrument,
    old: Option<Price>,
    new: Price,
) -> Result<Option<Exposure>, ArithmeticError> {
    let units = portfolio.gross_units(instrument.id);
    if units.is_zero() {
        return Ok(None);
    }
    holds(units.is_positive(), Invariant::ReservedIsNotNegative);
    let value = |price: Price| price.notional(units, instrument.factor());
    let before = old.map_or(Ok(Amount::ZERO), value)?;
    let mut exposure = portfolio.exposure(instrument.currency);
    exposure.positions = exposure.positions.minus(before)?.plus(value(new)?)?;
    exposure.gross()?;
    Ok(Some(exposure))
}
