//! The shard's time: it begins with the wall clock, goes by the monotonic one, and follows the wall clock slowly.
//!
//! A wall clock is set by people and by daemons, and may jump. Ages of quotes and the order of stamps must not: between
//! two looks at the wall clock only the monotonic clock counts, and a difference is worked off at a thousandth of the
//! time that passes. What is off by more than the bound is not worked off at all: it is a jump, dates do not roll by it,
//! and a person decides. See `docs/decisions/0030-a-clock-that-jumped-is-not-trusted.md`.

use std::time::Duration;

use machine::{BootId, ClockAnchor, ClockFinding, ClockJump, KnownClock, Timestamp};

use crate::clock::{Clock, Reading};

/// How far a clock may be off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClockBounds {
    /// Further off what it should show, it has jumped.
    pub(crate) jump: Duration,
    /// Further ahead of the last record of another boot, nobody knows.
    pub(crate) down: Duration,
}

/// Of the time that passes, the part that a difference is worked off by: twice what a clock may be off that is
/// disciplined (500 ppm), so that it is caught up with.
const SLEW: i64 = 1_000;
/// Less time than this has no thousandth worth working off.
const LEAST_PASSED_NS: i64 = 1_000_000;
/// What is worked off since the last recorded anchor, before the next is recorded: less than any bound.
const ANCHOR_SLACK_NS: i64 = 500_000_000;

#[derive(Debug)]
pub(crate) struct Timeline<C> {
    clock: C,
    boot: Option<BootId>,
    bound_ns: i64,
    /// The shard's time less the monotonic one.
    offset_ns: i64,
    /// How far the shard's time is ahead of what the wall clock should show, since a person accepted a jump back.
    ahead_ns: i64,
    /// Up to this monotonic time a difference has been worked off.
    looked_ns: i64,
    /// What it is called where the clock is found off now: a start knows less than a shard that works.
    finding: ClockFinding,
}

/// Where a start finds itself.
struct BeginsAt {
    time_ns: i64,
    ahead_ns: i64,
    finding: ClockFinding,
}

impl<C: Clock> Timeline<C> {
    /// Goes on behind `last`, the time of the journal's last record. What the wall clock may show is told by the anchor
    /// where the machine still runs since, else only by the last record.
    pub(crate) fn behind(last: Timestamp, known: &KnownClock, clock: C, bounds: ClockBounds) -> Self {
        let (Reading { wall, monotonic_ns }, boot) = (clock.read(), clock.boot());
        let bound_ns = nanos(bounds.jump);
        let is_of_this_boot =
            |anchor: &ClockAnchor| Some(anchor.boot) == boot && anchor.since_boot_ns <= monotonic_ns;
        let start = match known.anchor.filter(is_of_this_boot) {
            Some(anchor) => {
                let passed_ns = monotonic_ns - anchor.since_boot_ns;
                let due_ns = anchor.time.nanos.saturating_add(passed_ns).max(last.nanos);
                BeginsAt::of_same_boot(wall.nanos, due_ns, last.nanos, known.ahead_ns, bound_ns)
            }
            None => BeginsAt::of_other_boot(wall.nanos, last.nanos, known, bound_ns, nanos(bounds.down)),
        };
        Self {
            clock,
            boot,
            bound_ns,
            offset_ns: start.time_ns.saturating_sub(monotonic_ns),
            ahead_ns: start.ahead_ns,
            looked_ns: monotonic_ns,
            finding: start.finding,
        }
    }

    /// The shard's time: one look at the monotonic clock.
    #[inline]
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.monotonic_ns().saturating_add(self.offset_ns))
    }

    #[inline]
    pub(crate) fn monotonic_ns(&self) -> i64 {
        self.clock.monotonic_ns()
    }

    /// Looks at the wall clock and follows it, but not where it has jumped.
    pub(crate) fn follow(&mut self) -> Result<Timestamp, ClockJump> {
        let (now, monotonic_ns, shown) = self.look();
        let jump = self.jump(now, shown);
        if jump.off_ns().saturating_abs() > self.bound_ns {
            return Err(jump);
        }
        self.finding = ClockFinding::Jumped;
        let passed_ns = monotonic_ns.saturating_sub(self.looked_ns);
        if passed_ns >= LEAST_PASSED_NS {
            let most = passed_ns / SLEW;
            self.offset_ns = self.offset_ns.saturating_add(jump.off_ns().clamp(-most, most));
            self.looked_ns = monotonic_ns;
        }
        Ok(now)
    }

    /// Where the clock is, after it was followed: for who did not trust it before.
    pub(crate) fn returned(&self) -> ClockJump {
        let (now, _, shown) = self.look();
        ClockJump { finding: ClockFinding::Returned, ..self.jump(now, shown) }
    }

    /// True where the two say the same: back where it should be, or off by the same, within the bound.
    pub(crate) fn is_as(&self, known: &ClockJump, jump: &ClockJump) -> bool {
        let is_back = |jump: &ClockJump| jump.finding == ClockFinding::Returned;
        let moved_ns = jump.off_ns().saturating_sub(known.off_ns()).saturating_abs();
        is_back(known) == is_back(jump) && moved_ns <= self.bound_ns
    }

    /// What was found is on record: from here on the shard works.
    pub(crate) const fn noted(&mut self) {
        self.finding = ClockFinding::Jumped;
    }

    /// A person says that the wall clock is right as it was found; by how much time steps ahead for that.
    pub(crate) fn accept(&mut self, jump: &ClockJump) -> i64 {
        let (step_ns, ahead_ns) = jump.accepted(self.ahead_ns);
        self.offset_ns = self.offset_ns.saturating_add(step_ns);
        self.ahead_ns = ahead_ns;
        step_ns
    }

    /// What is to be recorded, so that a later start on this boot knows this time.
    pub(crate) fn anchor(&self) -> Option<ClockAnchor> {
        let boot = self.boot?;
        let since_boot_ns = self.clock.monotonic_ns();
        let time = Timestamp::from_nanos(since_boot_ns.saturating_add(self.offset_ns));
        Some(ClockAnchor { boot, since_boot_ns, time, ahead_ns: self.ahead_ns })
    }

    /// True where what was recorded would mislead a later start.
    pub(crate) fn has_left(&self, recorded: Option<&ClockAnchor>) -> bool {
        self.boot.is_some()
            && recorded.is_none_or(|anchor| {
                let offset_ns = anchor.time.nanos.saturating_sub(anchor.since_boot_ns);
                let moved_ns = self.offset_ns.saturating_sub(offset_ns).saturating_abs();
                Some(anchor.boot) != self.boot
                    || anchor.ahead_ns != self.ahead_ns
                    || moved_ns > ANCHOR_SLACK_NS
            })
    }

    /// The shard's time, the monotonic one, and the wall clock.
    fn look(&self) -> (Timestamp, i64, Timestamp) {
        let Reading { wall, monotonic_ns } = self.clock.read();
        (Timestamp::from_nanos(monotonic_ns.saturating_add(self.offset_ns)), monotonic_ns, wall)
    }

    const fn jump(&self, now: Timestamp, shown: Timestamp) -> ClockJump {
        let due = Timestamp::from_nanos(now.nanos.saturating_sub(self.ahead_ns));
        ClockJump { finding: self.finding, due, shown }
    }
}

impl BeginsAt {
    /// It is known how much time passed, so the wall clock is judged as at any other look.
    const fn of_same_boot(wall_ns: i64, due_ns: i64, last_ns: i64, ahead_ns: i64, bound_ns: i64) -> Self {
        let off_ns = wall_ns.saturating_sub(due_ns.saturating_sub(ahead_ns));
        if off_ns.saturating_abs() <= bound_ns {
            return Self::trusted(wall_ns, last_ns, bound_ns);
        }
        Self { time_ns: due_ns, ahead_ns, finding: ClockFinding::JumpedWhileDown }
    }

    /// Only the last record is known. What lies behind it is a jump back; what lies ahead of it may be the time that
    /// passed, but for one that was written under a clock in doubt: then nothing vouches for it.
    fn of_other_boot(wall_ns: i64, last_ns: i64, known: &KnownClock, bound_ns: i64, down_ns: i64) -> Self {
        if last_ns == 0 {
            return Self::trusted(wall_ns, last_ns, bound_ns);
        }
        let ahead_ns = known.ahead_ns;
        let gap_ns = wall_ns.saturating_sub(last_ns.saturating_sub(ahead_ns));
        let longest_ns = if known.suspicion.is_some() { bound_ns } else { down_ns.saturating_add(ahead_ns) };
        if gap_ns >= bound_ns.saturating_neg() && gap_ns <= longest_ns {
            return Self::trusted(wall_ns, last_ns, bound_ns);
        }
        let finding = if gap_ns < 0 { ClockFinding::JumpedWhileDown } else { ClockFinding::LongDown };
        Self { time_ns: last_ns, ahead_ns, finding }
    }

    /// Time begins with the wall clock again, but never before the last record. What it is behind by less than the bound
    /// is worked off; more than that was accepted once, and stays accepted.
    const fn trusted(wall_ns: i64, last_ns: i64, bound_ns: i64) -> Self {
        let behind_ns = last_ns.saturating_sub(wall_ns);
        let time_ns = if behind_ns > 0 { last_ns } else { wall_ns };
        let ahead_ns = if behind_ns > bound_ns { behind_ns } else { 0 };
        Self { time_ns, ahead_ns, finding: ClockFinding::Jumped }
    }
}

fn nanos(bound: Duration) -> i64 {
    i64::try_from(bound.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
