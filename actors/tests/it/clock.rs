//! A wall clock that is not trusted: no order passes and no date rolls until somebody accepts it; all else goes on.

use model::{
    AlertKind, BootId, CashMoveKind, ClockAcceptance, ClockAnchor, ClockFinding, ClockJump, Command, Date,
    Delivery, DenyReason, Event, ExecType, Incarnation, Input, OrdStatus, Position, ShardId, Side, Timestamp,
};

use crate::world::*;

const DAY_S: i64 = 86_400;

impl World {
    /// The clock is found this many days off; gives the record.
    fn find_clock(&mut self, finding: ClockFinding, days: i64) -> (ClockJump, Position) {
        let due = Timestamp::from_nanos(self.now);
        let shown = Timestamp::from_nanos(self.now + days * DAY_S * 1_000_000_000);
        let jump = ClockJump { finding, due, shown };
        self.input(Input::ClockJumped(jump));
        (jump, Position::new(ShardId::new(0), self.journal.len() as u64))
    }

    fn new_order(&self, cl_ord_id: &str) -> Command {
        Command::NewOrder(self.order(cl_ord_id, Side::Buy, 10, "10"))
    }

    fn accept_clock(&mut self, found: Position) -> Event {
        self.command(Command::AcceptClock(ClockAcceptance { found }))
    }

    fn is_settled(&self) -> bool {
        self.core.account(ALPHA).unwrap().ledger().books().all(|(_, book)| book.unsettled().is_empty())
    }
}

#[test]
fn a_clock_that_jumped_stops_orders_and_nothing_else() {
    let mut world = World::ready();
    let working = world.working("a", 10, "10");
    let (jump, found) = world.find_clock(ClockFinding::Jumped, 3);
    assert_eq!(world.last.events[0], Event::ClockJumped { jump });
    assert_eq!(world.alerts(), [AlertKind::ClockSuspect]);
    let Event::Alert(alert) = world.last.events[1] else { panic!() };
    assert_eq!(alert.value, Some(amount("259200")), "how far, in seconds");
    let known = world.core.clock().suspicion().unwrap();
    assert_eq!((known.since, known.found, known.jump), (Timestamp::from_nanos(world.now), found, jump));
    let refused = world.refused(world.new_order("b"));
    assert_eq!((refused, refused.number()), (DenyReason::ClockSuspect, 208));
    assert_eq!(world.refused(world.replace_command(working, 20, "10")), DenyReason::ClockSuspect);
    // Fills are booked, cash moves, cancels leave.
    assert!(world.fill(working, 4, "10").is_empty());
    assert_eq!(world.position(), units(4));
    let deposit = world.cash(ALPHA, CashMoveKind::Deposit, "5", usd(), "in");
    assert!(matches!(deposit, Event::CashMoved { .. }));
    world.cancel(working);
    assert!(matches!(world.accept_clock(found), Event::ClockAccepted { .. }));
    world.submit(world.order("c", Side::Buy, 10, "10"));
}

#[test]
fn no_date_rolls_before_the_clock_is_accepted() {
    let mut world = World::ready();
    let filled = world.working("filled", 10, "10");
    world.fill(filled, 10, "10");
    let cancelled = world.working("cancelled", 10, "10");
    world.report(cancelled, ExecType::Canceled);
    let (_, found) = world.find_clock(ClockFinding::Jumped, 5);
    let due = world.core.due_by(Timestamp::from_nanos(world.now + 5 * DAY_S * 1_000_000_000));
    let monday = Date::from_civil(2026, 11, 23).unwrap();
    assert_eq!((due.settles, due.retires), (vec![(monday, 1)], 2));
    assert_eq!(world.core.due_by(Timestamp::from_nanos(world.now)), actors::DatesDue::default());
    // Not for a time that somebody stamps, not for time that passes while nobody has accepted.
    world.wait_seconds(5 * DAY_S);
    assert_eq!(world.core.next_deadline(), None);
    assert!(world.input(Input::Tick).events.is_empty());
    assert!(!world.is_settled() && world.core.retired_orders() == 0);
    world.accept_clock(found);
    assert!(world.core.next_deadline().is_some_and(|due| due.nanos <= world.now));
    world.input(Input::Tick);
    assert!(world.is_settled());
    assert_eq!(world.core.retired_orders(), 2);
}

#[test]
fn only_the_newest_finding_is_accepted_and_only_once() {
    let mut world = World::ready();
    let nothing = Command::AcceptClock(ClockAcceptance { found: Position::new(ShardId::new(0), 1) });
    assert_eq!(world.refused(nothing), DenyReason::NothingToAccept);
    assert_eq!(DenyReason::NothingToAccept.number(), 210);
    let (_, first) = world.find_clock(ClockFinding::Jumped, 3);
    let since = world.core.clock().suspicion().unwrap().since;
    world.wait_seconds(60);
    let (_, second) = world.find_clock(ClockFinding::Jumped, 14);
    assert_eq!(world.core.clock().suspicion().unwrap().since, since, "since the first");
    let stale = Command::AcceptClock(ClockAcceptance { found: first });
    assert_eq!(world.refused(stale), DenyReason::NothingToAccept);
    let step_ns = 14 * DAY_S * 1_000_000_000;
    assert_eq!(world.accept_clock(second), Event::ClockAccepted { found: second, step_ns });
    let again = Command::AcceptClock(ClockAcceptance { found: second });
    assert_eq!(world.refused(again), DenyReason::NothingToAccept);
}

#[test]
fn a_clock_that_came_back_is_still_accepted_by_a_person_and_nothing_rolls_by_it() {
    let mut world = World::ready();
    world.find_clock(ClockFinding::Jumped, 3);
    let (_, found) = world.find_clock(ClockFinding::Returned, 0);
    assert_eq!(world.refused(world.new_order("a")), DenyReason::ClockSuspect);
    assert_eq!(world.accept_clock(found), Event::ClockAccepted { found, step_ns: 0 });
    world.submit(world.order("b", Side::Buy, 10, "10"));
}

/// What never left is sent after a restart only while it is fresh, and how fresh it is the clock says.
#[test]
fn nothing_that_waited_is_sent_under_a_clock_that_is_not_trusted() {
    for accepted in [true, false] {
        let mut world = World::ready();
        let waited = world.buy("waited", 10, "10");
        world.input(Input::Opened { incarnation: Incarnation { count: 2 }, logic_version: 0, anchor: None });
        let (_, found) = world.find_clock(ClockFinding::JumpedWhileDown, -3);
        if accepted {
            world.accept_clock(found);
        }
        world.session(model::SessionState::Up);
        world.evidence(waited, Delivery::NeverSent);
        assert_eq!((world.last.outbound.len(), world.at(waited).is_finished()), (accepted.into(), !accepted));
        assert_eq!(world.status(waited) == OrdStatus::Canceled, !accepted);
    }
}

#[test]
fn an_accepted_step_moves_what_later_starts_judge_by() {
    let mut world = World::ready();
    let boot = BootId { bytes: [7; 16] };
    let time = Timestamp::from_nanos(world.now);
    let anchor = ClockAnchor { boot, since_boot_ns: 5, time, ahead_ns: 0 };
    world.input(Input::ClockAnchored(anchor));
    assert_eq!(world.core.clock().anchor(), Some(anchor));
    let (jump, found) = world.find_clock(ClockFinding::Jumped, -2);
    world.accept_clock(found);
    let behind = ClockAnchor { ahead_ns: -jump.off_ns(), ..anchor };
    assert_eq!((world.core.clock().anchor(), world.core.clock().ahead_ns()), (Some(behind), -jump.off_ns()));
    let (_, found) = world.find_clock(ClockFinding::Jumped, 3);
    let step_ns = DAY_S * 1_000_000_000;
    assert_eq!(world.accept_clock(found), Event::ClockAccepted { found, step_ns });
    let ahead = ClockAnchor { time: Timestamp::from_nanos(time.nanos + step_ns), ..anchor };
    assert_eq!(world.core.clock().anchor(), Some(ahead));
}
