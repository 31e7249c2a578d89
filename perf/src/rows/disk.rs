//! From the append to "on disk", beside a plain write and fdatasync of the same bytes to the same disk.

use std::fs::File;
use std::os::unix::fs::FileExt;

use journal::Durability;
use model::Timestamp;
use workload::Orders;

use crate::error::PerfError;
use crate::lab::Lab;
use crate::row::{Floor, Row};
use crate::rows::append::{open, order_input};
use crate::samples::Samples;
use crate::ticks::now_ns;

const LAG: &str = "append returned until durable, one record at a time; flusher on the other core";
const SYNC: &str = "pwrite of 400 bytes and fdatasync in an allocated file, beside the journal";
const PATIENCE_NS: u64 = 20_000_000_000;

pub(crate) fn durable_lag(lab: &mut Lab) -> Result<(), PerfError> {
    let floor = fdatasync(lab)?;
    let best = lab.best_of(|| lags(lab))?;
    lab.rows.push(Row::new("journal.durable_lag", best, LAG).beside(floor));
    Ok(())
}

fn lags(lab: &Lab) -> Result<Samples, PerfError> {
    let dir = lab.fresh_dir()?;
    let mut writer = open(dir.path(), Durability::Disk)?;
    let watch = writer.durable_watch();
    let pinned = lab.pinned();
    let (mut orders, time) = (Orders::default(), Timestamp::from_nanos(1_763_629_323_456_789_000));
    let mut samples = Samples::new();
    let count = lab.sized(500, 5_000);
    for turn in 0..count {
        writer.ensure_room()?;
        let seq = writer.append(time, &order_input(&mut orders, time))?.seq;
        let start = now_ns();
        while watch.durable_seq() < seq {
            watch.check()?;
            std::hint::spin_loop();
            if now_ns() > start + PATIENCE_NS {
                return Err(PerfError::Late("a record's becoming durable"));
            }
        }
        if turn >= count / 10 {
            samples.record(now_ns() - start);
        }
    }
    drop(pinned);
    writer.close()?;
    Ok(samples)
}

pub(crate) fn fdatasync(lab: &mut Lab) -> Result<Floor, PerfError> {
    lab.floor("fdatasync", SYNC, |lab| lab.best_of(|| syncs(lab)))
}

fn syncs(lab: &Lab) -> Result<Samples, PerfError> {
    let dir = lab.fresh_dir()?;
    let file = File::create(dir.path().join("file")).map_err(PerfError::io("make a file"))?;
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, 64 * 1024 * 1024)
        .map_err(|error| PerfError::Io { what: "allocate a file", source: error.into() })?;
    file.sync_all().map_err(PerfError::io("sync a file"))?;
    let (bytes, mut samples) = ([0x5au8; 400], Samples::new());
    let count = lab.sized(500u64, 5_000);
    for turn in 0..count {
        let start = now_ns();
        file.write_all_at(&bytes, turn * 400).map_err(PerfError::io("write a file"))?;
        file.sync_data().map_err(PerfError::io("sync a file"))?;
        if turn >= count / 10 {
            samples.record(now_ns() - start);
        }
    }
    Ok(samples)
}
