//! Threads that work beside those in a hurry.
#![allow(unsafe_code, reason = "sched_setattr has no safe wrapper")]

/// How long such a thread may keep a core that a thread in a hurry wants, in nanoseconds: the least that Linux takes.
const TURN_NS: u64 = 100_000;

/// Asks the scheduler that this thread, wherever it has to share a core, works in turns of 0.1 ms instead of the usual
/// three: on a machine without a core to spare, that is what its work costs the latency of the others. It gets no less
/// of the core for it. Linux does so since 6.12 (EEVDF); before that nothing happens.
pub fn take_short_turns() {
    // Its niceness, and whatever else an operator gave it, is kept.
    let Some(mut attributes) = attributes() else { return };
    if !matches!(attributes.sched_policy.cast_signed(), libc::SCHED_OTHER | libc::SCHED_BATCH) {
        return;
    }
    attributes.sched_runtime = TURN_NS;
    // SAFETY: the kernel reads as many bytes as `size` says, which is all of them, of this thread's own attributes.
    // A refusal leaves everything as it is. Fails: `tests::the_scheduler_takes_it_or_says_no`.
    unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
}

/// What the scheduler knows of this thread; `None` where it does not tell.
fn attributes() -> Option<libc::sched_attr> {
    // SAFETY: numbers only, and all zeros are valid ones. Fails: `tests::the_scheduler_takes_it_or_says_no`.
    let mut attributes: libc::sched_attr = unsafe { std::mem::zeroed() };
    let size = u32::try_from(size_of::<libc::sched_attr>()).ok()?;
    // SAFETY: the kernel writes at most as many bytes as it is told there are. Fails: the same test.
    let told = unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attributes, size, 0) };
    (told == 0).then_some(attributes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel says of this thread afterwards is what was asked for, or what it always says.
    #[test]
    fn the_scheduler_takes_it_or_says_no() {
        let before = attributes().unwrap();
        take_short_turns();
        let after = attributes().unwrap();
        assert_eq!((after.sched_policy, after.sched_nice), (before.sched_policy, before.sched_nice));
        assert!([TURN_NS, before.sched_runtime, 0].contains(&after.sched_runtime), "{}", after.sched_runtime);
    }

    /// A node that was started nicely stays so.
    #[test]
    fn niceness_is_kept() {
        let before = attributes().unwrap().sched_nice;
        // SAFETY: it takes numbers and changes nothing in memory.
        unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, before + 3) };
        take_short_turns();
        assert_eq!(attributes().unwrap().sched_nice, (before + 3).min(19));
    }
}
