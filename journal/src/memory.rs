//! Memory shared between threads and processes: the one place that handles raw memory. Who may touch which part of it
//! when is agreed in `handover.rs`.
#![allow(
    unsafe_code,
    reason = "memory shared with other threads and processes; each block names its invariant"
)]

use std::io;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use memmap2::{Advice, MmapOptions, MmapRaw};

use crate::layout::{ALIGN_BYTES, COMMIT_BYTES};

/// A piece of memory: a mapped file, or anonymous. Its words are only touched atomically. Clones are the same memory.
#[derive(Clone)]
pub struct Words {
    start: NonNull<u8>,
    len: usize,
    map: Arc<MmapRaw>,
}

// SAFETY: `start` points into `map`, which lives as long and may itself be shared; what touches the memory is atomic, or
// keeps to the protocol of `handover.rs`. Fails: `append_and_read::a_follower_keeps_up_with_a_writer_in_another_thread`.
unsafe impl Send for Words {}
// SAFETY: as for `Send`.
unsafe impl Sync for Words {}

impl From<MmapRaw> for Words {
    fn from(map: MmapRaw) -> Self {
        #[expect(clippy::expect_used, reason = "mmap succeeded, and never maps at null")]
        let start = NonNull::new(map.as_mut_ptr()).expect("a mapping is not at null");
        Self { start, len: map.len(), map: Arc::new(map) }
    }
}

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Words").field("len", &self.len).finish_non_exhaustive()
    }
}

impl Words {
    /// `len` bytes of memory of this process, zeros.
    pub fn anonymous(len: usize) -> io::Result<Self> {
        Ok(MmapRaw::from(MmapOptions::new().len(len).map_anon()?).into())
    }

    /// The length in bytes.
    #[expect(clippy::len_without_is_empty, reason = "there is no empty mapping")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The first `len` bytes of the same memory.
    #[must_use]
    pub fn first(&self, len: usize) -> Self {
        Self { len: len.min(self.len), ..self.clone() }
    }

    /// Copies bytes out, for a disk whose files are memory.
    ///
    /// # Safety
    /// Nobody stores to them meanwhile.
    pub unsafe fn read(&self, offset: usize, out: &mut [u8]) {
        self.copy_out(offset, out);
    }

    /// Copies bytes in, for a disk whose files are memory.
    ///
    /// # Safety
    /// Nobody else touches them meanwhile.
    pub unsafe fn write(&self, offset: usize, bytes: &[u8]) {
        assert!(offset.checked_add(bytes.len()).is_some_and(|end| end <= self.len), "write out of bounds");
        // SAFETY: in bounds (just asserted), and the caller answers for the rest. Fails: the tests of `sim`.
        unsafe { bytes.as_ptr().copy_to_nonoverlapping(self.start.as_ptr().add(offset), bytes.len()) }
    }

    /// Makes the pages of a range present and writable, so that a later store does not fault. Best effort.
    pub(crate) fn populate(&self, from: usize, to: usize) {
        let to = to.min(self.len());
        if from < to {
            // An old kernel without MADV_POPULATE_WRITE only costs the faults later.
            let _ = self.map.advise_range(Advice::PopulateWrite, from, to - from);
        }
    }

    /// The word at a byte offset that is a multiple of 8.
    #[expect(clippy::cast_ptr_alignment, reason = "asserted")]
    pub(crate) fn word(&self, offset: usize) -> &AtomicU64 {
        assert!(
            offset.is_multiple_of(ALIGN_BYTES) && offset + COMMIT_BYTES <= self.len(),
            "word out of bounds"
        );
        // SAFETY: in bounds and aligned (just asserted; a mapping starts on a page), mapped as long as `self`, and
        // no `&mut` covers it: the appender's slices start behind a commit word and end before anything is read.
        // A read-only mapping is only loaded from. Fails: every test that appends.
        unsafe { AtomicU64::from_ptr(self.start.as_ptr().add(offset).cast::<u64>()) }
    }

    /// Copies bytes that no longer change: below `settled`, or behind a commit word that was seen.
    pub(crate) fn copy_out(&self, offset: usize, out: &mut [u8]) {
        assert!(offset.checked_add(out.len()).is_some_and(|end| end <= self.len()), "copy out of bounds");
        // SAFETY: in bounds (just asserted) and `out` is exclusive memory elsewhere. The bytes are stable by the
        // protocol of `handover.rs`; were they not (a foreign writer), the copy is garbage that the checksum refuses, and it
        // is never used as anything but bytes. Fails: `append_and_read::
        // a_follower_keeps_up_with_a_writer_in_another_thread`.
        unsafe { self.start.as_ptr().add(offset).copy_to_nonoverlapping(out.as_mut_ptr(), out.len()) }
    }

    /// Bytes to read in place.
    ///
    /// # Safety
    /// They never change again, and the caller has seen the store that says so.
    pub(crate) unsafe fn settled(&self, from: usize, to: usize) -> &[u8] {
        assert!(from <= to && to <= self.len, "settled bytes out of bounds");
        // SAFETY: in bounds (just asserted), mapped as long as `self`; the caller answers for the rest. Fails:
        // `append_and_read::what_is_appended_is_read_back_over_segments_and_restarts` under disk durability.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr().add(from), to - from) }
    }

    /// Bytes to write in place.
    ///
    /// # Safety
    /// Nobody else touches them while the slice lives.
    #[expect(clippy::mut_from_ref, reason = "the caller answers for it being the only one")]
    pub(crate) unsafe fn exclusive(&self, from: usize, len: usize) -> &mut [u8] {
        assert!(from.checked_add(len).is_some_and(|end| end <= self.len), "no room was ensured");
        // SAFETY: in bounds (just asserted), mapped as long as `self`; the caller answers for the rest. Fails:
        // `append_and_read::a_follower_keeps_up_with_a_writer_in_another_thread`.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr().add(from), len) }
    }
}
