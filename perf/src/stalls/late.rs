//! Which orders were late, and behind what.
//!
//! Orders go through in the order they were sent. So one that was due before a stall of the measuring thread ended was
//! sent late by it; one that was due before a stall of the shard ended waited in the shard's ring; and one behind an
//! order that was late is late for the same reason, until the first that is punctual again.

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

/// A stall that ended at some time.
pub(crate) type Ended = Option<(u64, Cause)>;

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

    /// Says why those that arrived late in this turn were.
    pub(crate) fn settle(&mut self, measuring: Ended, shard: Ended) {
        let due_ns = self.first_due_ns;
        let was = |ended: Ended| ended.filter(|(at_ns, _)| due_ns <= *at_ns).map(|(_, cause)| cause);
        let behind = match (was(measuring), was(shard), self.behind) {
            // Catching up is what comes behind a stall: the stall itself says more.
            (Some(Cause::CatchingUp), None, Some(behind)) => behind,
            (Some(Cause::CatchingUp) | None, Some(cause), _) => Behind::Shard(cause),
            (Some(cause), ..) => Behind::Measuring(cause),
            (None, None, behind) => behind.unwrap_or(Behind::Queue),
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

    /// Arrivals, the last stall of the measuring thread, and that of the shard.
    type Turn<'a> = (&'a [(u64, bool)], Ended, Ended);

    fn reasons(turns: &[Turn<'_>]) -> Vec<(Behind, u64)> {
        let mut late = Late::default();
        for (arrivals, measuring, shard) in turns {
            arrivals.iter().for_each(|(due, is_late)| late.arrived(*due, *is_late));
            if late.is_pending() {
                late.settle(*measuring, *shard);
            }
        }
        assert_eq!(late.total(), late.reasons().iter().map(|(_, count)| count).sum::<u64>());
        late.reasons()
    }

    const TAKEN: Ended = Some((1_000, Cause::CoreTaken));
    const FAULTS: Ended = Some((1_000, Cause::PageFaults));

    #[test]
    fn an_order_is_late_behind_the_stall_it_was_due_in() {
        let late: &[(u64, bool)] = &[(900, true), (990, true)];
        assert_eq!(reasons(&[(late, TAKEN, None)]), [(Behind::Measuring(Cause::CoreTaken), 2)]);
        assert_eq!(reasons(&[(late, None, FAULTS)]), [(Behind::Shard(Cause::PageFaults), 2)]);
        assert_eq!(reasons(&[(late, TAKEN, FAULTS)]), [(Behind::Measuring(Cause::CoreTaken), 2)]);
        // Both stalls were over.
        assert_eq!(reasons(&[(&[(1_001, true)], TAKEN, FAULTS)]), [(Behind::Queue, 1)]);
        assert_eq!(reasons(&[(&[(10, false)], TAKEN, FAULTS)]), []);
    }

    #[test]
    fn those_behind_a_late_one_are_late_for_the_same_reason_until_one_is_punctual() {
        let turns: [Turn<'_>; 4] = [
            (&[(900, true)], TAKEN, None),
            (&[(1_500, true), (1_600, true)], TAKEN, None),
            (&[(1_700, false)], TAKEN, None),
            (&[(1_800, true)], TAKEN, None),
        ];
        let expected = [(Behind::Measuring(Cause::CoreTaken), 3), (Behind::Queue, 1)];
        assert_eq!(reasons(&turns), expected);
    }

    #[test]
    fn catching_up_is_not_what_made_them_late() {
        let catching_up = Some((2_000, Cause::CatchingUp));
        let turns: [Turn<'_>; 2] = [(&[(900, true)], TAKEN, None), (&[(1_500, true)], catching_up, None)];
        assert_eq!(reasons(&turns), [(Behind::Measuring(Cause::CoreTaken), 2)]);
        let drained: &[(u64, bool)] = &[(900, true)];
        assert_eq!(reasons(&[(drained, catching_up, FAULTS)]), [(Behind::Shard(Cause::PageFaults), 1)]);
        assert_eq!(reasons(&[(drained, catching_up, None)]), [(Behind::Measuring(Cause::CatchingUp), 1)]);
    }
}
