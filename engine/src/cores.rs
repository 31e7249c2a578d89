//! Which cores threads may run on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Keeps the calling thread, and every thread that it starts from here on, off cores that shards are pinned to: what
/// works beside a shard must not take turns from it. A shard's own thread pins itself, wherever it was started.
///
/// False, and nothing changed, where no core would be left, or the system says no.
pub fn leave_to_shards(cores: &[usize]) -> bool {
    let Ok(mut allowed) = sched_getaffinity(None) else { return false };
    for core in cores.iter().filter(|core| **core < CpuSet::MAX_CPU) {
        allowed.unset(*core);
    }
    allowed.count() > 0 && sched_setaffinity(None, &allowed).is_ok()
}

/// That a shard's thread wants a core, as long as it runs. All shards of the process are counted together: whether a core
/// is left for those they wait for is known to each of them.
#[derive(Debug, Default)]
pub(crate) struct Claim {
    counted: Option<Counted>,
}

#[derive(Debug)]
struct Counted {
    core: Option<usize>,
    /// Where this thread could run before it was pinned.
    usable: CpuSet,
}

/// How many shards run, by the core they are pinned to; none for those that run anywhere.
static SHARDS: Mutex<BTreeMap<Option<usize>, usize>> = Mutex::new(BTreeMap::new());
static IS_CORE_LEFT: AtomicBool = AtomicBool::new(true);

impl Claim {
    /// Called by the shard's thread, before it pins itself to `core`.
    pub(crate) fn of_shard(core: Option<usize>) -> Self {
        let counted = Counted { core, usable: sched_getaffinity(None).unwrap_or_default() };
        counted.count(|shards| shards + 1);
        Self { counted: Some(counted) }
    }

    /// True where there are more cores than shards.
    pub(crate) fn leaves_a_spare(&self) -> bool {
        self.counted.is_none() || IS_CORE_LEFT.load(Ordering::Relaxed)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(counted) = &self.counted {
            counted.count(|shards| shards.saturating_sub(1));
        }
    }
}

impl Counted {
    fn count(&self, change: impl FnOnce(usize) -> usize) {
        let mut shards = SHARDS.lock().unwrap_or_else(PoisonError::into_inner);
        let place = shards.entry(self.core).or_default();
        *place = change(*place);
        shards.retain(|_, count| *count > 0);
        IS_CORE_LEFT.store(is_core_left(self.usable, &shards), Ordering::Relaxed);
    }
}

/// Cores that shards are pinned to were perhaps taken from everybody else: they count among the usable ones.
fn is_core_left(mut usable: CpuSet, shards: &BTreeMap<Option<usize>, usize>) -> bool {
    for core in shards.keys().flatten().filter(|core| **core < CpuSet::MAX_CPU) {
        usable.set(*core);
    }
    usize::try_from(usable.count()).unwrap_or(0) > shards.values().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_is_left_where_there_are_more_than_shards() {
        let usable = |cores: &[usize]| {
            let mut set = CpuSet::new();
            for core in cores {
                set.set(*core);
            }
            set
        };
        let shards = |entries: &[(Option<usize>, usize)]| entries.iter().copied().collect();
        assert!(is_core_left(usable(&[0, 1]), &shards(&[(None, 1)])));
        assert!(!is_core_left(usable(&[0, 1]), &shards(&[(None, 2)])));
        assert!(!is_core_left(usable(&[0, 1]), &shards(&[(Some(0), 1), (Some(1), 1)])));
        assert!(!is_core_left(usable(&[0, 1]), &shards(&[(Some(0), 1), (None, 1)])));
        // Everybody else was kept off the pinned ones.
        assert!(is_core_left(usable(&[2, 3]), &shards(&[(Some(0), 1), (Some(1), 1)])));
    }

    #[test]
    fn threads_stay_off_as_long_as_there_is_another_core() {
        let before = sched_getaffinity(None).unwrap();
        let usable: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|core| before.is_set(*core)).collect();
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
