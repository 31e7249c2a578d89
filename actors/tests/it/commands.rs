//! Commands and their refusals: idempotency, definitions, limits, halts and the gate as the core feeds it.

use model::{
    AccountDefinition, AccountId, Actor, ClOrdId, Command, DenyReason, Event, ExecType, Instrument,
    InstrumentId, LimitKind, Name, NewOrder, OrdStatus, OrderType, PortfolioDefinition, PortfolioId, Scope,
    SessionDefinition, SessionId, Side, StrategyId, Symbol, TimeInForce,
};

use crate::world::{
    ACME, ALPHA, BETA, BROKER, EURO, FUND, SESSION, World, account, amount, eur, instrument, price, units,
    usd,
};

#[test]
fn the_same_order_twice_is_one_order() {
    let mut world = World::ready();
    let order = world.order("a", Side::Buy, 100, "10");
    let id = world.submit(order);
    // Who asks again is not judged again: no quote is needed.
    world.quote = None;
    for (exec_type, status) in [
        (None, OrdStatus::PendingNew),
        (Some(ExecType::New), OrdStatus::New),
        (Some(ExecType::Expired), OrdStatus::Expired),
    ] {
        if let Some(exec_type) = exec_type {
            world.report(id, exec_type);
        }
        assert_eq!(world.command(Command::NewOrder(order)), Event::OrderExists { order: id, status });
        assert!(world.last.outbound.is_empty());
    }
    assert_eq!(world.core.orders(ALPHA).count(), 1);
}

#[test]
fn the_same_identifier_for_another_order_is_refused() {
    let mut world = World::ready();
    let order = world.order("a", Side::Buy, 100, "10");
    world.submit(order);
    for other in [
        NewOrder { quantity: units(101), ..order },
        NewOrder { side: Side::Sell, ..order },
        NewOrder { limit_price: Some(price("10.01")), ..order },
        NewOrder { instrument: EURO, ..order },
        NewOrder { strategy: StrategyId::new(1), ..order },
        NewOrder { time_in_force: TimeInForce::FillOrKill, ..order },
        NewOrder { order_type: OrderType::Market, limit_price: None, ..order },
    ] {
        assert_eq!(world.refused(Command::NewOrder(other)), DenyReason::DuplicateClOrdId);
    }
    world.submit(NewOrder { account: BETA, ..order });
}

#[test]
fn a_replaced_order_is_still_the_one_that_was_submitted() {
    let mut world = World::ready();
    let order = world.order("a", Side::Buy, 100, "10");
    let id = world.submit(order);
    world.report(id, ExecType::New);
    let request = world.replace(id, 120, "10");
    world.report(request, ExecType::Replaced);
    let answer = world.command(Command::NewOrder(order));
    assert_eq!(answer, Event::OrderExists { order: id, status: OrdStatus::New });
}

#[test]
fn unknown_names_are_refused() {
    let mut world = World::ready();
    let order = world.order("a", Side::Buy, 100, "10");
    let nobody = AccountId::new(u32::MAX);
    for (other, reason) in [
        (NewOrder { account: nobody, ..order }, DenyReason::UnknownAccount),
        (NewOrder { instrument: InstrumentId::new(u32::MAX), ..order }, DenyReason::UnknownInstrument),
        (NewOrder { cl_ord_id: ClOrdId::EMPTY, ..order }, DenyReason::MissingIdentifier),
    ] {
        assert_eq!(world.refused(Command::NewOrder(other)), reason);
    }
    let id = world.working("a", 100, "10");
    let Command::CancelOrder(cancel) = world.cancel_command(id) else { unreachable!() };
    let elsewhere = model::CancelOrder { account: BETA, ..cancel };
    assert_eq!(world.refused(Command::CancelOrder(elsewhere)), DenyReason::UnknownOrder);
    let nowhere = model::CancelOrder { account: nobody, ..cancel };
    assert_eq!(world.refused(Command::CancelOrder(nowhere)), DenyReason::UnknownAccount);
    let nameless = model::CancelOrder { order: None, ..cancel };
    assert_eq!(world.refused(Command::CancelOrder(nameless)), DenyReason::UnknownOrder);
    let by_name = model::CancelOrder { order: None, cl_ord_id: order.cl_ord_id, ..cancel };
    assert!(matches!(world.command(Command::CancelOrder(by_name)), Event::RequestAccepted { .. }));
}

#[test]
fn a_halt_of_any_scope_stops_orders_and_replaces_but_not_cancels_and_fills() {
    for scope in [
        Scope::Firm,
        Scope::Portfolio(FUND),
        Scope::Account(ALPHA),
        Scope::Strategy(FUND, StrategyId::new(0)),
        Scope::Instrument(ACME),
    ] {
        let mut world = World::ready();
        let id = world.working("a", 100, "10");
        assert_eq!(world.command(Command::Halt(scope)), Event::HaltChanged { scope, halted: true });
        let order = world.order("b", Side::Buy, 1, "10");
        assert_eq!(world.refused(Command::NewOrder(order)), DenyReason::Halted);
        let replace = world.replace_command(id, 50, "10");
        assert_eq!(world.refused(replace), DenyReason::Halted);
        assert!(world.fill(id, 10, "10").is_empty());
        world.cancel(id);
        assert_eq!(world.command(Command::Resume(scope)), Event::HaltChanged { scope, halted: false });
        world.submit(order);
    }
}

#[test]
fn a_halt_reaches_no_further_than_its_scope() {
    let mut world = World::ready();
    for scope in [Scope::Account(BETA), Scope::Strategy(FUND, StrategyId::new(1)), Scope::Instrument(EURO)] {
        world.command(Command::Halt(scope));
    }
    world.buy("a", 1, "10");
    let missing = PortfolioId::new(9);
    for (scope, reason) in [
        (Scope::Portfolio(missing), DenyReason::UnknownPortfolio),
        (Scope::Strategy(missing, StrategyId::new(1)), DenyReason::UnknownPortfolio),
        (Scope::Account(AccountId::new(9)), DenyReason::UnknownAccount),
        (Scope::Instrument(InstrumentId::new(9)), DenyReason::UnknownInstrument),
    ] {
        assert_eq!(world.refused(Command::Halt(scope)), reason);
    }
}

#[test]
fn definitions_that_would_change_the_past_are_refused() {
    let mut world = World::ready();
    let acme = instrument(ACME);
    for bad in [
        Instrument { currency: eur(), ..acme },
        Instrument { multiplier: units(2), ..acme },
        Instrument { symbol: Symbol::new("ACMF").unwrap(), ..acme },
        Instrument { id: InstrumentId::new(3), ..acme },
        Instrument { tick: price("0"), ..acme },
        Instrument { lot: units(-1), ..acme },
        Instrument { settlement_days: 31, ..acme },
        Instrument { symbol: Symbol::EMPTY, ..acme },
        Instrument { id: InstrumentId::new(u32::MAX), symbol: Symbol::new("FAR").unwrap(), ..acme },
    ] {
        assert_eq!(world.refused(Command::DefineInstrument(bad)), DenyReason::BadDefinition, "{bad:?}");
    }
    world.done(Command::DefineInstrument(Instrument { tick: price("0.5"), lot: units(10), ..acme }));
    let alpha = account(ALPHA);
    let mut dear = alpha;
    dear.fees.per_unit = amount("-1");
    for (bad, reason) in [
        (AccountDefinition { name: account(BETA).name, ..alpha }, DenyReason::BadDefinition),
        (AccountDefinition { name: Name::EMPTY, ..alpha }, DenyReason::BadDefinition),
        (AccountDefinition { portfolio: PortfolioId::new(9), ..alpha }, DenyReason::UnknownPortfolio),
        (AccountDefinition { session: SessionId::new(9), ..alpha }, DenyReason::UnknownSession),
        (dear, DenyReason::BadDefinition),
    ] {
        assert_eq!(world.refused(Command::DefineAccount(bad)), reason);
    }
    let name = Name::new("S1").unwrap();
    let session = SessionDefinition { id: SESSION, name, broker: model::BrokerId::new(5) };
    assert_eq!(world.refused(Command::DefineSession(session)), DenyReason::BadDefinition);
    let session = SessionDefinition { id: SessionId::new(8), name, broker: BROKER };
    assert_eq!(world.refused(Command::DefineSession(session)), DenyReason::BadDefinition);
    let fund = PortfolioDefinition { id: PortfolioId::new(2), name: Name::new("FUND").unwrap() };
    assert_eq!(world.refused(Command::DefinePortfolio(fund)), DenyReason::BadDefinition);
}

#[test]
fn an_account_keeps_its_portfolio_and_may_change_its_name() {
    let mut world = World::ready();
    let (second, name) = (PortfolioId::new(2), Name::new("SECOND").unwrap());
    world.done(Command::DefinePortfolio(PortfolioDefinition { id: second, name }));
    let alpha = account(ALPHA);
    let moved = AccountDefinition { portfolio: second, ..alpha };
    assert_eq!(world.refused(Command::DefineAccount(moved)), DenyReason::BadDefinition);
    world.done(Command::DefineAccount(AccountDefinition { name, ..alpha }));
    assert_eq!(world.core.account_named(&name).unwrap().definition.id, ALPHA);
    assert!(world.core.account_named(&alpha.name).is_none());
    world.done(Command::DefineAccount(AccountDefinition { id: AccountId::new(3), ..alpha }));
}

#[test]
fn limits_that_make_no_sense_are_refused() {
    let mut world = World::ready();
    let set = |actor, kind, currency, value: &str| Command::SetLimit {
        actor,
        kind,
        currency,
        value: Some(amount(value)),
    };
    let (alpha, fund) = (Actor::Account(ALPHA), Actor::Portfolio(FUND));
    for (command, reason) in [
        (set(alpha, LimitKind::MaxPosition, None, "-1"), DenyReason::BadLimit),
        (set(alpha, LimitKind::PriceBandBps, None, "10000"), DenyReason::BadLimit),
        (set(alpha, LimitKind::MaxGrossExposure, Some(usd()), "1"), DenyReason::BadLimit),
        (set(fund, LimitKind::MaxGrossExposure, None, "1"), DenyReason::BadLimit),
        (set(fund, LimitKind::MaxGrossExposure, Some(usd()), "-1"), DenyReason::BadLimit),
        (set(fund, LimitKind::MaxPosition, Some(usd()), "1"), DenyReason::BadLimit),
        (
            set(Actor::Account(AccountId::new(9)), LimitKind::MaxPosition, None, "1"),
            DenyReason::UnknownAccount,
        ),
        (
            set(Actor::Portfolio(PortfolioId::new(9)), LimitKind::MaxGrossExposure, Some(usd()), "1"),
            DenyReason::UnknownPortfolio,
        ),
    ] {
        assert_eq!(world.refused(command), reason, "{command:?}");
    }
}

#[test]
fn the_position_limit_counts_open_orders() {
    let mut world = World::ready();
    world.limit(Actor::Account(ALPHA), LimitKind::MaxPosition, "100");
    world.buy("a", 60, "10");
    let beyond = world.order("b", Side::Buy, 41, "10");
    assert_eq!(world.refused(Command::NewOrder(beyond)), DenyReason::PositionLimit);
    world.buy("c", 40, "10");
}

#[test]
fn what_is_not_owned_or_promised_already_cannot_be_sold() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    world.fill(id, 100, "10");
    let order = world.order("s", Side::Sell, 60, "10");
    world.submit(order);
    let second = world.order("t", Side::Sell, 41, "10");
    assert_eq!(world.refused(Command::NewOrder(second)), DenyReason::ShortSale);
    world.limit(Actor::Account(ALPHA), LimitKind::ShortSale, "1");
    let short = world.submit(second);
    world.fill(short, 41, "10.5");
    assert_eq!(world.holding(ALPHA, ACME).realised, amount("20.5"));
}

#[test]
fn gross_exposure_is_one_limit_for_two_accounts() {
    let mut world = World::ready();
    world.limit(Actor::Portfolio(FUND), LimitKind::MaxGrossExposure, "1500");
    let id = world.working("a", 100, "10");
    world.fill(id, 50, "10");
    let order = world.order("b", Side::Buy, 51, "10");
    let beta = NewOrder { account: BETA, ..order };
    assert_eq!(world.refused(Command::NewOrder(beta)), DenyReason::GrossExposure);
    world.submit(NewOrder { quantity: units(50), ..beta });
    assert_eq!(world.core.portfolio(FUND).unwrap().exposure(usd()).gross(), Ok(amount("1500")));
    // What only closes a position passes although the limit is reached.
    let close = world.order("c", Side::Sell, 50, "10");
    world.submit(close);
}
