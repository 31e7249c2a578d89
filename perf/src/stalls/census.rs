//! Who had a core: the times of all threads of the machine that the kernel shows, before and after.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use serde::Serialize;

use crate::stalls::parse;
use crate::stalls::reading::read_sched;

/// Every thread at one moment, by process and thread.
#[derive(Debug, Default)]
pub(crate) struct Census {
    threads: BTreeMap<(u32, u32), Counted>,
}

#[derive(Clone, Debug)]
struct Counted {
    whose: CoreOwner,
    name: String,
    core: usize,
    ran_ns: u64,
    turns: u64,
}

/// Whose thread it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CoreOwner {
    /// Of this process.
    Ours,
    Kernel,
    /// Of another program.
    Others,
}

/// Threads of one name that ran on a core.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RanThere {
    pub(crate) name: String,
    pub(crate) whose: CoreOwner,
    pub(crate) on_core_ns: u64,
    pub(crate) turns: u64,
}

impl Census {
    /// Some milliseconds of reading. What cannot be read is not there.
    pub(crate) fn take() -> Self {
        let ours = std::process::id();
        let mut threads = BTreeMap::new();
        for process in numbered(Path::new("/proc")) {
            for thread in numbered(&Path::new("/proc").join(process.to_string()).join("task")) {
                let dir = format!("/proc/{process}/task/{thread}");
                if let Some(counted) = count(Path::new(&dir), process == ours) {
                    threads.insert((process, thread), counted);
                }
            }
        }
        Self { threads }
    }

    /// Who ran between two censuses on a core, as far as the last core of a thread tells, the longest first. Not
    /// `except`, a thread of ours; and not those that began and ended meanwhile.
    pub(crate) fn ran_on(&self, before: &Self, core: usize, except: u32) -> Vec<RanThere> {
        let mut by_name: BTreeMap<(CoreOwner, &str), (u64, u64)> = BTreeMap::new();
        let there = self.threads.iter().filter(|((_, thread), now)| now.core == core && *thread != except);
        for (id, now) in there {
            let (ran, turns) = before.threads.get(id).map_or((0, 0), |then| (then.ran_ns, then.turns));
            let sum = by_name.entry((now.whose, family(&now.name))).or_default();
            sum.0 += now.ran_ns.saturating_sub(ran);
            sum.1 += now.turns.saturating_sub(turns);
        }
        let ran = |((whose, name), (on_core_ns, turns)): ((CoreOwner, &str), (u64, u64))| RanThere {
            name: name.to_owned(),
            whose,
            on_core_ns,
            turns,
        };
        let mut all: Vec<RanThere> = by_name.into_iter().map(ran).filter(|ran| ran.on_core_ns > 0).collect();
        all.sort_by_key(|ran| std::cmp::Reverse(ran.on_core_ns));
        all
    }
}

fn count(dir: &Path, is_ours: bool) -> Option<Counted> {
    let sched = read_sched(&File::open(dir.join("schedstat")).ok()?)?;
    let stat = parse::stat(&std::fs::read_to_string(dir.join("stat")).ok()?)?;
    let whose = match (is_ours, stat.is_kernel) {
        (true, _) => CoreOwner::Ours,
        (false, true) => CoreOwner::Kernel,
        (false, false) => CoreOwner::Others,
    };
    // A worker of the kernel says what it works on only here.
    let name = match whose {
        CoreOwner::Kernel => {
            std::fs::read_to_string(dir.join("comm")).map_or(stat.name, |name| name.trim().to_owned())
        }
        _ => stat.name,
    };
    Some(Counted { whose, name, core: stat.core, ran_ns: sched.ran_ns, turns: sched.turns })
}

/// Workers of the kernel by what they work on: `kworker/0:1H-kblockd` and `kworker/1:2H-kblockd` are of one family. One
/// that is between two works does not say.
fn family(name: &str) -> &str {
    match name.strip_prefix("kworker/") {
        Some(worker) => worker.split_once(['-', '+']).map_or("kworker", |(_, work)| work),
        None => name,
    }
}

/// The entries of a folder whose names are numbers.
fn numbered(dir: &Path) -> Vec<u32> {
    let number = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    std::fs::read_dir(dir)
        .map_or_else(|_| Vec::new(), |entries| entries.flatten().filter_map(number).collect())
}

/// The other threads of this process, read again and again while the measured ones run: their files are kept open.
#[derive(Debug, Default)]
pub(crate) struct Companions {
    threads: Vec<Companion>,
}

#[derive(Debug)]
struct Companion {
    name: String,
    schedstat: File,
    ran_ns: u64,
    /// In stalls, all together.
    held_ns: u64,
}

impl Companions {
    /// All but the calling thread and those whose name begins with `except`.
    pub(crate) fn of_this_thread(except: &str) -> Self {
        let this = u32::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap_or(0);
        let tasks = Path::new("/proc/self/task");
        let companion = |thread: u32| {
            let dir = tasks.join(thread.to_string());
            let name = std::fs::read_to_string(dir.join("comm")).ok()?.trim().to_owned();
            let schedstat = File::open(dir.join("schedstat")).ok()?;
            let ran_ns = read_sched(&schedstat)?.ran_ns;
            Some(Companion { name, schedstat, ran_ns, held_ns: 0 })
        };
        let others = numbered(tasks).into_iter().filter(|thread| *thread != this);
        let threads = others.filter_map(companion).filter(|other| !other.name.starts_with(except));
        Self { threads: threads.collect() }
    }

    /// How long each ran since the last look; in a stall that is kept. Who ran longest, and how long.
    pub(crate) fn look(&mut self, is_stall: bool) -> Option<(&str, u64)> {
        let mut longest = None;
        for companion in &mut self.threads {
            let Some(sched) = read_sched(&companion.schedstat) else { continue };
            let ran_ns = sched.ran_ns.saturating_sub(companion.ran_ns);
            companion.ran_ns = sched.ran_ns;
            if is_stall {
                companion.held_ns += ran_ns;
            }
            if ran_ns > longest.map_or(0, |(_, longest_ns)| longest_ns) {
                longest = Some((companion.name.as_str(), ran_ns));
            }
        }
        longest
    }

    /// Who had the core in stalls, and how long in all.
    pub(crate) fn held(&self) -> impl Iterator<Item = (&str, u64)> {
        self.threads.iter().map(|companion| (companion.name.as_str(), companion.held_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn census(threads: &[(u32, CoreOwner, &str, usize, u64, u64)]) -> Census {
        let counted = |(id, whose, name, core, ran_ns, turns): &(u32, CoreOwner, &str, usize, u64, u64)| {
            let (whose, name) = (*whose, (*name).to_owned());
            ((*id, *id), Counted { whose, name, core: *core, ran_ns: *ran_ns, turns: *turns })
        };
        Census { threads: threads.iter().map(counted).collect() }
    }

    #[test]
    fn who_ran_on_a_core_is_told_by_name_the_longest_first() {
        let before = census(&[
            (1, CoreOwner::Ours, "main", 0, 1_000, 1),
            (2, CoreOwner::Ours, "supply-0", 0, 50, 2),
            (3, CoreOwner::Kernel, "kworker/0:1H-kblockd", 0, 10, 1),
            (4, CoreOwner::Kernel, "ksoftirqd/0", 0, 10, 1),
            (5, CoreOwner::Ours, "shard-0", 1, 10, 1),
            (6, CoreOwner::Others, "gone", 0, 10, 1),
        ]);
        let after = census(&[
            (1, CoreOwner::Ours, "main", 0, 9_000, 9),
            (2, CoreOwner::Ours, "supply-0", 0, 80, 5),
            (3, CoreOwner::Kernel, "kworker/0:1H-kblockd", 0, 30, 2),
            (4, CoreOwner::Kernel, "ksoftirqd/0", 0, 10, 1),
            (5, CoreOwner::Ours, "shard-0", 1, 900, 9),
            (7, CoreOwner::Kernel, "kworker/0:2H-kblockd", 0, 70, 1),
            (8, CoreOwner::Others, "rustc", 0, 40, 4),
        ]);
        let ran = |name: &str, whose, on_core_ns, turns| RanThere {
            name: name.to_owned(),
            whose,
            on_core_ns,
            turns,
        };
        let expected = [
            ran("kblockd", CoreOwner::Kernel, 90, 2),
            ran("rustc", CoreOwner::Others, 40, 4),
            ran("supply-0", CoreOwner::Ours, 30, 3),
        ];
        assert_eq!(after.ran_on(&before, 0, 1), expected);
        assert!(after.ran_on(&after, 0, 1).is_empty());
        assert!(after.ran_on(&before, 7, 1).is_empty(), "a core that nobody ran on");
    }

    #[test]
    fn workers_are_told_by_their_work() {
        for (name, expected) in [
            ("kworker/u8:3-ext4-rsv-conversion", "ext4-rsv-conversion"),
            ("kworker/0:1+events", "events"),
            ("kworker/0:1", "kworker"),
            ("ksoftirqd/0", "ksoftirqd/0"),
            ("", ""),
        ] {
            assert_eq!(family(name), expected);
        }
    }

    #[test]
    fn folders_that_are_not_there_hold_nobody() {
        assert!(numbered(Path::new("/proc/nothing/of/the/kind")).is_empty());
        assert!(count(Path::new("/proc/nothing/of/the/kind"), true).is_none());
    }

    #[test]
    fn a_companion_that_runs_is_seen_running() {
        let (ready, is_ready) = std::sync::mpsc::channel();
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let busy = || {
                ready.send(()).unwrap();
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    // Its time is brought up to date where it gives its core away.
                    std::thread::yield_now();
                }
            };
            std::thread::Builder::new().name("busy-companion".to_owned()).spawn_scoped(scope, busy).unwrap();
            is_ready.recv().unwrap();
            let mut companions = Companions::of_this_thread("nobody");
            let told = companions.threads.iter().any(|companion| companion.name == "busy-companion");
            let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
            let mut held = 0;
            while told && held == 0 && std::time::Instant::now() < deadline {
                companions.look(true);
                held =
                    companions.held().filter(|(name, _)| *name == "busy-companion").map(|(_, ns)| ns).sum();
            }
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(!told || held > 0, "where the kernel tells, it is seen");
            assert!(Companions::of_this_thread("").threads.is_empty());
        });
    }
}
