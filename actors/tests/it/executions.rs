//! Executions in any order, any number of times, right or wrong: booked exactly once or kept, never lost.

use model::{
    AlertKind, Date, Event, ExecId, ExecType, ExecutionReport, OrdStatus, Price, Quantity, Side, Symbol,
    WireId,
};

use crate::world::{ACME, ALPHA, OTHER_SESSION, START_NS, World, amount, price, units};

#[test]
fn a_repeated_execution_is_booked_once() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let report = world.execution(id, 40, "10");
    world.hear(report);
    let (before, books) = (world.at(id), world.core.clone());
    for again in [report, ExecutionReport { poss_dup: true, msg_seq_num: 1, ..report }] {
        assert!(world.hear(again).is_empty());
        assert_eq!(world.last.events, [Event::ExecutionRepeated { order: id, exec_id: report.exec_id }]);
        assert_eq!(world.at(id), before);
        assert_eq!(world.core.account(ALPHA), books.account(ALPHA));
    }
}

#[test]
fn a_repetition_after_midnight_is_recognised() {
    for dated in [true, false] {
        let mut world = World::ready();
        let id = world.working("a", 100, "10");
        let report = world.execution(id, 40, "10");
        let today = model::Timestamp::from_nanos(START_NS).date();
        let report = ExecutionReport { trade_date: dated.then_some(today), ..report };
        world.hear(report);
        world.wait_seconds(24 * 3600);
        world.hear(report);
        assert_eq!(world.position(), units(40));
    }
}

#[test]
fn an_execution_before_the_acknowledgement() {
    let mut world = World::ready();
    let id = world.buy("a", 100, "10");
    assert!(world.fill(id, 40, "10").is_empty());
    assert_eq!(world.status(id), OrdStatus::PartiallyFilled);
    let late = ExecutionReport { cum_quantity: units(0), ..world.said(id, ExecType::New) };
    assert!(world.hear(late).is_empty());
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::PartiallyFilled, amount("600")));
}

#[test]
fn executions_out_of_order_end_right_and_are_told() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let first = world.execution(id, 40, "10");
    let second = world.execution(id, 60, "10");
    let second = ExecutionReport { cum_quantity: units(100), ..second };
    assert_eq!(world.hear(second), [AlertKind::ExecutionMissing]);
    assert!(world.hear(first).is_empty(), "it was waited for");
    assert_eq!(world.at(id).unexplained, None);
    assert_eq!((world.status(id), world.position()), (OrdStatus::Filled, units(100)));
}

#[test]
fn more_than_ordered_is_booked_with_one_alert() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    assert_eq!(world.fill(id, 130, "10"), [AlertKind::Overfill]);
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::Filled, amount("0")));
    assert_eq!(world.position(), units(130));
    assert_eq!(world.fill(id, 1, "10"), [AlertKind::FillAfterTerminal]);
    assert_eq!(world.position(), units(131));
}

#[test]
fn the_same_name_for_another_execution_is_kept_in_suspense_once() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let other = world.working("b", 100, "10");
    let report = world.execution(id, 40, "10");
    world.hear(report);
    let (conflict, missing) = (AlertKind::ExecutionConflict, AlertKind::ExecutionMissing);
    for (index, (conflict, alerts)) in [
        (ExecutionReport { last_quantity: units(41), ..report }, &[conflict][..]),
        (ExecutionReport { last_price: price("9.99"), ..report }, &[conflict]),
        // The other order counts 40 units now of which none is booked.
        (ExecutionReport { cl_ord_id: Some(other), ..report }, &[conflict, missing]),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(world.hear(conflict), alerts);
        assert!(world.hear(conflict).is_empty(), "told once");
        assert_eq!(world.core.suspense().len(), index + 1);
        assert_eq!(world.position(), units(40));
    }
    assert!(world.hear(report).is_empty(), "what is booked is still known by its name");
    assert!(matches!(world.last.events[..], [Event::ExecutionRepeated { .. }]));
}

#[test]
fn an_unknown_order_s_execution_goes_to_suspense_once() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    for cl_ord_id in [None, Some(WireId { seq: 999, incarnation: 1, shard: 0 })] {
        let report = ExecutionReport { cl_ord_id, ..world.execution(id, 40, "10") };
        let before = world.core.suspense().len();
        assert_eq!(world.hear(report), [AlertKind::UnknownOrder]);
        assert!(world.hear(report).is_empty());
        assert_eq!(world.core.suspense().len(), before + 1);
        assert_eq!(world.core.suspense()[before].report, report);
    }
    let report = ExecutionReport { cl_ord_id: None, ..world.said(id, ExecType::Canceled) };
    assert_eq!(world.hear(report), [AlertKind::UnknownOrder]);
    assert_eq!((world.core.suspense().len(), world.status(id)), (2, OrdStatus::New));
}

#[test]
fn the_wrong_symbol_side_or_broker_is_not_booked() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let nobody = model::SessionId::new(77);
    let wrong: [fn(&mut ExecutionReport); 4] = [
        |report| report.symbol = Symbol::new("EURO").unwrap(),
        |report| report.side = Side::Sell,
        |report| report.session = OTHER_SESSION,
        |report| report.session = model::SessionId::new(77),
    ];
    assert!(world.core.session(nobody).is_none());
    for (index, spoil) in wrong.into_iter().enumerate() {
        let mut report = world.execution(id, 40, "10");
        spoil(&mut report);
        assert_eq!(world.hear(report), [AlertKind::ReportMismatch]);
        assert_eq!(world.core.suspense().len(), index + 1);
        let mut cancel = world.said(id, ExecType::Canceled);
        spoil(&mut cancel);
        assert_eq!(world.hear(cancel), [AlertKind::ReportMismatch]);
        assert_eq!((world.status(id), world.position()), (OrdStatus::New, units(0)));
    }
}

#[test]
fn without_an_exec_id_nothing_is_booked_and_everything_kept() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let report = ExecutionReport { exec_id: ExecId::EMPTY, ..world.execution(id, 40, "10") };
    for (kept, alerts) in
        [(1, &[AlertKind::MissingExecId, AlertKind::ExecutionMissing][..]), (2, &[AlertKind::MissingExecId])]
    {
        assert_eq!(world.hear(report), alerts);
        assert_eq!((world.core.suspense().len(), world.position()), (kept, units(0)));
    }
}

#[test]
fn numbers_that_cannot_be_booked_go_to_suspense() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let good = world.execution(id, 40, "10");
    let mut huge = good;
    huge.last_price = "79228162514264337593543950335".parse().unwrap();
    for (index, (last_quantity, last_price)) in [
        (Quantity::ZERO, good.last_price),
        (units(-5), good.last_price),
        (units(5), price("-1")),
        (units(5), huge.last_price),
        ("0.00000000000001".parse().unwrap(), "0.000000000000001".parse::<Price>().unwrap()),
    ]
    .into_iter()
    .enumerate()
    {
        let exec_id = ExecId::new(&format!("bad{index}")).unwrap();
        let report = ExecutionReport { exec_id, last_quantity, last_price, ..good };
        let first = (index == 0).then_some(AlertKind::ExecutionMissing);
        let alerts: Vec<_> = [AlertKind::BookingFailed].into_iter().chain(first).collect();
        assert_eq!(world.hear(report), alerts, "{last_quantity} at {last_price}");
        assert!(world.hear(report).is_empty());
        assert_eq!((world.core.suspense().len(), world.position()), (index + 1, units(0)));
    }
}

#[test]
fn an_execution_older_than_memory_is_kept_once_and_not_booked() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let today = model::Timestamp::from_nanos(START_NS).date();
    let report = world.execution(id, 40, "10");
    for (days, alerts) in [
        (today.days - 15, &[AlertKind::ExecutionTooOld, AlertKind::ExecutionMissing][..]),
        (i32::MIN, &[AlertKind::ExecutionTooOld]),
    ] {
        let report = ExecutionReport { trade_date: Some(Date { days }), ..report };
        assert_eq!(world.hear(report), alerts);
        assert!(world.hear(report).is_empty());
        assert_eq!(world.position(), units(0));
    }
    assert_eq!(world.core.suspense().len(), 2);
}

#[test]
fn a_trade_date_beyond_the_calendar_is_booked_all_the_same() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let report =
        ExecutionReport { trade_date: Some(Date { days: i32::MAX }), ..world.execution(id, 40, "10") };
    assert!(world.hear(report).is_empty());
    assert_eq!(world.position(), units(40));
}

#[test]
fn an_execution_names_the_order_by_the_id_of_a_request() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let request = world.cancel(id);
    let report = world.execution(id, 40, "10");
    world.hear(ExecutionReport { cl_ord_id: Some(request), orig_cl_ord_id: Some(id), ..report });
    let report = world.execution(id, 10, "10");
    world.hear(ExecutionReport { cl_ord_id: None, orig_cl_ord_id: Some(id), ..report });
    assert_eq!(world.at(id).cum_quantity, units(50));
    assert_eq!(world.holding(ALPHA, ACME).position, units(50));
}

#[test]
fn a_stated_commission_goes_before_the_schedule() {
    let mut world = World::ready();
    let mut order = world.order("a", Side::Buy, 100, "10");
    order.account = crate::world::BETA;
    let id = world.submit(order);
    let usd = crate::world::usd();
    // 1,000 and 10 bps of it and 0.005 for each unit.
    assert_eq!(world.available(crate::world::BETA, usd), amount("98998.5"));
    world.fill(id, 50, "10");
    assert_eq!(world.holding(crate::world::BETA, ACME).fees, amount("0.75"));
    let report = world.execution(id, 50, "10");
    world.hear(ExecutionReport { commission: Some(amount("-0.25")), ..report });
    assert_eq!(world.holding(crate::world::BETA, ACME).fees, amount("0.5"));
    assert_eq!(world.available(crate::world::BETA, usd), amount("98999.5"));
}
