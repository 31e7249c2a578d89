//! A line of memory, asked for before it is needed.
#![allow(unsafe_code, reason = "a prefetch takes a pointer")]

/// Has the processor fetch what stands there, and waits for nothing: unlike a read, it holds nothing up that comes after.
#[inline]
pub(crate) fn prefetch<T>(place: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch is a hint for any address whatever, and this one is of a value that lives. It can do
        // nothing that a test would see.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(core::ptr::from_ref(place).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}
