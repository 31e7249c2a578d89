//! How an order and what it is judged by stand at one record.

use actors::{Account, Asset, Core, Order};
use model::{
    Amount, Certainty, InstrumentId, Limits, NewOrder, OrdStatus, PendingKind, Price, Quantity, SessionId,
    SessionState, Side, StrategyId,
};
use serde::Serialize;

/// What the gate judged by, as it stood before the command. Of a replace, what the order itself holds already is not
/// counted in open units, cash and exposure, as the gate does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// The account's limits.
    pub limits: Limits,
    /// Its position, signed.
    pub position: Quantity,
    /// Units of its open buy orders.
    pub open_buy: Quantity,
    /// Units of its open sell orders.
    pub open_sell: Quantity,
    /// Cash neither spent nor reserved, in the instrument's currency; absent where it cannot be computed.
    pub available_cash: Option<Amount>,
    /// The portfolio's gross exposure in that currency; absent where it cannot be computed.
    pub gross_exposure: Option<Amount>,
    /// Its limit.
    pub max_gross_exposure: Option<Amount>,
    /// Where the session stands; absent where there is none.
    pub session: Option<SessionState>,
    /// What is halted of what the order falls under: firm, portfolio, strategy, account, instrument.
    pub halted: Vec<&'static str>,
}

/// How the order stands behind a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Its FIX status, without what is pending.
    pub status: OrdStatus,
    /// A request that the broker has not answered.
    pub pending: Option<PendingKind>,
    /// True where it is not certain what the broker knows.
    pub in_doubt: bool,
    /// Units ordered, after replaces.
    pub quantity: Quantity,
    /// Of a limit order, after replaces.
    pub limit_price: Option<Price>,
    /// Units executed.
    pub cum_quantity: Quantity,
    /// Cash reserved for it.
    pub reserved_cash: Amount,
    /// The worst price of one unit that the reservation counts with.
    pub worst_price: Price,
}

impl Standing {
    pub(super) fn of(order: &Order) -> Self {
        Self {
            status: order.status,
            pending: order.pending.map(|pending| pending.kind),
            in_doubt: order.certainty == Certainty::InDoubt,
            quantity: order.quantity,
            limit_price: order.limit_price,
            cum_quantity: order.cum_quantity,
            reserved_cash: order.reservation.cash,
            worst_price: order.unit_price,
        }
    }
}

/// What the gate has to judge by: a new order of `account`.
pub(super) fn of_new_order(core: &Core, request: &NewOrder) -> Option<Facts> {
    let account = core.account(request.account)?;
    let session = account.definition.session;
    facts(core, account, request.instrument, request.strategy, session)
}

/// What the gate has to judge by: other terms for `order`, which goes out on its own session.
pub(super) fn of_replace(core: &Core, order: &Order) -> Option<Facts> {
    let account = core.account(order.account)?;
    let all = facts(core, account, order.instrument, order.strategy, order.session)?;
    let own = &order.reservation;
    let without =
        |side, units: Quantity| if side == order.side { units.minus(own.open).ok() } else { Some(units) };
    Some(Facts {
        open_buy: without(Side::Buy, all.open_buy)?,
        open_sell: without(Side::Sell, all.open_sell)?,
        available_cash: all.available_cash.and_then(|cash| cash.plus(own.cash).ok()),
        gross_exposure: all.gross_exposure.and_then(|gross| gross.minus(own.notional).ok()),
        ..all
    })
}

fn facts(
    core: &Core,
    account: &Account,
    instrument: InstrumentId,
    strategy: StrategyId,
    session: SessionId,
) -> Option<Facts> {
    let instrument = core.instrument(instrument)?;
    let portfolio = core.portfolio(account.definition.portfolio)?;
    let currency = instrument.definition.currency;
    let holding = account.holding(instrument.definition.id);
    let halts = [
        ("firm", core.is_firm_halted()),
        ("portfolio", portfolio.halted),
        ("strategy", !portfolio.halted && portfolio.is_halted_for(strategy)),
        ("account", account.halted),
        ("instrument", instrument.halted),
    ];
    Some(Facts {
        limits: account.limits,
        position: holding.position,
        open_buy: holding.open_buy,
        open_sell: holding.open_sell,
        available_cash: account.ledger().available(Asset::Cash(currency)).ok(),
        gross_exposure: portfolio.exposure(currency).gross().ok(),
        max_gross_exposure: portfolio.gross_limit(currency),
        session: core.session(session).map(|session| session.state),
        halted: halts.into_iter().filter(|(_, halted)| *halted).map(|(what, _)| what).collect(),
    })
}
