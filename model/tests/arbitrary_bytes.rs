//! Arbitrary bytes never make a reader panic, run on for ever, or take memory without bound. The same edits that
//! `model/fuzz` searches with coverage, here from fixed seeds.
//!
//! A process of its own: it counts what the whole program allocates.
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(unsafe_code, reason = "a counting allocator must implement an unsafe trait")]

mod common;
mod hostile;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: hands everything to the system's allocator unchanged; counting does not allocate. Fails: the test below.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let in_use = IN_USE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(in_use, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(ptr, layout) }
    }
}

const CASES: u32 = 1_500;

#[test]
fn arbitrary_edits_are_answered_with_bounded_memory() {
    let template = hostile::Template::new();
    let dir = hostile::folder();
    let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    for case in 0..CASES {
        let mut script = vec![0; 1 + random.next_u32() as usize % 96];
        random.fill_bytes(&mut script);
        template.lay(dir.path(), &script);
        let before = IN_USE.load(Ordering::Relaxed);
        MOST.store(before, Ordering::Relaxed);
        hostile::everything_answers(dir.path());
        let most = MOST.load(Ordering::Relaxed).saturating_sub(before) as u64;
        let allowed = hostile::allowed_bytes(dir.path());
        assert!(most <= allowed, "case {case}: {most} bytes held, {allowed} allowed; script {script:?}");
    }
}
