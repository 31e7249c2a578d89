//! The one way an order changes: everything that follows from it is computed first and committed together.
//!
//! An order's change moves its reservation, its account's holding and books, and its portfolio's exposure. Each
//! is computed from the order before and after; nothing is touched until all of it is known to be exact.

use arrayvec::ArrayVec;
use model::{Amount, ArithmeticError, Currency, Date, Instrument, Price, Quantity, Side, Timestamp};

use crate::ledger::Prepared;
use crate::{Asset, Bucket, Core, Exposure, Holding, LedgerError, Leg, Order};

/// The most legs of one change: a reservation, cash and fee, units.
const LEGS: usize = 8;

/// An execution to book with the change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fill {
    pub quantity: Quantity,
    pub price: Price,
    pub fee: Amount,
    pub settles: Date,
}

/// What follows from a change, and will not fail any more.
#[derive(Debug)]
pub(crate) struct Staged {
    /// What the fill realised, zero without one.
    pub realised: Amount,
    holding: Holding,
    books: Prepared,
    currency: Currency,
    exposure: Exposure,
    /// The portfolio's new sum of |position|, where that changes.
    gross_units: Option<Quantity>,
    /// The first price of an instrument that had none.
    first_mark: Option<Price>,
    settles: Option<Date>,
}

impl Core {
    /// Works out what follows when `before` (absent for a new order) becomes `after`, and completes `after` with what
    /// it reserves. Changes nothing else.
    #[inline]
    pub(crate) fn stage(
        &self,
        before: Option<&Order>,
        after: &mut Order,
        fill: Option<&Fill>,
        now: Timestamp,
    ) -> Result<Staged, LedgerError> {
        // An order was accepted for an account, portfolio and instrument that exist, and none is ever removed.
        let account = self.account(after.account).ok_or(LedgerError::Unbalanced)?;
        let portfolio = self.portfolio(account.definition.portfolio).ok_or(LedgerError::Unbalanced)?;
        let instrument = self.instrument(after.instrument).ok_or(LedgerError::Unbalanced)?;
        let definition = &instrument.definition;

        after.updated = now;
        // What a new order reserves, the gate has just worked out.
        if before.is_some() {
            after.reservation = after.worst_case(definition, &account.definition.fees)?;
        }
        let held = account.held(after.instrument);
        let (mut holding, realised) = match fill {
            Some(fill) => held.after_fill(after.side, fill.quantity, fill.price, definition.factor())?,
            None => (*held, Amount::ZERO),
        };
        let open_before = before.map_or(Quantity::ZERO, |order| order.reservation.open);
        let opened = after.reservation.open.minus(open_before)?;
        match after.side {
            Side::Buy => holding.open_buy = holding.open_buy.plus(opened)?,
            Side::Sell => holding.open_sell = holding.open_sell.plus(opened)?,
        }
        let mut mark = instrument.mark;
        if let Some(fill) = fill {
            holding.fees = holding.fees.plus(fill.fee)?;
            mark = mark.or(Some(fill.price));
        }
        let legs = legs(before, after, fill, definition)?;
        let books = account.ledger.prepare(&legs)?;

        let mut exposure = portfolio.exposure(definition.currency);
        let notional_before = before.map_or(Amount::ZERO, |order| order.reservation.notional);
        exposure.open_orders =
            exposure.open_orders.plus(after.reservation.notional)?.minus(notional_before)?;
        let mut gross_units = None;
        if fill.is_some() {
            let grown = holding.position.abs().minus(held.position.abs())?;
            if let (Some(mark), false) = (mark, grown.is_zero()) {
                exposure.positions = exposure.positions.plus(mark.notional(grown, definition.factor())?)?;
            }
            gross_units = Some(portfolio.gross_units(after.instrument).plus(grown)?);
        }
        // What the gate will ask of the next order must be exact, too.
        exposure.gross()?;
        Ok(Staged {
            realised,
            holding,
            books,
            currency: definition.currency,
            exposure,
            gross_units,
            first_mark: mark.filter(|_| instrument.mark.is_none()),
            settles: fill.map(|fill| fill.settles),
        })
    }

    /// Takes over a staged change of `order`, which is stored by the caller.
    #[inline]
    fn commit(&mut self, staged: &Staged, order: &Order) {
        let Some(account) = self.accounts.get_mut(order.account.slot()) else { return };
        let portfolio = account.definition.portfolio;
        account.holdings.insert(order.instrument, staged.holding);
        account.ledger.commit(&staged.books);
        if let Some(portfolio) = self.portfolios.get_mut(portfolio.slot()) {
            portfolio.exposures.insert(staged.currency, staged.exposure);
            if let Some(units) = staged.gross_units {
                portfolio.gross_units.insert(order.instrument, units);
            }
        }
        if let (Some(mark), Some(book)) =
            (staged.first_mark, self.instruments.get_mut(order.instrument.slot()))
        {
            book.mark = Some(mark);
        }
        if let Some(date) = staged.settles {
            self.settlements.entry(date).or_default().insert(order.account);
        }
    }

    /// Takes over a new order.
    #[inline]
    pub(crate) fn commit_new(&mut self, staged: &Staged, order: &Order) {
        self.commit(staged, order);
        self.orders.add(order);
    }

    /// Takes over a change of an order that is there.
    #[inline]
    pub(crate) fn commit_change(&mut self, staged: &Staged, order: &Order) {
        self.commit(staged, order);
        self.orders.change(order);
    }
}

/// Both sides of every movement: reservations of cash (buys) or units (sells), and what a fill exchanges.
fn legs(
    before: Option<&Order>,
    after: &Order,
    fill: Option<&Fill>,
    instrument: &Instrument,
) -> Result<ArrayVec<Leg, LEGS>, ArithmeticError> {
    let cash = Asset::Cash(instrument.currency);
    let units = Asset::Units(instrument.id);
    let mut legs = ArrayVec::new();
    let promised = |order: &Order| match order.side {
        Side::Buy => order.reservation.cash,
        Side::Sell => Amount::new(order.reservation.open.get()),
    };
    let reserved = promised(after).minus(before.map_or(Amount::ZERO, promised))?;
    let is_buy = after.side == Side::Buy;
    // The legs of one asset stand side by side, as the ledger asks.
    if is_buy {
        movement(&mut legs, cash, Bucket::Earmarked, Bucket::Reserved, reserved);
    }
    if let Some(fill) = fill {
        let notional = fill.price.notional(fill.quantity, instrument.factor())?;
        let quantity = Amount::new(fill.quantity.get());
        let (paid, received) =
            if is_buy { (notional, quantity) } else { (notional.negated(), quantity.negated()) };
        let unsettled = Bucket::Unsettled(fill.settles);
        movement(&mut legs, cash, unsettled, Bucket::External, paid);
        movement(&mut legs, cash, unsettled, Bucket::Fees, fill.fee);
        movement(&mut legs, units, Bucket::External, unsettled, received);
    }
    if !is_buy {
        movement(&mut legs, units, Bucket::Earmarked, Bucket::Reserved, reserved);
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
