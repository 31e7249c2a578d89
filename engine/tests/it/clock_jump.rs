//! A wall clock that jumps, under a working shard and while it is down: nothing is denied for it but new orders, until a
//! person accepts it; dates do not roll by it; and what is recorded replays to the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use crate::common::{PATIENCE, Rig, buy, config, fill};
use actors::Core;
use engine::{Clock, Reading, SystemClock, replay};
use model::*;

const DAY: i64 = 86_400_000_000_000;

/// The machine's clocks, how far somebody has set the wall clock off, and how often the machine was started anew.
#[derive(Clone, Default)]
struct Jumping {
    off_ns: Arc<AtomicI64>,
    boots: u8,
}

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(SystemClock.now().nanos + self.off_ns.load(Ordering::Relaxed))
    }
    fn monotonic_ns(&self) -> i64 {
        SystemClock.monotonic_ns()
    }
    fn read(&self) -> Reading {
        Reading { wall: self.now(), monotonic_ns: self.monotonic_ns() }
    }
    fn boot(&self) -> Option<BootId> {
        Some(BootId { bytes: [self.boots; 16] })
    }
}

impl Jumping {
    fn set_off(&self, ns: i64) {
        self.off_ns.store(ns, Ordering::Relaxed);
    }
}

/// Ages are judged here: of five minutes, which a busy machine does not need between a quote and an order.
fn ready(config: &engine::ShardConfig, clock: &Jumping) -> Rig {
    let mut rig = Rig::ready_with(config, clock.clone());
    let (actor, kind) = (Actor::Account(crate::common::ACCOUNT), LimitKind::MaxQuoteAgeMs);
    rig.call(Command::SetLimit { actor, kind, currency: None, value: Some(300_000u32.into()) });
    rig
}

fn reason(rig: &mut Rig, name: &str) -> Option<DenyReason> {
    match rig.call(Command::NewOrder(buy(name))).event {
        Event::OrderAccepted { .. } => None,
        Event::Denied { denial, .. } => Some(denial.reason),
        other => panic!("{other:?}"),
    }
}

fn settles_later(core: &actors::Core) -> bool {
    core.account(crate::common::ACCOUNT)
        .is_some_and(|account| account.ledger().books().any(|(_, book)| !book.unsettled().is_empty()))
}

fn until_found(rig: &Rig, finding: ClockFinding) -> Position {
    let found = move |core: &actors::Core| {
        core.clock().suspicion().filter(|known| known.jump.finding == finding).map(|known| known.found)
    };
    rig.until(move |core| found(core).is_some());
    rig.shard.replica().read(Position::default(), found).unwrap().unwrap()
}

fn accept(rig: &mut Rig, found: Position) -> Event {
    rig.call(Command::AcceptClock(ClockAcceptance { found })).event
}

fn stops_with_an_equal_replay(rig: Rig, config: &engine::ShardConfig) {
    drop(rig.client);
    let stopped = rig.shard.stop().unwrap();
    let recovered = replay::<Core>(&config.journal.dir).unwrap();
    assert_eq!((recovered.position, recovered.digest), (stopped.position, stopped.digest));
}

#[test]
fn three_days_ahead_and_back_stops_new_orders_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (config, clock) = (config(dir.path()), Jumping::default());
    let mut rig = ready(&config, &clock);
    let Event::OrderAccepted { order, .. } = rig.call(Command::NewOrder(buy("A"))).event else { panic!() };
    rig.outbound();
    rig.port.post(fill(order, "E1", 10, 10, 1)).unwrap();
    rig.until(settles_later);
    clock.set_off(3 * DAY);
    let found = until_found(&rig, ClockFinding::Jumped);
    assert_eq!(reason(&mut rig, "B"), Some(DenyReason::ClockSuspect));
    // Fills go on, and nothing settles by a date that has not come.
    rig.port.post(fill(order, "E2", 5, 15, 2)).unwrap();
    rig.until(settles_later);
    // Back where it should be, it is told, and still nobody has said that it is trusted.
    clock.set_off(0);
    let returned = until_found(&rig, ClockFinding::Returned);
    assert_eq!(reason(&mut rig, "C"), Some(DenyReason::ClockSuspect));
    let Event::Denied { denial, .. } = accept(&mut rig, found) else { panic!("it is not there any more") };
    assert_eq!(denial.reason, DenyReason::NothingToAccept);
    assert_eq!(accept(&mut rig, returned), Event::ClockAccepted { found: returned, step_ns: 0 });
    assert_eq!(reason(&mut rig, "D"), None, "at once, with the quote that was there");
    assert!(rig.shard.replica().read(Position::default(), settles_later).unwrap());
    stops_with_an_equal_replay(rig, &config);
}

#[test]
fn an_accepted_jump_ahead_rolls_dates_and_makes_no_quote_older() {
    let dir = tempfile::tempdir().unwrap();
    let (config, clock) = (config(dir.path()), Jumping::default());
    let mut rig = ready(&config, &clock);
    let Event::OrderAccepted { order, .. } = rig.call(Command::NewOrder(buy("A"))).event else { panic!() };
    rig.outbound();
    rig.port.post(fill(order, "E1", 10, 10, 1)).unwrap();
    rig.until(settles_later);
    clock.set_off(14 * DAY);
    let found = until_found(&rig, ClockFinding::Jumped);
    assert!(rig.shard.replica().read(Position::default(), settles_later).unwrap());
    let Event::ClockAccepted { step_ns, .. } = accept(&mut rig, found) else { panic!() };
    assert!((step_ns - 14 * DAY).abs() < 5_000_000_000, "{step_ns}");
    rig.until(|core| !settles_later(core));
    assert_eq!(reason(&mut rig, "B"), None, "with the quote that was there");
    stops_with_an_equal_replay(rig, &config);
}

#[test]
fn three_days_back_are_accepted_once_and_not_again_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let (config, mut clock) = (config(dir.path()), Jumping::default());
    let mut rig = ready(&config, &clock);
    clock.set_off(-3 * DAY);
    let found = until_found(&rig, ClockFinding::Jumped);
    assert_eq!(reason(&mut rig, "A"), Some(DenyReason::ClockSuspect));
    assert_eq!(accept(&mut rig, found), Event::ClockAccepted { found, step_ns: 0 });
    assert_eq!(reason(&mut rig, "B"), None);
    stops_with_an_equal_replay(rig, &config);
    for boots in 0..2 {
        clock.boots = boots;
        let mut rig = Rig::start_with(&config, clock.clone());
        rig.make_ready();
        let deadline = Instant::now() + PATIENCE;
        while let Some(denied) = reason(&mut rig, &format!("C{boots}")) {
            assert_eq!(denied, DenyReason::NoFreshQuote, "the quote is on its way");
            assert!(Instant::now() < deadline);
        }
        stops_with_an_equal_replay(rig, &config);
    }
}

/// Of the opening at the journal's end: what follows it at once.
fn behind_the_opening(config: &engine::ShardConfig) -> Option<Input> {
    let mut reader = journal::Reader::open(&config.journal.dir).unwrap();
    let mut behind = None;
    while let Some(record) = reader.next().unwrap() {
        behind = match (record.body, behind) {
            (RecordBody::Input(Input::Opened { .. }), _) => Some(Input::Tick),
            (RecordBody::Input(input), Some(Input::Tick)) => Some(input),
            (_, behind) => behind,
        };
    }
    behind
}

/// Two days ahead: on the same boot that is more than the time that passed. On another one it may be the time that the
/// node was down; twenty days may not, and a day back cannot be.
#[test]
fn a_jump_while_the_node_was_down_is_found_before_anything_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let (config, mut clock) = (config(dir.path()), Jumping::default());
    stops_with_an_equal_replay(ready(&config, &clock), &config);
    let mut off = 0;
    for (reboots, jump, expected) in [
        (false, 2 * DAY, Some(ClockFinding::JumpedWhileDown)),
        (false, -2 * DAY, Some(ClockFinding::JumpedWhileDown)),
        (true, 5 * DAY, None),
        (true, 20 * DAY, Some(ClockFinding::LongDown)),
        (true, -DAY, Some(ClockFinding::JumpedWhileDown)),
    ] {
        off += jump;
        clock.set_off(off);
        clock.boots += u8::from(reboots);
        let mut rig = Rig::start_with(&config, clock.clone());
        if let Some(finding) = expected {
            let found = until_found(&rig, finding);
            assert_eq!(reason(&mut rig, "A"), Some(DenyReason::ClockSuspect), "{jump}");
            assert!(matches!(accept(&mut rig, found), Event::ClockAccepted { .. }));
        }
        assert_eq!(reason(&mut rig, "B"), Some(DenyReason::SessionNotReady), "{jump}");
        stops_with_an_equal_replay(rig, &config);
        let first = behind_the_opening(&config);
        let found = match first {
            Some(Input::ClockJumped(jump)) => Some(jump.finding),
            _ => None,
        };
        assert_eq!(found, expected, "{jump}: {first:?}");
    }
}

/// Killed before anybody accepted: the next start is as suspicious, and as one that knows how long it was down.
#[test]
fn a_restart_accepts_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (config, mut clock) = (config(dir.path()), Jumping::default());
    let rig = ready(&config, &clock);
    clock.set_off(3 * DAY);
    until_found(&rig, ClockFinding::Jumped);
    stops_with_an_equal_replay(rig, &config);
    for boots in [0, 1] {
        clock.boots = boots;
        let mut rig = Rig::start_with(&config, clock.clone());
        assert_eq!(reason(&mut rig, "A"), Some(DenyReason::ClockSuspect), "{boots}");
        let time = rig.shard.replica().inspect(Position::default(), |replay| replay.time().nanos).unwrap();
        assert!(time < SystemClock.now().nanos + DAY, "time has not followed");
        stops_with_an_equal_replay(rig, &config);
    }
}
