//! Stage stamps of commands, beside the journal and never in it: where the time went.

use std::sync::OnceLock;
use std::time::Instant;

use model::Position;

/// When one command passed each stage, in monotonic nanoseconds of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageTimes {
    /// Which.
    pub position: Position,
    /// Handed to the ring by its submitter.
    pub submitted_ns: u64,
    /// Taken from the ring by the shard.
    pub taken_ns: u64,
    /// In the journal.
    pub appended_ns: u64,
    /// Decided and applied.
    pub applied_ns: u64,
    /// Answer and message handed to their rings.
    pub released_ns: u64,
}

/// The reading end of a shard's stage stamps. A reader that is too slow loses stamps, never orders.
#[derive(Debug)]
pub struct TraceReader {
    pub(crate) ring: rtrb::Consumer<StageTimes>,
}

impl TraceReader {
    /// The next stamps, if there are any.
    pub fn poll(&mut self) -> Option<StageTimes> {
        self.ring.pop().ok()
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
