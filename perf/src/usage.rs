//! What the kernel counted for this process, or for one thread of it.
#![allow(unsafe_code, reason = "getrusage is a C function")]

use std::mem::MaybeUninit;

/// Counters since the process began.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Gave its core away by itself.
    pub(crate) voluntary_switches: u64,
    /// Its core was taken.
    pub(crate) involuntary_switches: u64,
    /// Page faults that needed no disk.
    pub(crate) minor_faults: u64,
    /// Page faults that did.
    pub(crate) major_faults: u64,
}

impl Usage {
    /// Of the whole process.
    pub(crate) fn now() -> Self {
        Self::of(libc::RUSAGE_SELF)
    }

    /// Of the calling thread.
    pub(crate) fn of_thread() -> Self {
        Self::of(libc::RUSAGE_THREAD)
    }

    fn of(whom: libc::c_int) -> Self {
        let mut usage = MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: the pointer is valid for a write of the type the function fills in.
        // Fails: `tests::faults_are_counted`.
        if unsafe { libc::getrusage(whom, usage.as_mut_ptr()) } != 0 {
            return Self::default();
        }
        // SAFETY: all zeros are a valid value, and the call has filled it in. Fails: the same test.
        let usage = unsafe { usage.assume_init() };
        let count = |value: libc::c_long| u64::try_from(value).unwrap_or(0);
        Self {
            voluntary_switches: count(usage.ru_nvcsw),
            involuntary_switches: count(usage.ru_nivcsw),
            minor_faults: count(usage.ru_minflt),
            major_faults: count(usage.ru_majflt),
        }
    }

    pub(crate) fn since(&self, before: &Self) -> Self {
        Self {
            voluntary_switches: self.voluntary_switches - before.voluntary_switches,
            involuntary_switches: self.involuntary_switches - before.involuntary_switches,
            minor_faults: self.minor_faults - before.minor_faults,
            major_faults: self.major_faults - before.major_faults,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_counted() {
        let (before, here) = (Usage::now(), Usage::of_thread());
        let pages = vec![1u8; 64 * 1024 * 1024];
        assert!(Usage::now().since(&before).minor_faults > 0, "{}", pages.len());
        assert!(Usage::of_thread().since(&here).minor_faults > 0);
        let elsewhere = std::thread::spawn(Usage::of_thread).join().unwrap();
        assert!(elsewhere.minor_faults < Usage::of_thread().minor_faults, "each thread has its own");
    }
}
