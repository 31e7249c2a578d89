//! Where the tails come from: pauses of the measuring thread and of the shard, by cause, and which orders were late for
//! them. By what the kernel tells every program, so that anybody sees it for his machine.
//!
//! * `reading`: what a thread has had of its core, and the parts of a pause; `parse`: the kernel's words.
//! * `shard`: the shard's pauses; `late`: which orders were late, and behind what; `tail`: both over a row.
//! * `census`: who had the core meanwhile. `syncs`: where the time of the journal's flusher goes.
//! * `table`: how it is shown.
//!
//! Nothing is added to a turn of the loop but a comparison with the time of the turn before. Only behind a pause
//! counters are read, which takes some microseconds.

mod census;
mod late;
mod parse;
mod reading;
mod shard;
mod syncs;
pub(crate) mod table;
mod tail;

pub(crate) use late::Usual;
pub(crate) use parse::sched;
pub(crate) use shard::{ShardStalls, Watched};
pub(crate) use syncs::TimedDisk;
pub(crate) use tail::{Tail, TailWatch};

use reading::{Cause, Parts, Reading};

/// A longer pause is a stall.
pub(crate) const STALL_NS: u64 = 20_000;
/// Behind a longer pause the counters are read, so that what a stall is held against is fresh.
const LOOK_NS: u64 = 8_000;

/// The stalls of one thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stalls {
    pub(crate) count: u64,
    pub(crate) parts: Parts,
    pub(crate) longest_ns: u64,
    pub(crate) longest_cause: Option<Cause>,
}

impl Stalls {
    /// One more; its main cause.
    fn note(&mut self, pause_ns: u64, before: &Reading, after: &Reading, is_catching_up: bool) -> Cause {
        let parts = Parts::of(pause_ns, before, after, is_catching_up);
        let cause = parts.main_cause();
        self.count += 1;
        self.parts.join(&parts);
        if pause_ns > self.longest_ns {
            (self.longest_ns, self.longest_cause) = (pause_ns, Some(cause));
        }
        cause
    }
}
