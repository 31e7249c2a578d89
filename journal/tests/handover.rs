//! Every interleaving of what hands over between threads, as far as the memory model allows it (loom). The code is
//! the journal's own, compiled against loom's atomics.
//!
//! A process of its own: loom's atomics stand in for the journal's at the root of this program.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]
#![allow(dead_code, unreachable_pub, unsafe_code, reason = "stands in for parts of the journal")]

/// Loom's atomics and threads, under the names of `src/sync.rs`.
mod sync {
    pub use std::sync::OnceLock;
    pub use std::sync::atomic::Ordering;
    pub use std::time::Duration;

    pub use loom::sync::Arc;
    pub use loom::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, fence};
    pub use loom::thread::{Thread, current};

    /// A sleep without an end: a wake-up that is missed is a deadlock, and loom says so.
    pub fn park_timeout(_: Duration) {
        loom::thread::park();
    }
}

/// Memory in which loom sees who touches what: words that are atomic, and the bytes between them, which are not.
mod memory {
    use loom::cell::UnsafeCell;
    use loom::sync::atomic::AtomicU64;

    /// Clones are the same memory.
    #[derive(Clone)]
    pub struct Words(std::sync::Arc<Inner>);

    pub struct Inner {
        words: Vec<AtomicU64>,
        /// Watched: a cell for each 8 bytes.
        watched: Vec<UnsafeCell<()>>,
        bytes: std::cell::UnsafeCell<Vec<u8>>,
    }

    // SAFETY: loom runs one thread at a time, and reports each access that a real machine could run at once.
    unsafe impl Sync for Inner {}
    // SAFETY: as for `Sync`.
    unsafe impl Send for Inner {}

    impl Words {
        pub fn new(len: usize) -> Self {
            let words = (0..len / 8).map(|_| AtomicU64::new(0)).collect();
            let watched = (0..len / 8).map(|_| UnsafeCell::new(())).collect();
            Self(std::sync::Arc::new(Inner {
                words,
                watched,
                bytes: std::cell::UnsafeCell::new(vec![0; len]),
            }))
        }

        pub fn len(&self) -> usize {
            self.0.words.len() * 8
        }

        #[allow(clippy::unused_self)]
        pub fn populate(&self, _: usize, _: usize) {}

        pub fn word(&self, offset: usize) -> &AtomicU64 {
            &self.0.words[offset / 8]
        }

        pub unsafe fn settled(&self, from: usize, to: usize) -> &[u8] {
            for cell in &self.0.watched[from / 8..to.div_ceil(8)] {
                cell.with(|_| ());
            }
            // SAFETY: as for `Sync`.
            unsafe { &(&*self.0.bytes.get())[from..to] }
        }

        #[allow(clippy::mut_from_ref)]
        pub unsafe fn exclusive(&self, from: usize, len: usize) -> &mut [u8] {
            for cell in &self.0.watched[from / 8..(from + len).div_ceil(8)] {
                cell.with_mut(|_| ());
            }
            // SAFETY: as for `Sync`.
            unsafe { &mut (&mut *self.0.bytes.get())[from..from + len] }
        }
    }
}

mod layout {
    pub const ALIGN_BYTES: usize = 8;
    pub const COMMIT_BYTES: usize = 8;
}

mod error {
    #[derive(Debug)]
    pub enum JournalError {
        FlushFailed { dir: std::path::PathBuf, errno: i32 },
    }
}

#[path = "../src/doorbell.rs"]
mod doorbell;
#[path = "../src/handover.rs"]
mod handover;
#[path = "../src/watch.rs"]
mod watch;

use doorbell::Doorbell;
use handover::{Appender, Body, Settled};
use loom::sync::Arc;
use loom::sync::atomic::AtomicUsize;
use loom::thread;
use memory::Words;
use sync::{Duration, Ordering};
use watch::{DurableWatch, Progress};

/// One thread waits until `wanted` pieces were put, each by a thread of its own that rings.
fn wait_for(wanted: usize) {
    let (bell, put) = (Arc::new(Doorbell::default()), Arc::new(AtomicUsize::new(0)));
    let mut threads = Vec::new();
    for _ in 0..wanted {
        let (bell, put) = (Arc::clone(&bell), Arc::clone(&put));
        threads.push(thread::spawn(move || {
            // Relaxed on purpose: the bell alone must be enough.
            put.fetch_add(1, Ordering::Relaxed);
            bell.ring();
        }));
    }
    threads.push(thread::spawn(move || {
        let mut seen = 0;
        while seen < wanted {
            let now = put.load(Ordering::Relaxed);
            if now == seen {
                bell.sleep(Duration::MAX, || put.load(Ordering::Relaxed) != seen);
            }
            seen = now;
        }
    }));
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn nothing_put_is_slept_over() {
    loom::model(|| wait_for(1));
    let mut two = loom::model::Builder::new();
    two.preemption_bound = Some(2);
    two.check(|| wait_for(2));
}

/// A sleeper that does not look again misses a wake-up: loom must find it, or the test above shows nothing.
#[test]
#[should_panic(expected = "deadlock")]
fn without_the_second_look_a_wake_up_is_missed() {
    loom::model(|| {
        // Leaked: nothing may be dropped while loom unwinds.
        let bell: &'static Doorbell = Box::leak(Box::default());
        let put: &'static AtomicUsize = Box::leak(Box::new(AtomicUsize::new(0)));
        let ringer = thread::spawn(|| {
            put.store(1, Ordering::Relaxed);
            bell.ring();
        });
        if put.load(Ordering::Relaxed) == 0 {
            bell.sleep(Duration::MAX, || false);
        }
        ringer.join().unwrap();
    });
}

const RECORD_BYTES: usize = 16;

fn body() -> (Arc<Body>, Appender) {
    Body::new(Words::new(2 * RECORD_BYTES), Settled { end: 0, count: 0 })
}

fn append(appender: &mut Appender, value: u8) {
    appender.behind_commit(8).fill(value);
    appender.commit(RECORD_BYTES, u64::from(value));
}

#[test]
fn what_settles_is_whole() {
    loom::model(|| {
        let (body, mut appender) = body();
        let flusher = thread::spawn({
            let body = Arc::clone(&body);
            move || {
                let (bytes, settled) = body.settled_bytes(0);
                assert_eq!(bytes.len(), settled.end);
                assert_eq!(settled.end, settled.count as usize * RECORD_BYTES);
                for (record, value) in bytes.chunks(RECORD_BYTES).zip(1u8..) {
                    assert_eq!(record[8..], [value; 8], "a settled record is not whole");
                }
            }
        });
        append(&mut appender, 1);
        append(&mut appender, 2);
        flusher.join().unwrap();
    });
}

#[test]
fn what_a_follower_sees_committed_is_whole() {
    loom::model(|| {
        let words = Words::new(2 * RECORD_BYTES);
        let (_, mut appender) = Body::new(words.clone(), Settled { end: 0, count: 0 });
        let follower = thread::spawn(move || {
            for (at, value) in [(0, 1u8), (RECORD_BYTES, 2)] {
                // As `follower.rs` does: the commit word first, and nothing behind one that is zero.
                if words.word(at).load(Ordering::Acquire) == 0 {
                    return;
                }
                // SAFETY: loom watches.
                assert_eq!(unsafe { words.settled(at + 8, at + RECORD_BYTES) }, [value; 8]);
            }
        });
        append(&mut appender, 1);
        append(&mut appender, 2);
        follower.join().unwrap();
    });
}

/// Looking behind a commit word without having seen it is what the protocol forbids: loom must say so.
#[test]
#[should_panic(expected = "Causality violation")]
fn a_look_before_the_commit_word_is_found_out() {
    loom::model(|| {
        let words: &'static Words = Box::leak(Box::new(Words::new(RECORD_BYTES)));
        let writer = thread::spawn(|| {
            // SAFETY: it is not safe, and that is what is shown.
            unsafe { words.exclusive(8, 8) }.fill(1);
            words.word(0).store(1, Ordering::Release);
        });
        // SAFETY: as above.
        let seen = unsafe { words.settled(8, 16) }.to_vec();
        assert_eq!(seen.len(), 8);
        writer.join().unwrap();
    });
}

/// A shard that waits for record 1 beside its flusher, asleep, while somebody hands it an input: it learns of both.
fn wait_for_the_disk(flush: fn(&Progress)) {
    let (bell, put) = (Arc::new(Doorbell::default()), Arc::new(AtomicUsize::new(0)));
    let progress = Progress::new(std::path::Path::new("journal"), 0, None);
    let watch = DurableWatch { progress: Arc::clone(&progress) };
    assert!(watch.ring(Arc::clone(&bell)));
    let flusher = thread::spawn(move || flush(&progress));
    let client = thread::spawn({
        let (bell, put) = (Arc::clone(&bell), Arc::clone(&put));
        move || {
            put.store(1, Ordering::Relaxed);
            bell.ring();
        }
    });
    let shard = thread::spawn(move || sleep_until_told_and_asked(&bell, &watch, &put));
    for thread in [flusher, client, shard] {
        thread.join().unwrap();
    }
}

fn sleep_until_told_and_asked(bell: &Doorbell, watch: &DurableWatch, put: &AtomicUsize) {
    let is_over = || watch.durable_seq() == 1 || watch.check().is_err();
    let has_input = || put.load(Ordering::Relaxed) == 1;
    let (mut was_told, mut was_asked) = (false, false);
    while !was_told || !was_asked {
        (was_told, was_asked) = (is_over(), has_input());
        if !was_told || !was_asked {
            bell.sleep(Duration::MAX, || is_over() != was_told || has_input() != was_asked);
        }
    }
}

fn bounded(model: fn()) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

#[test]
fn the_durable_mark_is_not_slept_over() {
    bounded(|| wait_for_the_disk(|progress| progress.advance(1)));
}

#[test]
fn a_failed_sync_is_not_slept_over() {
    bounded(|| wait_for_the_disk(|progress| progress.fail(&std::io::Error::from_raw_os_error(5))));
}

/// A mark that is moved without a ring is slept over: loom must find it.
#[test]
#[should_panic(expected = "deadlock")]
fn a_mark_that_moves_without_a_ring_is_slept_over() {
    loom::model(|| {
        let bell: &'static Arc<Doorbell> = Box::leak(Box::default());
        let progress = Box::leak(Box::new(Progress::new(std::path::Path::new("journal"), 0, None)));
        let watch: &'static DurableWatch =
            Box::leak(Box::new(DurableWatch { progress: Arc::clone(progress) }));
        assert!(watch.ring(Arc::clone(bell)));
        let flusher = thread::spawn(|| progress.set_durable(1));
        if watch.durable_seq() == 0 {
            bell.sleep(Duration::MAX, || watch.durable_seq() == 1);
        }
        flusher.join().unwrap();
    });
}
