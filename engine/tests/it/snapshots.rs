//! Starting from a snapshot is starting from the whole journal; a snapshot that is not to be believed is passed over.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};

use crate::common::{Rig, buy, config, fill};
use actors::Core;
use engine::{Shard, ShardConfig, SnapshotPolicy, SystemClock, recover, replay, snapshots_dir, state_hash};
use model::*;

fn small(dir: &Path) -> ShardConfig {
    let mut config = config(dir);
    config.snapshots = SnapshotPolicy { every_records: 300, keep: 2 };
    config
}

/// Orders, some filled, and a clean stop: its snapshots, oldest first.
fn traded(config: &ShardConfig, orders: u32) -> Vec<PathBuf> {
    let mut rig = Rig::ready(config);
    for index in 0..orders {
        let answer = rig.call(Command::NewOrder(buy(&format!("A{index}"))));
        let Event::OrderAccepted { order, .. } = answer.event else { panic!("{answer:?}") };
        rig.outbound();
        if index % 2 == 0 {
            rig.port.post(fill(order, &format!("E{index}"), 10, 10, 2 + u64::from(index))).unwrap();
        }
    }
    drop(rig.client);
    rig.shard.stop().unwrap();
    let folder = snapshots_dir(&config.journal.dir);
    let mut found: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

fn assert_recovers_like_a_replay(dir: &Path) -> Option<u64> {
    let (quick, whole) = (recover::<Core>(dir).unwrap(), replay::<Core>(dir).unwrap());
    assert_eq!(quick.position, whole.position);
    assert_eq!(quick.digest, whole.digest);
    assert_eq!((quick.records, quick.digests, quick.alerts), (whole.records, whole.digests, whole.alerts));
    assert_eq!(state_hash(&quick.core), state_hash(&whole.core));
    quick.snapshot
}

#[test]
fn a_start_from_a_snapshot_is_a_start_from_the_whole_journal() {
    let dir = tempfile::tempdir().unwrap();
    let config = small(dir.path());
    let snapshots = traded(&config, 1500);
    assert_eq!(snapshots.len(), 2, "{snapshots:?}");
    assert!(assert_recovers_like_a_replay(&config.journal.dir).is_some());
    // And the next life goes on from it, as if it were the whole journal.
    let shard = Shard::<Core>::start(&config, SystemClock).unwrap();
    assert!(shard.recovered().snapshot.is_some());
    assert!(shard.recovered().records < 1000, "{:?}", shard.recovered());
    shard.stop().unwrap();
    assert_recovers_like_a_replay(&config.journal.dir);
}

#[test]
fn a_damaged_snapshot_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let config = small(dir.path());
    let snapshots = traded(&config, 800);
    let before = assert_recovers_like_a_replay(&config.journal.dir).unwrap();
    let newest = snapshots.last().unwrap();
    let whole = std::fs::read(newest).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 7) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        std::fs::write(newest, &damaged).unwrap();
        let used = assert_recovers_like_a_replay(&config.journal.dir);
        assert!(used.is_some_and(|seq| seq < before), "byte {at}: {used:?}");
    }
    std::fs::write(newest, &whole[..whole.len() / 2]).unwrap();
    assert!(assert_recovers_like_a_replay(&config.journal.dir).is_some_and(|seq| seq < before));
    for snapshot in &snapshots {
        std::fs::write(snapshot, b"").unwrap();
    }
    assert_eq!(assert_recovers_like_a_replay(&config.journal.dir), None);
}

#[test]
fn a_snapshot_of_another_journal_is_passed_over() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (config, foreign) = (small(one.path()), small(other.path()));
    let theirs = traded(&foreign, 700);
    for ours in traded(&config, 700) {
        std::fs::remove_file(ours).unwrap();
    }
    let newest = theirs.last().unwrap();
    std::fs::copy(newest, snapshots_dir(&config.journal.dir).join(newest.file_name().unwrap())).unwrap();
    assert_eq!(assert_recovers_like_a_replay(&config.journal.dir), None);
}

#[test]
fn a_folder_that_cannot_be_written_stops_no_trading() {
    let dir = tempfile::tempdir().unwrap();
    let config = small(dir.path());
    // A file stands where the folder should be.
    std::fs::create_dir_all(&config.journal.dir).unwrap();
    std::fs::write(snapshots_dir(&config.journal.dir), b"").unwrap();
    let mut rig = Rig::ready(&config);
    for index in 0..700 {
        let answer = rig.call(Command::NewOrder(buy(&format!("A{index}"))));
        assert!(matches!(answer.event, Event::OrderAccepted { .. }));
        rig.outbound();
    }
    drop(rig.client);
    rig.shard.stop().unwrap();
    assert_eq!(assert_recovers_like_a_replay(&config.journal.dir), None);
}
