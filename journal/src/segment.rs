//! A segment that is, or will be, written to.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::directory::Directory;
use crate::disk::{Access, DiskFile};
use crate::durability::Durability;
use crate::error::JournalError;
use crate::handover::{Appender, Body, Settled};
use crate::header::{DURABLE_AT, SEGMENT_HEADER_BYTES, SegmentHeader, VISIBILITY_AT, Visibility, store_word};
use crate::memory::Words;

/// A segment's file, its mapped header page, and the memory records are appended to: the mapped file under process
/// durability, memory of our own under disk durability, since syncing mapped pages would stall the appender.
pub(crate) struct Segment {
    pub(crate) index: u64,
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) body: Arc<Body>,
    page: Words,
    first_seq: AtomicU64,
    sealed: AtomicBool,
}

/// A segment with its appender, ready for a first record.
pub(crate) struct Prepared {
    pub(crate) segment: Arc<Segment>,
    pub(crate) appender: Appender,
}

const UNUSED: Settled = Settled { end: SEGMENT_HEADER_BYTES, count: 0 };

impl Segment {
    /// Makes a new file of its final size, durably named, its blocks allocated. Nothing is left behind on failure.
    pub(crate) fn create(
        directory: &Directory,
        index: u64,
        bytes: u64,
        durability: Durability,
    ) -> Result<Prepared, JournalError> {
        let (beside, path) = (directory.preparation_path(), directory.segment_path(index));
        let made = allocate(directory, &beside, bytes)
            .and_then(|file| directory.disk().rename(&beside, &path).map(|()| file));
        let file = made.map_err(|error| {
            // What was allocated so far would keep the disk full.
            let _ = directory.disk().remove(&beside);
            JournalError::io("create", &path, error)
        })?;
        directory.sync()?;
        Self::map(index, path, file, bytes, UNUSED, durability)
    }

    /// Opens an existing segment to go on behind `settled`.
    pub(crate) fn reopen(
        directory: &Directory,
        header: &SegmentHeader,
        settled: Settled,
        durability: Durability,
    ) -> Result<Prepared, JournalError> {
        let path = directory.segment_path(header.index);
        let opened = directory.open(&path, Access::Write);
        let file = opened.map_err(|error| JournalError::io("open", &path, error))?;
        let prepared = Self::map(header.index, path, file, header.segment_bytes, settled, durability)?;
        prepared.segment.first_seq.store(header.first_seq, Ordering::Release);
        Ok(prepared)
    }

    fn map(
        index: u64,
        path: PathBuf,
        file: Box<dyn DiskFile>,
        bytes: u64,
        settled: Settled,
        durability: Durability,
    ) -> Result<Prepared, JournalError> {
        let refused = |error| JournalError::io("map", &path, error);
        let len = usize::try_from(bytes).map_err(|_| JournalError::Options("segment_bytes"))?;
        let page = file.map(SEGMENT_HEADER_BYTES).map_err(refused)?;
        let memory = match durability {
            Durability::Process => file.map(len),
            Durability::Disk => Words::anonymous(len),
        };
        let (body, appender) = Body::new(memory.map_err(refused)?, settled);
        let (first_seq, sealed) = (AtomicU64::new(0), AtomicBool::new(false));
        Ok(Prepared {
            segment: Arc::new(Self { index, path, file: file.into(), body, page, first_seq, sealed }),
            appender,
        })
    }

    /// Gives the segment its header: records may follow.
    pub(crate) fn begin(&self, header: &SegmentHeader, durability: Durability) {
        self.first_seq.store(header.first_seq, Ordering::Release);
        self.show(durability);
        header.store(&self.page);
    }

    /// Tells followers what they may see.
    pub(crate) fn show(&self, durability: Durability) {
        let visibility = match durability {
            Durability::Process => Visibility::Committed,
            Durability::Disk => Visibility::Durable,
        };
        store_word(&self.page, VISIBILITY_AT, self.index, visibility as u32);
    }

    /// Publishes how many of its records are on disk.
    pub(crate) fn publish_durable(&self, count: u32) {
        store_word(&self.page, DURABLE_AT, self.index, count);
    }

    /// The number of its first record; meaningful once begun.
    pub(crate) fn first_seq(&self) -> u64 {
        self.first_seq.load(Ordering::Acquire)
    }

    /// Brings what was written to the file to disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Says that no record follows.
    pub(crate) fn seal(&self) {
        self.sealed.store(true, Ordering::Release);
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.sealed.load(Ordering::Acquire)
    }

    /// Makes the memory from `from` up to `to` present, and the header page.
    pub(crate) fn populate(&self, from: usize, to: usize) {
        self.page.populate(0, SEGMENT_HEADER_BYTES);
        self.body.populate(from, to);
    }
}

fn allocate(directory: &Directory, path: &std::path::Path, bytes: u64) -> io::Result<Box<dyn DiskFile>> {
    let file = directory.open(path, Access::Create)?;
    file.allocate(bytes)?;
    file.sync_all()?;
    Ok(file)
}
