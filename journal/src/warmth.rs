//! Keeping the memory ahead of an appender writable, so that it does not fault.
//!
//! A page made present long before it is written to may have been written back meanwhile; the kernel then protects
//! it, and the first store to it faults. So what lies just ahead is touched again, in the background: each page once,
//! shortly before its turn, for touching what is present costs time of a core too.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::segment::Segment;

const PAGE_BYTES: usize = 4096;
/// Ahead of an appender, touched at every look.
const NEAR_BYTES: usize = 64 * 1024;
/// Ahead of an appender that moves: as much as it passes in so many looks.
const AHEAD_LOOKS: usize = 4;
/// At most so far ahead.
const AHEAD_BYTES: usize = 4 * 1024 * 1024;
/// Between two looks at an appender that moves, and at one that stands still.
const PAUSE: Duration = Duration::from_millis(5);
const IDLE_PAUSE: Duration = Duration::from_millis(200);

/// The segment that is written to and how far it was when last looked at.
#[derive(Default)]
pub(crate) struct Warmth {
    segment: Option<Arc<Segment>>,
    seen: usize,
    /// Up to here it was touched lately.
    touched: usize,
    moving: bool,
    looked: Option<Instant>,
}

impl Warmth {
    /// From now on this one.
    pub(crate) fn turn_to(&mut self, segment: Arc<Segment>) {
        self.seen = segment.body.settled().end;
        self.touched = page(self.seen);
        self.looked = None;
        self.segment = Some(segment);
    }

    /// Looks at the appender and touches what lies ahead of it.
    pub(crate) fn keep(&mut self) {
        let Some(segment) = &self.segment else { return };
        let end = segment.body.settled().end;
        let passed = end - self.seen;
        (self.moving, self.seen, self.looked) = (passed > 0, end, Some(Instant::now()));
        segment.populate(page(end), end + NEAR_BYTES);
        let from = self.touched.max(page(end + NEAR_BYTES));
        let to = page(end + (passed * AHEAD_LOOKS).min(AHEAD_BYTES));
        if from < to {
            segment.populate(from, to);
            self.touched = to;
        }
    }

    /// As [`Self::keep`], where the last look is a pause ago.
    pub(crate) fn keep_if_due(&mut self) {
        if self.looked.is_none_or(|looked| looked.elapsed() >= PAUSE) {
            self.keep();
        }
    }

    /// How long until the next look.
    pub(crate) fn pause(&self) -> Duration {
        if self.moving { PAUSE } else { IDLE_PAUSE }
    }
}

/// Where the page begins that holds this byte.
const fn page(at: usize) -> usize {
    at / PAGE_BYTES * PAGE_BYTES
}
