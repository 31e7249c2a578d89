//! Which cores threads may run on.

use rustix::thread::{sched_getaffinity, sched_setaffinity};

/// Keeps the calling thread, and every thread that it starts from here on, off cores that shards are pinned to: what
/// works beside a shard must not take turns from it. A shard's own thread pins itself, wherever it was started.
///
/// False, and nothing changed, where no core would be left, or the system says no.
pub fn leave_to_shards(cores: &[usize]) -> bool {
    let Ok(mut allowed) = sched_getaffinity(None) else { return false };
    for core in cores.iter().filter(|core| **core < rustix::thread::CpuSet::MAX_CPU) {
        allowed.unset(*core);
    }
    allowed.count() > 0 && sched_setaffinity(None, &allowed).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_stay_off_as_long_as_there_is_another_core() {
        let before = sched_getaffinity(None).unwrap();
        let usable: Vec<usize> =
            (0..rustix::thread::CpuSet::MAX_CPU).filter(|core| before.is_set(*core)).collect();
        let [first, rest @ ..] = usable.as_slice() else { panic!("no core") };
        assert!(!leave_to_shards(&usable), "no core would be left");
        assert_eq!(sched_getaffinity(None).unwrap(), before);
        if !rest.is_empty() {
            assert!(leave_to_shards(&[*first, 1_000_000]));
            let started = std::thread::spawn(|| sched_getaffinity(None).unwrap()).join().unwrap();
            assert!(!started.is_set(*first) && rest.iter().all(|core| started.is_set(*core)));
        }
    }
}
