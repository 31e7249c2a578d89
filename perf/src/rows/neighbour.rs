//! What a busy shard leaves to others where there are as many shards as cores, and what it gets beside them.
//!
//! The neighbours: a program that computes without a pause, and one that brings a file of its own to disk all the time.
//! Orders are few, 120 a second: what is measured is waiting. Each row's percentiles are of the neighbour's syncs or of
//! the orders' answers; its rate is the share of a core that the busy program got, or orders a second.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use engine::Idle;
use journal::Durability;
use model::Command;

use crate::error::PerfError;
use crate::lab::Lab;
use crate::rig::{Rig, config};
use crate::row::{Best, Row, per_second};
use crate::samples::Samples;
use crate::ticks::now_ns;

const SYNCS: &str = "another program's pwrite and fdatasync beside as many shards as cores; rate: the share of a core \
                     that a third, busy program got, in percent";
const ANSWERS: &str =
    "from submission to the answer at 120 orders a second, the same shards beside the same programs";
/// Between two orders.
const EVERY: Duration = Duration::from_micros(8_333);
/// How often a client that waits looks, without wanting a core in between.
const LOOK: Duration = Duration::from_micros(50);

pub(crate) fn measure(lab: &mut Lab) -> Result<(), PerfError> {
    for (durability, idle) in [
        ("process", Idle::Yield),
        ("process", Idle::Park { spins: 2_000 }),
        ("disk", Idle::Spin),
        ("disk", Idle::Yield),
        ("disk", Idle::Park { spins: 2_000 }),
    ] {
        let name = format!("neighbour.{durability}.{}", word(idle));
        let durability = if durability == "disk" { Durability::Disk } else { Durability::Process };
        let seen = beside(lab, durability, idle)?;
        let (syncs, answers) = (Best::only(seen.syncs.summary()), Best::only(seen.answers.summary()));
        lab.rows.push(Row::new(format!("{name}.fdatasync"), syncs, SYNCS).rate(seen.share_percent));
        lab.rows.push(Row::new(format!("{name}.answer"), answers, ANSWERS).rate(seen.orders_per_second));
    }
    Ok(())
}

const fn word(idle: Idle) -> &'static str {
    match idle {
        Idle::Spin => "spin",
        Idle::Yield => "yield",
        Idle::Park { .. } => "park",
    }
}

struct Seen {
    syncs: Samples,
    answers: Samples,
    share_percent: f64,
    orders_per_second: f64,
}

fn beside(lab: &Lab, durability: Durability, idle: Idle) -> Result<Seen, PerfError> {
    let dir = lab.fresh_dir()?;
    let mut rigs = Vec::new();
    for index in 0..lab.cores.len() {
        let mut config = config(&dir.path().join(format!("shard-{index}")), None);
        (config.journal.durability, config.idle) = (durability, idle);
        rigs.push(Rig::ready(&config)?);
    }
    let length = lab.sized(Duration::from_secs(5), Duration::from_mins(1));
    let over = AtomicBool::new(false);
    let seen = thread::scope(|scope| {
        let busy = scope.spawn(|| share_of_a_core(&over));
        let syncing = scope.spawn(|| sync_all_the_time(dir.path(), &over));
        let start = Instant::now();
        let answered = trade(&mut rigs, start + length);
        let elapsed = start.elapsed();
        over.store(true, Ordering::Relaxed);
        let (share, syncs) = (join(busy)?, join(syncing)??);
        let answers = answered?;
        let orders_per_second =
            per_second(answers.summary().count, u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX));
        Ok::<_, PerfError>(Seen { syncs, answers, share_percent: 100.0 * share, orders_per_second })
    })?;
    for rig in rigs {
        rig.shard.stop()?;
    }
    Ok(seen)
}

fn join<T>(thread: ScopedJoinHandle<'_, T>) -> Result<T, PerfError> {
    thread.join().map_err(|_| PerfError::Late("a neighbour's end"))
}

/// One order after the other, to each shard in turn, when it is due.
fn trade(rigs: &mut [Rig], end: Instant) -> Result<Samples, PerfError> {
    let (mut answers, mut due) = (Samples::new(), Instant::now());
    while due < end {
        for rig in rigs.iter_mut() {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let order = rig.orders.next();
            let start = now_ns();
            rig.client.submit(Command::NewOrder(order))?;
            while rig.take_answers()? == 0 {
                if Instant::now() > end + Duration::from_mins(2) {
                    return Err(PerfError::Late("an answer beside busy neighbours"));
                }
                thread::sleep(LOOK);
            }
            answers.record(now_ns() - start);
            rig.drain(|_| ());
            due = (due + EVERY).max(Instant::now());
        }
    }
    Ok(answers)
}

/// Computes until it is over: the share of a core that it got meanwhile.
fn share_of_a_core(over: &AtomicBool) -> f64 {
    let (start, before) = (Instant::now(), used());
    let mut value = 1u64;
    while !over.load(Ordering::Relaxed) {
        for _ in 0..10_000 {
            value = std::hint::black_box(value.rotate_left(7) ^ 0x9e37_79b9);
        }
    }
    (used().saturating_sub(before)).as_secs_f64() / start.elapsed().as_secs_f64()
}

/// What the calling thread computed so far.
fn used() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let (secs, nanos) = (u64::try_from(used.tv_sec), u32::try_from(used.tv_nsec));
    Duration::new(secs.unwrap_or(0), nanos.unwrap_or(0))
}

fn sync_all_the_time(dir: &std::path::Path, over: &AtomicBool) -> Result<Samples, PerfError> {
    let file = File::create(dir.join("neighbour")).map_err(PerfError::io("make a file"))?;
    let mut samples = Samples::new();
    for turn in 0u64.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let start = now_ns();
        file.write_all_at(&[0x5a; 400], turn % 10_000 * 400).map_err(PerfError::io("write a file"))?;
        file.sync_data().map_err(PerfError::io("sync a file"))?;
        samples.record(now_ns() - start);
        thread::sleep(Duration::from_millis(5));
    }
    Ok(samples)
}
