//! Keeping the memory ahead of an appender writable, so that it does not fault.
//!
//! A page made present long before it is written to may have been written back meanwhile; the kernel then protects
//! it, and the first store to it faults. So what lies just ahead is touched again, in the background. Measured with
//! the file system synced five times a second at 250,000 records/s: append p99 0.9 µs with it, 3.9 µs without.

use std::sync::Arc;
use std::time::Duration;

use crate::segment::Segment;

const PAGE_BYTES: usize = 4096;
/// Ahead of an appender that moves, each time.
const AHEAD_BYTES: usize = 4 * 1024 * 1024;
const PAUSE: Duration = Duration::from_millis(5);
/// Ahead of an appender that stands still.
const IDLE_AHEAD_BYTES: usize = 64 * 1024;
const IDLE_PAUSE: Duration = Duration::from_millis(200);

/// The segment that is written to and how far it was when last looked at.
#[derive(Default)]
pub(crate) struct Warmth {
    segment: Option<Arc<Segment>>,
    seen: usize,
    moving: bool,
}

impl Warmth {
    /// From now on this one; what is left of it is made present.
    pub(crate) fn turn_to(&mut self, segment: Arc<Segment>) {
        self.seen = segment.body.settled().end;
        segment.populate(self.seen / PAGE_BYTES * PAGE_BYTES, segment.body.len());
        self.segment = Some(segment);
    }

    /// Looks at the appender and touches what lies ahead of it.
    pub(crate) fn keep(&mut self) {
        let Some(segment) = &self.segment else { return };
        let end = segment.body.settled().end;
        self.moving = end != self.seen;
        self.seen = end;
        let ahead = if self.moving { AHEAD_BYTES } else { IDLE_AHEAD_BYTES };
        segment.populate(end / PAGE_BYTES * PAGE_BYTES, end + ahead);
    }

    /// How long until the next look.
    pub(crate) fn pause(&self) -> Duration {
        if self.moving { PAUSE } else { IDLE_PAUSE }
    }
}
