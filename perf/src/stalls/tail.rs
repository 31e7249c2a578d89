//! What made the tail of one row.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::stalls::census::{Census, Companions, RanThere};
use crate::stalls::late::{Behind, Late, Stall, Usual};
use crate::stalls::reading::{Cause, Counters, Reading};
use crate::stalls::syncs::Syncs;
use crate::stalls::{LOOK_NS, STALL_NS, ShardStalls, Stalls, parse};
use crate::ticks;

/// More arrivals in one turn than this are a queue that is worked off.
const CATCHING_UP: u64 = 64;
/// At most so long takes a look at counters, those of companions too.
const LOOK_TAKES_NS: u64 = 15_000;

/// Watches the loop of the measuring thread.
pub(crate) struct TailWatch {
    counters: Counters,
    before: Reading,
    turned_ns: u64,
    seen: u64,
    stalls: Stalls,
    last: Option<Stall>,
    late: Late,
    usual: Usual,
    longest_by: Option<String>,
    companions: Companions,
    shard: Option<Arc<ShardStalls>>,
    /// What the path's clock is ahead of the lab's.
    ahead_ns: u64,
    census: Census,
    core: Option<usize>,
    stolen_ticks: Option<u64>,
}

/// What made the tail of a row.
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    pub(crate) usual: Usual,
    pub(crate) late: Late,
    pub(crate) measuring: Stalls,
    /// Who had the measuring thread's core in its longest stall.
    pub(crate) longest_by: Option<String>,
    /// Threads of ours that had it in its stalls, and how long.
    pub(crate) held: Vec<(String, u64)>,
    /// `None` where the path has no shard.
    pub(crate) shard: Option<Stalls>,
    /// Who else ran on that core.
    pub(crate) ran: Vec<RanThere>,
    /// What the host took of it, in ticks of 10 ms.
    pub(crate) stolen_ticks: Option<u64>,
    /// What the flusher did, where it was watched.
    pub(crate) syncs: Option<Syncs>,
}

impl TailWatch {
    /// Begins; `path_ns` is the path's clock now.
    pub(crate) fn begin(usual: Usual, shard: Option<Arc<ShardStalls>>, path_ns: impl Fn() -> u64) -> Self {
        let (core, census) = (usable_core(), Census::take());
        let companions = Companions::of_this_thread("shard-");
        let stolen_ticks = core.and_then(stolen_ticks);
        if let Some(shard) = &shard {
            shard.begin();
        }
        let counters = Counters::of_this_thread();
        let (before, turned_ns) = (counters.read(), path_ns());
        Self {
            counters,
            before,
            turned_ns,
            seen: 0,
            stalls: Stalls::default(),
            last: None,
            late: Late::default(),
            usual,
            longest_by: None,
            companions,
            shard,
            ahead_ns: path_ns().wrapping_sub(ticks::now_ns()),
            census,
            core,
            stolen_ticks,
        }
    }

    /// One arrived that was due then.
    #[inline]
    pub(crate) fn arrived(&mut self, due_ns: u64, latency_ns: u64) {
        self.late.arrived(due_ns, latency_ns > self.usual.late_ns);
    }

    /// A turn of the loop begins, with so many arrivals seen in all.
    #[inline]
    pub(crate) fn turn(&mut self, now_ns: u64, seen: u64) {
        let pause_ns = now_ns.saturating_sub(self.turned_ns);
        self.turned_ns = now_ns;
        if pause_ns > LOOK_NS || self.late.is_pending() {
            self.look(pause_ns, seen);
        }
        self.seen = seen;
    }

    #[cold]
    fn look(&mut self, pause_ns: u64, seen: u64) {
        let now_ns = self.turned_ns;
        if pause_ns > LOOK_NS {
            let began_ns = ticks::now_ns();
            let (before, after) = (self.before, self.counters.read());
            self.before = after;
            let is_stall = pause_ns > STALL_NS;
            if is_stall {
                let is_catching_up = seen - self.seen >= CATCHING_UP;
                let is_longest = pause_ns > self.stalls.longest_ns;
                let cause = self.stalls.note(pause_ns, &before, &after, is_catching_up);
                self.last = Some(Stall { ended_ns: now_ns, lasted_ns: pause_ns, cause });
                if is_longest {
                    self.longest_by = None;
                }
                let held = self.companions.look(true);
                if is_longest && cause == Cause::CoreTaken {
                    // Who had it for most of the time; else it was not one of ours.
                    let held = held.filter(|(_, held_ns)| held_ns * 2 >= pause_ns);
                    self.longest_by = held.map(|(name, _)| name.to_owned());
                }
            } else if after.waited_ns != before.waited_ns {
                self.companions.look(false);
            }
            // What this look takes is no pause of the loop; but one may fall into it.
            self.turned_ns += (ticks::now_ns() - began_ns).min(LOOK_TAKES_NS);
        }
        if self.late.is_pending() {
            let shard = self.shard.as_ref().and_then(|shard| shard.last());
            let on_path =
                |stall: Stall| Stall { ended_ns: stall.ended_ns.wrapping_add(self.ahead_ns), ..stall };
            self.late.settle(now_ns, self.last, shard.map(on_path));
        }
    }

    /// What was seen.
    pub(crate) fn end(mut self, seen: u64) -> Tail {
        if self.late.is_pending() {
            self.look(0, seen);
        }
        let shard = self.shard.as_ref().map(|shard| shard.end());
        let (now, this) = (Census::take(), rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs());
        let held = self.companions.held().filter(|(_, ns)| *ns > 0);
        let mut held: Vec<_> = held.map(|(name, ns)| (name.to_owned(), ns)).collect();
        held.sort_by_key(|(_, ns)| std::cmp::Reverse(*ns));
        Tail {
            usual: self.usual,
            late: self.late,
            measuring: self.stalls,
            longest_by: self.longest_by,
            held,
            shard,
            ran: self.core.map_or_else(Vec::new, |core| now.ran_on(&self.census, core, this)),
            stolen_ticks: self
                .core
                .and_then(stolen_ticks)
                .zip(self.stolen_ticks)
                .map(|(now, then)| now - then),
            syncs: None,
        }
    }
}

/// The core the calling thread is pinned to.
fn usable_core() -> Option<usize> {
    let allowed = rustix::thread::sched_getaffinity(None).ok()?;
    let mut cores = (0..rustix::thread::CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
    cores.next().filter(|_| allowed.count() == 1)
}

fn stolen_ticks(core: usize) -> Option<u64> {
    parse::stolen_ticks(&std::fs::read_to_string("/proc/stat").ok()?, core)
}

impl Serialize for Tail {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let behind = |(behind, orders): &(Behind, u64)| {
            let (thread, cause) = match behind {
                Behind::Measuring(cause) => ("measuring", cause.key()),
                Behind::Shard(cause) => ("shard", cause.key()),
                Behind::Queue => ("none", self.usual.waits_for),
            };
            json!({ "thread": thread, "cause": cause, "orders": orders })
        };
        let held = |(name, ns): &(String, u64)| json!({ "name": name, "held_ns": ns });
        let whole = json!({
            "late_over_ns": self.usual.late_ns,
            "late_orders": self.late.total(),
            "late_behind": self.late.reasons().iter().map(behind).collect::<Vec<_>>(),
            "measuring": stalls(&self.measuring),
            "longest_by": self.longest_by,
            "held_in_stalls": self.held.iter().map(held).collect::<Vec<_>>(),
            "shard": self.shard.as_ref().map(stalls),
            "ran_on_measuring_core": self.ran,
            "stolen_of_measuring_core_ms": self.stolen_ticks.map(|ticks| ticks * 10),
            "flusher": self.syncs,
        });
        whole.serialize(serializer)
    }
}

fn stalls(stalls: &Stalls) -> Value {
    let Stalls { count, parts, longest_ns, longest_cause } = stalls;
    let ns = |cause: Cause| (format!("{}_ns", cause.key()), json!(parts.get(cause)));
    let mut fields: Map<String, Value> = Cause::ALL.into_iter().map(ns).collect();
    fields.insert("stalls".to_owned(), json!(count));
    fields.insert("longest_ns".to_owned(), json!(longest_ns));
    fields.insert("longest_cause".to_owned(), json!(longest_cause.map(Cause::key)));
    Value::Object(fields)
}
