//! Cash in and out, settled and unsettled.

use actors::{Asset, Book};
use model::{
    AccountId, CashMove, CashMoveKind, Command, Date, DenyReason, Event, ExecutionReport, Input, Money,
    NewOrder, Reference, Side,
};

use crate::world::{ALPHA, EURO, SECOND_NS, START_NS, World, amount, eur, price, usd};

fn book(world: &World, asset: Asset) -> &Book {
    world.core.account(ALPHA).unwrap().ledger().book(asset).unwrap()
}

fn cash_move(kind: CashMoveKind, value: &str, reference: &str) -> CashMove {
    let money = Money { amount: amount(value), currency: usd() };
    CashMove { account: ALPHA, kind, money, reference: Reference::new(reference).unwrap() }
}

#[test]
fn the_same_reference_moves_cash_once() {
    let mut world = World::ready();
    let moved = cash_move(CashMoveKind::Deposit, "5.5", "wire-1");
    assert!(matches!(world.command(Command::MoveCash(moved)), Event::CashMoved { .. }));
    assert_eq!(world.command(Command::MoveCash(moved)), Event::CashMoveExists);
    assert_eq!(book(&world, Asset::Cash(usd())).settled(), amount("100005.5"));
    for other in [
        cash_move(CashMoveKind::Withdrawal, "5.5", "wire-1"),
        cash_move(CashMoveKind::Deposit, "5.6", "wire-1"),
        CashMove { money: Money { amount: amount("5.5"), currency: eur() }, ..moved },
    ] {
        assert_eq!(world.refused(Command::MoveCash(other)), DenyReason::DuplicateReference);
    }
}

#[test]
fn cash_that_makes_no_sense_is_refused() {
    let mut world = World::ready();
    let good = cash_move(CashMoveKind::Deposit, "1", "x");
    let of = |value: &str| CashMove { money: Money { amount: amount(value), currency: usd() }, ..good };
    for (bad, reason) in [
        (of("0"), DenyReason::AmountNotPositive),
        (of("-1"), DenyReason::AmountNotPositive),
        (of("79228162514264337593543950335"), DenyReason::Arithmetic),
        (of("0.0000000000000000000000000001"), DenyReason::Arithmetic),
        (CashMove { reference: Reference::EMPTY, ..good }, DenyReason::MissingIdentifier),
        (CashMove { account: AccountId::new(9), ..good }, DenyReason::UnknownAccount),
    ] {
        assert_eq!(world.refused(Command::MoveCash(bad)), reason, "{bad:?}");
    }
}

#[test]
fn only_settled_and_unreserved_cash_leaves() {
    let mut world = World::ready();
    world.buy("a", 1000, "10");
    let beyond = cash_move(CashMoveKind::Withdrawal, "90000.01", "w");
    assert_eq!(world.refused(Command::MoveCash(beyond)), DenyReason::AvailableCash);
    let all = cash_move(CashMoveKind::Withdrawal, "90000", "w");
    assert!(matches!(world.command(Command::MoveCash(all)), Event::CashMoved { .. }));
    assert_eq!(world.available(ALPHA, usd()), amount("0"));
    let currency = model::Currency::new("CHF").unwrap();
    let none = CashMove {
        money: Money { amount: amount("1"), currency },
        ..cash_move(CashMoveKind::Withdrawal, "1", "f")
    };
    assert_eq!(world.refused(Command::MoveCash(none)), DenyReason::AvailableCash);
}

#[test]
fn proceeds_may_buy_before_they_settle_but_not_leave() {
    let mut world = World::ready();
    let id = world.working("a", 1000, "10");
    world.fill(id, 1000, "10");
    let sell = world.order("s", Side::Sell, 1000, "10");
    let sold = world.submit(sell);
    world.fill(sold, 1000, "11");
    let cash = book(&world, Asset::Cash(usd()));
    assert_eq!((cash.settled(), cash.unsettled_net()), (amount("100000"), Ok(amount("1000"))));
    assert_eq!(world.available(ALPHA, usd()), amount("101000"));
    let beyond = cash_move(CashMoveKind::Withdrawal, "100000.01", "w");
    assert_eq!(world.refused(Command::MoveCash(beyond)), DenyReason::AvailableCash);
}

#[test]
fn a_trade_settles_on_its_day_with_cash_and_units() {
    let mut world = World::ready();
    let friday = Date::from_civil(2026, 11, 20).unwrap();
    assert_eq!(model::Timestamp::from_nanos(START_NS).date(), friday);
    let id = world.working("a", 100, "10");
    world.fill(id, 100, "10");
    let monday = Date::from_civil(2026, 11, 23).unwrap();
    assert_eq!(book(&world, Asset::Cash(usd())).unsettled(), [(monday, amount("-1000"))]);
    world.input(Input::Tick);
    assert!(world.last.events.is_empty(), "not yet");
    // On Sunday the order is retired.
    let sunday = Date { days: monday.days - 1 };
    assert_eq!(world.core.next_deadline(), Some(sunday.start()));
    world.now = sunday.start().nanos;
    world.input(Input::Tick);
    assert!(world.last.events.is_empty(), "not yet");
    let due = world.core.next_deadline().unwrap();
    assert_eq!(due, monday.start());
    world.now = due.nanos;
    world.input(Input::Tick);
    let money = Money { amount: amount("-1000"), currency: usd() };
    assert_eq!(world.last.events, [Event::CashSettled { account: ALPHA, money, date: monday }]);
    assert_eq!(book(&world, Asset::Cash(usd())).settled(), amount("99000"));
    let units = book(&world, Asset::Units(crate::world::ACME));
    assert_eq!((units.settled(), units.unsettled().len()), (amount("100"), 0));
    assert!(world.core.next_deadline().is_none_or(|due| due.nanos > world.now));
    world.input(Input::Tick);
    assert!(world.last.events.is_empty());
}

#[test]
fn the_broker_s_settlement_date_goes_before_the_cycle() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let tuesday = Date::from_civil(2026, 11, 24).unwrap();
    let report = world.execution(id, 40, "10");
    world.hear(ExecutionReport { settlement_date: Some(tuesday), ..report });
    world.fill(id, 60, "10");
    let dates: Vec<_> = book(&world, Asset::Cash(usd())).unsettled().iter().map(|entry| entry.0).collect();
    assert_eq!(dates, [Date::from_civil(2026, 11, 23).unwrap(), tuesday]);
    world.now += 10 * 86_400 * SECOND_NS;
    world.input(Input::Tick);
    assert_eq!(world.last.events.len(), 2);
    assert_eq!(book(&world, Asset::Cash(usd())).settled(), amount("99000"));
}

#[test]
fn currencies_do_not_mix_and_the_multiplier_counts() {
    let mut world = World::ready();
    let order = world.order("e", Side::Buy, 0, "10");
    let id = world.submit(NewOrder { instrument: EURO, quantity: "2.5".parse().unwrap(), ..order });
    assert_eq!(world.available(ALPHA, eur()), amount("99750"));
    assert_eq!(world.available(ALPHA, usd()), amount("100000"));
    let report = world.execution(id, 0, "9.995");
    let report = ExecutionReport {
        last_quantity: "2.5".parse().unwrap(),
        cum_quantity: "2.5".parse().unwrap(),
        ..report
    };
    world.hear(report);
    assert_eq!(world.available(ALPHA, eur()), amount("99750.125"));
    let holding = world.holding(ALPHA, EURO);
    assert_eq!(holding.average_price(10.into()), Some(price("9.995")));
    assert_eq!(holding.unrealised(price("10"), 10.into()), Ok(amount("0.125")));
    let wednesday = Date::from_civil(2026, 11, 24).unwrap();
    assert_eq!(book(&world, Asset::Cash(eur())).unsettled()[0].0, wednesday);
}
