//! What one thread has had of a core, and where a pause of it went.

use std::fs::File;
use std::os::unix::fs::FileExt;

use rustix::time::{ClockId, clock_gettime};

use crate::stalls::parse::{self, Sched};
use crate::ticks;
use crate::usage::Usage;

/// Where a pause went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Ready to run, and another thread had the core.
    CoreTaken,
    /// Asleep in the kernel: it waited for something.
    Asleep,
    /// Neither on a core nor waiting for one nor asleep: the host had the core.
    Stolen,
    /// On its core, and there were page faults.
    PageFaults,
    /// On its core, with more to do than usual.
    CatchingUp,
    /// On its core without a turn of the loop and without a fault: interrupts, the kernel's work in them, stalls of a
    /// virtual machine that the host does not tell; or work of the loop's own that is longer than it should be.
    OnCore,
    /// This kernel does not say.
    NotKnown,
}

impl Cause {
    pub(crate) const ALL: [Self; 7] = [
        Self::CoreTaken,
        Self::Asleep,
        Self::Stolen,
        Self::PageFaults,
        Self::CatchingUp,
        Self::OnCore,
        Self::NotKnown,
    ];

    /// In the JSON file.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::CoreTaken => "core_taken",
            Self::Asleep => "asleep",
            Self::Stolen => "stolen",
            Self::PageFaults => "page_faults",
            Self::CatchingUp => "catching_up",
            Self::OnCore => "on_core",
            Self::NotKnown => "not_known",
        }
    }

    /// For people.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::CoreTaken => "core taken",
            Self::Asleep => "asleep",
            Self::Stolen => "host",
            Self::PageFaults => "page faults",
            Self::CatchingUp => "catching up",
            Self::OnCore => "interrupts, work",
            Self::NotKnown => "not known",
        }
    }
}

/// A thread's counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) at_ns: u64,
    pub(crate) ran_ns: u64,
    /// `None` where the kernel does not say.
    pub(crate) waited_ns: Option<u64>,
    pub(crate) faults: u64,
    /// How often it gave its core away by itself.
    pub(crate) sleeps: u64,
}

/// Reads the counters of the thread that made it.
#[derive(Debug)]
pub(crate) struct Counters {
    schedstat: Option<File>,
}

impl Counters {
    pub(crate) fn of_this_thread() -> Self {
        Self { schedstat: File::open("/proc/thread-self/schedstat").ok() }
    }

    /// Some two microseconds: three calls of the system.
    pub(crate) fn read(&self) -> Reading {
        let ran = clock_gettime(ClockId::ThreadCPUTime);
        let usage = Usage::of_thread();
        Reading {
            at_ns: ticks::now_ns(),
            ran_ns: u64::try_from(ran.tv_sec * 1_000_000_000 + ran.tv_nsec).unwrap_or(0),
            waited_ns: self.schedstat.as_ref().and_then(read_sched).map(|sched| sched.waited_ns),
            faults: usage.minor_faults + usage.major_faults,
            sleeps: usage.voluntary_switches,
        }
    }
}

/// From a file that is kept open: a fraction of what opening it takes.
pub(crate) fn read_sched(file: &File) -> Option<Sched> {
    let mut text = [0u8; 96];
    let len = file.read_at(&mut text, 0).ok()?;
    parse::sched(std::str::from_utf8(text.get(..len)?).ok()?)
}

/// Where a pause went; the parts add up to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    ns: [u64; Cause::ALL.len()],
}

impl Parts {
    /// Of a pause of `pause_ns` that ended at the second reading. The first was made before it, and all between the two
    /// but the pause is taken as time on the core.
    pub(crate) fn of(pause_ns: u64, before: &Reading, after: &Reading, is_catching_up: bool) -> Self {
        let between = |before: u64, after: u64| after.saturating_sub(before);
        let away = between(before.at_ns, after.at_ns).saturating_sub(between(before.ran_ns, after.ran_ns));
        let away = away.min(pause_ns);
        let mut parts = Self::default();
        let waited = match (before.waited_ns, after.waited_ns) {
            (Some(before), Some(after)) => Some(between(before, after).min(pause_ns)),
            _ => None,
        };
        // A thread that waits for the core cannot be on it; the two clocks may differ by a little.
        let away = away.max(waited.unwrap_or(0));
        let elsewhere = if after.sleeps > before.sleeps { Cause::Asleep } else { Cause::Stolen };
        match waited {
            Some(waited) => {
                parts.add(Cause::CoreTaken, waited);
                parts.add(elsewhere, away - waited);
            }
            None => parts.add(Cause::NotKnown, away),
        }
        let here = match (after.faults > before.faults, is_catching_up) {
            (_, true) => Cause::CatchingUp,
            (true, false) => Cause::PageFaults,
            (false, false) => Cause::OnCore,
        };
        parts.add(here, pause_ns - away);
        parts
    }

    fn add(&mut self, cause: Cause, ns: u64) {
        if let Some(sum) = self.ns.get_mut(cause as usize) {
            *sum += ns;
        }
    }

    pub(crate) fn get(&self, cause: Cause) -> u64 {
        self.ns.get(cause as usize).copied().unwrap_or(0)
    }

    #[cfg(test)]
    pub(crate) fn total(&self) -> u64 {
        self.ns.iter().sum()
    }

    /// The largest part.
    pub(crate) fn main_cause(&self) -> Cause {
        Cause::ALL.into_iter().max_by_key(|cause| self.get(*cause)).unwrap_or(Cause::NotKnown)
    }

    pub(crate) fn join(&mut self, other: &Self) {
        for cause in Cause::ALL {
            self.add(cause, other.get(cause));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: Reading =
        Reading { at_ns: 1_000_000, ran_ns: 500_000, waited_ns: Some(7_000), faults: 3, sleeps: 1 };

    /// A hundred microseconds later, of which so many on a core and so many waiting for it.
    fn after(ran: u64, waited: u64) -> Reading {
        let waited_ns = BEFORE.waited_ns.map(|before| before + waited);
        Reading { at_ns: BEFORE.at_ns + 100_000, ran_ns: BEFORE.ran_ns + ran, waited_ns, ..BEFORE }
    }

    fn cause_of(pause: u64, after: &Reading) -> Vec<(Cause, u64)> {
        let parts = Parts::of(pause, &BEFORE, after, false);
        assert_eq!(parts.total(), pause, "{parts:?}");
        Cause::ALL.into_iter().map(|cause| (cause, parts.get(cause))).filter(|(_, ns)| *ns > 0).collect()
    }

    #[test]
    fn each_part_of_a_pause_has_one_cause() {
        assert_eq!(
            cause_of(60_000, &after(50_000, 50_000)),
            [(Cause::CoreTaken, 50_000), (Cause::OnCore, 10_000)]
        );
        assert_eq!(
            cause_of(60_000, &after(40_000, 0)),
            [(Cause::Stolen, 60_000)],
            "neither on a core nor waiting"
        );
        let asleep = Reading { sleeps: 2, ..after(60_000, 10_000) };
        assert_eq!(
            cause_of(60_000, &asleep),
            [(Cause::CoreTaken, 10_000), (Cause::Asleep, 30_000), (Cause::OnCore, 20_000)]
        );
        let faults = Reading { faults: 4, ..after(100_000, 0) };
        assert_eq!(cause_of(60_000, &faults), [(Cause::PageFaults, 60_000)]);
        assert_eq!(cause_of(60_000, &after(100_000, 0)), [(Cause::OnCore, 60_000)]);
        let busy = Parts::of(60_000, &BEFORE, &after(100_000, 0), true);
        assert_eq!(busy.main_cause(), Cause::CatchingUp);
    }

    #[test]
    fn what_the_kernel_does_not_say_is_not_known() {
        let silent = Reading { waited_ns: None, ..after(50_000, 0) };
        assert_eq!(cause_of(60_000, &silent), [(Cause::OnCore, 10_000), (Cause::NotKnown, 50_000)]);
        // And nothing is more than the pause, nor less than nothing, whatever the clocks say.
        for after in [after(0, 900_000), after(900_000, 900_000), Reading::default(), after(900_000, 0)] {
            cause_of(60_000, &after);
        }
    }

    /// Two threads want one core: each waits about as long as the other runs.
    #[test]
    fn a_thread_that_waits_for_its_core_is_seen_to() {
        let core = (0..rustix::thread::CpuSet::MAX_CPU)
            .find(|core| rustix::thread::sched_getaffinity(None).unwrap().is_set(*core))
            .unwrap();
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let rival = || {
                let _pinned = crate::lab::Pinned::to(Some(core));
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            };
            scope.spawn(rival);
            let measured = scope.spawn(move || {
                let _pinned = crate::lab::Pinned::to(Some(core));
                let counters = Counters::of_this_thread();
                let before = counters.read();
                let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
                loop {
                    let after = counters.read();
                    let parts = Parts::of(after.at_ns - before.at_ns, &before, &after, false);
                    let seen = parts.get(Cause::CoreTaken) > 1_000_000;
                    if seen || after.waited_ns.is_none() || std::time::Instant::now() > deadline {
                        break (after.waited_ns.is_none(), parts);
                    }
                }
            });
            let (not_known, parts) = measured.join().unwrap();
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            let expected = if not_known { Cause::NotKnown } else { Cause::CoreTaken };
            assert!(parts.get(expected) > 0, "{parts:?}");
        });
    }
}
