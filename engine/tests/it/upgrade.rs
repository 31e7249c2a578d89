//! A journal that another version of the logic wrote: proven before anything is appended to it, or refused.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};

use crate::common::{config, traded};
use actors::Core;
use engine::{
    EngineError, Replay, Shard, ShardConfig, Standby, SystemClock, first_difference, recover, replay,
    state_hash, take_snapshot, write_outcomes,
};
use journal::Reader;
use model::RecordBody;
use model::*;

const OLD: u32 = actors::LOGIC_VERSION - 1;

/// What the old program concluded of one record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Planted {
    Nothing,
    /// From this digest on it recorded others than we come to.
    FromDigest(u64),
}

/// The same inputs as an older version of the logic recorded them: with its number, and digests of its own.
fn as_recorded_by_old_logic(from: &Path, to: &Path, planted: Planted, last_digest: bool) -> ShardConfig {
    let config = config(to);
    let mut writer = journal::open(&config.journal).unwrap().writer;
    let mut follower = writer.follower(1).unwrap();
    let mut ours = Replay::<Core>::new(ShardId::new(0));
    let mut reader = Reader::open(from).unwrap();
    let last = replay::<Core>(from).unwrap().position.seq;
    let mut digests = 0;
    while let Some(record) = reader.next().unwrap() {
        match record.body {
            RecordBody::Input(Input::Opened { incarnation, anchor, .. }) => {
                let opened = Input::Opened { incarnation, logic_version: OLD, anchor };
                writer.append(record.time, &opened).unwrap();
            }
            RecordBody::Input(input) => {
                writer.append(record.time, &input).unwrap();
            }
            RecordBody::Digest(_) if record.position.seq == last && !last_digest => break,
            RecordBody::Digest(_) => {
                digests += 1;
                let mut digest = ours.digest().to_bytes();
                if matches!(planted, Planted::FromDigest(from) if digests >= from) {
                    digest[0] ^= 1;
                }
                writer.append(record.time, &RecordBody::Digest(digest)).unwrap();
                let _ = follower.poll::<RecordBody>().unwrap();
                continue;
            }
        }
        ours.step(&follower.poll().unwrap().unwrap()).unwrap();
    }
    writer.close().unwrap();
    config
}

/// Every file and its content, but for the lock.
fn contents(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            files.push((path.clone(), std::fs::read(path).unwrap()));
        }
    }
    files.sort();
    files
}

/// Gives a snapshot the mark of the old logic.
fn mark_as_old(snapshot: &Path) {
    let mut bytes = std::fs::read(snapshot).unwrap();
    bytes[12..16].copy_from_slice(&OLD.to_le_bytes());
    // The last hash is that of the header, the table and the number of its rows, which stands before it.
    let end = bytes.len() - 32;
    let rows = u64::from_le_bytes(bytes[end - 8..end].try_into().unwrap());
    let table = end - 8 - usize::try_from(rows).unwrap() * 64;
    let hash = blake3::Hasher::new().update(&bytes[..96]).update(&bytes[table..end]).finalize();
    bytes[end..].copy_from_slice(hash.as_bytes());
    std::fs::write(snapshot, bytes).unwrap();
}

struct Journals {
    ours: tempfile::TempDir,
    theirs: tempfile::TempDir,
}

fn journals(orders: u32) -> Journals {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    traded(ours.path(), orders);
    Journals { ours, theirs }
}

impl Journals {
    fn old(&self, planted: Planted, last_digest: bool) -> ShardConfig {
        let from = self.ours.path().join("shard-0");
        as_recorded_by_old_logic(&from, self.theirs.path(), planted, last_digest)
    }
}

#[test]
fn a_journal_of_an_older_logic_that_replays_to_its_digests_is_gone_on_from() {
    let journals = journals(700);
    let config = journals.old(Planted::Nothing, true);
    // A snapshot of the old program is there, and is not what the proof begins at.
    let middle =
        engine::replay_until::<Core>(&config.journal.dir, |record| record.position.seq <= 900).unwrap();
    let taken = take_snapshot(&config.journal.dir, &Replay::resume(middle), 3).unwrap();
    mark_as_old(&taken.path);
    let before = replay::<Core>(&config.journal.dir).unwrap();
    let shard = Shard::<Core>::start(&config, SystemClock).unwrap();
    assert_eq!((shard.recovered().snapshot, shard.recovered().records), (None, before.position.seq));
    shard.stop().unwrap();
    // The next start takes the snapshot of the first one under this logic, and proves nothing again.
    let shard = Shard::<Core>::start(&config, SystemClock).unwrap();
    assert_eq!(shard.recovered().snapshot, Some(before.position.seq));
    shard.stop().unwrap();
    assert_eq!(replay::<Core>(&config.journal.dir).unwrap().logic_version, Some(actors::LOGIC_VERSION));
}

#[test]
fn a_journal_that_this_logic_decides_otherwise_is_refused_and_not_touched() {
    let journals = journals(900);
    let config = journals.old(Planted::FromDigest(2), true);
    let before = contents(&config.journal.dir);
    let refused = Standby::<Core>::open(&config).unwrap_err();
    let EngineError::DigestMismatch { position, after, logic_version, .. } = refused else {
        panic!("{refused}")
    };
    assert_eq!(logic_version, Some(OLD));
    assert!(after > 1000 && position.seq - after > 500, "{refused}");
    let said = refused.to_string();
    assert!(said.starts_with(&format!("records {} to {position} lead elsewhere", after + 1)), "{said}");
    let versions = format!("decided by logic version {OLD}, this program has {}", actors::LOGIC_VERSION);
    assert!(said.contains(&versions), "{said}");
    assert_eq!(contents(&config.journal.dir), before);
}

#[test]
fn a_snapshot_of_the_old_program_is_the_way_through() {
    let journals = journals(900);
    let mut config = journals.old(Planted::FromDigest(2), true);
    // Its state is what the old program concluded; its digest is the one the old program stood at.
    let dir = config.journal.dir.clone();
    let end = {
        let mut reader = Reader::open(journals.ours.path().join("shard-0")).unwrap();
        let mut state = Replay::<Core>::new(ShardId::new(0));
        while let Some(record) = reader.next().unwrap() {
            state.step(&record).unwrap();
        }
        state.finish()
    };
    let mut theirs = Reader::from_seq(&dir, end.position.seq).unwrap();
    let RecordBody::Digest(digest) = theirs.next::<RecordBody>().unwrap().unwrap().body else {
        panic!("no last digest")
    };
    let last = {
        let mut reader = Reader::from_seq(&dir, end.position.seq).unwrap();
        reader.next::<RecordBody>().unwrap().unwrap()
    };
    let concluded =
        engine::Recovered { digest: engine::Digest::from_bytes(digest), record_crc: last.crc, ..end.clone() };
    let taken = take_snapshot(&dir, &Replay::resume(concluded), 3).unwrap();
    mark_as_old(&taken.path);

    let refused = Standby::<Core>::open(&config).unwrap_err();
    assert!(matches!(refused, EngineError::DigestMismatch { .. }), "not without being asked for: {refused}");
    config.upgrade.from_snapshot = true;
    let shard = Shard::<Core>::start(&config, SystemClock).unwrap();
    assert_eq!(shard.recovered().snapshot, Some(end.position.seq));
    shard.stop().unwrap();
    // From here on it is a journal of this logic, and no word is needed again.
    config.upgrade.from_snapshot = false;
    Shard::<Core>::start(&config, SystemClock).unwrap().stop().unwrap();
    // From its first record on it still leads elsewhere, and that is said.
    assert!(matches!(replay::<Core>(&dir), Err(EngineError::DigestMismatch { .. })));
}

#[test]
fn inputs_behind_the_last_digest_are_not_taken_on_trust() {
    let journals = journals(30);
    let mut config = journals.old(Planted::Nothing, false);
    let refused = Standby::<Core>::open(&config).unwrap_err();
    let EngineError::Unproven { position, inputs, recorded, ours } = refused else { panic!("{refused}") };
    assert_eq!((inputs, recorded, ours), (position.seq, OLD, actors::LOGIC_VERSION));
    config.upgrade.accept_unproven = true;
    let shard = Shard::<Core>::start(&config, SystemClock).unwrap();
    shard.stop().unwrap();
    config.upgrade.accept_unproven = false;
    Shard::<Core>::start(&config, SystemClock).unwrap().stop().unwrap();
}

#[test]
fn a_journal_of_this_logic_is_not_replayed_as_a_whole() {
    let dir = tempfile::tempdir().unwrap();
    let config = traded(dir.path(), 60);
    let end = replay::<Core>(&config.journal.dir).unwrap();
    take_snapshot(&config.journal.dir, &Replay::resume(end.clone()), 3).unwrap();
    let shard = Shard::<Core>::start(&config, SystemClock).unwrap();
    assert_eq!((shard.recovered().snapshot, shard.recovered().records), (Some(end.position.seq), 0));
    shard.stop().unwrap();
}

#[test]
fn outcomes_name_the_first_record_that_differs() {
    let dir = tempfile::tempdir().unwrap();
    let config = traded(dir.path(), 40);
    let journal = &config.journal.dir;
    let outcomes = dir.path().join("0.outcomes");
    let written = write_outcomes::<Core>(journal, &outcomes).unwrap();
    assert_eq!(state_hash(&written.core), state_hash(&recover::<Core>(journal).unwrap().core));
    assert!(first_difference::<Core>(journal, &outcomes).unwrap().is_none());
    // The old program concluded something else from record 17 on.
    let mut bytes = std::fs::read(&outcomes).unwrap();
    for digest in bytes[24..].chunks_mut(16).skip(16) {
        digest[3] ^= 1;
    }
    bytes[12..16].copy_from_slice(&OLD.to_le_bytes());
    std::fs::write(&outcomes, &bytes).unwrap();
    let difference = first_difference::<Core>(journal, &outcomes).unwrap().unwrap();
    assert_eq!((difference.record.position.seq, difference.logic_version), (17, OLD));
    // Cut short it goes as far as it goes; of another shard or of another kind it is refused.
    std::fs::write(&outcomes, &bytes[..24 + 16 * 16]).unwrap();
    assert!(first_difference::<Core>(journal, &outcomes).unwrap().is_none());
    bytes[16] = 1;
    std::fs::write(&outcomes, &bytes).unwrap();
    assert!(first_difference::<Core>(journal, &outcomes).is_err());
    std::fs::write(&outcomes, b"GNT").unwrap();
    assert!(first_difference::<Core>(journal, &outcomes).is_err());
}
