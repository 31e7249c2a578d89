//! Orders a second through whole shards: every rule on, counted where the gateway takes them.
//!
//! One thread submits as fast as answers make room and takes messages and answers; each sample of the row is the
//! mean time for an order over a window of 1000.

use crate::error::PerfError;
use crate::lab::Lab;
use crate::rig::{Rig, WINDOW, config};
use crate::row::{Best, Row, Unit, per_second};
use crate::rows::ring;
use crate::samples::{Samples, Summary};
use crate::ticks::now_ns;

const ONE: &str = "one shard on a core of its own; submitter and gateway on one other; read side at rest";
const TWO: &str =
    "two shards, submitter and gateway between them: three busy threads, so meant for four cores";
const DISK: &str =
    "one shard, disk durability through group commit; flusher, submitter and gateway share cores";
const MORE: &str = "shards on cores of their own, submitter and gateway for all of them on one other";
/// Orders a sample is the mean of.
const PER_SAMPLE: u64 = 1000;
const PATIENCE_NS: u64 = 20_000_000_000;

/// How fast, and the windows.
struct Pushed {
    per_second: f64,
    summary: Summary,
}

pub(crate) fn one_shard(lab: &mut Lab) -> Result<(), PerfError> {
    measure(lab, "throughput.one_shard", ONE, 1, journal::Durability::Process)
}

pub(crate) fn two_shards(lab: &mut Lab) -> Result<(), PerfError> {
    measure(lab, "throughput.two_shards", TWO, 2, journal::Durability::Process)
}

/// Where the machine has the cores: a shard and a read side each, and the measuring thread.
pub(crate) fn more_shards(lab: &mut Lab) -> Result<(), PerfError> {
    for (name, shards) in [("throughput.four_shards", 4), ("throughput.eight_shards", 8)] {
        if lab.cores.len() > shards {
            measure(lab, name, MORE, shards, journal::Durability::Process)?;
        } else {
            let cores = lab.cores.len();
            lab.not_run.push(format!("{name}: it needs {} cores, here are {cores}", shards + 1));
        }
    }
    Ok(())
}

pub(crate) fn disk(lab: &mut Lab) -> Result<(), PerfError> {
    measure(lab, "throughput.disk", DISK, 1, journal::Durability::Disk)
}

fn measure(
    lab: &mut Lab,
    name: &str,
    note: &'static str,
    shards: usize,
    durability: journal::Durability,
) -> Result<(), PerfError> {
    let floor = ring::hop(lab)?;
    let runs = lab.repeat(|| run(lab, shards, durability))?;
    let repetitions = runs.iter().map(|run| run.summary.p50).collect();
    let best = runs.iter().max_by(|one, other| one.per_second.total_cmp(&other.per_second));
    let best = best.ok_or(PerfError::Late("a repetition"))?;
    let row = Row::new(name, Best { repetitions, ..Best::only(best.summary) }, note);
    lab.rows.push(row.unit(Unit::PerSecond).rate(best.per_second).beside(floor));
    Ok(())
}

fn run(lab: &Lab, shards: usize, durability: journal::Durability) -> Result<Pushed, PerfError> {
    let dir = lab.fresh_dir()?;
    let mut rigs = Vec::new();
    for index in 0..shards {
        let core = if shards == 1 { lab.far_core() } else { lab.cores.get(index + 1).copied() };
        let mut config = config(&dir.path().join(format!("shard-{index}")), core);
        config.journal.durability = durability;
        rigs.push(Rig::ready(&config)?);
    }
    let held: Result<Vec<_>, _> = rigs.iter().map(Rig::hold_read_side).collect();
    let pinned = lab.pinned();
    let count = lab.sized(150_000u64, 1_000_000);
    let ran = push_through(&mut rigs, count)?;
    drop((pinned, held?));
    for rig in rigs {
        rig.shard.stop()?;
    }
    Ok(ran)
}

/// Pushes `count` orders through all shards together; the first tenth is warm-up.
fn push_through(rigs: &mut [Rig], count: u64) -> Result<Pushed, PerfError> {
    let mut samples = Samples::new();
    let (mut seen, mut counted) = (0u64, None);
    let (mut window_start, mut window_seen) = (now_ns(), 0u64);
    let begin = window_start;
    while seen < count {
        for rig in rigs.iter_mut() {
            // A ring's worth at a time, then the way back.
            for _ in 0..64 {
                if rig.client.in_flight() >= WINDOW {
                    break;
                }
                let order = rig.orders.next();
                rig.client.submit(model::Command::NewOrder(order))?;
            }
            rig.drain(|_| seen += 1);
            rig.take_answers()?;
        }
        let now = now_ns();
        if counted.is_none() && seen >= count / 10 {
            counted = Some((now, seen));
            (window_start, window_seen) = (now, seen);
        }
        if seen - window_seen >= PER_SAMPLE {
            if counted.is_some() {
                samples.record((now - window_start) / (seen - window_seen));
            }
            (window_start, window_seen) = (now, seen);
        }
        if now > begin + PATIENCE_NS {
            return Err(PerfError::Late("the last order's leaving"));
        }
    }
    let end = now_ns();
    let (from, before) = counted.unwrap_or((begin, 0));
    Ok(Pushed { per_second: per_second(seen - before, end - from), summary: samples.summary() })
}
