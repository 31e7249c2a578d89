//! Every interleaving of what hands over between threads, as far as the memory model allows it (loom). The code is
//! the journal's own, compiled against loom's atomics.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub, reason = "a test may fail")]

/// Loom's atomics and threads, under the names of `src/sync.rs`.
mod sync {
    pub use std::sync::OnceLock;
    pub use std::sync::atomic::Ordering;
    pub use std::time::Duration;

    pub use loom::sync::atomic::{AtomicBool, fence};
    pub use loom::thread::{Thread, current};

    /// A sleep without an end: a wake-up that is missed is a deadlock, and loom says so.
    pub fn park_timeout(_: Duration) {
        loom::thread::park();
    }
}

#[path = "../src/doorbell.rs"]
mod doorbell;

use doorbell::Doorbell;
use loom::sync::Arc;
use loom::sync::atomic::AtomicUsize;
use loom::thread;
use sync::{Duration, Ordering};

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
