use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::*;

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;
const START: i64 = 20_000 * DAY;
const BOUND: Duration = Duration::from_secs(5);

/// Two hands, set by the test.
#[derive(Clone, Debug, Default)]
struct Hands {
    wall: Arc<AtomicI64>,
    monotonic: Arc<AtomicI64>,
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.wall.load(Ordering::Relaxed))
    }
    fn monotonic_ns(&self) -> i64 {
        self.monotonic.load(Ordering::Relaxed)
    }
    fn read(&self) -> Reading {
        Reading { wall: self.now(), monotonic_ns: self.monotonic_ns() }
    }
}

impl Hands {
    fn pass(&self, ns: i64) {
        self.wall.fetch_add(ns, Ordering::Relaxed);
        self.monotonic.fetch_add(ns, Ordering::Relaxed);
    }
    fn jump(&self, ns: i64) {
        self.wall.fetch_add(ns, Ordering::Relaxed);
    }
}

fn begin(last: i64) -> (Hands, Timeline<Hands>) {
    let hands = Hands::default();
    hands.pass(7);
    hands.jump(START - 7);
    let timeline = Timeline::behind(Timestamp::from_nanos(last), hands.clone(), BOUND);
    (hands, timeline)
}

#[test]
fn it_goes_as_the_wall_clock_where_that_goes_well() {
    let (hands, mut timeline) = begin(START - 3 * DAY);
    for _ in 0..100 {
        assert_eq!(timeline.follow(), Ok(hands.now()));
        hands.pass(SECOND);
        assert_eq!(timeline.now(), hands.now());
    }
}

#[test]
fn a_jump_in_either_direction_is_told_and_not_followed() {
    for by_ns in [3 * DAY, -3 * DAY, 6 * SECOND, -6 * SECOND] {
        let (hands, mut timeline) = begin(0);
        hands.jump(by_ns);
        for passed in 0..10 {
            assert_eq!(timeline.follow(), Err(Jump { by_ns }));
            assert_eq!(timeline.now().nanos, START + passed * SECOND);
            hands.pass(SECOND);
        }
        // Set right again, nothing is left of it.
        hands.jump(-by_ns);
        assert_eq!(timeline.follow(), Ok(hands.now()));
    }
}

#[test]
fn a_small_step_is_worked_off_and_time_never_goes_back() {
    for step in [2 * SECOND, -2 * SECOND] {
        let (hands, mut timeline) = begin(0);
        hands.jump(step);
        let mut before = timeline.now();
        for _ in 0..2_001 {
            timeline.follow().unwrap();
            hands.pass(SECOND);
            let passed = timeline.now().nanos - before.nanos;
            assert!((passed - SECOND).abs() <= SECOND / SLEW, "an age is true to a thousandth: {passed}");
            before = timeline.now();
        }
        timeline.follow().unwrap();
        assert_eq!(timeline.now(), hands.now());
    }
}

#[test]
fn a_start_behind_the_journal_is_a_jump_back() {
    let (hands, mut timeline) = begin(START + 3 * DAY);
    assert_eq!(timeline.now().nanos, START + 3 * DAY);
    assert_eq!(timeline.follow(), Err(Jump { by_ns: -3 * DAY }));
    timeline.accept();
    hands.pass(SECOND);
    // Ages go on being right, and it is no jump any more.
    assert_eq!(timeline.follow(), Ok(Timestamp::from_nanos(START + 3 * DAY + SECOND)));
    // A jump from there is one.
    hands.jump(DAY);
    assert_eq!(timeline.follow(), Err(Jump { by_ns: DAY }));
}

#[test]
fn an_accepted_jump_ahead_is_followed_at_once() {
    let (hands, mut timeline) = begin(0);
    hands.jump(3 * DAY);
    timeline.follow().unwrap_err();
    timeline.accept();
    assert_eq!(timeline.now(), hands.now());
    assert_eq!(timeline.follow(), Ok(hands.now()));
}

#[test]
fn what_was_accepted_backwards_is_made_up_for_by_what_is_accepted_ahead() {
    let (hands, mut timeline) = begin(0);
    hands.jump(-DAY);
    timeline.accept();
    assert_eq!(timeline.now().nanos, START);
    hands.jump(3 * DAY);
    assert_eq!(timeline.follow(), Err(Jump { by_ns: 3 * DAY }));
    timeline.accept();
    assert_eq!(timeline.now(), hands.now());
    assert!(timeline.follow().is_ok());
}
