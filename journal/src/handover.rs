//! How an appender hands records over to a flusher and to followers, without a lock.
//!
//! Bytes from `settled` on belong to the one [`Appender`]; bytes below it never change again. A follower, in another
//! mapping of the same file, looks at commit words, and at the bytes behind one only after it was stored (with
//! release order, after those bytes). `tests/handover.rs` goes through every interleaving of it.
#![allow(unsafe_code, reason = "memory shared with other threads; each block names its invariant")]

use crate::layout::{ALIGN_BYTES, COMMIT_BYTES};
use crate::memory::Words;
use crate::sync::{Arc, AtomicU64, Ordering};

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
        // SAFETY: bytes below `settled` never change again, and the load with acquire order saw the store after them.
        // Fails: `handover::what_settles_is_whole`.
        let bytes = unsafe { self.words.settled(from, settled.end) };
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
        // SAFETY: only this appender touches bytes from `settled` on: it is the only one of its body, and lent out as
        // `&mut self`. Followers look at the commit word, which is before `from`, and not behind it while it is zero.
        // Fails: `handover::what_settles_is_whole`.
        unsafe { self.body.words.exclusive(from, len) }
    }

    /// Asks for the memory of the next record, if there is so much.
    #[inline]
    pub(crate) fn make_ready(&mut self, len: usize) {
        if len <= self.room_bytes() {
            prefetch::to_write(self.behind_commit(len - COMMIT_BYTES));
        }
    }

    /// Makes the next record visible: `len` bytes, commit word included.
    pub(crate) fn commit(&mut self, len: usize, word: u64) {
        assert!(len <= self.room_bytes() && len.is_multiple_of(ALIGN_BYTES), "a record beyond its segment");
        self.body.words.word(self.settled.end).store(word, Ordering::Release);
        self.settled = Settled { end: self.settled.end + len, count: self.settled.count + 1 };
        self.body.settled.store(pack(self.settled), Ordering::Release);
    }
}
