//! Recovery: a journal of orders read, checked, applied and digested, offline and on one core.

use actors::Core;
use journal::Reader;

use crate::error::PerfError;
use crate::lab::Lab;
use crate::rig::{Rig, WINDOW, config};
use crate::row::{Best, Floor, Row, Unit, per_second};
use crate::samples::Summary;
use crate::ticks::now_ns;

const NOTE: &str =
    "engine::replay of a shard's journal of orders: read, decode, apply, compare digests; one core";
const READ: &str = "journal::Reader alone over the same journal: read, check, decode";

pub(crate) fn records(lab: &mut Lab) -> Result<(), PerfError> {
    let dir = lab.fresh_dir()?;
    write(lab, dir.path())?;
    let floor = floor(lab, dir.path())?;
    let runs = lab.repeat(|| {
        let _pinned = lab.pinned();
        let start = now_ns();
        let recovered = engine::replay::<Core>(dir.path())?;
        let run = each(now_ns() - start, recovered.records);
        if recovered.digests > 0 {
            return Ok(run);
        }
        Err(PerfError::Unexpected("no digest was compared".to_owned()))
    })?;
    let (best, rate) = fastest(&runs)?;
    lab.rows.push(Row::new("replay.records", best, NOTE).unit(Unit::PerSecond).rate(rate).beside(floor));
    Ok(())
}

/// Pushes orders through a shard, for their journal.
fn write(lab: &Lab, dir: &std::path::Path) -> Result<(), PerfError> {
    let mut rig = Rig::ready(&config(dir, lab.far_core()))?;
    let held = rig.hold_read_side()?;
    let (count, start) = (lab.sized(200_000u64, 1_000_000), now_ns());
    let mut seen = 0;
    while seen < count {
        while rig.client.in_flight() < WINDOW {
            let order = rig.orders.next();
            rig.client.submit(model::Command::NewOrder(order))?;
        }
        rig.drain(|_| seen += 1);
        rig.take_answers()?;
        if now_ns() > start + 60_000_000_000 {
            return Err(PerfError::Late("the journal's being written"));
        }
    }
    drop(held);
    rig.shard.stop()?;
    Ok(())
}

/// What a run took for each record; it is one sample, for there is no latency of one record.
struct Each {
    ns: u64,
    records: u64,
}

const fn each(ns: u64, records: u64) -> Each {
    Each { ns, records }
}

fn fastest(runs: &[Each]) -> Result<(Best, f64), PerfError> {
    let mean = |run: &Each| run.ns / run.records.max(1);
    let best = runs.iter().min_by_key(|run| run.ns).ok_or(PerfError::Late("a repetition"))?;
    let worst = runs.iter().map(mean).max().unwrap_or(0);
    let p50 = mean(best);
    let summary = Summary { p50, p90: worst, p99: worst, p999: worst, max: worst, count: best.records };
    let repetitions = runs.iter().map(mean).collect();
    Ok((Best { repetitions, ..Best::only(summary) }, per_second(best.records, best.ns)))
}

fn floor(lab: &mut Lab, dir: &std::path::Path) -> Result<Floor, PerfError> {
    let mut rate = 0.0;
    let floor = lab.floor("journal.read", READ, |lab| {
        let runs = lab.repeat(|| {
            let _pinned = lab.pinned();
            let (start, mut records) = (now_ns(), 0);
            let mut reader = Reader::open(dir)?;
            while reader.next::<model::RecordBody>()?.is_some() {
                records += 1;
            }
            Ok(each(now_ns() - start, records))
        })?;
        let (best, reached) = fastest(&runs)?;
        rate = reached;
        Ok(best)
    })?;
    if let Some(row) = lab.rows.iter_mut().find(|row| row.name == "journal.read") {
        (row.unit, row.rate) = (Unit::PerSecond, Some(rate));
    }
    Ok(floor)
}
