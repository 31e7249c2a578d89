//! The shard's time: it begins with the wall clock, goes by the monotonic one, and follows the wall clock slowly.
//!
//! A wall clock is set by people and by daemons, and may jump. Ages of quotes and the order of stamps must not: between
//! two looks at the wall clock only the monotonic clock counts, and a difference is worked off at a thousandth of the
//! time that passes. What is off by more than the bound is not worked off at all: it is a jump, dates do not roll by it,
//! and a person decides. See `docs/decisions/0025-a-jump-of-the-clock-is-not-followed.md`.

use std::time::Duration;

use model::Timestamp;

use crate::clock::{Clock, Reading};

/// A clock that is off by more than the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Jump {
    /// Of the wall clock against the shard's time: above zero where the wall clock is ahead.
    pub(crate) by_ns: i64,
}

/// Of the time that passes, the part that a difference is worked off by: twice what a clock may be off that is
/// disciplined (500 ppm), so that it is caught up with.
const SLEW: i64 = 1_000;
/// Less time than this has no thousandth worth working off.
const LEAST_PASSED_NS: i64 = 1_000_000;

#[derive(Debug)]
pub(crate) struct Timeline<C> {
    clock: C,
    bound_ns: i64,
    /// The shard's time less the monotonic one.
    offset_ns: i64,
    /// The difference of the wall clock that a person has accepted: it stays where a time cannot go back.
    accepted_ns: i64,
    /// Up to this monotonic time a difference has been worked off.
    looked_ns: i64,
}

impl<C: Clock> Timeline<C> {
    /// Goes on behind `last`, the time of the journal's last record. That the wall clock is ahead of it is usual, and not
    /// to be told from having been down; that it is behind is found at the first look.
    pub(crate) fn behind(last: Timestamp, clock: C, bound: Duration) -> Self {
        let Reading { wall, monotonic_ns } = clock.read();
        let start = wall.max(last);
        Self {
            clock,
            bound_ns: i64::try_from(bound.as_nanos()).unwrap_or(i64::MAX),
            offset_ns: start.nanos.saturating_sub(monotonic_ns),
            accepted_ns: 0,
            looked_ns: monotonic_ns,
        }
    }

    /// The shard's time: one look at the monotonic clock.
    #[inline]
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.clock.monotonic_ns().saturating_add(self.offset_ns))
    }

    /// Looks at the wall clock and follows it, but not where it has jumped.
    pub(crate) fn follow(&mut self) -> Result<Timestamp, Jump> {
        let (now, monotonic_ns, off_ns) = self.compare();
        if off_ns.saturating_abs() > self.bound_ns {
            return Err(Jump { by_ns: off_ns });
        }
        let passed_ns = monotonic_ns.saturating_sub(self.looked_ns);
        if passed_ns >= LEAST_PASSED_NS {
            let most = passed_ns / SLEW;
            self.offset_ns = self.offset_ns.saturating_add(off_ns.clamp(-most, most));
            self.looked_ns = monotonic_ns;
        }
        Ok(now)
    }

    /// A person says that the wall clock is right. Time goes to it where that is ahead. It cannot go back: where the wall
    /// clock is behind, the difference stays, and is no jump any more.
    pub(crate) fn accept(&mut self) {
        let (_, _, off_ns) = self.compare();
        if off_ns > 0 {
            // What had been accepted before is made up for too.
            let ahead_ns = off_ns.saturating_add(self.accepted_ns);
            self.offset_ns = self.offset_ns.saturating_add(ahead_ns.max(0));
            self.accepted_ns = ahead_ns.min(0);
        } else {
            self.accepted_ns = self.accepted_ns.saturating_add(off_ns);
        }
    }

    /// The shard's time, the monotonic one, and how far the wall clock is off what it should be.
    fn compare(&self) -> (Timestamp, i64, i64) {
        let Reading { wall, monotonic_ns } = self.clock.read();
        let now = Timestamp::from_nanos(monotonic_ns.saturating_add(self.offset_ns));
        (now, monotonic_ns, wall.nanos.saturating_sub(now.nanos).saturating_sub(self.accepted_ns))
    }
}

/// The stop of new orders for a clock that jumped: begun once, ended when the firm is resumed.
#[derive(Debug, Default)]
pub(crate) struct ClockStop {
    is_begun: bool,
}

impl ClockStop {
    pub(crate) const fn is_due(&self) -> bool {
        !self.is_begun
    }

    pub(crate) const fn begun(&mut self) {
        self.is_begun = true;
    }

    /// True once: when somebody has resumed the firm since it was halted for the clock.
    pub(crate) const fn ends(&mut self, is_firm_halted: bool) -> bool {
        let ends = self.is_begun && !is_firm_halted;
        self.is_begun &= is_firm_halted;
        ends
    }
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
