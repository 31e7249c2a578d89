//! The durable position, published by whoever makes records durable and read from any thread.
//!
//! One thread may wait for it asleep: the flusher rings its bell. `tests/handover.rs` goes through every interleaving.

use std::path::{Path, PathBuf};

use crate::doorbell::Doorbell;
use crate::error::JournalError;
use crate::memory::Words;
use crate::sync::{Arc, AtomicI32, AtomicU64, OnceLock, Ordering};

/// On cache lines of its own: read by other threads all the time.
#[repr(align(128))]
struct Line<T>(T);

pub(crate) struct Progress {
    durable: Line<AtomicU64>,
    errno: Line<AtomicI32>,
    /// The same position for followers in other processes: under disk durability.
    live: Option<Words>,
    /// Of the thread that waits for the position.
    bell: OnceLock<Arc<Doorbell>>,
    dir: PathBuf,
}

impl Progress {
    pub(crate) fn new(dir: &Path, durable: u64, live: Option<Words>) -> Arc<Self> {
        let (at, errno) = (Line(AtomicU64::new(0)), Line(AtomicI32::new(0)));
        let bell = OnceLock::new();
        let progress = Self { durable: at, errno, live, bell, dir: dir.to_path_buf() };
        progress.set_durable(durable);
        Arc::new(progress)
    }

    pub(crate) fn durable(&self) -> u64 {
        self.durable.0.load(Ordering::Acquire)
    }

    pub(crate) fn set_durable(&self, seq: u64) {
        if let Some(live) = &self.live {
            live.word(0).store(seq, Ordering::Release);
        }
        self.durable.0.store(seq, Ordering::Release);
    }

    /// As [`Progress::set_durable`], where another thread may wait for it.
    pub(crate) fn advance(&self, seq: u64) {
        self.set_durable(seq);
        self.ring();
    }

    /// Records that nothing more becomes durable, for good. Whoever waits is told.
    pub(crate) fn fail(&self, error: &std::io::Error) {
        self.errno.0.store(error.raw_os_error().filter(|errno| *errno != 0).unwrap_or(-1), Ordering::Release);
        self.ring();
    }

    fn ring(&self) {
        if let Some(bell) = self.bell.get() {
            bell.ring();
        }
    }

    pub(crate) fn check(&self) -> Result<(), JournalError> {
        match self.errno.0.load(Ordering::Acquire) {
            0 => Ok(()),
            errno => Err(JournalError::FlushFailed { dir: self.dir.clone(), errno }),
        }
    }
}

/// Reads a writer's durable position, lock-free, from any thread; also after the writer is gone.
#[derive(Clone)]
pub struct DurableWatch {
    pub(crate) progress: Arc<Progress>,
}

impl DurableWatch {
    /// Every record up to this one is durable; 0 where there is none.
    #[inline]
    pub fn durable_seq(&self) -> u64 {
        self.progress.durable()
    }

    /// Rings this bell from now on whenever another thread has made records durable, or has failed to. One thread waits
    /// for one journal: false where somebody else's bell is rung already.
    pub fn ring(&self, bell: Arc<Doorbell>) -> bool {
        self.progress.bell.set(bell).is_ok()
    }

    /// The error that ended the flushing, if one did: the durable position then stands still for good.
    pub fn check(&self) -> Result<(), JournalError> {
        self.progress.check()
    }
}

impl std::fmt::Debug for DurableWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DurableWatch").field("durable_seq", &self.durable_seq()).finish_non_exhaustive()
    }
}
