//! The world's time: it moves only when the world says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use model::Timestamp;

/// 2026-11-20, a Friday, 14:00 UTC.
const START_NS: i64 = 1_795_183_200_000_000_000;

/// A clock; clones show the same time.
#[derive(Clone, Debug)]
pub(crate) struct SimClock {
    now_ns: Arc<AtomicI64>,
    origin: Instant,
}

impl Default for SimClock {
    fn default() -> Self {
        Self { now_ns: Arc::new(AtomicI64::new(START_NS)), origin: Instant::now() }
    }
}

impl SimClock {
    /// Nanoseconds since 1970.
    pub(crate) fn now_ns(&self) -> i64 {
        self.now_ns.load(Ordering::Relaxed)
    }

    /// How long the history has lasted.
    pub(crate) fn elapsed_ns(&self) -> i64 {
        self.now_ns() - START_NS
    }

    /// Time passes.
    pub(crate) fn pass(&self, ns: u64) {
        self.now_ns.fetch_add(i64::try_from(ns).unwrap_or(0), Ordering::Relaxed);
    }

    /// For what measures patience.
    pub(crate) fn instant(&self) -> Instant {
        self.origin + Duration::from_nanos(u64::try_from(self.elapsed_ns()).unwrap_or(0))
    }
}

impl engine::Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.now_ns())
    }
}
