//! Sessions, openings and the third axis of an order: what we do not know, and what ends it.

use model::{
    AlertKind, Certainty, Delivery, Event, ExecType, ExecutionReport, Incarnation, Input, OrdStatus,
    OutboundKind, QuarantineCause, QuarantinedMessage, Quote, Scope, SessionChange, SessionState, Timestamp,
    WireId,
};

use crate::world::{ACME, ALPHA, FUND, SESSION, World, amount, units};

fn is_doubtful(world: &World, id: WireId) -> bool {
    world.at(id).certainty == Certainty::InDoubt
}

fn answer(world: &mut World, id: WireId, status: OrdStatus) -> Vec<AlertKind> {
    let report = world.said(id, ExecType::OrderStatus);
    world.hear(ExecutionReport { ord_status: status, ..report })
}

#[test]
fn what_is_unanswered_is_in_doubt_when_the_session_or_the_process_goes() {
    for restart in [false, true] {
        let mut world = World::ready();
        let calm = world.working("calm", 10, "10");
        let fresh = world.buy("fresh", 10, "10");
        let cancelled = world.working("cancelled", 10, "10");
        world.cancel(cancelled);
        if restart {
            world.input(Input::Opened {
                incarnation: Incarnation { count: 2 },
                logic_version: actors::LOGIC_VERSION,
                anchor: None,
            });
            let expected = Event::Opened { incarnation: Incarnation { count: 2 }, in_doubt: 2 };
            assert_eq!(world.last.events, [expected]);
        } else {
            world.session(SessionState::Down);
        }
        assert!(is_doubtful(&world, fresh) && is_doubtful(&world, cancelled) && !is_doubtful(&world, calm));
        assert_eq!(world.reserved(), amount("300"), "the worst case stays reserved");
        let order = world.order("late", model::Side::Buy, 10, "10");
        assert_eq!(world.refused(model::Command::NewOrder(order)), model::DenyReason::SessionNotReady);
    }
}

#[test]
fn a_session_that_comes_up_is_swept_before_it_takes_orders() {
    let mut world = World::ready();
    world.session(SessionState::Down);
    world.session(SessionState::Up);
    assert!(matches!(world.last.outbound[0].kind, OutboundKind::Sweep));
    assert_eq!(world.last.outbound[0].session, SESSION);
    let order = world.order("early", model::Side::Buy, 10, "10");
    assert_eq!(world.refused(model::Command::NewOrder(order)), model::DenyReason::SessionNotReady);
    world.session(SessionState::Ready);
    world.submit(order);
    let change = SessionChange { session: SESSION, state: SessionState::Ready, unresolved: 3 };
    world.input(Input::Session(change));
    assert_eq!(world.alerts(), [AlertKind::StillInDoubt]);
    let unknown = SessionChange { session: model::SessionId::new(9), ..change };
    world.input(Input::Session(unknown));
    assert_eq!(world.alerts(), [AlertKind::UnknownOrder]);
}

#[test]
fn ids_of_another_incarnation_never_collide() {
    let mut world = World::ready();
    world.input(Input::Opened {
        incarnation: Incarnation { count: 7 },
        logic_version: actors::LOGIC_VERSION,
        anchor: None,
    });
    world.session(SessionState::Ready);
    assert_eq!(world.buy("a", 1, "10").incarnation, 7);
}

#[test]
fn a_fresh_order_that_never_left_is_sent_once_the_session_is_up() {
    let mut world = World::ready();
    let id = world.buy("a", 10, "10");
    world.session(SessionState::Down);
    world.evidence(id, Delivery::NeverSent);
    assert!(world.last.outbound.is_empty() && is_doubtful(&world, id));
    world.session(SessionState::Up);
    world.evidence(id, Delivery::NeverSent);
    let OutboundKind::NewOrderSingle { cl_ord_id, quantity, .. } = world.last.outbound[0].kind else {
        panic!("{:?}", world.last)
    };
    assert_eq!((cl_ord_id, quantity), (id, units(10)));
    assert!(!is_doubtful(&world, id));
    world.report(id, ExecType::New);
    world.evidence(id, Delivery::NeverSent);
    assert!(world.last.outbound.is_empty() && world.last.events.is_empty(), "late evidence changes nothing");
}

#[test]
fn a_stale_halted_or_cancelled_order_that_never_left_is_cancelled_here() {
    let causes: [fn(&mut World, WireId); 4] = [
        |world, _| world.wait_seconds(6),
        |world, _| {
            world.command(model::Command::Halt(Scope::Firm));
        },
        |world, _| {
            world.command(model::Command::Halt(Scope::Portfolio(FUND)));
        },
        |world, id| {
            world.cancel(id);
        },
    ];
    for cause in causes {
        let mut world = World::ready();
        let id = world.buy("a", 10, "10");
        cause(&mut world, id);
        world.session(SessionState::Down);
        world.session(SessionState::Up);
        world.evidence(id, Delivery::NeverSent);
        assert!(world.last.outbound.is_empty());
        assert_eq!((world.status(id), world.reserved()), (OrdStatus::Canceled, amount("0")));
        assert!(!is_doubtful(&world, id));
    }
}

#[test]
fn an_order_the_broker_does_not_know_is_cancelled_here() {
    let mut world = World::ready();
    let id = world.buy("a", 10, "10");
    world.session(SessionState::Down);
    world.session(SessionState::Up);
    world.evidence(id, Delivery::Unanswered);
    assert_eq!(world.alerts(), [AlertKind::StillInDoubt]);
    assert!(is_doubtful(&world, id) && world.reserved() == amount("100"));
    world.evidence(id, Delivery::UnknownToBroker);
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::Canceled, amount("0")));
    // And if it was lying, the fill is booked all the same.
    assert_eq!(world.fill(id, 10, "10"), [AlertKind::FillAfterTerminal]);
    world.evidence(WireId::default(), Delivery::NeverSent);
    assert_eq!(world.alerts(), [AlertKind::UnknownOrder]);
}

#[test]
fn a_cancel_that_never_left_is_sent_however_late() {
    let mut world = World::ready();
    let id = world.working("a", 10, "10");
    let request = world.cancel(id);
    world.session(SessionState::Down);
    world.evidence(request, Delivery::NeverSent);
    assert!(world.last.outbound.is_empty());
    world.wait_seconds(600);
    world.session(SessionState::Up);
    world.evidence(request, Delivery::NeverSent);
    assert!(matches!(world.last.outbound[0].kind,
        OutboundKind::OrderCancelRequest { cl_ord_id, .. } if cl_ord_id == request));
    assert_eq!((world.status(id), is_doubtful(&world, id)), (OrdStatus::PendingCancel, false));
}

#[test]
fn a_request_that_never_arrived_is_over() {
    for delivery in [Delivery::NeverSent, Delivery::UnknownToBroker] {
        let mut world = World::ready();
        let id = world.working("a", 10, "10");
        let request = world.replace(id, 20, "10");
        world.session(SessionState::Down);
        world.session(SessionState::Up);
        world.evidence(request, delivery);
        assert!(world.told_refused(request) && world.last.outbound.is_empty());
        assert_eq!((world.status(id), world.reserved()), (OrdStatus::New, amount("100")));
        assert!(!is_doubtful(&world, id));
    }
    let mut world = World::ready();
    let id = world.working("a", 10, "10");
    let request = world.cancel(id);
    world.session(SessionState::Down);
    world.evidence(request, Delivery::UnknownToBroker);
    assert!(world.told_refused(request) && world.status(id) == OrdStatus::New);
}

#[test]
fn a_status_answer_acknowledges_or_ends_the_order() {
    for (status, expected, reserved) in [
        (OrdStatus::New, OrdStatus::New, "100"),
        (OrdStatus::Suspended, OrdStatus::New, "100"),
        (OrdStatus::PendingNew, OrdStatus::PendingNew, "100"),
        (OrdStatus::Rejected, OrdStatus::Rejected, "0"),
        (OrdStatus::Canceled, OrdStatus::Canceled, "0"),
        (OrdStatus::Expired, OrdStatus::Expired, "0"),
    ] {
        let mut world = World::ready();
        let id = world.buy("a", 10, "10");
        world.session(SessionState::Down);
        assert!(answer(&mut world, id, status).is_empty());
        assert_eq!((world.status(id), world.reserved()), (expected, amount(reserved)), "{status:?}");
        assert!(!is_doubtful(&world, id), "{status:?}");
    }
}

#[test]
fn a_status_answer_with_another_quantity_is_told_and_books_nothing() {
    let mut world = World::ready();
    let id = world.buy("a", 10, "10");
    world.session(SessionState::Down);
    let report = world.said(id, ExecType::OrderStatus);
    let alerts =
        world.hear(ExecutionReport { ord_status: OrdStatus::Filled, cum_quantity: units(10), ..report });
    assert_eq!(alerts, [AlertKind::ExecutionMissing]);
    assert!(world.last.outbound.is_empty(), "an answer is not asked about again");
    assert_eq!((world.position(), world.reserved()), (units(0), amount("100")));
    world.fill(id, 10, "10");
    assert_eq!(world.status(id), OrdStatus::Filled);
}

#[test]
fn a_status_answer_ends_a_request_it_does_not_mention() {
    for status in [OrdStatus::New, OrdStatus::PendingNew] {
        let mut world = World::ready();
        let id =
            if status == OrdStatus::New { world.working("a", 10, "10") } else { world.buy("a", 10, "10") };
        let request = world.cancel(id);
        world.session(SessionState::Down);
        answer(&mut world, id, status);
        assert!(world.told_refused(request));
        assert_eq!((world.status(id), is_doubtful(&world, id)), (status, false));
    }
}

#[test]
fn a_status_answer_keeps_a_request_that_is_worked_on() {
    let mut world = World::ready();
    let id = world.working("a", 10, "10");
    let request = world.cancel(id);
    world.session(SessionState::Down);
    answer(&mut world, id, OrdStatus::PendingCancel);
    assert_eq!((world.status(id), is_doubtful(&world, id)), (OrdStatus::PendingCancel, false));
    world.report(request, ExecType::Canceled);
    assert_eq!(world.status(id), OrdStatus::Canceled);
}

#[test]
fn a_status_answer_under_the_id_of_a_replace_accepts_it_and_of_a_cancel_ends_it() {
    let mut world = World::ready();
    let id = world.working("a", 10, "10");
    let request = world.replace(id, 20, "10");
    world.session(SessionState::Down);
    let report = world.said(id, ExecType::OrderStatus);
    world.hear(ExecutionReport { cl_ord_id: Some(request), orig_cl_ord_id: Some(id), ..report });
    assert_eq!((world.at(id).quantity, world.at(id).wire_id), (units(20), request));
    assert!(!world.told_refused(request) && !is_doubtful(&world, id));

    let other = world.buy_when_ready("b");
    let cancel = world.cancel(other);
    world.session(SessionState::Down);
    let report = world.said(other, ExecType::OrderStatus);
    world.hear(ExecutionReport { cl_ord_id: Some(cancel), orig_cl_ord_id: Some(other), ..report });
    assert!(world.told_refused(cancel) && !is_doubtful(&world, other));
}

#[test]
fn an_old_pending_new_does_not_end_the_doubt_about_a_cancel() {
    let mut world = World::ready();
    let id = world.buy("a", 10, "10");
    world.cancel(id);
    world.session(SessionState::Down);
    world.report(id, ExecType::PendingNew);
    assert!(is_doubtful(&world, id));
    world.report(id, ExecType::New);
    assert!(is_doubtful(&world, id));
}

#[test]
fn the_inbound_high_water_only_rises() {
    let mut world = World::ready();
    let id = world.working("a", 10, "10");
    for (sent, expected) in [(50, 50), (20, 50), (51, 51)] {
        let report = world.execution(id, 1, "10");
        world.hear(ExecutionReport { msg_seq_num: sent, ..report });
        assert_eq!(world.core.session(SESSION).unwrap().inbound_high_water, expected);
    }
}

#[test]
fn what_is_wrong_with_a_session_is_an_alert_and_no_number_that_was_received() {
    let mut world = World::ready();
    let kinds = [
        (QuarantineCause::CompIdProblem, AlertKind::CompIdProblem),
        (QuarantineCause::NumberTooLow, AlertKind::RecordDistrusted),
        (QuarantineCause::RecordIncomplete, AlertKind::RecordDistrusted),
        (QuarantineCause::SequenceReset, AlertKind::SequenceReset),
        (QuarantineCause::GapUnfilled, AlertKind::GapUnfilled),
    ];
    for (cause, kind) in kinds {
        world.input(Input::Quarantined(QuarantinedMessage {
            session: SESSION,
            msg_seq_num: 77,
            cause,
            cl_ord_id: None,
            len_bytes: 0,
            raw: Vec::new(),
        }));
        assert_eq!(world.alerts(), [kind]);
        assert_eq!(world.core.session(SESSION).unwrap().inbound_high_water, 0);
    }
}

#[test]
fn marks_and_ticks_meet_an_order_in_doubt_without_harm() {
    let mut world = World::ready();
    let id = world.buy("a", 10, "10");
    world.session(SessionState::Down);
    let quote =
        Quote { bid: crate::world::price("9"), received: Timestamp::from_nanos(0), ..Quote::default() };
    world.input(Input::Mark { instrument: ACME, quote });
    world.input(Input::Tick);
    assert!(is_doubtful(&world, id));
    assert_eq!(world.core.open_orders(ALPHA).count(), 1);
}

impl World {
    fn buy_when_ready(&mut self, cl_ord_id: &str) -> WireId {
        self.session(SessionState::Ready);
        self.working(cl_ord_id, 10, "10")
    }
}

#[test]
fn a_replace_that_was_given_up_and_is_carried_out_late_counts_after_all() {
    let mut world = World::ready();
    let id = world.working("late", 10, "10");
    let request = world.replace(id, 20, "11");
    world.session(SessionState::Down);
    world.session(SessionState::Up);
    // Asked, the broker tells the old terms: it has the replace, and has not carried it out.
    answer(&mut world, id, OrdStatus::New);
    assert!(world.told_refused(request) && world.at(id).pending.is_none());
    assert_eq!(world.reserved(), amount("100"));
    let late = ExecutionReport {
        cl_ord_id: Some(request),
        orig_cl_ord_id: Some(id),
        ..world.said(id, ExecType::Replaced)
    };
    assert_eq!(world.hear(late), [AlertKind::UnusualReport]);
    let order = world.at(id);
    assert_eq!((order.quantity, order.wire_id, order.status), (units(20), request, OrdStatus::New));
    assert_eq!(world.reserved(), amount("220"));
    // Said again, it is nothing new; and a cancel goes out under the name that the broker knows.
    assert!(world.hear(late).is_empty());
    world.session(SessionState::Ready);
    world.cancel(id);
    assert!(matches!(
        world.last.outbound[0].kind,
        OutboundKind::OrderCancelRequest { orig_cl_ord_id, .. } if orig_cl_ord_id == request
    ));
    // One whose time is over changes nothing: the broker has gone on from another name.
    let stale = ExecutionReport { cl_ord_id: Some(id), orig_cl_ord_id: Some(request), ..late };
    assert_eq!(world.hear(stale), [AlertKind::UnusualReport]);
    assert_eq!(world.at(id).quantity, units(20));
}
