//! The hot path allocates nothing.
//!
//! A process of its own: it counts allocations with an allocator of its own.
#![allow(unsafe_code, reason = "a counting allocator must implement an unsafe trait")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{input, time};
use journal::{Durability, Options};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: hands everything to the system's allocator unchanged. Counting touches a constant-initialised thread-local,
// which does not allocate. Fails: any test of this program.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn appending_allocates_nothing() {
    for durability in [Durability::Process, Durability::Disk] {
        let dir = tempfile::tempdir().unwrap();
        let segment_bytes = 4 * 1024 * 1024;
        let options = Options { segment_bytes, durability, ..Options::new(dir.path(), common::SHARD) };
        let mut writer = journal::open(&options).unwrap().writer;
        let inputs: Vec<_> = (1..=5000).map(|seq| (time(seq), input(seq))).collect();
        let before = ALLOCATIONS.get();
        for (time, input) in &inputs {
            writer.ensure_room().unwrap();
            writer.append(*time, input).unwrap();
        }
        assert_eq!(ALLOCATIONS.get() - before, 0, "{durability:?}");
        writer.close().unwrap();
    }
}
