//! What the gate judges by, gathered in one place: for the decision, and for whoever explains it afterwards.

use model::{
    Amount, Command, Denial, DenyReason, Invariant, NewOrder, Quantity, ReplaceOrder, SessionId, Stamped,
    StrategyId, Timestamp, there,
};
use risk_gate::{Armed, Facts, FactsRef, Halted, Reservation, Terms};

use crate::{Account, Asset, Core, InstrumentBook, Order, Portfolio};

impl Core {
    /// What the gate would judge this command by; `None` where it would not come to that: it judges only new orders and
    /// replaces, and only where everything they name is there and can be computed.
    pub fn facts(&self, now: Timestamp, stamped: &Stamped, command: &Command) -> Option<Facts> {
        match command {
            Command::NewOrder(request) => {
                let (account, instrument) =
                    (self.account(request.account)?, self.instrument(request.instrument)?);
                Some(of_new_order(self, account, instrument, stamped, now, request, Armed::ALL).ok()?.kept())
            }
            Command::ReplaceOrder(replace) => {
                let order = self.order_named(replace.account, replace.order, &replace.cl_ord_id)?;
                Some(of_replace(self, &order, stamped, now, replace, Armed::ALL).ok()?.kept())
            }
            _ => None,
        }
    }
}

/// Of a new order.
#[expect(clippy::inline_always, reason = "what a new order does not have yet is left out where it is called")]
#[inline(always)]
pub(crate) fn of_new_order<'a>(
    core: &'a Core,
    account: &'a Account,
    instrument: &'a InstrumentBook,
    stamped: &'a Stamped,
    now: Timestamp,
    request: &NewOrder,
    shown: Armed,
) -> Result<FactsRef<'a>, Denial> {
    let terms = Terms {
        side: request.side,
        order_type: request.order_type,
        time_in_force: request.time_in_force,
        quantity: request.quantity,
        limit_price: request.limit_price,
    };
    let session = account.definition.session;
    let subject =
        Subject { account, instrument, strategy: request.strategy, session, own: Reservation::NONE, shown };
    facts(core, &subject, terms, stamped, now, Quantity::ZERO)
}

/// Of other terms for an order, which goes out on its own session.
pub(crate) fn of_replace<'a>(
    core: &'a Core,
    order: &Order,
    stamped: &'a Stamped,
    now: Timestamp,
    replace: &ReplaceOrder,
    shown: Armed,
) -> Result<FactsRef<'a>, Denial> {
    let account = there(core.account(order.account), Invariant::AccountIsThere);
    let instrument = there(core.instrument(order.instrument), Invariant::InstrumentIsThere);
    let terms = order.replaced_terms(replace.quantity, replace.limit_price);
    let subject = Subject {
        account,
        instrument,
        strategy: order.strategy,
        session: order.session,
        own: order.reservation,
        shown,
    };
    facts(core, &subject, terms, stamped, now, order.cum_quantity)
}

/// Whose order in what is judged, and what the order itself holds already (for a replace).
struct Subject<'a> {
    account: &'a Account,
    instrument: &'a InstrumentBook,
    strategy: StrategyId,
    session: SessionId,
    own: Reservation,
    /// What is gathered also where no rule looks at it: to be shown.
    shown: Armed,
}

/// Gathers what the gate judges by.
#[expect(clippy::inline_always, reason = "what a new order does not have yet is left out where it is called")]
#[inline(always)]
fn facts<'a>(
    core: &'a Core,
    subject: &Subject<'a>,
    terms: Terms,
    stamped: &'a Stamped,
    now: Timestamp,
    filled: Quantity,
) -> Result<FactsRef<'a>, Denial> {
    let Subject { account, instrument, strategy, session, own, shown } = *subject;
    let portfolio = there(core.portfolio(account.definition.portfolio), Invariant::PortfolioIsThere);
    if account.set_aside | portfolio.set_aside | instrument.set_aside {
        return Err(Denial::of(DenyReason::AccountSetAside));
    }
    let definition = &instrument.definition;
    let session = there(core.session(session), Invariant::SessionIsThere);
    let holding = account.held(definition.id);
    let (mut open_buy, mut open_sell) = (holding.open_buy, holding.open_sell);
    match terms.side {
        model::Side::Buy => open_buy = open_buy.minus(own.open)?,
        model::Side::Sell => open_sell = open_sell.minus(own.open)?,
    }
    let armed = account.armed.and(portfolio.armed);
    let available = account.ledger().available(Asset::Cash(definition.currency))?;
    let (mut gross_exposure, mut max_gross_exposure) = (Amount::ZERO, None);
    if armed.and(shown).has(Armed::GROSS_EXPOSURE) {
        let exposure = portfolio.exposure(definition.currency).gross()?;
        gross_exposure = exposure.minus(own.notional)?.at_least(Amount::ZERO);
        max_gross_exposure = portfolio.gross_limit(definition.currency);
    }
    Ok(FactsRef {
        armed,
        terms,
        instrument: definition,
        limits: &account.limits,
        fees: &account.definition.fees,
        quote: stamped.quote.as_ref(),
        now,
        halted: halted(core, portfolio, account, instrument, strategy),
        clock_suspect: core.clock.is_suspect(),
        session: session.state,
        backlog: stamped.backlog,
        filled,
        position: holding.position,
        open_buy,
        open_sell,
        available_cash: available.plus(own.cash)?,
        gross_exposure,
        max_gross_exposure,
    })
}

/// True where a halt covers the order, or no order passes at all.
pub(crate) fn is_order_halted(core: &Core, order: &Order) -> bool {
    let account = there(core.account(order.account), Invariant::AccountIsThere);
    let portfolio = there(core.portfolio(account.definition.portfolio), Invariant::PortfolioIsThere);
    let instrument = there(core.instrument(order.instrument), Invariant::InstrumentIsThere);
    let set_aside = account.set_aside || portfolio.set_aside || instrument.set_aside;
    set_aside
        || core.clock.is_suspect()
        || halted(core, portfolio, account, instrument, order.strategy).is_any()
}

#[inline]
fn halted(
    core: &Core,
    portfolio: &Portfolio,
    account: &Account,
    instrument: &InstrumentBook,
    strategy: StrategyId,
) -> Halted {
    Halted {
        firm: core.firm_halted,
        portfolio: portfolio.halted,
        strategy: portfolio.halted_strategies.contains(&strategy),
        account: account.halted,
        instrument: instrument.halted,
    }
}
