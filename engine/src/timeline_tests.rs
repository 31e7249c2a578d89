use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use actors::{Core, Outcome, Stamp};
use model::{ClockFinding, Input, Position};

use super::*;

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;
const START: i64 = 20_000 * DAY;
const BOUNDS: ClockBounds = ClockBounds { jump: Duration::from_secs(5), down: Duration::from_hours(7 * 24) };

/// Two hands, set by the test, and which boot it is.
#[derive(Clone, Debug, Default)]
struct Hands {
    wall: Arc<AtomicI64>,
    monotonic: Arc<AtomicI64>,
    boot: u8,
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
    fn boot(&self) -> Option<BootId> {
        (self.boot > 0).then_some(BootId { bytes: [self.boot; 16] })
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
    /// The machine starts anew; its wall clock goes on.
    fn reboot(&mut self) {
        self.boot += 1;
        self.monotonic.store(SECOND, Ordering::Relaxed);
    }
    fn begin(&self, last: i64, known: &KnownClock) -> Timeline<Self> {
        Timeline::behind(Timestamp::from_nanos(last), known, self.clone(), BOUNDS)
    }
}

fn begin(last: i64) -> (Hands, Timeline<Hands>) {
    let hands = Hands::default();
    hands.pass(7);
    hands.jump(START - 7);
    let timeline = hands.begin(last, &KnownClock::default());
    (hands, timeline)
}

/// What a journal says that holds these.
fn known(inputs: &[Input]) -> KnownClock {
    let mut core = Core::new();
    for (seq, input) in (1..).zip(inputs) {
        let position = Position { seq, ..Position::default() };
        let stamp = Stamp { position, time: Timestamp::from_nanos(START) };
        core.apply(stamp, input, &mut Outcome::default());
    }
    machine::Hosted::clock(&core)
}

fn off(timeline: &mut Timeline<Hands>) -> Option<(ClockFinding, i64)> {
    timeline.follow().err().map(|jump| (jump.finding, jump.off_ns()))
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
            assert_eq!(off(&mut timeline), Some((ClockFinding::Jumped, by_ns)));
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
    let jump = timeline.follow().unwrap_err();
    assert_eq!((jump.finding, jump.off_ns()), (ClockFinding::JumpedWhileDown, -3 * DAY));
    assert_eq!(timeline.accept(&jump), 0);
    hands.pass(SECOND);
    // Ages go on being right, and it is no jump any more.
    assert_eq!(timeline.follow(), Ok(Timestamp::from_nanos(START + 3 * DAY + SECOND)));
    // A jump from there is one.
    hands.jump(DAY);
    assert_eq!(off(&mut timeline), Some((ClockFinding::Jumped, DAY)));
}

#[test]
fn an_accepted_jump_ahead_is_followed_at_once() {
    let (hands, mut timeline) = begin(0);
    hands.jump(3 * DAY);
    let jump = timeline.follow().unwrap_err();
    assert_eq!(timeline.accept(&jump), 3 * DAY);
    assert_eq!(timeline.now(), hands.now());
    assert_eq!(timeline.follow(), Ok(hands.now()));
}

#[test]
fn what_was_accepted_backwards_is_made_up_for_by_what_is_accepted_ahead() {
    let (hands, mut timeline) = begin(0);
    hands.jump(-DAY);
    let back = timeline.follow().unwrap_err();
    timeline.accept(&back);
    hands.jump(3 * DAY);
    let ahead = timeline.follow().unwrap_err();
    assert_eq!(timeline.accept(&ahead), 2 * DAY);
    assert_eq!(timeline.follow(), Ok(hands.now()));
    assert_eq!(timeline.now().nanos, START + 2 * DAY);
}

/// On the same boot it is known how long the node was down, whatever was done to the wall clock.
#[test]
fn a_jump_while_the_node_was_down_is_found_on_the_same_boot() {
    for jumped in [0, 3 * DAY, -3 * DAY, 6 * SECOND, -6 * SECOND, 4 * SECOND] {
        let (mut hands, _) = begin(0);
        hands.reboot();
        let anchor = hands.begin(0, &KnownClock::default()).anchor().unwrap();
        let book = known(&[Input::ClockAnchored(anchor)]);
        hands.pass(DAY);
        let last = START + DAY;
        hands.pass(2 * DAY);
        hands.jump(jumped);
        let mut timeline = hands.begin(last, &book);
        if jumped.abs() <= 5 * SECOND {
            assert_eq!((off(&mut timeline), timeline.now()), (None, hands.now()), "{jumped}");
        } else {
            assert_eq!(off(&mut timeline), Some((ClockFinding::JumpedWhileDown, jumped)));
            assert_eq!(timeline.now().nanos, START + 3 * DAY, "the time that passed is known");
        }
    }
}

/// On another boot only the last record is known: what is behind it, or far ahead of it, is judged, and nothing else.
#[test]
fn after_another_boot_what_is_behind_or_far_ahead_of_the_last_record_is_not_trusted() {
    let cases = [
        (-3 * DAY, Some((ClockFinding::JumpedWhileDown, -3 * DAY))),
        (-6 * SECOND, Some((ClockFinding::JumpedWhileDown, -6 * SECOND))),
        (-4 * SECOND, None),
        (0, None),
        (6 * DAY, None),
        (8 * DAY, Some((ClockFinding::LongDown, 8 * DAY))),
    ];
    for (gap, expected) in cases {
        let (mut hands, _) = begin(0);
        hands.reboot();
        let book = known(&[Input::ClockAnchored(hands.begin(0, &KnownClock::default()).anchor().unwrap())]);
        hands.reboot();
        hands.jump(gap);
        let mut timeline = hands.begin(START, &book);
        assert_eq!(off(&mut timeline), expected, "{gap}");
        let from_last = expected.is_some() || gap < 0;
        assert_eq!(timeline.now().nanos, if from_last { START } else { START + gap });
    }
}

/// A clock in doubt vouches for no time that passed: else a restart would accept what nobody accepted.
#[test]
fn a_restart_on_another_boot_accepts_nothing() {
    let (mut hands, mut timeline) = begin(0);
    hands.jump(3 * DAY);
    let book = known(&[Input::ClockJumped(timeline.follow().unwrap_err())]);
    hands.reboot();
    let mut timeline = hands.begin(START + 60 * SECOND, &book);
    assert_eq!(off(&mut timeline), Some((ClockFinding::LongDown, 3 * DAY - 60 * SECOND)));
    assert_eq!(timeline.now().nanos, START + 60 * SECOND);
}

#[test]
fn a_jump_back_that_was_accepted_is_none_at_the_next_start_and_ends_once_it_is_caught_up_with() {
    let (mut hands, _) = begin(0);
    hands.reboot();
    let book = known(&[Input::ClockAnchored(ClockAnchor {
        ahead_ns: 3 * DAY,
        ..hands.begin(0, &KnownClock::default()).anchor().unwrap()
    })]);
    hands.jump(-3 * DAY);
    for reboot in [false, true] {
        if reboot {
            hands.reboot();
        }
        // Down for a day: the last record is still two days ahead of the wall clock, and more it need not be.
        hands.pass(DAY);
        let mut timeline = hands.begin(START, &book);
        assert_eq!((off(&mut timeline), timeline.now().nanos), (None, START), "{reboot}");
        hands.pass(4 * DAY);
        let mut timeline = hands.begin(START, &book);
        assert_eq!((off(&mut timeline), timeline.now()), (None, hands.now()), "{reboot}");
        assert_eq!(timeline.anchor().unwrap().ahead_ns, 0);
        hands.pass(-5 * DAY);
    }
}

#[test]
fn an_anchor_is_recorded_again_before_it_misleads() {
    let (mut hands, _) = begin(0);
    hands.reboot();
    let mut timeline = hands.begin(0, &KnownClock::default());
    let anchor = timeline.anchor();
    assert!(timeline.has_left(None) && !timeline.has_left(anchor.as_ref()));
    hands.jump(2 * SECOND);
    let mut recorded = 0;
    for _ in 0..2_500 {
        timeline.follow().unwrap();
        hands.pass(SECOND);
        recorded =
            if recorded == 0 && timeline.has_left(anchor.as_ref()) { timeline.now().nanos } else { recorded };
    }
    let after = (recorded - START) / SECOND;
    assert!((400..700).contains(&after), "half a second is worked off in 500 seconds: {after}");
    hands.reboot();
    assert!(hands.begin(0, &KnownClock::default()).has_left(anchor.as_ref()), "of another boot");
}
