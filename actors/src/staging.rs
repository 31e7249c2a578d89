//! The one way an order changes: everything that follows from it is computed first and committed together.
//!
//! An order's change moves its reservation, its account's holding and books, and its portfolio's exposure. Each
//! is computed from the order before and after; nothing is touched until all of it is known to be exact.

use arrayvec::ArrayVec;
use model::{Amount, ArithmeticError, Date, Instrument, Price, Quantity, Side, Timestamp};
use risk_gate::Reservation;

use crate::ledger::Prepared;
use crate::{Asset, Bucket, Core, Exposure, Holding, LedgerError, Leg, Order};

/// The most legs of one change: a reservation, cash and fee, units.
const LEGS: usize = 8;
/// An order was accepted for an account, portfolio and instrument that exist, and none is ever removed.
const GONE: LedgerError = LedgerError::Unbalanced;

/// An execution to book with the change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fill {
    pub quantity: Quantity,
    pub price: Price,
    pub fee: Amount,
    pub settles: Date,
}

/// What follows from an execution, and will not fail any more.
#[derive(Debug)]
struct Staged {
    realised: Amount,
    holding: Holding,
    books: Prepared,
    exposure: Exposure,
    /// The portfolio's new sum of |position|.
    gross_units: Quantity,
    mark: Option<Price>,
}

impl Core {
    /// Holds back what a new order may cost, which the gate has worked out. Changes nothing where it fails; the order
    /// must be taken in where it does not.
    #[inline]
    pub(crate) fn reserve_new(&mut self, order: &Order) -> Result<(), LedgerError> {
        self.reserve(&Reservation::NONE, order)
    }

    /// Takes over a change of an order without an execution, and what it reserves then. Changes nothing where it fails.
    #[inline]
    pub(crate) fn book_change(
        &mut self,
        before: &Order,
        after: &mut Order,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        self.refresh(after, now)?;
        if after.reservation != before.reservation {
            self.reserve(&before.reservation, after)?;
        }
        self.orders.change(after);
        Ok(())
    }

    /// Books an execution and the order's change by it; what it realised. Changes nothing where it fails.
    pub(crate) fn book_fill(
        &mut self,
        before: &Order,
        after: &mut Order,
        fill: &Fill,
        now: Timestamp,
    ) -> Result<Amount, LedgerError> {
        self.refresh(after, now)?;
        let staged = self.stage(before, after, fill)?;
        self.commit(&staged, after, fill.settles);
        self.orders.change(after);
        Ok(staged.realised)
    }

    /// Completes a changed order: when it changed, what it reserves now.
    fn refresh(&self, after: &mut Order, now: Timestamp) -> Result<(), LedgerError> {
        let account = self.account(after.account).ok_or(GONE)?;
        let instrument = self.instrument(after.instrument).ok_or(GONE)?;
        after.updated = now;
        after.reservation = after.worst_case(&instrument.definition, &account.definition.fees)?;
        Ok(())
    }

    /// Moves what an order holds back from `before` to what it says now: open units, cash or units, exposure.
    #[inline]
    fn reserve(&mut self, before: &Reservation, order: &Order) -> Result<(), LedgerError> {
        let definition = &self.instruments.get(order.instrument.slot()).ok_or(GONE)?.definition;
        let account = self.accounts.get_mut(order.account.slot()).ok_or(GONE)?;
        let portfolio = self.portfolios.get_mut(account.definition.portfolio.slot()).ok_or(GONE)?;
        let now = &order.reservation;

        let opened = now.open.minus(before.open)?;
        let held = account.held(order.instrument);
        let (asset, reserved, open) = match order.side {
            Side::Buy => {
                (Asset::Cash(definition.currency), now.cash.minus(before.cash)?, held.open_buy.plus(opened)?)
            }
            Side::Sell => (Asset::Units(definition.id), opened.into(), held.open_sell.plus(opened)?),
        };
        let book = account.ledger.reserved(asset, reserved)?;
        let mut exposure = portfolio.exposure(definition.currency);
        exposure.open_orders = exposure.open_orders.plus(now.notional)?.minus(before.notional)?;
        // What the gate will ask of the next order must be exact, too.
        exposure.gross()?;

        // From here on nothing fails.
        if let Some(holding) = account.holdings.entry(order.instrument) {
            match order.side {
                Side::Buy => holding.open_buy = open,
                Side::Sell => holding.open_sell = open,
            }
        }
        account.ledger.commit_reserved(asset, book);
        portfolio.exposures.insert(definition.currency, exposure);
        Ok(())
    }

    /// Works out what follows from an execution that makes `before` into `after`. Changes nothing.
    fn stage(&self, before: &Order, after: &Order, fill: &Fill) -> Result<Staged, LedgerError> {
        let account = self.account(after.account).ok_or(GONE)?;
        let portfolio = self.portfolio(account.definition.portfolio).ok_or(GONE)?;
        let instrument = self.instrument(after.instrument).ok_or(GONE)?;
        let definition = &instrument.definition;

        let held = account.held(after.instrument);
        let (mut holding, realised) =
            held.after_fill(after.side, fill.quantity, fill.price, definition.factor())?;
        let opened = after.reservation.open.minus(before.reservation.open)?;
        match after.side {
            Side::Buy => holding.open_buy = holding.open_buy.plus(opened)?,
            Side::Sell => holding.open_sell = holding.open_sell.plus(opened)?,
        }
        holding.fees = holding.fees.plus(fill.fee)?;
        let books = account.ledger.prepare(&legs(before, after, fill, definition)?)?;

        let mut exposure = portfolio.exposure(definition.currency);
        exposure.open_orders =
            exposure.open_orders.plus(after.reservation.notional)?.minus(before.reservation.notional)?;
        let grown = holding.position.abs().minus(held.position.abs())?;
        let mark = instrument.mark.unwrap_or(fill.price);
        if !grown.is_zero() {
            exposure.positions = exposure.positions.plus(mark.notional(grown, definition.factor())?)?;
        }
        exposure.gross()?;
        let gross_units = portfolio.gross_units(after.instrument).plus(grown)?;
        Ok(Staged { realised, holding, books, exposure, gross_units, mark: Some(mark) })
    }

    fn commit(&mut self, staged: &Staged, order: &Order, settles: Date) {
        let Some(account) = self.accounts.get_mut(order.account.slot()) else { return };
        account.holdings.insert(order.instrument, staged.holding);
        account.ledger.commit(&staged.books, &mut self.settlements.rooms);
        let portfolio = self.portfolios.get_mut(account.definition.portfolio.slot());
        let instrument = self.instruments.get_mut(order.instrument.slot());
        if let (Some(portfolio), Some(book)) = (portfolio, instrument) {
            portfolio.exposures.insert(book.definition.currency, staged.exposure);
            portfolio.gross_units.insert(order.instrument, staged.gross_units);
            book.mark = staged.mark;
        }
        self.settlements.insert(settles, order.account);
    }
}

/// Both sides of every movement: reservations of cash (buys) or units (sells), and what a fill exchanges.
fn legs(
    before: &Order,
    after: &Order,
    fill: &Fill,
    instrument: &Instrument,
) -> Result<ArrayVec<Leg, LEGS>, ArithmeticError> {
    let cash = Asset::Cash(instrument.currency);
    let units = Asset::Units(instrument.id);
    let mut legs = ArrayVec::new();
    let is_buy = after.side == Side::Buy;
    // The legs of one asset stand side by side, as the ledger asks.
    if is_buy {
        let reserved = after.reservation.cash.minus(before.reservation.cash)?;
        movement(&mut legs, cash, Bucket::Earmarked, Bucket::Reserved, reserved);
    }
    let notional = fill.price.notional(fill.quantity, instrument.factor())?;
    let quantity = Amount::from(fill.quantity);
    let (paid, received) =
        if is_buy { (notional, quantity) } else { (notional.negated(), quantity.negated()) };
    let unsettled = Bucket::Unsettled(fill.settles);
    movement(&mut legs, cash, unsettled, Bucket::External, paid);
    movement(&mut legs, cash, unsettled, Bucket::Fees, fill.fee);
    movement(&mut legs, units, Bucket::External, unsettled, received);
    if !is_buy {
        let reserved = after.reservation.open.minus(before.reservation.open)?;
        movement(&mut legs, units, Bucket::Earmarked, Bucket::Reserved, reserved.into());
    }
    Ok(legs)
}

#[inline]
fn movement(legs: &mut ArrayVec<Leg, LEGS>, asset: Asset, from: Bucket, to: Bucket, amount: Amount) {
    if amount.is_zero() {
        return;
    }
    legs.push(Leg { asset, bucket: from, amount: amount.negated() });
    legs.push(Leg { asset, bucket: to, amount });
}
