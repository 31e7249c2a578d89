//! What is sent and not answered while the session is up: the broker is asked, and its word decides.

use model::{
    AlertKind, Certainty, Delivery, DenyReason, ExecType, ExecutionReport, OrdStatus, OutboundKind,
    SessionState, WireId,
};

use crate::world::{World, amount, units};

fn asked(world: &World) -> Option<WireId> {
    match world.last.outbound.first().map(|message| message.kind) {
        Some(OutboundKind::OrderStatusRequest { cl_ord_id, .. }) => Some(cl_ord_id),
        _ => None,
    }
}

fn is_doubtful(world: &World, id: WireId) -> bool {
    world.at(id).certainty == Certainty::InDoubt
}

/// The broker's answer about the order: where it stands there.
fn answer(world: &mut World, id: WireId, ord_status: OrdStatus) -> Vec<AlertKind> {
    let report = world.said(id, ExecType::OrderStatus);
    world.hear(ExecutionReport { ord_status, ..report })
}

#[test]
fn a_cancel_that_the_broker_does_not_have_is_over_with_its_first_answer() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let request = world.cancel(id);
    world.evidence(request, Delivery::Overdue);
    assert_eq!((asked(&world), is_doubtful(&world, id), world.alerts()), (Some(id), true, vec![]));
    assert!(answer(&mut world, id, OrdStatus::New).is_empty());
    assert!(world.told_refused(request));
    assert_eq!((world.at(id).pending, world.reserved()), (None, amount("1000")));
    // Another one can go out, and the first may still be carried out.
    world.cancel(id);
    let late = ExecutionReport { cl_ord_id: Some(request), ..world.said(id, ExecType::Canceled) };
    assert!(world.hear(late).is_empty());
    assert_eq!(world.status(id), OrdStatus::Canceled);
}

#[test]
fn a_cancel_that_was_given_up_and_is_carried_out_is_not_unasked_for() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let request = world.cancel(id);
    world.evidence(request, Delivery::Overdue);
    answer(&mut world, id, OrdStatus::New);
    let late = ExecutionReport { cl_ord_id: Some(request), ..world.said(id, ExecType::Canceled) };
    assert!(world.hear(late).is_empty());
    let other = world.working("b", 100, "10");
    assert_eq!(world.report(other, ExecType::Canceled), [AlertKind::UnsolicitedCancel]);
}

#[test]
fn a_cancel_that_the_broker_works_on_stays_pending_and_is_certain() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let request = world.cancel(id);
    world.evidence(request, Delivery::Overdue);
    answer(&mut world, id, OrdStatus::PendingCancel);
    assert_eq!((world.at(id).pending.unwrap().request, is_doubtful(&world, id)), (request, false));
}

#[test]
fn a_replace_keeps_its_reservation_until_the_broker_was_asked_again_and_again() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let request = world.replace(id, 200, "10");
    for _ in 0..2 {
        world.evidence(request, Delivery::Overdue);
        assert_eq!((asked(&world), is_doubtful(&world, id)), (Some(request), false));
        // It may have it and not have come to it yet.
        world.evidence(request, Delivery::UnknownToBroker);
        answer(&mut world, id, OrdStatus::New);
        assert_eq!((world.at(id).pending.unwrap().request, world.reserved()), (request, amount("2000")));
    }
    world.evidence(request, Delivery::LongOverdue);
    assert_eq!(world.alerts(), [AlertKind::AnswerOverdue]);
    assert_eq!((asked(&world), is_doubtful(&world, id)), (Some(request), true));
    world.evidence(request, Delivery::UnknownToBroker);
    assert!(world.told_refused(request));
    assert_eq!((world.at(id).pending, world.reserved()), (None, amount("1000")));
}

#[test]
fn a_new_order_is_taken_for_lost_only_after_the_last_question() {
    let mut world = World::ready();
    let id = world.buy("a", 100, "10");
    for _ in 0..2 {
        world.evidence(id, Delivery::Overdue);
        assert_eq!((asked(&world), is_doubtful(&world, id)), (Some(id), false));
        world.evidence(id, Delivery::UnknownToBroker);
        assert_eq!((world.status(id), world.reserved()), (OrdStatus::PendingNew, amount("1000")));
    }
    world.evidence(id, Delivery::LongOverdue);
    world.evidence(id, Delivery::UnknownToBroker);
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::Canceled, amount("0")));
    // Had it come to it all the same: booked, with an alert.
    assert_eq!(world.fill(id, 10, "10"), [AlertKind::FillAfterTerminal]);
    assert_eq!(world.position(), units(10));
}

#[test]
fn a_cancel_of_an_order_that_is_not_answered_either_does_not_doubt_the_order_early() {
    let mut world = World::ready();
    let id = world.buy("a", 100, "10");
    let request = world.cancel(id);
    world.evidence(request, Delivery::Overdue);
    world.evidence(id, Delivery::UnknownToBroker);
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::PendingCancel, amount("1000")));
    world.evidence(request, Delivery::LongOverdue);
    answer(&mut world, id, OrdStatus::PendingNew);
    assert!(world.told_refused(request));
}

#[test]
fn what_is_answered_or_down_meanwhile_is_not_asked_about() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    world.evidence(id, Delivery::LongOverdue);
    assert!(world.last.events.is_empty() && world.last.outbound.is_empty(), "it is answered");
    let request = world.cancel(id);
    world.session(SessionState::Down);
    world.evidence(request, Delivery::LongOverdue);
    assert!(world.last.events.is_empty() && world.last.outbound.is_empty(), "the sweep asks");
    let unknown = WireId { seq: 9_999, incarnation: 1, shard: 0 };
    world.evidence(unknown, Delivery::Overdue);
    assert_eq!(world.alerts(), [AlertKind::UnknownOrder]);
    world.session(SessionState::Ready);
    assert_eq!(world.refused(world.replace_command(id, 50, "10")), DenyReason::RequestPending);
}
