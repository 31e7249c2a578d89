//! A record of 400 bytes into a file, in each way that a journal could be written.
//!
//! Ours: `journal.append.process` (a mapping) and `journal.append.disk` (memory, and a thread that writes and syncs
//! beside it). Here each way stands alone, without encoding.

use std::fs::File;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::alternatives::mapped;
use crate::error::PerfError;
use crate::lab::Lab;
use crate::row::Row;
use crate::rows::append::memory;
use crate::rows::disk::fdatasync;
use crate::samples::Samples;
use crate::ticks::now_ns;

const FILE_BYTES: u64 = 64 * 1024 * 1024;
const RECORD: [u8; 400] = [0x5a; 400];
const BLOCK: usize = 4096;

const MAPPED: &str = "copy and CRC into a mapped file whose pages are there; survives the process";
const BESIDE_SYNC: &str = "the same while another thread calls fdatasync on that very file, over and over";
const WRITTEN: &str = "pwrite, not synced; survives the process";
const SYNCED: &str = "pwrite and fdatasync of each record; survives the machine";
const DSYNC: &str = "pwrite to a file opened with O_DSYNC";
const DIRECT: &str =
    "pwrite of a whole block to a file opened with O_DIRECT and O_DSYNC, past the page cache";
const GROUPED: &str = "64 KiB of records at a time by pwrite and fdatasync: the time for each record";

pub(crate) fn measure(lab: &mut Lab) -> Result<(), PerfError> {
    let (copied, synced) = (memory(lab)?, fdatasync(lab)?);
    let best = lab.best_of(|| through_mapping(lab, false))?;
    lab.rows.push(Row::new("alternatives.journal.mmap", best, MAPPED).beside(copied));
    let best = lab.best_of(|| through_mapping(lab, true))?;
    lab.rows.push(Row::new("alternatives.journal.mmap_under_fdatasync", best, BESIDE_SYNC).beside(copied));
    let best = lab.best_of(|| writes(lab, lab.sized(20_000, 200_000), 0, false))?;
    lab.rows.push(Row::new("alternatives.journal.pwrite", best, WRITTEN).beside(copied));
    let few = lab.sized(300, 5_000);
    for (name, note, flags, sync) in [
        ("alternatives.journal.pwrite_fdatasync", SYNCED, 0, true),
        ("alternatives.journal.o_dsync", DSYNC, libc::O_DSYNC, false),
    ] {
        let best = lab.best_of(|| writes(lab, few, flags, sync))?;
        lab.rows.push(Row::new(name, best, note).beside(synced));
    }
    match lab.best_of(|| direct(lab, few)) {
        Ok(best) => {
            let row = Row::new("alternatives.journal.o_direct_o_dsync", best, DIRECT);
            lab.rows.push(row.beside(synced));
        }
        // Not every file system has it.
        Err(PerfError::Io { what, source }) if source.raw_os_error() == Some(libc::EINVAL) => {
            lab.not_run.push(format!("alternatives.journal.o_direct_o_dsync: cannot {what} here: {source}"));
        }
        Err(error) => return Err(error),
    }
    let best = lab.best_of(|| grouped(lab))?;
    lab.rows.push(Row::new("alternatives.journal.grouped_fdatasync", best, GROUPED).beside(synced));
    Ok(())
}

/// 100,000 a second, as a shard would; without pause a sync would have nothing but our own copies to wait for.
const INTERVAL_NS: u64 = 10_000;

fn through_mapping(lab: &Lab, under_sync: bool) -> Result<Samples, PerfError> {
    let dir = lab.fresh_dir()?;
    let (file, mut map) = mapped::file(&dir.path().join("file"), FILE_BYTES)?;
    let ends = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let syncing = under_sync.then(|| {
            scope.spawn(|| {
                while !ends.load(Ordering::Relaxed) {
                    file.sync_data()?;
                }
                Ok::<(), std::io::Error>(())
            })
        });
        let pinned = lab.pinned();
        let (count, begin) = (lab.sized(30_000u64, 150_000), now_ns());
        let (mut samples, mut at) = (Samples::new(), 0);
        for turn in 0..count {
            while now_ns() < begin + turn * INTERVAL_NS {
                std::hint::spin_loop();
            }
            let start = now_ns();
            if at + RECORD.len() > map.len() {
                at = 0;
            }
            if let Some(place) = map.get_mut(at..at + RECORD.len()) {
                place.copy_from_slice(&RECORD);
                std::hint::black_box(crc32c::crc32c(place));
            }
            at += RECORD.len();
            let elapsed = now_ns() - start;
            if turn >= count / 10 {
                samples.record(lab.net(elapsed));
            }
        }
        drop(pinned);
        ends.store(true, Ordering::Relaxed);
        let synced = syncing.map_or(Ok(Ok(())), std::thread::ScopedJoinHandle::join);
        let synced = synced.map_err(|_| PerfError::Unexpected("the syncing thread died".to_owned()))?;
        synced.map_err(PerfError::io("sync a file"))?;
        Ok(samples)
    })
}

/// An allocated file, opened with these flags.
fn allocated(path: &std::path::Path, flags: i32) -> Result<File, PerfError> {
    let mut options = File::options();
    options.read(true).write(true).create_new(true).custom_flags(flags);
    let file = options.open(path).map_err(PerfError::io("open a file"))?;
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, FILE_BYTES)
        .map_err(|error| PerfError::Io { what: "allocate a file", source: error.into() })?;
    file.sync_all().map_err(PerfError::io("sync a file"))?;
    Ok(file)
}

fn writes(lab: &Lab, count: u64, flags: i32, sync: bool) -> Result<Samples, PerfError> {
    let dir = lab.fresh_dir()?;
    let file = allocated(&dir.path().join("file"), flags)?;
    let _pinned = lab.pinned();
    timed(lab, count, |turn| {
        let at = turn * 400 % (FILE_BYTES - 400);
        file.write_all_at(&RECORD, at).map_err(PerfError::io("write a file"))?;
        if sync { file.sync_data().map_err(PerfError::io("sync a file")) } else { Ok(()) }
    })
}

fn direct(lab: &Lab, count: u64) -> Result<Samples, PerfError> {
    let dir = lab.fresh_dir()?;
    let file = allocated(&dir.path().join("file"), libc::O_DIRECT | libc::O_DSYNC)?;
    // Direct writes come from memory that is aligned like a block.
    let memory = vec![0x5au8; 2 * BLOCK];
    let skip = memory.as_ptr().align_offset(BLOCK);
    let block = memory.get(skip..skip + BLOCK).ok_or_else(|| PerfError::Unexpected("no block".to_owned()))?;
    let _pinned = lab.pinned();
    let block_bytes = 4096;
    timed(lab, count, |turn| {
        let at = turn * block_bytes % FILE_BYTES;
        file.write_all_at(block, at).map_err(PerfError::io("write a file past the page cache"))
    })
}

fn grouped(lab: &Lab) -> Result<Samples, PerfError> {
    const GROUP: u64 = 64 * 1024;
    let dir = lab.fresh_dir()?;
    let file = allocated(&dir.path().join("file"), 0)?;
    let group = vec![0x5au8; 64 * 1024];
    let _pinned = lab.pinned();
    let mut samples = Samples::new();
    for turn in 0..lab.sized(100u64, 1_000) {
        let start = now_ns();
        file.write_all_at(&group, turn * GROUP % FILE_BYTES).map_err(PerfError::io("write a file"))?;
        file.sync_data().map_err(PerfError::io("sync a file"))?;
        samples.record((now_ns() - start) / (GROUP / 400));
    }
    Ok(samples)
}

fn timed(
    lab: &Lab,
    count: u64,
    mut once: impl FnMut(u64) -> Result<(), PerfError>,
) -> Result<Samples, PerfError> {
    let mut samples = Samples::new();
    for turn in 0..count {
        let start = now_ns();
        once(turn)?;
        if turn >= count / 10 {
            samples.record(lab.net(now_ns() - start));
        }
    }
    Ok(samples)
}
