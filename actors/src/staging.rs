//! The one way an order changes: everything that follows from it is computed first and committed together.
//!
//! An order's change moves its reservation, its account's holding and books, and its portfolio's exposure. Each
//! is computed from the order before and after; nothing is touched until all of it is known to be exact.

use arrayvec::ArrayVec;
use model::{Amount, ArithmeticError, Date, InstrumentId, Price, Quantity, Side, Timestamp};

use crate::ledger::Prepared;
use crate::{Asset, Bucket, Core, Exposure, Holding, InstrumentBook, LedgerError, Leg, Order};

/// An execution to book with the change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fill {
    pub quantity: Quantity,
    pub price: Price,
    pub fee: Amount,
    pub settles: Date,
}

/// A change that will not fail any more.
#[derive(Debug)]
pub(crate) struct Staged {
    pub order: Order,
    /// What the fill realised, zero without one.
    pub realised: Amount,
    holding: Holding,
    books: Prepared,
    exposure: Exposure,
    gross_units: Quantity,
    instrument: InstrumentBook,
    settles: Option<Date>,
}

impl Core {
    /// Works out what follows when `before` (absent for a new order) becomes `after`. Changes nothing.
    pub(crate) fn stage(
        &self,
        before: Option<&Order>,
        after: &Order,
        fill: Option<Fill>,
        now: Timestamp,
    ) -> Result<Staged, LedgerError> {
        // An order was accepted for an account, portfolio and instrument that exist, and none is ever removed.
        let account = self.account(after.account).ok_or(LedgerError::Unbalanced)?;
        let portfolio = self.portfolio(account.definition.portfolio).ok_or(LedgerError::Unbalanced)?;
        let mut instrument = *self.instrument(after.instrument).ok_or(LedgerError::Unbalanced)?;
        let definition = instrument.definition;

        let mut after = *after;
        after.updated = now;
        // What a new order reserves, the gate has just worked out.
        if before.is_some() {
            after.reservation = after.worst_case(&definition, &account.definition.fees)?;
        }
        let held = account.holding(after.instrument);
        let (mut holding, realised) = match fill {
            Some(fill) => held.after_fill(after.side, fill.quantity, fill.price, definition.factor())?,
            None => (held, Amount::ZERO),
        };
        let open_before = before.map_or(Quantity::ZERO, |order| order.reservation.open);
        let opened = after.reservation.open.minus(open_before)?;
        match after.side {
            Side::Buy => holding.open_buy = holding.open_buy.plus(opened)?,
            Side::Sell => holding.open_sell = holding.open_sell.plus(opened)?,
        }
        if let Some(fill) = fill {
            holding.fees = holding.fees.plus(fill.fee)?;
            instrument.mark = instrument.mark.or(Some(fill.price));
        }
        let legs = legs(before, &after, fill, &instrument)?;
        let books = account.ledger.prepare(&legs)?;

        let mut exposure = portfolio.exposure(definition.currency);
        let notional_before = before.map_or(Amount::ZERO, |order| order.reservation.notional);
        exposure.open_orders =
            exposure.open_orders.plus(after.reservation.notional)?.minus(notional_before)?;
        let grown = holding.position.abs().minus(held.position.abs())?;
        if let (Some(mark), false) = (instrument.mark, grown.is_zero()) {
            exposure.positions = exposure.positions.plus(mark.notional(grown, definition.factor())?)?;
        }
        // What the gate will ask of the next order must be exact, too.
        exposure.gross()?;
        let gross_units = portfolio.gross_units(after.instrument).plus(grown)?;
        let settles = fill.map(|fill| fill.settles);
        Ok(Staged { order: after, realised, holding, books, exposure, gross_units, instrument, settles })
    }

    /// Takes over a staged change.
    pub(crate) fn commit(&mut self, staged: &Staged) {
        let order = staged.order;
        let Some(account) = self.accounts.get_mut(order.account.slot()) else { return };
        let portfolio = account.definition.portfolio;
        account.put(&order);
        account.holdings.insert(order.instrument, staged.holding);
        account.ledger.commit(&staged.books);
        if let Some(portfolio) = self.portfolios.get_mut(portfolio.slot()) {
            portfolio.exposures.insert(staged.instrument.definition.currency, staged.exposure);
            portfolio.gross_units.insert(order.instrument, staged.gross_units);
        }
        if let Some(book) = self.instruments.get_mut(order.instrument.slot()) {
            book.mark = staged.instrument.mark;
        }
        if let Some(date) = staged.settles {
            self.settlements.entry(date).or_default().insert(order.account);
        }
    }
}

/// Both sides of every movement: reservations of cash (buys) or units (sells), and what a fill exchanges.
fn legs(
    before: Option<&Order>,
    after: &Order,
    fill: Option<Fill>,
    instrument: &InstrumentBook,
) -> Result<ArrayVec<Leg, 10>, ArithmeticError> {
    let cash = Asset::Cash(instrument.definition.currency);
    let units = Asset::Units(instrument.definition.id);
    let mut legs = ArrayVec::new();
    let promised = |order: &Order| match order.side {
        Side::Buy => order.reservation.cash,
        Side::Sell => Amount::new(order.reservation.open.get()),
    };
    let reserved = promised(after).minus(before.map_or(Amount::ZERO, promised))?;
    if !reserved.is_zero() {
        let asset = if after.side == Side::Buy { cash } else { units };
        movement(&mut legs, asset, Bucket::Earmarked, Bucket::Reserved, reserved);
    }
    if let Some(fill) = fill {
        let notional = fill.price.notional(fill.quantity, instrument.definition.factor())?;
        let quantity = Amount::new(fill.quantity.get());
        let (paid, received) = match after.side {
            Side::Buy => (notional, quantity),
            Side::Sell => (notional.negated(), quantity.negated()),
        };
        let unsettled = Bucket::Unsettled(fill.settles);
        movement(&mut legs, cash, unsettled, Bucket::External, paid);
        movement(&mut legs, cash, unsettled, Bucket::Fees, fill.fee);
        movement(&mut legs, units, Bucket::External, unsettled, received);
    }
    Ok(legs)
}

fn movement(legs: &mut ArrayVec<Leg, 10>, asset: Asset, from: Bucket, to: Bucket, amount: Amount) {
    legs.push(Leg { asset, bucket: from, amount: amount.negated() });
    legs.push(Leg { asset, bucket: to, amount });
}

impl Staged {
    /// The instrument the change is about.
    pub(crate) const fn instrument(&self) -> InstrumentId {
        self.order.instrument
    }
}
