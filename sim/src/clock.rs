//! The world's time: it moves only when the world says so. What the machine's wall clock shows of it is another matter.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::time::{Duration, Instant};

use engine::Reading;
use model::{BootId, Timestamp};

use crate::plant::Plant;

/// 2026-11-20, a Friday, 14:00 UTC.
const START_NS: i64 = 1_795_183_200_000_000_000;

/// A clock; clones show the same time.
#[derive(Clone, Debug)]
pub(crate) struct SimClock {
    now_ns: Arc<AtomicI64>,
    /// How far somebody has set the wall clock off.
    off_ns: Arc<AtomicI64>,
    booted_ns: Arc<AtomicI64>,
    boots: Arc<AtomicU8>,
    origin: Instant,
    plant: Option<Plant>,
}

impl SimClock {
    pub(crate) fn new(plant: Option<Plant>) -> Self {
        Self {
            now_ns: Arc::new(AtomicI64::new(START_NS)),
            off_ns: Arc::default(),
            booted_ns: Arc::new(AtomicI64::new(START_NS)),
            boots: Arc::default(),
            origin: Instant::now(),
            plant,
        }
    }

    /// Nanoseconds since 1970, in truth.
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

    /// How far the wall clock is off.
    pub(crate) fn off_ns(&self) -> i64 {
        self.off_ns.load(Ordering::Relaxed)
    }

    /// Somebody sets the wall clock.
    pub(crate) fn set_off(&self, ns: i64) {
        self.off_ns.store(ns, Ordering::Relaxed);
    }

    /// Which boot of the machine this is.
    pub(crate) fn boots(&self) -> u8 {
        self.boots.load(Ordering::Relaxed)
    }

    /// The machine starts anew: its wall clock goes on.
    pub(crate) fn reboot(&self) {
        self.booted_ns.store(self.now_ns(), Ordering::Relaxed);
        self.boots.fetch_add(1, Ordering::Relaxed);
    }

    /// For what measures patience.
    pub(crate) fn instant(&self) -> Instant {
        self.origin + Duration::from_nanos(u64::try_from(self.elapsed_ns()).unwrap_or(0))
    }
}

impl engine::Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.now_ns() + self.off_ns())
    }

    fn monotonic_ns(&self) -> i64 {
        let since_boot_ns = self.now_ns() - self.booted_ns.load(Ordering::Relaxed);
        if self.plant == Some(Plant::FollowedClock) { since_boot_ns + self.off_ns() } else { since_boot_ns }
    }

    fn boot(&self) -> Option<BootId> {
        let boot = BootId { bytes: [self.boots(); 16] };
        (self.plant != Some(Plant::NamelessBoot)).then_some(boot)
    }

    fn read(&self) -> Reading {
        Reading { wall: self.now(), monotonic_ns: self.monotonic_ns() }
    }
}

/// What the shard's time is compared with.
#[derive(Debug, Default)]
pub(crate) struct ClockChecks {
    /// How far the wall clock was off when it was trusted last.
    pub(crate) trusted_off_ns: i64,
    /// From here on the shard's time goes as time goes: its time, the true time, and the boot.
    pub(crate) from: Option<(i64, i64, u8)>,
    /// By how much it may have stepped ahead since.
    pub(crate) credit_ns: i64,
    /// What was found last, while it is not trusted.
    pub(crate) suspected_off_ns: Option<i64>,
}
