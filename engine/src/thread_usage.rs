//! What the kernel counted for the calling thread: page faults, and how often its core was given or taken away.
#![allow(unsafe_code, reason = "getrusage is a C function")]

use std::mem::MaybeUninit;

/// Counters of one thread: since it began, or between two looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadUsage {
    /// Page faults that needed no disk.
    pub minor_faults: u32,
    /// Page faults that did.
    pub major_faults: u32,
    /// The thread gave its core away: it slept, or waited for the kernel.
    pub slept: u32,
    /// The scheduler took its core.
    pub preempted: u32,
}

impl ThreadUsage {
    /// Of the calling thread since it began: one call of the system. All zero where the system does not say.
    pub(crate) fn now() -> Self {
        let mut usage = MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: the pointer is valid for a write of the type the function fills in.
        // Fails: `tests::faults_and_sleeps_are_counted`.
        if unsafe { libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr()) } != 0 {
            return Self::default();
        }
        // SAFETY: all zeros are a valid value, and the call has filled it in. Fails: the same test.
        let usage = unsafe { usage.assume_init() };
        // Differences are what counts, so a counter that begins again at 2^32 does no harm.
        let count = |value: libc::c_long| u32::try_from(value & 0xffff_ffff).unwrap_or(0);
        Self {
            minor_faults: count(usage.ru_minflt),
            major_faults: count(usage.ru_majflt),
            slept: count(usage.ru_nvcsw),
            preempted: count(usage.ru_nivcsw),
        }
    }

    pub(crate) const fn since(self, before: Self) -> Self {
        Self {
            minor_faults: self.minor_faults.wrapping_sub(before.minor_faults),
            major_faults: self.major_faults.wrapping_sub(before.major_faults),
            slept: self.slept.wrapping_sub(before.slept),
            preempted: self.preempted.wrapping_sub(before.preempted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_and_sleeps_are_counted() {
        let before = ThreadUsage::now();
        let pages = vec![1u8; 16 * 1024 * 1024];
        std::thread::sleep(std::time::Duration::from_millis(2));
        let counted = ThreadUsage::now().since(before);
        assert!(counted.minor_faults > 0 && counted.slept > 0, "{counted:?} {}", pages.len());
    }

    #[test]
    fn a_counter_that_begins_again_gives_the_same_difference() {
        let before = ThreadUsage { slept: u32::MAX, ..ThreadUsage::default() };
        assert_eq!(ThreadUsage { slept: 1, ..ThreadUsage::default() }.since(before).slept, 2);
    }
}
