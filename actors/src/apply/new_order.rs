//! `NewOrder`: looked up, judged by the gate, reserved, sent.

use model::{
    Amount, Denial, DenyReason, Event, NewOrder, Quantity, SessionId, SessionState, Stamped, StrategyId,
    Timestamp, WireId,
};
use risk_gate::{Facts, Reservation, Terms};

use crate::apply::order_message;
use crate::{Account, Asset, Core, InstrumentBook, Order, Outcome, Portfolio, Stamp};

pub(crate) fn apply(core: &mut Core, stamp: Stamp, stamped: &Stamped, request: &NewOrder, out: &mut Outcome) {
    if let Err(denial) = submit(core, stamp, stamped, request, out) {
        out.denied(request.cl_ord_id, denial);
    }
}

/// Changes nothing where it refuses.
fn submit(
    core: &mut Core,
    stamp: Stamp,
    stamped: &Stamped,
    request: &NewOrder,
    out: &mut Outcome,
) -> Result<(), Denial> {
    let account = core.account(request.account).ok_or(Denial::of(DenyReason::UnknownAccount))?;
    if request.cl_ord_id.is_empty() {
        return Err(Denial::of(DenyReason::MissingIdentifier));
    }
    if let Some(existing) = core.order_by_cl_ord_id(request.account, &request.cl_ord_id) {
        if !existing.was_submitted_as(request) {
            return Err(Denial::of(DenyReason::DuplicateClOrdId));
        }
        out.event(Event::OrderExists { order: existing.id, status: existing.shown_status() });
        return Ok(());
    }
    let instrument = core.instrument(request.instrument).ok_or(Denial::of(DenyReason::UnknownInstrument))?;
    let terms = Terms {
        side: request.side,
        order_type: request.order_type,
        time_in_force: request.time_in_force,
        quantity: request.quantity,
        limit_price: request.limit_price,
    };
    let session = account.definition.session;
    let subject =
        Subject { account, instrument, strategy: request.strategy, session, own: Reservation::NONE };
    let facts = facts(core, &subject, terms, stamped, stamp.time, Quantity::ZERO)?;
    let approved = risk_gate::approve(&facts)?;
    let id = WireId::at(stamp.position, core.incarnation());
    let (name, symbol) = (account.definition.name, instrument.definition.symbol);
    let order = Order::accepted(id, request, session, &approved, stamp.time);
    core.reserve_new(&order).map_err(|_| Denial::of(DenyReason::Arithmetic))?;
    out.event(Event::OrderAccepted { order: id, account: request.account, cl_ord_id: request.cl_ord_id });
    out.outbound.push(order_message(&order, name, symbol, stamp));
    // Last: these are writes to memory that is in no cache yet, and what is read back of the outcome must not stand in
    // line behind them.
    core.changes.order(&order);
    core.orders.add(&order);
    Ok(())
}

/// Whose order in what is judged, and what the order itself holds already (for a replace).
pub(crate) struct Subject<'a> {
    pub account: &'a Account,
    pub instrument: &'a InstrumentBook,
    pub strategy: StrategyId,
    pub session: SessionId,
    pub own: Reservation,
}

/// Gathers what the gate judges by.
#[expect(clippy::inline_always, reason = "what a new order does not have yet is left out where it is called")]
#[inline(always)]
pub(crate) fn facts<'a>(
    core: &Core,
    subject: &Subject<'a>,
    terms: Terms,
    stamped: &Stamped,
    now: Timestamp,
    filled: Quantity,
) -> Result<Facts<'a>, Denial> {
    let Subject { account, instrument, strategy, session, own } = *subject;
    let portfolio =
        core.portfolio(account.definition.portfolio).ok_or(Denial::of(DenyReason::UnknownPortfolio))?;
    let definition = &instrument.definition;
    let session = core.session(session).ok_or(Denial::of(DenyReason::UnknownSession))?;
    let holding = account.held(definition.id);
    let (mut open_buy, mut open_sell) = (holding.open_buy, holding.open_sell);
    match terms.side {
        model::Side::Buy => open_buy = open_buy.minus(own.open)?,
        model::Side::Sell => open_sell = open_sell.minus(own.open)?,
    }
    let available = account.ledger().available(Asset::Cash(definition.currency))?;
    let exposure = portfolio.exposure(definition.currency).gross()?;
    Ok(Facts {
        terms,
        instrument: definition,
        limits: &account.limits,
        fees: &account.definition.fees,
        quote: stamped.quote,
        now,
        halted: is_halted(core, portfolio, account, instrument, strategy),
        session_ready: session.state == SessionState::Ready,
        backlog: stamped.backlog,
        filled,
        position: holding.position,
        open_buy,
        open_sell,
        available_cash: available.plus(own.cash)?,
        gross_exposure: exposure.minus(own.notional)?.at_least(Amount::ZERO),
        max_gross_exposure: portfolio.gross_limit(definition.currency),
    })
}

/// True where a halt covers the order.
pub(crate) fn is_order_halted(core: &Core, order: &Order) -> bool {
    let Some(account) = core.account(order.account) else { return true };
    let portfolio = core.portfolio(account.definition.portfolio);
    let (Some(portfolio), Some(instrument)) = (portfolio, core.instrument(order.instrument)) else {
        return true;
    };
    is_halted(core, portfolio, account, instrument, order.strategy)
}

#[inline]
fn is_halted(
    core: &Core,
    portfolio: &Portfolio,
    account: &Account,
    instrument: &InstrumentBook,
    strategy: StrategyId,
) -> bool {
    core.firm_halted || account.halted || instrument.halted || portfolio.is_halted_for(strategy)
}
