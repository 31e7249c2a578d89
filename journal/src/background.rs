//! Threads that work beside those in a hurry.
#![allow(unsafe_code, reason = "sched_setattr has no safe wrapper")]

/// How long such a thread may keep a core that a thread in a hurry wants, in nanoseconds: the least that Linux takes.
const TURN_NS: u64 = 100_000;

/// Asks the scheduler that this thread, wherever it has to share a core, works in turns of 0.1 ms instead of the usual
/// three: on a machine without a core to spare, that is what its work costs the latency of the others. It gets no less
/// of the core for it. Linux does so since 6.12 (EEVDF); before that nothing happens.
pub fn take_short_turns() {
    // SAFETY: all zeros are a valid sched_attr: the usual policy, not nice, no flags.
    // Fails: `tests::the_scheduler_takes_it_or_says_no`.
    let mut attributes: libc::sched_attr = unsafe { std::mem::zeroed() };
    attributes.size = u32::try_from(size_of::<libc::sched_attr>()).unwrap_or(0);
    attributes.sched_runtime = TURN_NS;
    // SAFETY: the kernel reads as many bytes as `size` says, which is all of them, of this thread's own attributes.
    // A refusal leaves everything as it is. Fails: the same test.
    unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel says of this thread afterwards is what was asked for, or what it always says.
    #[test]
    fn the_scheduler_takes_it_or_says_no() {
        // SAFETY: as above; the kernel writes at most as many bytes as it is told there are.
        let read = || unsafe {
            let mut attributes: libc::sched_attr = std::mem::zeroed();
            let size = u32::try_from(size_of::<libc::sched_attr>()).unwrap();
            assert_eq!(libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attributes, size, 0), 0);
            (attributes.sched_policy, attributes.sched_nice, attributes.sched_runtime)
        };
        let before = read();
        take_short_turns();
        let (policy, nice, runtime) = read();
        assert_eq!((policy, nice), (before.0, before.1));
        assert!([TURN_NS, before.2, 0].contains(&runtime), "{runtime}");
    }
}
