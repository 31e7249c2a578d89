//! The append call, in both durabilities, beside the same bytes copied and summed into warm memory.
//!
//! Paced: a writer that appends without pause outruns any preparation of segments, and no shard does so.

use std::hint::black_box;

use journal::{Durability, Options, Writer};
use model::{Command, Input, ShardId, Timestamp};
use workload::Orders;

use crate::error::PerfError;
use crate::lab::Lab;
use crate::open_loop::{Path, offer};
use crate::row::{Best, Floor, Row, Unit, per_second};
use crate::samples::{Samples, Summary};
use crate::ticks::now_ns;

/// What a busy shard appends, per second.
const RATE: u32 = 1_000_000;
/// A `NewOrder` with its quote, header included: what [`record_len`] finds is used, this is the first guess.
const FLOOR_BYTES: usize = 64 * 1024 * 1024;

const PROCESS: &str = "ensure_room and append of a new order, 1 M/s; the clock's own part taken off";
const DISK: &str = "the same while the flusher writes and syncs on another thread";
const MEMORY: &str = "copy and CRC-32C of a record's bytes into warm anonymous memory, at the same pace";

pub(crate) fn process(lab: &mut Lab) -> Result<(), PerfError> {
    append(lab, "journal.append.process", PROCESS, Durability::Process)
}

pub(crate) fn disk(lab: &mut Lab) -> Result<(), PerfError> {
    append(lab, "journal.append.disk", DISK, Durability::Disk)
}

fn append(lab: &mut Lab, name: &str, note: &'static str, durability: Durability) -> Result<(), PerfError> {
    let floor = memory(lab)?;
    let best = lab.best_of(|| appends(lab, durability))?;
    lab.rows.push(Row::new(name, best, note).rate(f64::from(RATE)).beside(floor));
    Ok(())
}

/// A journal to measure.
pub(crate) fn open(dir: &std::path::Path, durability: Durability) -> Result<Writer, PerfError> {
    let options = Options { durability, ..Options::new(dir, ShardId::new(0)) };
    Ok(journal::open(&options)?.writer)
}

/// Issue-size load: what is measured from the intended times.
const LOAD: u32 = 500_000;
const LOAD_PROCESS: &str =
    "open loop at 500 k/s, from the intended time until the append has returned; rolls and all";
const LOAD_DISK: &str = "the same while the flusher writes and syncs on another thread";
const ROLL: &str = "the append that begins a segment, in a journal of 4 MiB segments";
const GROUP: &str =
    "records a second until all are on disk: appended without pause, synced in groups by the flusher";

/// Appends as a load: open loop, and those that roll alone.
pub(crate) fn under_load(lab: &mut Lab) -> Result<(), PerfError> {
    let floor = memory(lab)?;
    for (name, note, durability) in [
        ("journal.append.load.process", LOAD_PROCESS, Durability::Process),
        ("journal.append.load.disk", LOAD_DISK, Durability::Disk),
    ] {
        let best = lab.best_of(|| load(lab, durability))?;
        lab.rows.push(Row::new(name, best, note).rate(LOAD.into()).beside(floor));
    }
    let rolls = Best::one(&rolls(lab)?);
    lab.rows.push(Row::new("journal.append.roll", rolls, ROLL).rate(LOAD.into()).beside(floor));
    group_commit(lab)
}

fn load(lab: &Lab, durability: Durability) -> Result<Samples, PerfError> {
    let dir = lab.fresh_dir()?;
    let mut writer = open(dir.path(), durability)?;
    let pinned = lab.pinned();
    let samples = offer(&mut Appends::to(&mut writer), LOAD, lab.sized(150_000, 1_000_000))?;
    drop(pinned);
    writer.close()?;
    Ok(samples)
}

fn rolls(lab: &Lab) -> Result<Samples, PerfError> {
    let dir = lab.fresh_dir()?;
    let segment_bytes = 4 * 1024 * 1024;
    let options = Options { segment_bytes, ..Options::new(dir.path(), ShardId::new(0)) };
    let mut writer = journal::open(&options)?.writer;
    let pinned = lab.pinned();
    let mut appends = Appends::to(&mut writer);
    let (mut samples, begin, count) = (Samples::new(), now_ns(), lab.sized(300_000u64, 3_000_000));
    for turn in 0..count {
        while now_ns() < begin + turn * (1_000_000_000 / u64::from(LOAD)) {
            std::hint::spin_loop();
        }
        let (segment, start) = (appends.writer.segment_index(), now_ns());
        appends.send()?;
        let elapsed = now_ns() - start;
        if appends.writer.segment_index() != segment {
            samples.record(elapsed);
        }
    }
    drop(pinned);
    writer.close()?;
    if samples.summary().count == 0 {
        return Err(PerfError::Unexpected("no segment was begun".to_owned()));
    }
    Ok(samples)
}

fn group_commit(lab: &mut Lab) -> Result<(), PerfError> {
    let count = lab.sized(200_000u64, 2_000_000);
    let runs = lab.repeat(|| {
        let dir = lab.fresh_dir()?;
        let mut writer = open(dir.path(), Durability::Disk)?;
        let pinned = lab.pinned();
        let start = now_ns();
        let mut appends = Appends::to(&mut writer);
        for _ in 0..count {
            appends.send()?;
        }
        writer.flush()?;
        let took_ns = now_ns() - start;
        drop(pinned);
        writer.close()?;
        Ok(took_ns)
    })?;
    let took_ns = runs.iter().copied().min().ok_or(PerfError::Late("a repetition"))?;
    let [p50, p90, p99, p999, max] = [took_ns / count; 5];
    let each = Summary { p50, p90, p99, p999, max, count };
    let repetitions = runs.iter().map(|took_ns| took_ns / count).collect();
    let row = Row::new("journal.group_commit", Best { repetitions, ..Best::only(each) }, GROUP);
    lab.rows.push(row.unit(Unit::PerSecond).rate(per_second(count, took_ns)));
    Ok(())
}

/// Orders into a journal, there when the call returns.
struct Appends<'a> {
    writer: &'a mut Writer,
    orders: Orders,
    time: Timestamp,
    done: u32,
}

impl<'a> Appends<'a> {
    fn to(writer: &'a mut Writer) -> Self {
        let time = Timestamp::from_nanos(1_763_629_323_456_789_000);
        Self { writer, orders: Orders::default(), time, done: 0 }
    }
}

impl Path for Appends<'_> {
    fn send(&mut self) -> Result<bool, PerfError> {
        let input = order_input(&mut self.orders, self.time);
        self.writer.ensure_room()?;
        self.writer.append(self.time, black_box(&input))?;
        self.done += 1;
        Ok(true)
    }

    fn receive(&mut self, arrived: &mut dyn FnMut(u64)) -> Result<(), PerfError> {
        for _ in 0..std::mem::take(&mut self.done) {
            arrived(now_ns());
        }
        Ok(())
    }
}

/// What a shard appends for an order.
pub(crate) fn order_input(orders: &mut Orders, time: Timestamp) -> Input {
    let order = orders.next();
    workload::asked(Command::NewOrder(order), time)
}

fn appends(lab: &Lab, durability: Durability) -> Result<Samples, PerfError> {
    let dir = lab.fresh_dir()?;
    let mut writer = open(dir.path(), durability)?;
    let pinned = lab.pinned();
    let mut orders = Orders::default();
    let time = Timestamp::from_nanos(1_763_629_323_456_789_000);
    let samples = paced(lab, || {
        let input = order_input(&mut orders, time);
        let start = now_ns();
        writer.ensure_room()?;
        writer.append(time, black_box(&input))?;
        Ok(now_ns() - start)
    })?;
    drop(pinned);
    writer.close()?;
    Ok(samples)
}

/// Calls `once` at the pace; it gives its own duration.
fn paced(lab: &Lab, mut once: impl FnMut() -> Result<u64, PerfError>) -> Result<Samples, PerfError> {
    let (count, interval_ns) = (lab.sized(300_000u64, 1_500_000), 1_000_000_000 / u64::from(RATE));
    let mut samples = Samples::new();
    let begin = now_ns();
    for turn in 0..count {
        while now_ns() < begin + turn * interval_ns {
            std::hint::spin_loop();
        }
        let elapsed = once()?;
        if turn >= count / 10 {
            samples.record(lab.net(elapsed));
        }
    }
    Ok(samples)
}

pub(crate) fn memory(lab: &mut Lab) -> Result<Floor, PerfError> {
    lab.floor("memory.append", MEMORY, |lab| {
        let record = vec![0x5a; record_len(lab)?];
        lab.best_of(|| memory_appends(lab, &record))
    })
}

fn memory_appends(lab: &Lab, record: &[u8]) -> Result<Samples, PerfError> {
    let _pinned = lab.pinned();
    // Written once, so that every page is there.
    let mut memory = vec![1u8; FLOOR_BYTES];
    let mut at = 0;
    paced(lab, || {
        let start = now_ns();
        if at + record.len() > memory.len() {
            at = 0;
        }
        let place = memory.get_mut(at..at + record.len());
        let place = place.ok_or_else(|| PerfError::Unexpected("a record beyond memory".to_owned()))?;
        place.copy_from_slice(black_box(record));
        black_box(crc32c::crc32c(place));
        at += record.len();
        Ok(now_ns() - start)
    })
}

/// How long the record of an order is.
fn record_len(lab: &Lab) -> Result<usize, PerfError> {
    let dir = lab.fresh_dir()?;
    let mut writer = open(dir.path(), Durability::Process)?;
    let time = Timestamp::from_nanos(1);
    writer.append(time, &order_input(&mut Orders::default(), time))?;
    writer.close()?;
    let record = journal::Reader::open(dir.path())?.next::<model::RecordBody>()?;
    let record = record.ok_or_else(|| PerfError::Unexpected("nothing was appended".to_owned()))?;
    usize::try_from(record.len_bytes).map_err(|_| PerfError::Unexpected("a record too long".to_owned()))
}
