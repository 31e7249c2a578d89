//! Damaged journals: cut at the tail where nobody was told, refused by name everywhere else, and never a panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]
#![allow(clippy::indexing_slicing, reason = "a test may fail")]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::common::{SHARD, Word, check_inputs, copy, input, open, options, read_all, time};
use journal::header::SEGMENT_HEADER_BYTES;
use journal::{Damage, Durability, Follower, JournalError, Options, Reader};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use tempfile::TempDir;

const COUNT: u64 = 14;

/// A journal of [`COUNT`] records as a kill leaves it, or closed; and where each record starts.
fn journal(closed: bool, durability: Durability) -> (TempDir, Vec<u64>) {
    let dir = tempfile::tempdir().unwrap();
    let live = tempfile::tempdir().unwrap();
    let mut writer = open(live.path(), durability).writer;
    for seq in 1..=COUNT {
        writer.append(time(seq), &input(seq)).unwrap();
    }
    if durability == Durability::Disk {
        writer.flush().unwrap();
        // An idle flusher leaves its mark in the segment's header.
        let marked = || {
            fs::read(segment(live.path(), 1)).unwrap()[64..68] == u32::try_from(COUNT).unwrap().to_le_bytes()
        };
        crate::common::wait_until("the durable mark is there", marked);
    }
    if closed {
        writer.close().unwrap();
        copy(live.path(), dir.path());
    } else {
        copy(live.path(), dir.path());
        drop(writer);
    }
    let mut starts = vec![SEGMENT_HEADER_BYTES as u64];
    for record in read_all(dir.path()).unwrap() {
        starts.push(starts[starts.len() - 1] + u64::from(record.len_bytes));
    }
    (dir, starts)
}

fn segment(dir: &Path, index: u64) -> PathBuf {
    dir.join(format!("{index:08}.segment"))
}

fn flip(path: &Path, offset: u64, mask: u8) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ mask], offset).unwrap();
}

fn overwrite(path: &Path, offset: u64, bytes: &[u8]) {
    File::options().write(true).open(path).unwrap().write_all_at(bytes, offset).unwrap();
}

/// Everything that reads must survive what is there.
fn read_every_way(dir: &Path) {
    let _ = journal::stat(dir);
    let _ = read_all(dir);
    if let Ok(mut follower) = Follower::open(dir, 3) {
        while let Ok(Some(_)) = follower.poll::<Word>() {}
    }
}

#[test]
fn a_flipped_bit_in_a_closed_journal_is_always_refused() {
    let (dir, starts) = journal(true, Durability::Process);
    let path = segment(dir.path(), 1);
    for offset in 0..starts[starts.len() - 1] {
        let mask = 1 << (offset % 8);
        flip(&path, offset, mask);
        if offset % 7 == 0 {
            read_every_way(dir.path());
        }
        let error = journal::verify::<Word>(dir.path()).expect_err("a flipped bit goes unnoticed");
        if offset >= SEGMENT_HEADER_BYTES as u64 {
            let damaged = starts.partition_point(|start| *start <= offset) - 1;
            let JournalError::Corrupt { segment, offset: found, seq, .. } = error else { panic!("{error}") };
            assert_eq!((segment, found, seq), (path.clone(), starts[damaged], damaged as u64 + 1));
        }
        flip(&path, offset, mask);
    }
    check_inputs(&read_all(dir.path()).unwrap(), COUNT);
}

#[test]
fn a_flipped_bit_after_a_kill_is_cut_in_the_last_record_and_refused_before() {
    let (dir, starts) = journal(false, Durability::Process);
    let path = segment(dir.path(), 1);
    let last = starts[starts.len() - 2];
    for offset in SEGMENT_HEADER_BYTES as u64..starts[starts.len() - 1] {
        let mask = 0x80 >> (offset % 8);
        flip(&path, offset, mask);
        match journal::verify::<Word>(dir.path()) {
            Ok(report) => {
                assert!(offset >= last, "byte {offset}");
                let torn = report.torn.expect("a torn tail");
                assert_eq!((report.records, torn.offset, torn.records), (COUNT - 1, last, 1));
            }
            Err(JournalError::Corrupt { .. }) => assert!(offset < last, "byte {offset}"),
            Err(error) => panic!("byte {offset}: {error}"),
        }
        flip(&path, offset, mask);
    }
}

#[test]
fn a_torn_tail_is_cut_reported_and_gone() {
    let (dir, starts) = journal(false, Durability::Process);
    let path = segment(dir.path(), 1);
    let (last, end) = (starts[starts.len() - 2], starts[starts.len() - 1]);
    flip(&path, end - 1, 1);
    let opened = open(dir.path(), Durability::Process);
    let cut = opened.recovery.cut.expect("a cut");
    assert_eq!((cut.segment, cut.offset, cut.bytes, cut.records), (path.clone(), last, end - last, 1));
    assert_eq!(opened.recovery.last_seq, COUNT - 1);
    let mut writer = opened.writer;
    // The position is used again; the incarnation tells the two records apart.
    writer.append(time(COUNT), &input(COUNT)).unwrap();
    writer.close().unwrap();
    let records = read_all(dir.path()).unwrap();
    check_inputs(&records, COUNT);
    assert!(records[13].incarnation > records[12].incarnation);
    assert_eq!(open(dir.path(), Durability::Process).recovery.cut, None);
}

#[test]
fn bytes_of_a_record_that_was_never_committed_are_cut() {
    let (dir, starts) = journal(false, Durability::Process);
    overwrite(&segment(dir.path(), 1), starts[14] + 8, &[0xaa; 100]);
    let cut = open(dir.path(), Durability::Process).recovery.cut.expect("a cut");
    assert_eq!((cut.offset, cut.bytes, cut.records), (starts[14], 112, 1));
    check_inputs(&read_all(dir.path()).unwrap(), COUNT);
}

/// The next segment as a kill leaves it that came while its header was stored: the visibility first, then the fixed part
/// from its end.
#[test]
fn a_segment_whose_beginning_was_interrupted_is_made_again() {
    let other = long_journal();
    let begun = fs::read(segment(other.path(), 2)).unwrap();
    for stored in (8..=64).step_by(8) {
        let (dir, _) = journal(false, Durability::Process);
        let len = fs::metadata(segment(dir.path(), 1)).unwrap().len();
        let next = segment(dir.path(), 2);
        File::options().create(true).write(true).truncate(false).open(&next).unwrap().set_len(len).unwrap();
        overwrite(&next, stored, &begun[usize::try_from(stored).unwrap()..136]);
        check_inputs(&read_all(dir.path()).unwrap(), COUNT);
        let mut writer = open(dir.path(), Durability::Process).writer;
        for seq in COUNT + 1..=2_000 {
            writer.append(time(seq), &input(seq)).unwrap();
        }
        writer.close().unwrap();
        check_inputs(&read_all(dir.path()).unwrap(), 2_000);
        assert!(journal::stat(dir.path()).unwrap().segments.len() > 2, "the segment was used");
    }
}

/// Records prove that a segment was begun, whatever became of its header.
#[test]
fn a_segment_with_records_and_without_its_magic_is_refused() {
    let dir = long_journal();
    let last = journal::stat(dir.path()).unwrap().segments.len() as u64;
    for index in [2, last - 1] {
        let copied = tempfile::tempdir().unwrap();
        copy(dir.path(), copied.path());
        overwrite(&segment(copied.path(), index), 0, &[0; 8]);
        assert!(journal::open(&options(copied.path(), Durability::Process)).is_err(), "{index}");
        assert!(journal::verify::<Word>(copied.path()).is_err(), "{index}");
    }
}

#[test]
fn what_the_durable_mark_covers_is_never_cut() {
    let (dir, starts) = journal(false, Durability::Disk);
    let path = segment(dir.path(), 1);
    overwrite(&path, starts[13], &[0; 16]);
    let refused =
        journal::open(&options(dir.path(), Durability::Disk)).expect_err("the last record was durable");
    let JournalError::Corrupt { offset, seq, damage, .. } = refused else { panic!("{refused}") };
    assert_eq!((offset, seq, damage), (starts[13], 14, Damage::Vacant));
    let read = read_all(dir.path()).expect_err("a reader refuses it too");
    assert!(matches!(read, JournalError::Corrupt { seq: 14, .. }), "{read}");
}

#[test]
fn truncation_at_any_byte_is_refused() {
    let (dir, starts) = journal(false, Durability::Process);
    let path = segment(dir.path(), 1);
    for len in (0..starts[starts.len() - 1]).rev() {
        File::options().write(true).open(&path).unwrap().set_len(len).unwrap();
        let error = journal::verify::<Word>(dir.path()).expect_err("a short segment");
        assert!(matches!(error, JournalError::Size { .. }), "{len}: {error}");
        if len % 512 == 0 {
            read_every_way(dir.path());
            assert!(journal::open(&options(dir.path(), Durability::Process)).is_err());
        }
    }
}

/// Records 1 to 2000 over many segments, closed.
fn long_journal() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path(), Durability::Process).writer;
    for seq in 1..=2000 {
        writer.append(time(seq), &input(seq)).unwrap();
    }
    writer.close().unwrap();
    dir
}

#[test]
fn damage_in_a_sealed_segment_is_refused_by_whoever_comes_to_it() {
    let dir = long_journal();
    let last = journal::stat(dir.path()).unwrap().segments.len() as u64;
    for index in [1, 2, last - 1] {
        let copied = tempfile::tempdir().unwrap();
        copy(dir.path(), copied.path());
        let path = segment(copied.path(), index);
        overwrite(&path, 5000, &[0xff; 8]);
        for result in [journal::verify::<Word>(copied.path()).err(), read_all(copied.path()).err()] {
            let Some(JournalError::Corrupt { segment, .. }) = result else { panic!("{result:?}") };
            assert_eq!(segment, path);
        }
    }
}

#[test]
fn records_wiped_at_the_end_of_a_sealed_segment_are_missed() {
    let dir = long_journal();
    let path = segment(dir.path(), 2);
    let first = journal::stat(dir.path()).unwrap().segments[2].first_seq;
    let before = journal::stat(dir.path()).unwrap().segments[1].first_seq;
    let mut reader = Reader::from_seq(dir.path(), before).unwrap();
    let lens: Vec<_> =
        (before..first).map(|_| u64::from(reader.next::<Word>().unwrap().unwrap().len_bytes)).collect();
    let len = *lens.last().unwrap();
    let start = 4096 + lens.iter().sum::<u64>() - len;
    overwrite(&path, start, &vec![0; usize::try_from(len).unwrap()]);
    let error = read_all(dir.path()).expect_err("a record is gone");
    assert!(matches!(error, JournalError::Corrupt { seq, .. } if seq == first - 1), "{error}");
    let mut follower = Follower::open(dir.path(), 1).unwrap();
    let error = (0..10_000).find_map(|_| follower.poll::<Word>().err()).expect("the follower notices");
    assert!(matches!(error, JournalError::Corrupt { .. }), "{error}");
}

#[test]
fn a_record_of_another_place_is_refused() {
    let (dir, starts) = journal(false, Durability::Process);
    let path = segment(dir.path(), 1);
    let bytes = fs::read(&path).unwrap();
    // Evidence and a halt: the same length, both whole.
    let record =
        |n: usize| &bytes[usize::try_from(starts[n - 1]).unwrap()..usize::try_from(starts[n]).unwrap()];
    assert_eq!(record(8).len(), record(13).len());
    overwrite(&path, starts[12], record(8));
    let error = journal::verify::<Word>(dir.path()).expect_err("a record was replaced");
    assert!(matches!(error, JournalError::Corrupt { seq: 13, damage: Damage::Sequence(8), .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default()
    })]

    /// Arbitrary bytes somewhere in a journal: everything answers, and an opened journal holds a prefix.
    #[test]
    fn arbitrary_bytes_never_panic(
        offset in 0u64..9000,
        bytes in prop::collection::vec(any::<u8>(), 1..600),
        closed: bool,
    ) {
        let (dir, _) = journal(closed, Durability::Process);
        overwrite(&segment(dir.path(), 1), offset, &bytes);
        read_every_way(dir.path());
        if let Ok(opened) = journal::open(&options(dir.path(), Durability::Process)) {
            let kept = opened.recovery.last_seq;
            prop_assert!(!closed || kept == COUNT);
            check_inputs(&read_all(dir.path()).unwrap(), kept);
        }
    }

    /// A file of arbitrary bytes is no segment.
    #[test]
    fn a_file_of_arbitrary_bytes_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..6000), pad: bool) {
        let (dir, _) = journal(true, Durability::Process);
        let path = segment(dir.path(), 1);
        fs::write(&path, &bytes).unwrap();
        if pad {
            File::options().write(true).open(&path).unwrap().set_len(Options::MIN_SEGMENT_BYTES).unwrap();
        }
        read_every_way(dir.path());
        prop_assert!(journal::open(&Options::new(dir.path(), SHARD)).is_err());
    }
}
