//! Where the time of the core's path goes, by the shard's own stamps.

use engine::{Lane, StageTimes};

use crate::error::PerfError;
use crate::lab::Lab;
use crate::rig::{Rig, WINDOW, config};
use crate::row::{Best, Row};
use crate::samples::Samples;
use crate::ticks::now_ns;

/// One of the stamps of an order.
type ReadStamp = fn(&StageTimes) -> u64;

/// A stage: name, from, to.
type StageSpan = (&'static str, ReadStamp, ReadStamp);

const STAGES: [StageSpan; 4] = [
    ("stages.ring_wait", |times| times.submitted_ns, |times| times.taken_ns),
    ("stages.stamp_append", |times| times.taken_ns, |times| times.appended_ns),
    ("stages.apply", |times| times.appended_ns, |times| times.applied_ns),
    ("stages.release", |times| times.applied_ns, |times| times.released_ns),
];
const NOTE: &str =
    "one stage by the shard's own stamps; each carries one read of the system's clock (some 25 ns)";
const INTERVAL_NS: u64 = 10_000;

pub(crate) fn measure(lab: &mut Lab) -> Result<(), PerfError> {
    let dir = lab.fresh_dir()?;
    let mut config = config(dir.path(), lab.far_core());
    config.trace = 64 * 1024;
    let mut rig = Rig::ready(&config)?;
    let held = rig.hold_read_side()?;
    let mut trace = rig.shard.take_trace().ok_or(PerfError::Late("the trace ring"))?;
    let pinned = lab.pinned();
    let mut stages = STAGES.map(|_| Samples::new());
    let (count, begin) = (lab.sized(100_000u64, 400_000), now_ns());
    let mut order = rig.orders.next();
    for turn in 0..count {
        // A machine that stood still owes the path its answers first.
        while now_ns() < begin + turn * INTERVAL_NS || rig.client.in_flight() >= WINDOW {
            rig.drain(|_| ());
            rig.take_answers()?;
            while let Some(times) = trace.poll() {
                if times.lane != Lane::Command {
                    continue;
                }
                for ((_, from, to), samples) in STAGES.iter().zip(&mut stages) {
                    samples.record(to(&times).saturating_sub(from(&times)));
                }
            }
        }
        rig.client.submit(model::Command::NewOrder(order))?;
        order = rig.orders.next();
    }
    drop((pinned, held));
    rig.shard.stop()?;
    for ((name, ..), samples) in STAGES.iter().zip(&stages) {
        lab.rows.push(Row::new(*name, Best::one(samples), NOTE).rate(100_000.0));
    }
    Ok(())
}
