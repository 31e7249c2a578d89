//! What the kernel is told of memory that is allocated and not used yet. All of it is advice: nothing depends on it
//! but time.
#![allow(unsafe_code, reason = "madvise is a C function")]

use std::ffi::c_int;

/// Of the smallest page of any processor this runs on; a multiple of it is aligned to larger ones or refused.
pub(crate) const PAGE_BYTES: usize = 4096;

/// Pages of 2 MiB where there are some: one page fault instead of 512.
pub(crate) fn use_large_pages(start: *mut u8, bytes: usize) {
    advise(start, bytes, libc::MADV_HUGEPAGE);
}

/// Usual pages, whatever was asked for this memory when it was something else's: to clear a large one takes as long as it
/// takes to provide hundreds of these, without a pause in which another thread could have the core.
pub(crate) fn use_usual_pages(start: *mut u8, bytes: usize) {
    advise(start, bytes, libc::MADV_NOHUGEPAGE);
}

/// Provides the pages now, so that the first write to each does not take a page fault. Since Linux 5.14; before that
/// nothing happens.
pub(crate) fn populate(start: *mut u8, bytes: usize) {
    advise(start, bytes, libc::MADV_POPULATE_WRITE);
}

fn advise(start: *mut u8, bytes: usize, advice: c_int) {
    let begin = (start as usize).next_multiple_of(PAGE_BYTES);
    let end = (start as usize + bytes) / PAGE_BYTES * PAGE_BYTES;
    if begin < end {
        // SAFETY: no such advice changes what memory holds, whoever it belongs to: two are hints, the third acts as
        // if a byte of each page had been written back unchanged. The range is of one allocation of the caller's.
        // A refusal is as good: the pages come when they are touched.
        // Fails: `tests::memory_keeps_what_it_holds`.
        unsafe { libc::madvise(begin as *mut libc::c_void, end - begin, advice) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_keeps_what_it_holds() {
        let mut bytes: Vec<u8> = (0..5_000_000u32).map(|number| number.to_le_bytes()[0]).collect();
        let start = bytes.as_mut_ptr();
        for range in [0..5_000_000, 1..4096, 4097..8191, 17..4_999_999] {
            let start = start.wrapping_add(range.start);
            use_large_pages(start, range.len());
            use_usual_pages(start, range.len());
            populate(start, range.len());
        }
        assert!((0..5_000_000u32).zip(&bytes).all(|(number, byte)| number.to_le_bytes()[0] == *byte));
    }
}
