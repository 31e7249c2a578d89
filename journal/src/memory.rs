//! Memory shared between an appender, a flusher and followers: the one place that handles raw memory.
//!
//! The protocol: bytes from `settled` on belong to the one [`Appender`]; bytes below it never change again. A
//! follower in another mapping of the same file looks at commit words, and at the bytes behind one only after it
//! was stored (with release order, after those bytes).
#![allow(
    unsafe_code,
    reason = "memory shared with other threads and processes; each block names its invariant"
)]

use std::io;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
// keeps to the protocol above. Fails: `append_and_read::a_follower_keeps_up_with_a_writer_in_another_thread`.
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
        // protocol above; were they not (a foreign writer), the copy is garbage that the checksum refuses, and it
        // is never used as anything but bytes. Fails: `append_and_read::
        // a_follower_keeps_up_with_a_writer_in_another_thread`.
        unsafe { self.start.as_ptr().add(offset).copy_to_nonoverlapping(out.as_mut_ptr(), out.len()) }
    }
}

/// How far an appender has come: the end of the last record and how many records there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) end: usize,
    pub(crate) count: u32,
}

/// A segment's memory with its settled mark.
pub(crate) struct Body {
    words: Words,
    /// `end` in the low half, `count` in the high one: read at once.
    settled: AtomicU64,
}

impl Body {
    /// The memory and the one appender to it, which goes on behind `settled`.
    pub(crate) fn new(words: Words, settled: Settled) -> (Arc<Self>, Appender) {
        assert!(settled.end <= words.len() && u32::try_from(words.len()).is_ok(), "settled out of bounds");
        let body = Arc::new(Self { words, settled: AtomicU64::new(pack(settled)) });
        (Arc::clone(&body), Appender { body, settled })
    }

    /// Length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }

    /// See [`Words::populate`].
    pub(crate) fn populate(&self, from: usize, to: usize) {
        self.words.populate(from, to);
    }

    /// How far the appender has come.
    pub(crate) fn settled(&self) -> Settled {
        unpack(self.settled.load(Ordering::Acquire))
    }

    /// The settled bytes from `from` on.
    pub(crate) fn settled_bytes(&self, from: usize) -> (&[u8], Settled) {
        let settled = self.settled();
        assert!(from <= settled.end, "settled bytes never shrink");
        // SAFETY: `from..end` is in bounds, since `end` only comes from the appender, which asserts it. Bytes below
        // `settled` never change again, and the load with acquire order saw the store after them.
        // Fails: `append_and_read::
        // what_is_appended_is_read_back_over_segments_and_restarts` under disk durability.
        let bytes =
            unsafe { std::slice::from_raw_parts(self.words.start.as_ptr().add(from), settled.end - from) };
        (bytes, settled)
    }
}

fn pack(settled: Settled) -> u64 {
    settled.end as u64 | (u64::from(settled.count) << 32)
}

fn unpack(word: u64) -> Settled {
    let (end, count) = ((word & 0xffff_ffff) as usize, (word >> 32) as u32);
    Settled { end, count }
}

/// The one writer of a [`Body`]; there is never a second one.
pub(crate) struct Appender {
    body: Arc<Body>,
    settled: Settled,
}

impl Appender {
    /// How far it has come.
    pub(crate) fn settled(&self) -> Settled {
        self.settled
    }

    /// Room left, in bytes.
    pub(crate) fn room_bytes(&self) -> usize {
        self.body.words.len() - self.settled.end
    }

    /// The next record's bytes behind its commit word.
    pub(crate) fn behind_commit(&mut self, len: usize) -> &mut [u8] {
        let from = self.settled.end + COMMIT_BYTES;
        assert!(from + len <= self.body.words.len(), "no room was ensured");
        // SAFETY: in bounds (just asserted). Only this appender touches bytes from `settled` on: it is the only one
        // of its body and lent out as `&mut self`. Followers look at the commit word, which is before `from`, and
        // not behind it while it is zero. Fails: `append_and_read::
        // a_follower_keeps_up_with_a_writer_in_another_thread`.
        unsafe { std::slice::from_raw_parts_mut(self.body.words.start.as_ptr().add(from), len) }
    }

    /// Makes the next record visible: `len` bytes, commit word included.
    pub(crate) fn commit(&mut self, len: usize, word: u64) {
        assert!(len <= self.room_bytes() && len.is_multiple_of(ALIGN_BYTES), "a record beyond its segment");
        self.body.words.word(self.settled.end).store(word, Ordering::Release);
        self.settled = Settled { end: self.settled.end + len, count: self.settled.count + 1 };
        self.body.settled.store(pack(self.settled), Ordering::Release);
    }
}
