//! Stage stamps of inputs, beside the journal and never in it: where the time went.
//!
//! Off, it costs one branch an input. On, each input carries five readings of the clock, and the kernel's counters of
//! the shard's thread are read after an input that was slow and, while there is nothing to do, every
//! [`LOOK_EVERY_NS`]: so what was counted lies in the slow input or at most that long before it.

use std::collections::VecDeque;
use std::sync::OnceLock;
use std::time::Instant;

use machine::Position;

use crate::thread_usage::ThreadUsage;

/// Which way an input came into the shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lane {
    /// From a client.
    Command,
    /// From a broker's session.
    Report,
    /// From the shard itself: ticks, marks, its opening.
    #[default]
    Own,
}

/// When one input passed each stage, in monotonic nanoseconds of this process, and what else happened meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StageTimes {
    /// Which.
    pub position: Position,
    /// Which way it came.
    pub lane: Lane,
    /// Handed to the ring by its submitter; 0 where it came another way, or from one who does not trace.
    pub submitted_ns: u64,
    /// Taken from the ring by the shard.
    pub taken_ns: u64,
    /// In the journal.
    pub appended_ns: u64,
    /// Decided and applied.
    pub applied_ns: u64,
    /// Answer and messages handed to their rings, and the record durable. The digest comes after it: its time is part of
    /// what the next input waits.
    pub released_ns: u64,
    /// The journal went on in its next segment for it.
    pub rolled: bool,
    /// What it led to waited for the disk.
    pub held: bool,
    /// What the kernel counted for the shard's thread, where the input was slow.
    pub usage: ThreadUsage,
}

/// An input that takes longer than this, its wait in the ring for an idle shard included, has the kernel's counters
/// looked at.
const SLOW_NS: u64 = 3_000;
/// How often an idle shard looks at the counters while it traces.
pub const LOOK_EVERY_NS: u64 = 20_000;

/// Takes the stamps of an input as it passes the stages.
pub(crate) trait Stamps {
    fn taken(&mut self);
    fn appended(&mut self, segment: u64);
    fn applied(&mut self);
    fn released(&mut self, position: Position, lane: Lane, submitted_ns: u64, held: bool);
}

/// Nobody traces.
pub(crate) struct Untraced;

impl Stamps for Untraced {
    #[inline]
    fn taken(&mut self) {}
    #[inline]
    fn appended(&mut self, _: u64) {}
    #[inline]
    fn applied(&mut self) {}
    #[inline]
    fn released(&mut self, _: Position, _: Lane, _: u64, _: bool) {}
}

/// The writing end.
pub(crate) struct Tracer {
    ring: rtrb::Producer<StageTimes>,
    now: StageTimes,
    segment: u64,
    /// When the shard was done with the input before.
    done_ns: u64,
    /// Not durable yet, in order.
    held: VecDeque<StageTimes>,
    usage: ThreadUsage,
    looked_ns: u64,
}

/// The reading end of a shard's stage stamps. A reader that is too slow loses stamps, never orders.
#[derive(Debug)]
pub struct TraceReader {
    ring: rtrb::Consumer<StageTimes>,
}

impl TraceReader {
    /// The next stamps, if there are any.
    pub fn poll(&mut self) -> Option<StageTimes> {
        self.ring.pop().ok()
    }
}

impl Tracer {
    /// Both ends, of so many entries; none for 0.
    pub(crate) fn ring(entries: usize) -> Option<(Box<Self>, TraceReader)> {
        if entries == 0 {
            return None;
        }
        let (ring, reader) = rtrb::RingBuffer::new(entries);
        let tracer = Self {
            ring,
            now: StageTimes::default(),
            segment: 0,
            done_ns: 0,
            held: VecDeque::with_capacity(entries),
            usage: ThreadUsage::default(),
            looked_ns: 0,
        };
        Some((Box::new(tracer), TraceReader { ring: reader }))
    }

    /// Everything that does not wait for record `waiting` or a later one has left.
    pub(crate) fn left(&mut self, waiting: Option<u64>) {
        if self.held.is_empty() {
            return;
        }
        let now_ns = monotonic_ns();
        while let Some(mut times) = self.held.front().copied() {
            if waiting.is_some_and(|seq| seq <= times.position.seq) {
                return;
            }
            self.held.pop_front();
            times.released_ns = now_ns;
            self.keep(times);
        }
    }

    /// There was nothing to do.
    pub(crate) fn idle(&mut self) {
        let now_ns = monotonic_ns();
        if now_ns >= self.looked_ns.saturating_add(LOOK_EVERY_NS) {
            self.usage = ThreadUsage::now();
            self.looked_ns = now_ns;
        }
    }

    /// A full ring loses a stamp, never an order.
    fn keep(&mut self, times: StageTimes) {
        let _ = self.ring.push(times);
    }

    /// What it waited behind others is theirs.
    fn is_slow(times: &StageTimes, before_ns: u64) -> bool {
        let from = if times.submitted_ns == 0 { times.taken_ns } else { times.submitted_ns.max(before_ns) };
        times.released_ns.saturating_sub(from) >= SLOW_NS
    }
}

impl Stamps for Tracer {
    fn taken(&mut self) {
        self.now = StageTimes { taken_ns: monotonic_ns(), ..StageTimes::default() };
    }

    fn appended(&mut self, segment: u64) {
        self.now.appended_ns = monotonic_ns();
        // The first that is seen is the one the shard began in.
        self.now.rolled = self.segment != 0 && self.segment != segment;
        self.segment = segment;
    }

    fn applied(&mut self) {
        self.now.applied_ns = monotonic_ns();
    }

    fn released(&mut self, position: Position, lane: Lane, submitted_ns: u64, held: bool) {
        let released_ns = monotonic_ns();
        self.now = StageTimes { position, lane, submitted_ns, released_ns, held, ..self.now };
        let before_ns = std::mem::replace(&mut self.done_ns, released_ns);
        if Self::is_slow(&self.now, before_ns) {
            let usage = ThreadUsage::now();
            self.now.usage = usage.since(self.usage);
            (self.usage, self.looked_ns) = (usage, released_ns);
        }
        if !held {
            self.keep(self.now);
        } else if self.held.len() < self.held.capacity() {
            self.held.push_back(self.now);
        }
    }
}

/// Monotonic nanoseconds since this process first asked; never 0.
pub fn monotonic_ns() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let elapsed = START.get_or_init(Instant::now).elapsed().as_nanos();
    u64::try_from(elapsed).unwrap_or(u64::MAX).saturating_add(1)
}

/// An instant of this process on the scale of [`monotonic_ns`].
pub fn monotonic_ns_at(instant: Instant) -> u64 {
    let now = Instant::now();
    let ago = u64::try_from(now.saturating_duration_since(instant).as_nanos()).unwrap_or(u64::MAX);
    monotonic_ns().saturating_sub(ago)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ShardId;

    fn pass(tracer: &mut Tracer, seq: u64, segment: u64, held: bool) {
        tracer.taken();
        tracer.appended(segment);
        tracer.applied();
        tracer.released(Position::new(ShardId::new(0), seq), Lane::Own, 0, held);
    }

    fn positions(reader: &mut TraceReader) -> Vec<u64> {
        std::iter::from_fn(|| reader.poll()).map(|times| times.position.seq).collect()
    }

    #[test]
    fn stages_follow_each_other_and_a_new_segment_is_noticed_once() {
        let (mut tracer, mut reader) = Tracer::ring(8).unwrap();
        for (seq, segment) in [(1, 4), (2, 4), (3, 5), (4, 5)] {
            pass(&mut tracer, seq, segment, false);
        }
        let seen: Vec<StageTimes> = std::iter::from_fn(|| reader.poll()).collect();
        assert_eq!(seen.iter().map(|times| times.rolled).collect::<Vec<_>>(), [false, false, true, false]);
        for times in seen {
            let stamps = [times.taken_ns, times.appended_ns, times.applied_ns, times.released_ns];
            assert!(stamps.is_sorted() && stamps[0] > 0, "{times:?}");
        }
    }

    #[test]
    fn what_waits_for_the_disk_is_told_when_it_left() {
        let (mut tracer, mut reader) = Tracer::ring(8).unwrap();
        (1..=3).for_each(|seq| pass(&mut tracer, seq, 1, true));
        assert!(reader.poll().is_none());
        tracer.left(Some(3));
        assert_eq!(positions(&mut reader), [1, 2]);
        tracer.left(None);
        assert_eq!(positions(&mut reader), [3]);
    }

    #[test]
    fn a_full_ring_loses_the_newest_and_nothing_grows() {
        let (mut tracer, mut reader) = Tracer::ring(2).unwrap();
        (1..=5).for_each(|seq| pass(&mut tracer, seq, 1, true));
        tracer.left(None);
        assert_eq!(positions(&mut reader), [1, 2]);
    }
}
