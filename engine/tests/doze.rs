//! Every interleaving of a lane that falls silent while its client speaks, as far as the memory model allows it (loom). The
//! code is the engine's own, compiled against loom's atomics.
//!
//! A process of its own: loom's atomics stand in for the engine's at the root of this program.
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(dead_code, unreachable_pub, reason = "stands in for parts of the engine")]

/// Loom's atomics under the names of `src/sync.rs`.
mod sync {
    pub use std::sync::atomic::Ordering;

    pub use loom::sync::atomic::{AtomicBool, fence};
}

#[path = "../src/doze.rs"]
mod doze;

use doze::Doze;
use loom::sync::Arc;
use loom::sync::atomic::AtomicUsize;
use loom::thread;
use sync::{Ordering, fence};

/// A lane that holds so many, and how often the shard was told that it was woken.
struct Lane {
    doze: Doze,
    put: AtomicUsize,
    told: AtomicUsize,
}

/// As `Submitter::put` does it. Relaxed on purpose: the fence, which is that of the bell, alone must be enough.
fn speak(lane: &Lane) {
    lane.put.fetch_add(1, Ordering::Relaxed);
    fence(Ordering::SeqCst);
    if lane.doze.must_end() {
        lane.told.fetch_add(1, Ordering::Relaxed);
    }
}

/// A client speaks so often while the shard takes what it sees and lets the lane doze.
fn meet(words: usize, look: fn(&Lane, usize) -> bool) {
    loom::model(move || {
        let (put, told) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let lane = Arc::new(Lane { doze: Doze::awake(), put, told });
        let client = thread::spawn({
            let lane = Arc::clone(&lane);
            move || (0..words).for_each(|_| speak(&lane))
        });
        let seen = lane.put.load(Ordering::Relaxed);
        let dozes = lane.doze.begin(|| look(&lane, seen));
        client.join().unwrap();
        let (put, told) = (lane.put.load(Ordering::Relaxed), lane.told.load(Ordering::Relaxed));
        assert!(told <= 1, "it is told once");
        assert!(!dozes || put == seen || told == 1, "a command lies in a lane that nobody looks at");
    });
}

#[test]
fn what_is_put_into_a_lane_that_falls_silent_is_taken() {
    for words in 1..=3 {
        meet(words, |lane, seen| lane.put.load(Ordering::Relaxed) == seen);
    }
}

/// The proof of the proof: a lane that falls silent without the look behind its word.
#[test]
#[should_panic(expected = "nobody looks at")]
fn without_the_second_look_it_is_not() {
    meet(1, |_, _| true);
}
