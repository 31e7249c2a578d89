//! What the shard's thread allocates for an order: nothing.
//!
//! Every order stays in the state, so its tables grow; what they grow by is made ahead on another thread. What is left
//! are the lists of those pieces, a pointer for hundreds of orders, which double ever more rarely.
#![allow(unsafe_code, reason = "a counting allocator must implement an unsafe trait")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::{Clock, Idle, SystemClock};
use model::Timestamp;

thread_local! {
    static IS_SHARD: Cell<bool> = const { Cell::new(false) };
}
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: hands everything to the system's allocator unchanged. Counting reads a constant-initialised thread-local
// and adds to atomics, none of which allocates. Fails: any test of this program.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(ptr, layout, new_size) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn count(bytes: usize) {
    if IS_SHARD.try_with(Cell::get).unwrap_or(false) {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// Only the shard's thread reads the clock: that is how its allocations are told from those of others.
struct MarkingClock;

impl Clock for MarkingClock {
    fn now(&self) -> Timestamp {
        IS_SHARD.set(true);
        SystemClock.now()
    }
}

#[test]
fn an_order_allocates_nothing() {
    const WARM_UP: u64 = 5_000;
    const ORDERS: u64 = 25_000;
    const MOST: u64 = 24;
    let dir = tempfile::tempdir().unwrap();
    let mut rig = common::rig(dir.path(), Idle::Yield, MarkingClock);
    rig.trade(WARM_UP);
    let (mut quiet, mut allocations, mut bytes) = (0, 0, 0);
    for _ in 0..ORDERS {
        let before = (ALLOCATIONS.load(Ordering::Relaxed), BYTES.load(Ordering::Relaxed));
        rig.trade(1);
        let grown = ALLOCATIONS.load(Ordering::Relaxed) - before.0;
        quiet += u64::from(grown == 0);
        allocations += grown;
        bytes += BYTES.load(Ordering::Relaxed) - before.1;
    }
    println!("{ORDERS} orders: {allocations} allocations of {bytes} bytes; {quiet} orders without any");
    assert!(IS_SHARD.try_with(|is| !is.get()).unwrap(), "the test's own thread is not counted");
    // Lists of pages, of segments of names and of places that were left double a few times between 5,000 and 30,000
    // orders, and a segment of the journal that begins sends two jobs to its preparer.
    assert!(allocations > 0, "that must have been seen, or nothing was counted");
    assert!(allocations <= MOST, "{allocations} allocations");
    assert!(quiet >= ORDERS - MOST, "only {quiet} orders of {ORDERS} allocated nothing");
    rig.shard.stop().unwrap();
}
