//! The durable position, published by whoever makes records durable and read from any thread.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use crate::error::JournalError;
use crate::memory::Words;

/// On cache lines of its own: read by other threads all the time.
#[repr(align(128))]
struct Line<T>(T);

pub(crate) struct Progress {
    durable: Line<AtomicU64>,
    errno: Line<AtomicI32>,
    /// The same position for followers in other processes: under disk durability.
    live: Option<Words>,
    dir: PathBuf,
}

impl Progress {
    pub(crate) fn new(dir: &Path, durable: u64, live: Option<Words>) -> Arc<Self> {
        let (at, errno) = (Line(AtomicU64::new(0)), Line(AtomicI32::new(0)));
        let progress = Self { durable: at, errno, live, dir: dir.to_path_buf() };
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

    /// Records that nothing more becomes durable, for good.
    pub(crate) fn fail(&self, error: &std::io::Error) {
        self.errno.0.store(error.raw_os_error().filter(|errno| *errno != 0).unwrap_or(-1), Ordering::Release);
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
