//! What a broker counts and has not told: an alert, one question, and the worst case stays reserved until it is told.

use model::{
    AlertKind, DenyReason, ExecId, ExecType, ExecutionReport, OrdStatus, OutboundKind, Price, Quantity,
    SessionState, WireId,
};

use crate::world::{World, amount, price, units};

const MISSING: [AlertKind; 1] = [AlertKind::ExecutionMissing];

/// What the broker says of the order, counting this much.
fn counting(world: &mut World, id: WireId, exec_type: ExecType, counted: i64) -> ExecutionReport {
    ExecutionReport { cum_quantity: units(counted), ..world.said(id, exec_type) }
}

/// The order that the last input asked the broker about.
fn asked(world: &World) -> Option<WireId> {
    match world.last.outbound.first().map(|message| message.kind) {
        Some(OutboundKind::OrderStatusRequest { cl_ord_id, .. }) => Some(cl_ord_id),
        _ => None,
    }
}

fn missing(world: &World, id: WireId) -> Quantity {
    world.at(id).unexplained.map_or(Quantity::ZERO, |unexplained| unexplained.quantity)
}

/// Every type of report that is not an execution and not an answer.
fn telling_nothing() -> impl Iterator<Item = ExecType> {
    ExecType::ALL.iter().copied().filter(|kind| !matches!(kind, ExecType::Trade | ExecType::OrderStatus))
}

#[test]
fn whatever_report_counts_more_it_is_told_of_and_asked_about_once() {
    for exec_type in telling_nothing() {
        let mut world = World::ready();
        let id = world.working("a", 100, "10");
        let report = counting(&mut world, id, exec_type, 40);
        let alerts = world.hear(report);
        assert_eq!(alerts.iter().filter(|kind| **kind == MISSING[0]).count(), 1, "{exec_type}: {alerts:?}");
        assert_eq!((asked(&world), missing(&world, id)), (Some(id), units(40)), "{exec_type}");
        assert_eq!(world.position(), units(0), "{exec_type} books nothing");
        let again = world.hear(report);
        assert!(!again.contains(&MISSING[0]) && asked(&world).is_none(), "{exec_type} told once");
        let report = counting(&mut world, id, exec_type, 50);
        assert!(world.hear(report).contains(&MISSING[0]), "{exec_type}: more is missing");
        assert_eq!((asked(&world), missing(&world, id)), (Some(id), units(50)));
    }
}

#[test]
fn a_fill_told_only_with_a_replace_is_found_and_asked_about_under_the_new_name() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let request = world.replace(id, 100, "9");
    let report = counting(&mut world, id, ExecType::Replaced, 40);
    let ids = (Some(request), Some(id));
    let told = ExecutionReport {
        cl_ord_id: ids.0,
        orig_cl_ord_id: ids.1,
        ord_status: OrdStatus::PartiallyFilled,
        last_quantity: units(40),
        ..report
    };
    assert_eq!(world.hear(told), MISSING);
    assert_eq!((asked(&world), world.position()), (Some(request), units(0)));
    // 40 at the old price at worst, the rest at the new.
    assert_eq!(world.reserved(), amount("940"));
    // The answer confirms: it is told, and not asked again.
    let answer = counting(&mut world, request, ExecType::OrderStatus, 40);
    assert_eq!((world.hear(answer), asked(&world)), (MISSING.to_vec(), None));
    // Then the broker sends the execution itself.
    let fill = world.execution(request, 40, "9.5");
    assert!(world.hear(fill).is_empty());
    assert_eq!(
        (missing(&world, id), world.position(), world.reserved()),
        (units(0), units(40), amount("540"))
    );
}

#[test]
fn an_order_that_ends_keeps_what_is_missing_reserved_and_is_not_retired() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let request = world.cancel(id);
    let report = counting(&mut world, id, ExecType::Canceled, 40);
    assert_eq!(world.hear(ExecutionReport { cl_ord_id: Some(request), ..report }), MISSING);
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::Canceled, amount("400")));
    assert_eq!(world.refused(world.cancel_command(id)), DenyReason::TooLate);
    world.wait_seconds(5 * 24 * 3600);
    world.input(model::Input::Tick);
    assert_eq!(world.at(id).status, OrdStatus::Canceled, "it is still there");
    let fill = world.execution(id, 40, "10");
    assert!(world.hear(fill).is_empty(), "it was waited for");
    assert_eq!((world.position(), world.reserved()), (units(40), amount("0")));
    assert!(world.at(id).is_finished());
    world.wait_seconds(2 * 24 * 3600);
    world.input(model::Input::Tick);
    assert_eq!(world.core.order(id), None);
}

#[test]
fn an_answer_that_counts_what_we_count_clears_it_and_an_older_report_does_not() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let report = counting(&mut world, id, ExecType::Restated, 70);
    world.hear(report);
    let older = counting(&mut world, id, ExecType::New, 0);
    assert!(world.hear(older).is_empty());
    assert_eq!(missing(&world, id), units(70));
    let answer = counting(&mut world, id, ExecType::OrderStatus, 0);
    assert!(world.hear(answer).is_empty());
    assert_eq!((missing(&world, id), world.reserved()), (units(0), amount("1000")));
}

#[test]
fn executions_come_in_any_order_and_each_takes_its_part() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let fills = [10, 20, 30].map(|quantity| world.execution(id, quantity, "10"));
    let counted = [10, 30, 60];
    let fills: Vec<_> = fills
        .into_iter()
        .zip(counted)
        .map(|(fill, counted)| ExecutionReport { cum_quantity: units(counted), ..fill })
        .collect();
    assert_eq!((world.hear(fills[2]), missing(&world, id)), (MISSING.to_vec(), units(30)));
    assert_eq!((world.hear(fills[0]), missing(&world, id)), (vec![], units(20)));
    assert_eq!((world.hear(fills[1]), missing(&world, id)), (vec![], units(0)));
    assert_eq!((world.position(), world.reserved()), (units(60), amount("400")));
}

#[test]
fn while_the_session_is_down_nothing_is_asked() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    world.session(SessionState::Down);
    let report = counting(&mut world, id, ExecType::Restated, 40);
    assert!(world.hear(report).contains(&MISSING[0]));
    assert_eq!((asked(&world), missing(&world, id)), (None, units(40)), "the sweep asks");
}

#[test]
fn a_count_that_cannot_be_held_keeps_nothing_else_from_being_believed() {
    let huge: Quantity = "9000000000000000000000000000".parse().unwrap();
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let fill = ExecutionReport { cum_quantity: huge, ..world.execution(id, 40, "10") };
    assert_eq!(world.hear(fill), MISSING);
    assert_eq!((world.position(), world.at(id).unexplained), (units(40), None));
    let end = ExecutionReport { cum_quantity: huge, ..world.said(id, ExecType::Expired) };
    assert_eq!(world.hear(end), MISSING);
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::Expired, amount("0")));
}

#[test]
fn what_is_missing_is_part_of_the_state_and_of_its_fingerprint() {
    let mut worlds = [40, 41].map(|counted| {
        let mut world = World::ready();
        let id = world.working("a", 100, "10");
        let report = counting(&mut world, id, ExecType::Restated, counted);
        let report = ExecutionReport { exec_id: ExecId::EMPTY, ..report };
        world.hear(report);
        world
    });
    let changes = worlds.each_ref().map(|world| world.core.changes());
    assert_ne!(changes[0], changes[1]);
    let read = actors::Core::decode(&mut worlds[0].encoded().as_slice()).unwrap();
    assert_eq!(read, worlds[0].core);
    assert!(read.orders(crate::world::ALPHA).any(|order| order.unexplained.is_some()));
    worlds[1].session(SessionState::Down);
    let price: Price = price("10");
    assert_eq!(
        worlds[1].core.orders(crate::world::ALPHA).next().unwrap().unexplained.unwrap().unit_price,
        price
    );
}
