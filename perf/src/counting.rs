//! The allocator, counting what is in use: how much memory an account takes is measured, not estimated.
#![allow(unsafe_code, reason = "a counting allocator must implement an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

static IN_USE: AtomicUsize = AtomicUsize::new(0);

/// Bytes of the heap in use now, as asked for (what the allocator adds to each piece is not counted).
pub(crate) fn in_use_bytes() -> usize {
    IN_USE.load(Ordering::Relaxed)
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: hands everything to the system's allocator unchanged; counting is an atomic addition, which does not
// allocate. Fails: every run of this program, and `tests::what_is_freed_is_no_longer_counted`.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        IN_USE.fetch_add(new_size, Ordering::Relaxed);
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(ptr, layout, new_size) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_freed_is_no_longer_counted() {
        // Other tests run beside this one: the piece is larger than all of theirs.
        const LARGE: usize = 1 << 30;
        let before = in_use_bytes();
        let piece: Vec<u8> = Vec::with_capacity(LARGE);
        let during = in_use_bytes();
        drop(piece);
        assert!(during >= before.saturating_sub(LARGE / 2) + LARGE / 2);
        assert!(in_use_bytes() < before + LARGE / 2);
    }
}
