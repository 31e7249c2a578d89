//! What a journal refuses to open, each by name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]
#![allow(clippy::indexing_slicing, reason = "a test may fail")]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::common::{SHARD, Word, input, open, options, time};
use journal::{Durability, Follower, JournalError, Options, Reader};
use machine::ShardId;
use tempfile::TempDir;

fn small(count: u64) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path(), Durability::Process).writer;
    for seq in 1..=count {
        writer.append(time(seq), &input(seq)).unwrap();
    }
    writer.close().unwrap();
    dir
}

fn refusal(dir: &Path) -> JournalError {
    journal::open(&options(dir, Durability::Process)).expect_err("it must be refused")
}

#[test]
fn a_second_writer_is_refused_and_may_come_after_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path(), Durability::Process);
    let error = refusal(dir.path());
    assert!(matches!(&error, JournalError::Locked { dir: locked } if locked == dir.path()), "{error}");
    first.writer.close().unwrap();
    assert_eq!(open(dir.path(), Durability::Process).recovery.incarnation.count, 2);
}

#[test]
fn the_journal_of_another_shard_is_refused() {
    let dir = small(3);
    let other = Options { shard: ShardId::new(4), ..options(dir.path(), Durability::Process) };
    let error = journal::open(&other).expect_err("another shard's");
    let JournalError::Shard { found, expected, .. } = error else { panic!("{error}") };
    assert_eq!((found, expected), (SHARD, ShardId::new(4)));
}

#[test]
fn a_segment_of_another_journal_is_refused() {
    let (dir, other) = (small(3), tempfile::tempdir().unwrap());
    let theirs = Options { shard: ShardId::new(9), ..options(other.path(), Durability::Process) };
    journal::open(&theirs).unwrap().writer.close().unwrap();
    fs::copy(other.path().join("00000001.segment"), dir.path().join("00000001.segment")).unwrap();
    assert!(matches!(refusal(dir.path()), JournalError::Shard { .. }));
}

#[test]
fn foreign_files_are_refused() {
    let dir = small(3);
    let segment = dir.path().join("00000001.segment");
    File::options().write(true).open(&segment).unwrap().write_all_at(b"SQLite format 3", 0).unwrap();
    let error = refusal(dir.path());
    assert!(matches!(&error, JournalError::Foreign { path } if *path == segment), "{error}");
    let dir = small(3);
    let control = dir.path().join("control");
    fs::write(&control, b"hello").unwrap();
    let error = refusal(dir.path());
    assert!(matches!(&error, JournalError::Foreign { path } if *path == control), "{error}");
}

#[test]
fn newer_formats_are_refused() {
    for name in ["00000001.segment", "control"] {
        let dir = small(3);
        let path = dir.path().join(name);
        File::options().write(true).open(&path).unwrap().write_all_at(&2u32.to_le_bytes(), 8).unwrap();
        let error = refusal(dir.path());
        let JournalError::Version { path: named, found: 2, supported: 1 } = error else { panic!("{error}") };
        assert_eq!(named, path);
    }
}

#[test]
fn missing_files_are_named() {
    let long = small(1500);
    let last = journal::stat(long.path()).unwrap().segments.len() as u64;
    for index in [1, 2, last] {
        let dir = tempfile::tempdir().unwrap();
        crate::common::copy(long.path(), dir.path());
        let path = dir.path().join(format!("{index:08}.segment"));
        fs::remove_file(&path).unwrap();
        let error = refusal(dir.path());
        // Behind the last segment there is a prepared one or nothing; either way something is missing.
        let JournalError::Gap(gap) = error else { panic!("{error}") };
        assert_eq!((gap.missing.len(), gap.missing[0].segments.clone()), (1, Some(index..=index)), "{gap}");
    }
    let dir = small(3);
    fs::remove_file(dir.path().join("control")).unwrap();
    let error = refusal(dir.path());
    assert!(matches!(&error, JournalError::Missing { path } if path.ends_with("control")), "{error}");
}

#[test]
fn an_older_copy_of_the_segments_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let older = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path(), Durability::Process).writer;
    writer.append(time(1), &input(1)).unwrap();
    crate::common::copy(dir.path(), older.path());
    writer.append(time(2), &input(2)).unwrap();
    writer.close().unwrap();
    fs::copy(older.path().join("00000001.segment"), dir.path().join("00000001.segment")).unwrap();
    let error = refusal(dir.path());
    let JournalError::Gap(gap) = error else { panic!("{error}") };
    assert_eq!((gap.holds_to, gap.missing[0].first_seq, gap.missing[0].last_seq), (1, 2, Some(2)), "{gap}");
    assert_eq!(gap.missing[0].segments, None, "the segment is there, but not all of it");
}

#[test]
fn reading_where_there_is_no_journal_is_refused() {
    let empty = tempfile::tempdir().unwrap();
    for dir in [empty.path(), &empty.path().join("nowhere")] {
        for error in [
            Reader::open(dir).err(),
            Follower::open(dir, 1).err(),
            journal::verify::<Word>(dir).err(),
            journal::stat(dir).err(),
        ] {
            assert!(matches!(error, Some(JournalError::NoJournal { .. })), "{error:?}");
        }
    }
}

#[test]
fn impossible_sizes_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for segment_bytes in [0, 4096, Options::MIN_SEGMENT_BYTES + 1, Options::MAX_SEGMENT_BYTES + 4096] {
        let refused = journal::open(&Options { segment_bytes, ..Options::new(dir.path(), SHARD) });
        assert!(matches!(refused, Err(JournalError::Options(_))), "{segment_bytes}");
    }
}

#[test]
fn a_directory_that_is_a_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, b"").unwrap();
    assert!(matches!(refusal(&path), JournalError::Io { .. }));
}
