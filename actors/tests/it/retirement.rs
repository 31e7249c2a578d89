//! Finished orders are forgotten, at a stated time and with nothing lost.

use model::{
    AlertKind, CashMoveKind, Command, DenyReason, Event, ExecType, Input, NewOrder, OrdStatus, Side,
    TimeInForce,
};

use crate::world::{ALPHA, World, usd};

const DAY_SECONDS: i64 = 86_400;

fn tick_after_days(world: &mut World, days: i64) {
    world.wait_seconds(days * DAY_SECONDS);
    world.input(Input::Tick);
}

#[test]
fn a_finished_order_stays_for_its_day_and_the_next() {
    let mut world = World::ready();
    let filled = world.working("a", 100, "10");
    world.fill(filled, 100, "10");
    let working = world.working("b", 100, "10");
    tick_after_days(&mut world, 1);
    assert_eq!((world.status(filled), world.core.retired_orders()), (OrdStatus::Filled, 0));
    tick_after_days(&mut world, 1);
    assert!(world.core.order(filled).is_none());
    assert_eq!(world.core.retired_orders(), 1);
    // What is not finished is never retired, however old.
    tick_after_days(&mut world, 1000);
    assert_eq!(world.status(working), OrdStatus::New);
    assert_eq!(world.core.open_orders(ALPHA).map(|order| order.id).collect::<Vec<_>>(), [working]);
}

#[test]
fn its_identifier_is_free_again_only_then() {
    let mut world = World::ready();
    let first = world.order("a", Side::Buy, 100, "10");
    let id = world.submit(first);
    world.report(id, ExecType::Canceled);
    tick_after_days(&mut world, 1);
    let status = OrdStatus::Canceled;
    assert_eq!(world.command(Command::NewOrder(first)), Event::OrderExists { order: id, status });
    let other = world.order("a", Side::Buy, 101, "10");
    assert_eq!(world.refused(Command::NewOrder(other)), DenyReason::DuplicateClOrdId);
    tick_after_days(&mut world, 1);
    let next = world.order("a", Side::Buy, 101, "10");
    assert_ne!(world.submit(next), id);
}

#[test]
fn a_request_about_it_is_refused_and_its_requests_are_forgotten_with_it() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let refused = world.cancel(id);
    world.refuse(id, refused);
    let cancel = world.cancel(id);
    world.report(id, ExecType::Canceled);
    assert_eq!(world.core.route(refused).map(|route| route.order), Some(id));
    let command = world.cancel_command(id);
    tick_after_days(&mut world, 2);
    for gone in [id, refused, cancel] {
        assert!(world.core.route(gone).is_none());
    }
    assert_eq!(world.refused(command), DenyReason::UnknownOrder);
}

#[test]
fn a_late_fill_of_it_is_kept_in_suspense_with_an_alert() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let late = world.execution(id, 100, "10");
    world.report(id, ExecType::Canceled);
    tick_after_days(&mut world, 2);
    assert_eq!(world.hear(late), [AlertKind::UnknownOrder]);
    assert_eq!(world.core.suspense().len(), 1);
    assert!(world.hear(late).is_empty(), "kept once");
    assert_eq!(world.core.suspense().len(), 1);
}

#[test]
fn a_booked_fill_that_comes_again_is_a_repetition_also_then() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let fill = world.execution(id, 100, "10");
    world.hear(fill);
    let owned = world.available(ALPHA, usd());
    tick_after_days(&mut world, 2);
    world.hear(fill);
    assert_eq!(world.last.events, [Event::ExecutionRepeated { order: id, exec_id: fill.exec_id }]);
    assert!(world.core.suspense().is_empty());
    assert_eq!(world.available(ALPHA, usd()), owned);
    // With other economics it is not that one.
    let conflict = model::ExecutionReport { last_quantity: 7u32.into(), ..fill };
    assert_eq!(world.hear(conflict), [AlertKind::UnknownOrder]);
}

#[test]
fn what_a_broker_says_after_the_end_keeps_it_longer() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    world.report(id, ExecType::Canceled);
    world.wait_seconds(DAY_SECONDS);
    assert_eq!(world.fill(id, 10, "10"), [AlertKind::FillAfterTerminal]);
    tick_after_days(&mut world, 1);
    assert_eq!(world.status(id), OrdStatus::Canceled);
    tick_after_days(&mut world, 1);
    assert!(world.core.order(id).is_none());
}

#[test]
fn many_are_retired_over_several_ticks() {
    let mut world = World::ready();
    world.cash(ALPHA, CashMoveKind::Deposit, "10000000", usd(), "more");
    for number in 0..600 {
        let order = world.order(&format!("o{number}"), Side::Buy, 1, "10");
        let id = world.submit(NewOrder { time_in_force: TimeInForce::ImmediateOrCancel, ..order });
        world.report(id, ExecType::Canceled);
    }
    world.now = world.core.next_deadline().unwrap().nanos;
    let mut ticks = 0;
    while world.core.next_deadline().is_some_and(|deadline| deadline.nanos <= world.now) {
        world.input(Input::Tick);
        ticks += 1;
    }
    assert_eq!((ticks, world.core.retired_orders(), world.core.orders(ALPHA).count()), (3, 600, 0));
    assert!(world.core.next_deadline().is_none_or(|due| due.nanos > world.now));
}
