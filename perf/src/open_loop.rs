//! Load at a rate, with intended times: what a stall delays is counted from when it was meant to be sent, so that
//! everybody who had to wait pays for it (no coordinated omission).

use std::sync::Arc;

use crate::error::PerfError;
use crate::samples::Samples;
use crate::stalls::{ShardStalls, TailWatch, Usual};
use crate::ticks;

/// A path that carries things in order: the n-th to arrive is the n-th that was sent.
pub(crate) trait Path {
    /// Sends the next; false where there is no room for it now: it waits, and its latency runs.
    fn send(&mut self) -> Result<bool, PerfError>;

    /// Looks what has arrived, and tells `arrived` when each did.
    fn receive(&mut self, arrived: &mut dyn FnMut(u64)) -> Result<(), PerfError>;

    /// The clock that arrivals are told by.
    fn now_ns(&self) -> u64 {
        ticks::now_ns()
    }

    /// Where it goes through a shard that is watched: that one's stalls.
    fn shard(&self) -> Option<Arc<ShardStalls>> {
        None
    }

    /// What is usual on it.
    fn usual(&self) -> Usual {
        Usual::PATH
    }
}

/// The longest a path may stand still.
pub(crate) const PATIENCE_NS: u64 = 20_000_000_000;

/// Looks at what has arrived for one at the clock.
const LOOKS: u32 = 4;

/// Sends `count` at `rate` a second; latencies from the intended times, and what made their tail.
pub(crate) fn offer(path: &mut impl Path, rate: u32, count: u64) -> Result<Samples, PerfError> {
    let interval_ns = 1_000_000_000 / u64::from(rate);
    let mut watch = TailWatch::begin(path.usual(), path.shard(), || path.now_ns());
    let begin = path.now_ns() + 100_000;
    let (mut sent, mut seen) = (0u64, 0u64);
    let mut samples = Samples::new();
    while seen < count {
        let now = path.now_ns();
        watch.turn(now, seen);
        if sent < count && now >= begin + sent * interval_ns && path.send()? {
            sent += 1;
        }
        // Where nothing is out nothing arrives, and between two looks at the clock is time for some at what has arrived:
        // how coarsely the generator looks would count as latency.
        for _ in 0..LOOKS {
            if seen == sent {
                break;
            }
            path.receive(&mut |at_ns| {
                let due = begin + seen * interval_ns;
                let latency = at_ns.saturating_sub(due);
                samples.record(latency);
                watch.arrived(due, latency);
                seen += 1;
            })?;
        }
        if now > begin + sent * interval_ns + PATIENCE_NS {
            return Err(PerfError::Late("an arrival"));
        }
    }
    samples.tail = Some(Box::new(watch.end(seen)));
    Ok(samples)
}

/// Sends the next when the one before has arrived.
pub(crate) fn one_by_one(path: &mut impl Path, count: u64) -> Result<Samples, PerfError> {
    let mut samples = Samples::new();
    for _ in 0..count {
        let start = path.now_ns();
        let mut arrived_ns = None;
        while !path.send()? {
            path.receive(&mut |_| ())?;
        }
        while arrived_ns.is_none() {
            path.receive(&mut |at_ns| arrived_ns = Some(at_ns))?;
            if path.now_ns() > start + PATIENCE_NS {
                return Err(PerfError::Late("an arrival"));
            }
        }
        samples.record(arrived_ns.unwrap_or(start).saturating_sub(start));
    }
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes one at a time, and stands still for a while in the middle.
    struct Stalling {
        now: std::cell::Cell<u64>,
        taken: u64,
        arrived: u64,
    }

    impl Path for Stalling {
        fn send(&mut self) -> Result<bool, PerfError> {
            self.taken += 1;
            Ok(true)
        }

        fn receive(&mut self, arrived: &mut dyn FnMut(u64)) -> Result<(), PerfError> {
            if self.arrived == 50 && self.taken == 51 {
                self.now.set(self.now.get() + 1_000_000);
            }
            while self.arrived < self.taken {
                self.arrived += 1;
                arrived(self.now.get());
            }
            Ok(())
        }

        fn now_ns(&self) -> u64 {
            self.now.set(self.now.get() + 100);
            self.now.get()
        }
    }

    #[test]
    fn a_stall_is_paid_by_all_who_had_to_wait() {
        let mut path = Stalling { now: 0.into(), taken: 0, arrived: 0 };
        let summary = offer(&mut path, 100_000, 200).unwrap().summary();
        // A hundred were due in the millisecond that the path stood still: half of all, not one.
        assert!(summary.p50 >= 1_000 && summary.max >= 990_000, "{summary:?}");
        assert_eq!(summary.count, 200);
    }

    #[test]
    fn one_by_one_counts_each() {
        let mut path = Stalling { now: 0.into(), taken: 0, arrived: 0 };
        assert_eq!(one_by_one(&mut path, 20).unwrap().summary().count, 20);
    }
}
