//! Which orders were late, and behind what.
//!
//! Orders go through in the order they were sent. So one is late behind the stall that fills most of the time from when it
//! was due until it arrived: of the measuring thread, which sent it late or took it late, or of the shard, in whose ring
//! it waited. One behind an order that was late is late for the same reason, until the first that is punctual again.

use crate::stalls::STALL_NS;
use crate::stalls::reading::Cause;

/// What is usual on a path: later than that is late, and what an order waits for there where nobody stalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usual {
    pub(crate) late_ns: u64,
    pub(crate) waits_for: &'static str,
}

impl Usual {
    /// Of a path that waits for nothing.
    pub(crate) const PATH: Self = Self { late_ns: STALL_NS, waits_for: "a queue" };
}

/// Why an order was late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    /// A stall of the thread that measures.
    Measuring(Cause),
    /// A stall of the shard.
    Shard(Cause),
    /// No stall was seen.
    Queue,
}

/// The last stall of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stall {
    pub(crate) ended_ns: u64,
    pub(crate) lasted_ns: u64,
    pub(crate) cause: Cause,
}

impl Stall {
    /// How much of the time since then it filled.
    const fn since(&self, due_ns: u64) -> u64 {
        let behind = self.ended_ns.saturating_sub(due_ns);
        if behind < self.lasted_ns { behind } else { self.lasted_ns }
    }
}

/// How many were late, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Late {
    measuring: [u64; Cause::ALL.len()],
    shard: [u64; Cause::ALL.len()],
    queue: u64,
    /// Late in this turn, and when the first of them was due.
    pending: u64,
    first_due_ns: u64,
    behind: Option<Behind>,
}

impl Late {
    /// One arrived.
    #[inline]
    pub(crate) fn arrived(&mut self, due_ns: u64, is_late: bool) {
        if is_late {
            if self.pending == 0 {
                self.first_due_ns = due_ns;
            }
            self.pending += 1;
        } else if self.behind.is_some() {
            self.behind = None;
        }
    }

    #[inline]
    pub(crate) const fn is_pending(&self) -> bool {
        self.pending > 0
    }

    /// Says why those that arrived late in this turn, which is over now, were.
    pub(crate) fn settle(&mut self, now_ns: u64, measuring: Option<Stall>, shard: Option<Stall>) {
        let due_ns = self.first_due_ns;
        let filled = |stall: Option<Stall>| stall.map_or(0, |stall| stall.since(due_ns));
        // Catching up is what comes behind a stall: the stall itself says more.
        let measured =
            filled(measuring.filter(|stall| stall.cause != Cause::CatchingUp || self.behind.is_none()));
        let (longest_ns, stall) = match (measuring, shard) {
            (Some(stall), _) if measured > 0 && measured >= filled(shard) => {
                (measured, Behind::Measuring(stall.cause))
            }
            (_, Some(stall)) if filled(shard) > 0 => (filled(shard), Behind::Shard(stall.cause)),
            _ => (0, Behind::Queue),
        };
        let behind = match self.behind {
            Some(behind) if longest_ns * 2 < now_ns.saturating_sub(due_ns) => behind,
            _ => stall,
        };
        self.behind = Some(behind);
        let count = std::mem::take(&mut self.pending);
        let sum = match behind {
            Behind::Measuring(cause) => self.measuring.get_mut(cause as usize),
            Behind::Shard(cause) => self.shard.get_mut(cause as usize),
            Behind::Queue => Some(&mut self.queue),
        };
        if let Some(sum) = sum {
            *sum += count;
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.measuring.iter().chain(&self.shard).sum::<u64>() + self.queue
    }

    /// By reason, the most frequent first.
    pub(crate) fn reasons(&self) -> Vec<(Behind, u64)> {
        let of = |behind: fn(Cause) -> Behind, counts: &[u64]| {
            Cause::ALL.into_iter().map(behind).zip(counts.to_vec()).collect::<Vec<_>>()
        };
        let mut all = of(Behind::Measuring, &self.measuring);
        all.extend(of(Behind::Shard, &self.shard));
        all.push((Behind::Queue, self.queue));
        all.retain(|(_, count)| *count > 0);
        all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Arrivals, when the turn is over, and the last stalls.
    type Turn<'a> = (&'a [(u64, bool)], u64, Option<Stall>, Option<Stall>);

    fn reasons(turns: &[Turn<'_>]) -> Vec<(Behind, u64)> {
        let mut late = Late::default();
        for (arrivals, now, measuring, shard) in turns {
            arrivals.iter().for_each(|(due, is_late)| late.arrived(*due, *is_late));
            if late.is_pending() {
                late.settle(*now, *measuring, *shard);
            }
        }
        assert_eq!(late.total(), late.reasons().iter().map(|(_, count)| count).sum::<u64>());
        late.reasons()
    }

    const fn stall(ended_ns: u64, lasted_ns: u64, cause: Cause) -> Stall {
        Stall { ended_ns, lasted_ns, cause }
    }

    const TAKEN: Option<Stall> = Some(stall(1_000, 500, Cause::CoreTaken));
    const FAULTS: Option<Stall> = Some(stall(1_000, 500, Cause::PageFaults));

    #[test]
    fn an_order_is_late_behind_the_stall_it_was_due_in() {
        let late: &[(u64, bool)] = &[(900, true), (990, true)];
        assert_eq!(reasons(&[(late, 1_001, TAKEN, None)]), [(Behind::Measuring(Cause::CoreTaken), 2)]);
        assert_eq!(reasons(&[(late, 1_001, None, FAULTS)]), [(Behind::Shard(Cause::PageFaults), 2)]);
        assert_eq!(reasons(&[(late, 1_001, TAKEN, FAULTS)]), [(Behind::Measuring(Cause::CoreTaken), 2)]);
        // Both stalls were over.
        assert_eq!(reasons(&[(&[(1_001, true)], 1_100, TAKEN, FAULTS)]), [(Behind::Queue, 1)]);
        assert_eq!(reasons(&[(&[(10, false)], 1_001, TAKEN, FAULTS)]), []);
    }

    #[test]
    fn the_longer_stall_is_the_reason() {
        // The measuring thread was away for a moment at the end of a long stall of the shard.
        let (shard, measuring) =
            (Some(stall(1_000, 900, Cause::Asleep)), Some(stall(1_010, 30, Cause::CoreTaken)));
        let late: &[(u64, bool)] = &[(200, true)];
        assert_eq!(reasons(&[(late, 1_010, measuring, shard)]), [(Behind::Shard(Cause::Asleep), 1)]);
        // And again while what had gathered is worked off.
        let turns: [Turn<'_>; 2] = [
            (late, 1_010, None, shard),
            (&[(300, true)], 1_200, Some(stall(1_190, 50, Cause::OnCore)), None),
        ];
        assert_eq!(reasons(&turns), [(Behind::Shard(Cause::Asleep), 2)]);
    }

    #[test]
    fn those_behind_a_late_one_are_late_for_the_same_reason_until_one_is_punctual() {
        let turns: [Turn<'_>; 4] = [
            (&[(900, true)], 1_001, TAKEN, None),
            (&[(1_500, true), (1_600, true)], 1_650, TAKEN, None),
            (&[(1_700, false)], 1_701, TAKEN, None),
            (&[(1_800, true)], 1_900, TAKEN, None),
        ];
        let expected = [(Behind::Measuring(Cause::CoreTaken), 3), (Behind::Queue, 1)];
        assert_eq!(reasons(&turns), expected);
    }

    #[test]
    fn catching_up_is_not_what_made_them_late() {
        let catching_up = Some(stall(2_000, 1_000, Cause::CatchingUp));
        let turns: [Turn<'_>; 2] =
            [(&[(900, true)], 1_001, TAKEN, None), (&[(1_500, true)], 2_001, catching_up, None)];
        assert_eq!(reasons(&turns), [(Behind::Measuring(Cause::CoreTaken), 2)]);
        let drained: &[(u64, bool)] = &[(900, true)];
        assert_eq!(
            reasons(&[(drained, 2_001, catching_up, None)]),
            [(Behind::Measuring(Cause::CatchingUp), 1)]
        );
    }
}
