//! A wall clock that jumps under a working shard: nothing is denied for it but new orders, by a halt that is recorded
//! and that a person ends; dates do not roll by it; and what is recorded replays to the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use crate::common::{AIG, PATIENCE, Rig, SESSION, buy, config, fill, quote};
use actors::Core;
use engine::{Clock, Reading, SystemClock, replay};
use model::*;

const DAY: i64 = 86_400_000_000_000;

/// The machine's clocks, and how far somebody has set the wall clock off.
#[derive(Clone, Default)]
struct Jumping {
    off_ns: Arc<AtomicI64>,
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

fn until_halted(rig: &Rig) {
    rig.until(actors::Core::is_firm_halted);
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
    until_halted(&rig);
    assert_eq!(reason(&mut rig, "B"), Some(DenyReason::Halted));
    // Fills go on, and nothing settles by a date that has not come.
    rig.port.post(fill(order, "E2", 5, 15, 2)).unwrap();
    rig.until(settles_later);
    clock.set_off(0);
    rig.call(Command::Resume(Scope::Firm));
    assert_eq!(reason(&mut rig, "C"), None, "at once, with the quote that was there");
    stops_with_an_equal_replay(rig, &config);
}

#[test]
fn an_accepted_jump_ahead_rolls_dates() {
    let dir = tempfile::tempdir().unwrap();
    let (config, clock) = (config(dir.path()), Jumping::default());
    let mut rig = ready(&config, &clock);
    let Event::OrderAccepted { order, .. } = rig.call(Command::NewOrder(buy("A"))).event else { panic!() };
    rig.outbound();
    rig.port.post(fill(order, "E1", 10, 10, 1)).unwrap();
    clock.set_off(14 * DAY);
    until_halted(&rig);
    rig.call(Command::Resume(Scope::Firm));
    rig.until(|core| !settles_later(core));
    stops_with_an_equal_replay(rig, &config);
}

#[test]
fn three_days_back_stops_new_orders_until_a_person_resumes_also_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (config, clock) = (config(dir.path()), Jumping::default());
    let mut rig = ready(&config, &clock);
    clock.set_off(-3 * DAY);
    until_halted(&rig);
    rig.call(Command::Resume(Scope::Firm));
    rig.shard.quotes().send(AIG, quote()).unwrap();
    assert_eq!(reason(&mut rig, "A"), None);
    stops_with_an_equal_replay(rig, &config);
    // The journal is ahead of the clock now: found at the start, and ended in the same way.
    let mut rig = Rig::start_with(&config, clock);
    until_halted(&rig);
    rig.call(Command::Resume(Scope::Firm));
    rig.make_ready();
    let deadline = Instant::now() + PATIENCE;
    while let Some(denied) = reason(&mut rig, "B") {
        assert_eq!(denied, DenyReason::NoFreshQuote, "the quote is on its way");
        assert!(Instant::now() < deadline);
    }
    assert!(rig.shard.is_running() && SESSION.slot() == 0);
    stops_with_an_equal_replay(rig, &config);
}
