//! Lines of memory, asked for before they are needed: the processor fetches them, and nothing waits for it.
//!
//! To write to a line of memory, a core must have it for itself. Stores become visible in their order, so that a
//! message in a ring is seen only when every line that was written before it has come; one that is asked for ahead has
//! come by then.
#![no_std]
#![allow(unsafe_code, reason = "a prefetch takes a pointer")]

/// What is moved between cores at once, in bytes.
const LINE_BYTES: usize = 64;

/// Asks for every line of what will be read.
#[inline]
pub fn to_read<T: ?Sized>(place: &T) {
    let start = core::ptr::from_ref(place).cast::<u8>();
    for offset in lines(size_of_val(place), align_of_val(place)) {
        line_to_read(start.wrapping_add(offset));
    }
}

/// Asks for every line of what will be written.
#[inline]
pub fn to_write<T: ?Sized>(place: &mut T) {
    let start = core::ptr::from_mut(place).cast::<u8>();
    for offset in lines(size_of_val(place), align_of_val(place)) {
        line_to_write(start.wrapping_add(offset));
    }
}

/// A byte of each line; what does not begin with one may end in one more.
#[inline]
fn lines(bytes: usize, align: usize) -> impl Iterator<Item = usize> {
    let last = (bytes > 0 && align < LINE_BYTES).then(|| bytes - 1);
    (0..bytes).step_by(LINE_BYTES).chain(last)
}

#[inline]
fn line_to_read(place: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch is a hint for any address whatever, and this one is of a value that lives. It can do
        // nothing that a test would see.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

#[inline]
fn line_to_write(place: *mut u8) {
    #[cfg(target_arch = "x86_64")]
    // The intrinsic becomes a prefetch for reading where the compiler is not told that the processor has this one. Those
    // that have not take it for nothing at all.
    // SAFETY: a hint, as above.
    unsafe {
        core::arch::asm!("prefetchw [{}]", in(reg) place, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    /// Of any size, and at the very end of what there is.
    #[test]
    fn every_line_is_asked_for_and_nothing_changes() {
        for len in [0, 1, 63, 64, 65, 4096, 70_000] {
            let mut bytes = std::vec![7u8; len];
            to_write(bytes.as_mut_slice());
            to_read(bytes.as_slice());
            assert!(bytes.iter().all(|byte| *byte == 7));
        }
        // Two lines, should it begin near the end of one.
        assert_eq!(lines(16, 8).collect::<std::vec::Vec<_>>(), [0, 15]);
        assert_eq!(lines(128, 64).collect::<std::vec::Vec<_>>(), [0, 64]);
        to_write(&mut ());
        to_read(&());
    }
}
