//! Cancel requests: FIX 4.4 appendix D, cancels and their races with fills.

use model::{
    AlertKind, Backlog, CashMoveKind, Command, DenyReason, Event, ExecType, MessageReject, OrdStatus,
    Reference, RejectLevel, Scope, SessionState, Side, WireId,
};

use crate::world::{ALPHA, SESSION, World, amount, units, usd};

fn message_reject(refused: Option<WireId>) -> model::Input {
    model::Input::MessageReject(MessageReject {
        session: SESSION,
        msg_seq_num: 9,
        poss_dup: false,
        level: RejectLevel::Business,
        refused,
        reject_code: 3,
        text: Reference::new("no").unwrap(),
    })
}

#[test]
fn a_cancel_of_an_unfilled_order() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let request = world.cancel(id);
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::PendingCancel, amount("1000")));
    assert!(world.report(request, ExecType::PendingCancel).is_empty());
    assert_eq!(world.status(id), OrdStatus::PendingCancel);
    assert!(world.report(request, ExecType::Canceled).is_empty());
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::Canceled, amount("0")));
    assert!(!world.told_refused(request));
}

#[test]
fn a_cancel_of_a_partly_filled_order_with_a_fill_meanwhile() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    world.fill(id, 20, "10");
    let request = world.cancel(id);
    assert!(world.fill(id, 30, "10").is_empty());
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::PendingCancel, amount("500")));
    world.report(request, ExecType::Canceled);
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::Canceled, amount("0")));
    assert_eq!((world.position(), world.at(id).cum_quantity), (units(50), units(50)));
}

#[test]
fn filled_before_the_cancel_arrives() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let request = world.cancel(id);
    assert!(world.fill(id, 100, "10").is_empty());
    assert_eq!(world.status(id), OrdStatus::Filled);
    assert!(world.told_refused(request), "the one who asked is told: {:?}", world.last.events);
    let before = world.at(id);
    world.refuse(id, request);
    assert_eq!(world.at(id), before);
    assert!(!world.told_refused(request), "once is enough");
}

#[test]
fn a_refused_cancel_leaves_the_order_working() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let request = world.cancel(id);
    world.refuse(id, request);
    assert!(world.told_refused(request));
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::New, amount("1000")));
    let again = world.cancel(id);
    world.refuse(id, request);
    assert_eq!(world.at(id).pending.unwrap().request, again, "an old refusal does not end a new request");
}

#[test]
fn a_cancel_before_the_acknowledgement() {
    let mut world = World::ready();
    let id = world.buy("a", 100, "10");
    let request = world.cancel(id);
    world.report(id, ExecType::New);
    assert_eq!(world.status(id), OrdStatus::PendingCancel);
    world.report(request, ExecType::Canceled);
    assert_eq!(world.status(id), OrdStatus::Canceled);
}

#[test]
fn one_request_at_a_time_and_none_for_a_finished_order() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let request = world.cancel(id);
    let (cancel, replace) = (world.cancel_command(id), world.replace_command(id, 50, "10"));
    assert_eq!(world.refused(cancel), DenyReason::RequestPending);
    assert_eq!(world.refused(replace), DenyReason::RequestPending);
    world.report(request, ExecType::Canceled);
    assert_eq!(world.refused(cancel), DenyReason::TooLate);
    assert_eq!(world.refused(replace), DenyReason::TooLate);
    let second = world.working("b", 100, "10");
    let cancel = world.cancel_command(second);
    world.session(SessionState::Down);
    assert_eq!(world.refused(cancel), DenyReason::SessionNotReady);
}

#[test]
fn an_unsolicited_cancel_is_told() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    assert_eq!(world.report(id, ExecType::Canceled), [AlertKind::UnsolicitedCancel]);
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::Canceled, amount("0")));
    let replaced = world.working("b", 100, "10");
    let request = world.replace(replaced, 120, "10");
    assert_eq!(world.report(replaced, ExecType::Canceled), [AlertKind::UnsolicitedCancel]);
    assert!(world.told_refused(request));
    assert_eq!(world.reserved(), amount("0"));
}

#[test]
fn a_fill_after_a_cancel_is_booked_with_an_alert() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let request = world.cancel(id);
    world.report(request, ExecType::Canceled);
    let alerts = world.fill(id, 40, "10");
    assert_eq!(alerts, [AlertKind::FillAfterTerminal]);
    assert_eq!((world.status(id), world.at(id).cum_quantity), (OrdStatus::Canceled, units(40)));
    assert_eq!((world.position(), world.reserved()), (units(40), amount("0")));
}

#[test]
fn expiry_and_rejection_end_a_pending_cancel() {
    for exec_type in [ExecType::Expired, ExecType::Rejected] {
        let mut world = World::ready();
        let id = world.buy("a", 100, "10");
        let request = world.cancel(id);
        world.report(id, exec_type);
        assert!(world.told_refused(request));
        assert_eq!((world.at(id).pending, world.reserved()), (None, amount("0")));
    }
}

#[test]
fn a_message_reject_of_the_order_ends_it_and_its_cancel() {
    let mut world = World::ready();
    let id = world.buy("a", 100, "10");
    let request = world.cancel(id);
    world.input(message_reject(Some(id)));
    assert_eq!(world.alerts(), [AlertKind::MessageRejected]);
    assert!(world.told_refused(request));
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::Rejected, amount("0")));
}

#[test]
fn a_message_reject_of_a_request_ends_the_request_only() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let request = world.cancel(id);
    world.input(message_reject(Some(request)));
    assert!(world.told_refused(request));
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::New, amount("1000")));
    for refused in [Some(id), Some(WireId::default()), None] {
        let before = world.at(id);
        world.input(message_reject(refused));
        assert_eq!(world.alerts(), [AlertKind::MessageRejected]);
        assert_eq!(world.at(id), before, "a working order was not refused");
    }
}

#[test]
fn a_refusal_of_an_unknown_request_is_told() {
    let mut world = World::ready();
    world.refuse(WireId::default(), WireId::default());
    assert_eq!(world.alerts(), [AlertKind::UnknownOrder]);
}

#[test]
fn where_too_much_waits_nothing_goes_out_and_everything_else_goes_on() {
    let mut world = World::ready();
    let (id, finished) = (world.working("a", 100, "10"), world.working("b", 1, "10"));
    world.fill(finished, 1, "10");
    world.backlog = Some(Backlog { waiting: 17, most: 16 });
    let order = world.order("c", Side::Buy, 1, "10");
    for command in [Command::NewOrder(order), world.replace_command(id, 50, "10"), world.cancel_command(id)] {
        assert_eq!(world.refused(command), DenyReason::SessionBacklogged);
        let Event::Denied { denial, .. } = world.last.events[0] else { unreachable!() };
        assert_eq!((denial.limit, denial.actual), (Some(amount("16")), Some(amount("17"))));
    }
    // What would be refused in any case is refused for that.
    let cancel = world.cancel_command(finished);
    assert_eq!(world.refused(cancel), DenyReason::TooLate);
    assert!(world.fill(id, 10, "10").is_empty());
    world.cash(ALPHA, CashMoveKind::Deposit, "1", usd(), "more");
    assert_eq!(
        world.command(Command::Halt(Scope::Firm)),
        Event::HaltChanged { scope: Scope::Firm, halted: true }
    );
    assert_eq!(world.refused(Command::NewOrder(order)), DenyReason::Halted);
    world.backlog = None;
    world.cancel(id);
}
