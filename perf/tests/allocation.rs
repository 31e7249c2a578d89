//! What the shard's thread allocates for an order: nothing, but for the growth of the order tables.
//!
//! Every order stays in the state, so its tables must grow. They double, so growth comes ever more rarely: what is
//! shown is that whole stretches of orders allocate nothing, and that what is allocated is no more than tables
//! that double.
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
fn an_order_allocates_nothing_but_the_growth_of_tables() {
    const WARM_UP: u64 = 5_000;
    const ORDERS: u64 = 25_000;
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
    // The tables of orders grow piece by piece, so that no order pays for all of it: a shelf for each 256 orders, a page
    // for each 4,096 records, and 256 tables of names that double at times of their own, twice or three times between
    // 5,000 and 30,000. A segment of the journal that begins sends two jobs to its preparer.
    let growth = ORDERS / 256 + 3 * ORDERS / 4096 + 3 * 256 + 4;
    assert!(allocations <= growth, "{allocations} allocations, growth explains {growth}");
    assert!(quiet >= ORDERS / 100 * 95, "only {quiet} orders of {ORDERS} allocated nothing");
    assert!(allocations > 0, "growth must have been seen, or nothing was counted");
    rig.shard.stop().unwrap();
}
