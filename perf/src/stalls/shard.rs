//! Stalls of the shard, seen by the clock that it asks anyway: several times in ten microseconds, whatever it does.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use engine::Clock;
use model::Timestamp;

use crate::stalls::late::Stall;
use crate::stalls::reading::{Cause, Counters, Reading};
use crate::stalls::{LOOK_NS, STALL_NS, Stalls};
use crate::ticks;

/// A clock that notices when it was not asked for a while.
#[derive(Debug)]
pub(crate) struct Watched<C> {
    clock: C,
    shard: Arc<ShardStalls>,
}

/// What it noticed.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct ShardStalls {
    /// By the shard's own clock.
    asked_ns: AtomicI64,
    log: Mutex<PauseLog>,
    /// End of the last stall, by the clock of the lab; 0 where there was none yet.
    ended_ns: AtomicU64,
    lasted_ns: AtomicU64,
    cause: AtomicU64,
}

#[derive(Debug, Default)]
struct PauseLog {
    counters: Option<(rustix::thread::Pid, Counters)>,
    before: Reading,
    stalls: Stalls,
}

impl<C> Watched<C> {
    pub(crate) fn new(clock: C) -> (Self, Arc<ShardStalls>) {
        let shard = Arc::new(ShardStalls::default());
        (Self { clock, shard: Arc::clone(&shard) }, shard)
    }
}

impl<C: Clock> Clock for Watched<C> {
    #[inline]
    fn now(&self) -> Timestamp {
        let now = self.clock.now();
        // The shard's thread alone asks: no more than a load and a store of a line of its own.
        let asked_ns = self.shard.asked_ns.load(Ordering::Relaxed);
        self.shard.asked_ns.store(now.nanos, Ordering::Relaxed);
        if now.nanos - asked_ns > LOOK_NS.cast_signed() {
            self.shard.paused((now.nanos - asked_ns).unsigned_abs());
        }
        now
    }
}

impl ShardStalls {
    #[cold]
    fn paused(&self, pause_ns: u64) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let this = rustix::thread::gettid();
        if !matches!(&log.counters, Some((thread, _)) if *thread == this) {
            // The first time, or another thread: from here on.
            let counters = Counters::of_this_thread();
            log.before = counters.read();
            log.counters = Some((this, counters));
            return;
        }
        let Some((_, counters)) = &log.counters else { return };
        let (before, after) = (log.before, counters.read());
        log.before = after;
        if pause_ns > STALL_NS {
            let cause = log.stalls.note(pause_ns, &before, &after, false);
            self.cause.store(cause as u64, Ordering::Relaxed);
            self.lasted_ns.store(pause_ns, Ordering::Relaxed);
            self.ended_ns.store(ticks::now_ns(), Ordering::Release);
        }
    }

    /// Begins to count.
    pub(crate) fn begin(&self) {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).stalls = Stalls::default();
        self.ended_ns.store(0, Ordering::Release);
    }

    /// What was counted.
    pub(crate) fn end(&self) -> Stalls {
        std::mem::take(&mut self.log.lock().unwrap_or_else(PoisonError::into_inner).stalls)
    }

    /// The last stall.
    pub(crate) fn last(&self) -> Option<Stall> {
        let ended_ns = self.ended_ns.load(Ordering::Acquire);
        let cause = usize::try_from(self.cause.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
        let cause = Cause::ALL.get(cause).copied().unwrap_or(Cause::NotKnown);
        let lasted_ns = self.lasted_ns.load(Ordering::Relaxed);
        (ended_ns > 0).then_some(Stall { ended_ns, lasted_ns, cause })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, Default)]
    struct Stepped(Arc<AtomicI64>);

    impl Clock for Stepped {
        fn now(&self) -> Timestamp {
            Timestamp::from_nanos(self.0.load(Ordering::Relaxed))
        }
    }

    #[test]
    fn a_clock_that_was_not_asked_for_long_notices() {
        let steps = Stepped::default();
        let (clock, shard) = Watched::new(steps.clone());
        let ask_after = |ns: i64| {
            steps.0.fetch_add(ns, Ordering::Relaxed);
            assert_eq!(clock.now(), steps.now());
        };
        // The first time it learns whose it is.
        ask_after(1_000_000);
        shard.begin();
        for ns in [100, 5_000, 15_000, 19_000, 50_000, -70_000, 100, 21_000, 3_000_000] {
            ask_after(ns);
        }
        assert!(shard.last().is_some());
        let stalls = shard.end();
        assert_eq!((stalls.count, stalls.longest_ns), (3, 3_000_000));
        assert_eq!(stalls.parts.total(), 3_071_000);
        shard.begin();
        assert!(shard.last().is_none() && shard.end().count == 0);
    }
}
