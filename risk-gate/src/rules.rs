//! The rules, in order. Each may rely on what the ones before it established, but for those that run only where a limit
//! arms them.

#![expect(clippy::inline_always, reason = "each rule is called from one place, and is a few instructions")]

use model::{
    Amount, Backlog, Denial, DenyReason, Invariant, OrderType, Price, Quantity, SessionState, Side, there,
};

use crate::{Armed, FactsRef, Reservation};

/// One rule.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name in documents, metrics and tests.
    pub name: &'static str,
    /// The reasons it may refuse with.
    pub reasons: &'static [DenyReason],
}

/// The facts, and what the rules worked out on the way.
pub(crate) struct Case<'a> {
    facts: &'a FactsRef<'a>,
    /// Units that would be open: the total less what is filled.
    open: Quantity,
    reservation: Reservation,
}

impl<'a> Case<'a> {
    #[inline]
    pub(crate) const fn new(facts: &'a FactsRef<'a>) -> Self {
        Self { facts, open: Quantity::ZERO, reservation: Reservation::NONE }
    }

    #[inline]
    pub(crate) const fn reservation(&self) -> &Reservation {
        &self.reservation
    }
}

/// A list of rules is told to people and run, one after the other, from the same lines. Called by name, they are
/// compiled into one piece of code: a table of functions would cost a third of the time.
macro_rules! rules {
    (@run $case:ident $rule:ident) => {
        $rule($case)?;
    };
    (@run $case:ident $rule:ident $armed:ident) => {
        if $case.facts.armed.has(Armed::$armed) {
            $rule($case)?;
        }
    };
    ($($rule:ident: $($reason:ident)|+ $(, where $armed:ident)?;)+) => {
        /// Every rule, in the order they run.
        pub const RULES: &[Rule] =
            &[$(Rule { name: stringify!($rule), reasons: &[$(DenyReason::$reason),+] }),+];

        /// Runs every rule that is armed; the first refusal wins.
        #[inline]
        pub(crate) fn check(case: &mut Case<'_>) -> Result<(), Denial> {
            $(rules!(@run case $rule $($armed)?);)+
            Ok(())
        }
    };
}

rules! {
    not_halted: Halted;
    clock_trusted: ClockSuspect;
    session_ready: SessionNotReady;
    session_backlog: SessionBacklogged;
    quantity_well_formed: QuantityNotPositive | QuantityNotInLots | QuantityBelowFilled | Arithmetic;
    price_well_formed: PriceMissing | PriceNotAllowed | PriceNotPositive | PriceNotInTicks;
    order_quantity: OrderQuantity, where ORDER_QUANTITY;
    fresh_quote: NoFreshQuote;
    price_band: PriceBand | Arithmetic;
    order_notional: OrderNotional | Arithmetic;
    position_limit: PositionLimit | Arithmetic, where POSITION_LIMIT;
    short_sale: ShortSale | Arithmetic, where SHORT_SALE;
    available_cash: AvailableCash;
    gross_exposure: GrossExposure | Arithmetic, where GROSS_EXPOSURE;
}

fn units(quantity: Quantity) -> Amount {
    quantity.into()
}

fn price_of(price: Price) -> Amount {
    price.into()
}

/// Nothing in whose scope the order stands is halted.
#[inline(always)]
fn not_halted(case: &mut Case<'_>) -> Result<(), Denial> {
    if case.facts.halted.is_any() { Err(Denial::of(DenyReason::Halted)) } else { Ok(()) }
}

/// The wall clock is where it should be: what a quote's age, a date or a time of day says is worth what the clock is.
#[inline(always)]
fn clock_trusted(case: &mut Case<'_>) -> Result<(), Denial> {
    if case.facts.clock_suspect { Err(Denial::of(DenyReason::ClockSuspect)) } else { Ok(()) }
}

/// The broker's session is logged on and cleared up, so that a sent order cannot wait for a later logon.
#[inline(always)]
fn session_ready(case: &mut Case<'_>) -> Result<(), Denial> {
    match case.facts.session {
        SessionState::Ready => Ok(()),
        _ => Err(Denial::of(DenyReason::SessionNotReady)),
    }
}

/// There is room on the way to the session: an order that waited behind a gateway that stands still would reach the
/// broker in another market.
#[inline(always)]
fn session_backlog(case: &mut Case<'_>) -> Result<(), Denial> {
    match case.facts.backlog {
        None => Ok(()),
        Some(backlog) => Err(backlogged(backlog)),
    }
}

/// The refusal, for whatever goes out on a session.
#[cold]
pub fn backlogged(backlog: Backlog) -> Denial {
    Denial::beyond(DenyReason::SessionBacklogged, backlog.most.into(), backlog.waiting.into())
}

/// Above zero, whole lots, and for a replace above what is filled.
#[inline(always)]
fn quantity_well_formed(case: &mut Case<'_>) -> Result<(), Denial> {
    let (quantity, lot) = (case.facts.terms.quantity, case.facts.instrument.lot);
    if !quantity.is_positive() {
        return Err(Denial::beyond(DenyReason::QuantityNotPositive, Amount::ZERO, units(quantity)));
    }
    if !quantity.is_multiple_of(lot) {
        return Err(Denial::beyond(DenyReason::QuantityNotInLots, units(lot), units(quantity)));
    }
    case.open = quantity.minus(case.facts.filled)?;
    if case.open.is_positive() {
        Ok(())
    } else {
        Err(Denial::beyond(DenyReason::QuantityBelowFilled, units(case.facts.filled), units(quantity)))
    }
}

/// A price exactly where the type takes one, above zero, whole ticks.
#[inline(always)]
fn price_well_formed(case: &mut Case<'_>) -> Result<(), Denial> {
    let price = match (case.facts.terms.order_type, case.facts.terms.limit_price) {
        (OrderType::Market, None) => return Ok(()),
        (OrderType::Market, Some(_)) => return Err(Denial::of(DenyReason::PriceNotAllowed)),
        (OrderType::Limit, None) => return Err(Denial::of(DenyReason::PriceMissing)),
        (OrderType::Limit, Some(price)) => price,
    };
    if !price.is_positive() {
        return Err(Denial::beyond(DenyReason::PriceNotPositive, Amount::ZERO, price_of(price)));
    }
    let tick = case.facts.instrument.tick;
    if price.is_multiple_of(tick) {
        Ok(())
    } else {
        Err(Denial::beyond(DenyReason::PriceNotInTicks, price_of(tick), price_of(price)))
    }
}

/// SEC 15c3-5(c)(1)(ii): no erroneous orders, by size.
#[inline(always)]
fn order_quantity(case: &mut Case<'_>) -> Result<(), Denial> {
    let quantity = case.facts.terms.quantity;
    match case.facts.limits.max_order_quantity {
        Some(limit) if quantity > limit => {
            Err(Denial::beyond(DenyReason::OrderQuantity, units(limit), units(quantity)))
        }
        _ => Ok(()),
    }
}

/// No fresh quote, no order. A market order needs the side it would meet; a limit order either side. A crossed quote is
/// none.
#[inline(always)]
fn fresh_quote(case: &mut Case<'_>) -> Result<(), Denial> {
    let limit_ms = case.facts.limits.max_quote_age_ms;
    let Some(quote) = case.facts.quote else { return Err(Denial::of(DenyReason::NoFreshQuote)) };
    let age_ns = case.facts.now.since(quote.received);
    if age_ns > i64::from(limit_ms) * 1_000_000 {
        let age_ms = u32::try_from(age_ns / 1_000_000).unwrap_or(u32::MAX);
        return Err(Denial::beyond(DenyReason::NoFreshQuote, limit_ms.into(), age_ms.into()));
    }
    let usable = match case.facts.terms.order_type {
        OrderType::Market => quote.opposite(case.facts.terms.side).is_some(),
        OrderType::Limit => quote.bid.is_positive() || quote.ask.is_positive(),
    };
    if usable && !quote.is_crossed() { Ok(()) } else { Err(Denial::of(DenyReason::NoFreshQuote)) }
}

/// A buy may not pay more, a sell not take less, than the quote moved by the band (as CME price banding: only the
/// side that costs is bounded). Fixes the worst price: the limit, or for a market order the band itself.
#[inline(always)]
fn price_band(case: &mut Case<'_>) -> Result<(), Denial> {
    let side = case.facts.terms.side;
    let near = |quote: &model::Quote| quote.opposite(side).or_else(|| quote.opposite(side.opposite()));
    // The rule before found it usable.
    let reference = there(case.facts.quote.and_then(near), Invariant::QuoteIsThere);
    let band_bps = i32::from(case.facts.limits.price_band_bps);
    let bound = reference.shifted(if side == Side::Buy { band_bps } else { -band_bps })?;
    let Some(price) = case.facts.terms.limit_price else {
        // A market sell reserves no cash: what it is worth now is the better measure of its size.
        case.reservation.unit_price = if side == Side::Buy { bound } else { reference };
        return Ok(());
    };
    let inside = if side == Side::Buy { price <= bound } else { price >= bound };
    case.reservation.unit_price = price;
    if inside { Ok(()) } else { Err(Denial::beyond(DenyReason::PriceBand, price_of(bound), price_of(price))) }
}

/// SEC 15c3-5(c)(1)(ii): no erroneous orders, by value. Fixes the reservation.
#[inline(always)]
fn order_notional(case: &mut Case<'_>) -> Result<(), Denial> {
    let facts = case.facts;
    let price = case.reservation.unit_price;
    case.reservation = Reservation::of(facts.terms.side, case.open, price, facts.instrument, facts.fees)?;
    let Some(limit) = facts.limits.max_order_notional else { return Ok(()) };
    let notional = if facts.filled.is_zero() {
        case.reservation.notional
    } else {
        price.notional(facts.terms.quantity, facts.instrument.factor())?
    };
    if notional > limit { Err(Denial::beyond(DenyReason::OrderNotional, limit, notional)) } else { Ok(()) }
}

/// The position, with every open order on this side filled, stays within the limit.
#[inline(always)]
fn position_limit(case: &mut Case<'_>) -> Result<(), Denial> {
    let facts = case.facts;
    let Some(limit) = facts.limits.max_position else { return Ok(()) };
    let worst = match facts.terms.side {
        Side::Buy => facts.position.plus(facts.open_buy)?.plus(case.open)?,
        Side::Sell => facts.position.minus(facts.open_sell)?.minus(case.open)?,
    };
    // An order towards zero may always pass, also where the limit was lowered below the position.
    let beyond = match facts.terms.side {
        Side::Buy => worst > limit,
        Side::Sell => worst < limit.negated(),
    };
    if beyond { Err(Denial::beyond(DenyReason::PositionLimit, units(limit), units(worst))) } else { Ok(()) }
}

/// Only what is owned and not promised to another sell order may be sold, unless short sales are permitted.
#[inline(always)]
fn short_sale(case: &mut Case<'_>) -> Result<(), Denial> {
    let facts = case.facts;
    if facts.terms.side == Side::Buy || facts.limits.short_sale {
        return Ok(());
    }
    let free = facts.position.minus(facts.open_sell)?.at_least(Quantity::ZERO);
    if case.open <= free {
        Ok(())
    } else {
        Err(Denial::beyond(DenyReason::ShortSale, units(free), units(case.open)))
    }
}

/// SEC 15c3-5(c)(1)(i): no order beyond the account's capital. Sells reserve units, not cash.
#[inline(always)]
fn available_cash(case: &mut Case<'_>) -> Result<(), Denial> {
    let (needed, available) = (case.reservation.cash, case.facts.available_cash);
    if needed.is_zero() || needed <= available {
        Ok(())
    } else {
        Err(Denial::beyond(DenyReason::AvailableCash, available, needed))
    }
}

/// The portfolio's gross exposure in this currency, the order counted as filled. An order that only closes a
/// position lowers exposure when it fills and always passes.
#[inline(always)]
fn gross_exposure(case: &mut Case<'_>) -> Result<(), Denial> {
    let facts = case.facts;
    let Some(limit) = facts.max_gross_exposure else { return Ok(()) };
    if closes_only(case)? {
        return Ok(());
    }
    let worst = facts.gross_exposure.plus(case.reservation.notional)?;
    if worst > limit { Err(Denial::beyond(DenyReason::GrossExposure, limit, worst)) } else { Ok(()) }
}

#[inline(always)]
fn closes_only(case: &Case<'_>) -> Result<bool, Denial> {
    let facts = case.facts;
    Ok(match facts.terms.side {
        Side::Buy => {
            facts.position.is_negative()
                && !facts.position.plus(facts.open_buy)?.plus(case.open)?.is_positive()
        }
        Side::Sell => {
            facts.position.is_positive()
                && !facts.position.minus(facts.open_sell)?.minus(case.open)?.is_negative()
        }
    })
}
