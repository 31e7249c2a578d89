//! The disk by itself, and the journal on it.

use std::path::Path;
use std::sync::Arc;

use journal::disk::{Access, Disk};
use journal::{Background, Durability, JournalError, Opened, Options, open, verify};
use model::{Input, ShardId, Timestamp};

use super::*;

fn disk() -> SimDisk {
    let disk = SimDisk::new(7, SimClock::new(None));
    disk.create_dir_all(Path::new("/d")).unwrap();
    disk
}

fn file(disk: &SimDisk, content: &[u8]) -> Box<dyn DiskFile> {
    let file = disk.open(Path::new("/d/f"), Access::Create).unwrap();
    file.write_all_at(content, 0).unwrap();
    file
}

fn after(disk: &SimDisk, death: Death) -> Vec<u8> {
    disk.die(death);
    disk.start();
    disk.content(Path::new("/d/f"))
}

#[test]
fn a_process_leaves_what_it_wrote_and_a_power_failure_what_was_synced() {
    let disk = disk();
    let open = file(&disk, b"synced");
    open.sync_data().unwrap();
    disk.sync_dir(Path::new("/d")).unwrap();
    open.write_all_at(b"SYNCED", 0).unwrap();
    assert_eq!(after(&disk, Death::Process), b"SYNCED");
    assert!(open.write_all_at(b"x", 0).is_err(), "a handle of a dead process");
    let kept = after(&disk, Death::Power);
    assert!(kept == b"SYNCED" || kept == b"synced");
}

#[test]
fn a_name_that_was_not_synced_may_be_gone() {
    let mut gone = 0;
    for seed in 0..32 {
        let disk = SimDisk::new(seed, SimClock::new(None));
        file(&disk, b"x").sync_all().unwrap();
        gone += u32::from(after(&disk, Death::Power).is_empty());
    }
    assert!((1..32).contains(&gone), "{gone}");
}

#[test]
fn a_sync_that_failed_is_not_made_good_by_another() {
    let mut lost = 0;
    for seed in 0..32 {
        let disk = SimDisk::new(seed, SimClock::new(None));
        disk.create_dir_all(Path::new("/d")).unwrap();
        let open = file(&disk, b"old");
        open.sync_all().unwrap();
        disk.sync_dir(Path::new("/d")).unwrap();
        open.write_all_at(b"new", 0).unwrap();
        disk.state().failing_syncs = 1;
        assert!(open.sync_data().is_err());
        open.sync_data().unwrap();
        lost += u32::from(after(&disk, Death::Power) == b"old");
    }
    assert!((1..32).contains(&lost), "{lost}");
}

#[test]
fn a_full_disk_refuses_what_grows_and_nothing_else() {
    let disk = disk();
    let open = file(&disk, b"there");
    disk.set_full(true);
    open.write_all_at(b"THERE", 0).unwrap();
    assert_eq!(open.write_all_at(b"more", 5).unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(open.allocate(100).unwrap_err().kind(), io::ErrorKind::StorageFull);
    disk.set_full(false);
    open.allocate(100).unwrap();
}

fn options(disk: &SimDisk) -> Options {
    Options {
        segment_bytes: Options::MIN_SEGMENT_BYTES,
        durability: Durability::Disk,
        disk: Arc::new(disk.clone()),
        background: Background::Stepped,
        ..Options::new("/journal", ShardId::new(0))
    }
}

/// The failure is another process's: this one is told that all is well. What it found must be written once more.
#[test]
fn what_a_failed_sync_left_behind_is_on_disk_after_the_next_opening() {
    for seed in 0..16 {
        let disk = SimDisk::new(seed, SimClock::new(None));
        let Opened { mut writer, .. } = open(&options(&disk)).unwrap();
        for _ in 0..100 {
            writer.append(Timestamp::from_nanos(1), &Input::Tick).unwrap();
        }
        disk.state().failing_syncs = 1;
        assert!(!writer.step_flusher());
        assert!(matches!(writer.close(), Err(JournalError::FlushFailed { .. })));
        disk.die(Death::Process);
        disk.start();
        let opened = open(&options(&disk)).unwrap();
        assert_eq!(opened.recovery.last_seq, 100);
        drop(opened);
        disk.die(Death::Power);
        disk.start();
        let report = verify::<model::RecordBody>(options(&disk).folder()).unwrap();
        assert_eq!(report.records, 100, "seed {seed}");
    }
}
