//! What happened in a history: counted always, told where somebody wants to read it.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::clock::SimClock;

/// The course of one history.
#[derive(Debug)]
pub(crate) struct History {
    clock: SimClock,
    told: Option<String>,
    /// Steps taken.
    pub(crate) events: u64,
    /// Faults by kind.
    pub(crate) faults: BTreeMap<&'static str, u64>,
}

impl History {
    pub(crate) const fn new(clock: SimClock, is_told: bool) -> Self {
        let told = if is_told { Some(String::new()) } else { None };
        Self { clock, told, events: 0, faults: BTreeMap::new() }
    }

    /// Tells of something; `what` is only worked out where it is read.
    pub(crate) fn tell(&mut self, what: impl FnOnce() -> String) {
        if let Some(told) = &mut self.told {
            let elapsed = self.clock.elapsed_ns();
            let (seconds, micros) = (elapsed / 1_000_000_000, elapsed / 1_000 % 1_000_000);
            // Writing to a string does not fail.
            let _ = writeln!(told, "{:>7} {seconds:>8}.{micros:06}  {}", self.events, what());
        }
    }

    /// Counts a fault, and tells of it.
    pub(crate) fn fault(&mut self, kind: &'static str, what: impl FnOnce() -> String) {
        *self.faults.entry(kind).or_default() += 1;
        self.tell(|| format!("FAULT {kind}: {}", what()));
    }

    pub(crate) fn count(&mut self, kind: &'static str, times: u64) {
        if times > 0 {
            *self.faults.entry(kind).or_default() += times;
        }
    }

    /// The whole story, empty where it was not told.
    pub(crate) fn story(&self) -> &str {
        self.told.as_deref().unwrap_or_default()
    }
}
