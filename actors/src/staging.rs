//! The one way an order changes: everything that follows from it is computed first and committed together.
//!
//! An order's change moves its reservation, its account's holding and books, and its portfolio's exposure. Each
//! is computed from the order before and after; nothing is touched until all of it is known to be exact, and what must
//! hold of it has been asserted.

use model::{
    Amount, ArithmeticError, Currency, Date, Invariant, Price, Quantity, Side, Timestamp, holds, there,
};
use risk_gate::Reservation;

use crate::books::ledger::Exchange;
use crate::fact::Fact;
use crate::{Asset, Core, Exposure, Holding, LedgerError, Order};

/// An execution to book with the change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fill {
    pub quantity: Quantity,
    pub price: Price,
    /// Of both.
    pub notional: Amount,
    pub fee: Amount,
    pub settles: Date,
}

impl Core {
    /// Holds back what a new order may cost, which the gate has worked out. Changes nothing where it fails; the order
    /// must be taken in where it does not.
    #[inline]
    pub(crate) fn reserve_new(&mut self, order: &Order) -> Result<(), LedgerError> {
        self.reserve::<true>(&Reservation::NONE, order)
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
        holds(after.cum_quantity >= before.cum_quantity, Invariant::ExecutedOnlyGrows);
        if after.reservation != before.reservation {
            self.reserve::<false>(&before.reservation, after)?;
        }
        self.changes.order(after);
        self.orders.change(after);
        Ok(())
    }

    /// Books an execution and the order's change by it; what it realised. Changes nothing where it fails.
    pub(crate) fn book_fill(
        &mut self,
        before: &Reservation,
        after: &mut Order,
        fill: &Fill,
        now: Timestamp,
    ) -> Result<Amount, LedgerError> {
        self.refresh(after, now)?;
        let instrument = self.instruments.get_mut(after.instrument.slot());
        let instrument = there(instrument, Invariant::InstrumentIsThere);
        let account = there(self.accounts.get_mut(after.account.slot()), Invariant::AccountIsThere);
        let portfolio = self.portfolios.get_mut(account.definition.portfolio.slot());
        let portfolio = there(portfolio, Invariant::PortfolioIsThere);
        let (currency, factor) = (instrument.definition.currency, instrument.definition.factor());

        let held = account.held(after.instrument);
        let (holding, realised) = holding_after(held, before, after, fill, factor)?;
        let grown = holding.position.abs().minus(held.position.abs())?;
        let [cash, units] = exchanges(before, after, fill, currency)?;
        let (cash, units) = (account.ledger.exchanged(&cash)?, account.ledger.exchanged(&units)?);
        let mark = instrument.mark.unwrap_or(fill.price);
        let mut exposure = portfolio.exposure(currency);
        exposure.open_orders =
            exposure.open_orders.plus(after.reservation.notional)?.minus(before.notional)?;
        if !grown.is_zero() {
            exposure.positions = exposure.positions.plus(mark.notional(grown, factor)?)?;
        }
        exposure.gross()?;
        let gross_units = portfolio.gross_units(after.instrument).plus(grown)?;
        holds(is_sound(after, &holding, &exposure), Invariant::ReservedIsNotNegative);
        holds(!gross_units.is_negative(), Invariant::ReservedIsNotNegative);
        holds(after.cum_quantity >= fill.quantity, Invariant::ExecutedOnlyGrows);

        // From here on nothing fails.
        self.changes.order(after);
        self.changes.holding(after.account, after.instrument, &holding);
        account.holdings.insert(after.instrument, holding);
        for change in [&cash, &units].into_iter().flatten() {
            change.tell(after.account, &mut self.changes);
            account.ledger.commit_change(change, &mut self.rooms);
        }
        self.changes.exposure(account.definition.portfolio, currency, &exposure);
        portfolio.exposures.insert(currency, exposure);
        portfolio.gross_units.insert(after.instrument, gross_units);
        instrument.mark = Some(mark);
        self.tell(Fact::Unsettled { account: after.account, date: fill.settles });
        self.orders.change(after);
        Ok(realised)
    }

    /// Completes a changed order: when it changed, what it reserves now.
    fn refresh(&self, after: &mut Order, now: Timestamp) -> Result<(), LedgerError> {
        let account = there(self.account(after.account), Invariant::AccountIsThere);
        let instrument = there(self.instrument(after.instrument), Invariant::InstrumentIsThere);
        after.updated = now;
        after.reservation = after.worst_case(&instrument.definition, &account.definition.fees)?;
        Ok(())
    }

    /// Moves what an order holds back from `before` to what it says now: open units, cash or units, exposure. A new order
    /// held back nothing before, and then that is not subtracted.
    #[inline]
    fn reserve<const IS_NEW: bool>(
        &mut self,
        before: &Reservation,
        order: &Order,
    ) -> Result<(), LedgerError> {
        let instrument = self.instruments.get(order.instrument.slot());
        let definition = &there(instrument, Invariant::InstrumentIsThere).definition;
        let account = there(self.accounts.get_mut(order.account.slot()), Invariant::AccountIsThere);
        let portfolio = self.portfolios.get_mut(account.definition.portfolio.slot());
        let portfolio = there(portfolio, Invariant::PortfolioIsThere);
        let now = &order.reservation;

        let opened = if IS_NEW { now.open } else { now.open.minus(before.open)? };
        let held = account.held(order.instrument);
        let (asset, reserved, open) = match order.side {
            Side::Buy => {
                let cash = if IS_NEW { now.cash } else { now.cash.minus(before.cash)? };
                (Asset::Cash(definition.currency), cash, held.open_buy.plus(opened)?)
            }
            Side::Sell => (Asset::Units(definition.id), opened.into(), held.open_sell.plus(opened)?),
        };
        let book = account.ledger.reserved(asset, reserved)?;
        let mut exposure = portfolio.exposure(definition.currency);
        exposure.open_orders = exposure.open_orders.plus(now.notional)?;
        if !IS_NEW {
            exposure.open_orders = exposure.open_orders.minus(before.notional)?;
        }
        // What the gate will ask of the next order must be exact, too.
        exposure.gross()?;
        let is_sound = !open.is_negative() && !now.is_negative() && !exposure.open_orders.is_negative();
        holds(is_sound, Invariant::ReservedIsNotNegative);

        // From here on nothing fails.
        let holding = account.holdings.entry(order.instrument);
        match order.side {
            Side::Buy => holding.open_buy = open,
            Side::Sell => holding.open_sell = open,
        }
        self.changes.reserved(order.account, asset, book.reserved);
        self.changes.exposure(account.definition.portfolio, definition.currency, &exposure);
        account.ledger.commit_reserved(asset, book);
        portfolio.exposures.insert(definition.currency, exposure);
        Ok(())
    }
}

/// True where nothing that an execution leaves reserved is below zero.
#[inline]
fn is_sound(after: &Order, holding: &Holding, exposure: &Exposure) -> bool {
    let open = !holding.open_buy.is_negative() && !holding.open_sell.is_negative();
    open && !after.reservation.is_negative() && !exposure.open_orders.is_negative()
}

/// What an account holds after an execution that makes an order into `after`, and what the execution realised.
#[inline]
fn holding_after(
    held: &Holding,
    before: &Reservation,
    after: &Order,
    fill: &Fill,
    factor: Quantity,
) -> Result<(Holding, Amount), ArithmeticError> {
    let (mut holding, realised) =
        held.after_execution(after.side, fill.quantity, fill.price, fill.notional, factor)?;
    let opened = after.reservation.open.minus(before.open)?;
    match after.side {
        Side::Buy => holding.open_buy = holding.open_buy.plus(opened)?,
        Side::Sell => holding.open_sell = holding.open_sell.plus(opened)?,
    }
    holding.fees = holding.fees.plus(fill.fee)?;
    Ok((holding, realised))
}

/// What an execution does to cash and to units: what it exchanges, and what is reserved less (cash of a buy, units of a
/// sell).
#[inline]
fn exchanges(
    before: &Reservation,
    after: &Order,
    fill: &Fill,
    currency: Currency,
) -> Result<[Exchange; 2], ArithmeticError> {
    let quantity = Amount::from(fill.quantity);
    let none = Amount::ZERO;
    let (paid, received, of_cash, of_units) = match after.side {
        Side::Buy => (fill.notional.negated(), quantity, after.reservation.cash.minus(before.cash)?, none),
        Side::Sell => {
            let reserved = after.reservation.open.minus(before.open)?;
            (fill.notional, quantity.negated(), none, reserved.into())
        }
    };
    let (cash, units) = (Asset::Cash(currency), Asset::Units(after.instrument));
    let date = fill.settles;
    Ok([
        Exchange { asset: cash, reserved: of_cash, date, comes: paid, fee: fill.fee },
        Exchange { asset: units, reserved: of_units, date, comes: received, fee: none },
    ])
}
