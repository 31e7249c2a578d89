//! What is appended is read back: by a reader, by a follower, in both durabilities, over segments and restarts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]
#![allow(clippy::indexing_slicing, reason = "a test may fail")]

use crate::common::{
    UNKNOWN, Word, check_inputs, input, long, open, options, read_all, tick, time, wait_until,
};
use journal::layout::{MAX_RECORD_BYTES, RECORD_HEADER_BYTES};
use journal::{Damage, Durability, DurableWatch, Follower, JournalError, Reader, Writer};
use machine::Incarnation;

const BOTH: [Durability; 2] = [Durability::Process, Durability::Disk];

#[test]
fn what_is_appended_is_read_back_over_segments_and_restarts() {
    for durability in BOTH {
        let dir = tempfile::tempdir().unwrap();
        let mut seq = 0;
        for opening in 1..=3 {
            let opened = open(dir.path(), durability);
            assert_eq!(opened.recovery.incarnation, Incarnation { count: opening });
            assert_eq!((opened.recovery.last_seq, opened.recovery.cut), (seq, None));
            assert_eq!(opened.recovery.created, opening == 1);
            let mut writer = opened.writer;
            for _ in 0..1500 {
                seq += 1;
                writer.ensure_room().unwrap();
                assert_eq!(writer.append(time(seq), &input(seq)).unwrap().seq, seq);
            }
            writer.close().unwrap();
        }
        let records = read_all(dir.path()).unwrap();
        check_inputs(&records, seq);
        assert_eq!(records[1499].incarnation, Incarnation { count: 1 });
        assert_eq!(records[1500].incarnation, Incarnation { count: 2 });
        let report = journal::verify::<Word>(dir.path()).unwrap();
        assert_eq!((report.records, report.last_seq, report.torn), (seq, seq, None));
        assert!(report.segments > 5, "{}", report.segments);
        let stat = journal::stat(dir.path()).unwrap();
        assert_eq!((stat.last_seq, stat.segments.len() as u64), (seq, report.segments));
        assert_eq!(stat.segments.iter().map(|segment| segment.records).sum::<u64>(), seq);
    }
}

#[test]
fn reading_starts_anywhere() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path(), Durability::Process).writer;
    for seq in 1..=2000 {
        writer.append(time(seq), &input(seq)).unwrap();
    }
    for seq in [1, 2, 999, 1000, 2000] {
        let mut reader = Reader::from_seq(dir.path(), seq).unwrap();
        assert_eq!(reader.next::<Word>().unwrap().unwrap().position.seq, seq);
        let mut follower = writer.follower(seq).unwrap();
        assert_eq!(follower.poll::<Word>().unwrap().unwrap().position.seq, seq);
    }
    let mut reader = Reader::from_seq(dir.path(), 2001).unwrap();
    assert!(reader.next::<Word>().unwrap().is_none());
    writer.append(time(2001), &input(2001)).unwrap();
    assert_eq!(reader.next::<Word>().unwrap().unwrap().position.seq, 2001);
    let beyond = Reader::from_seq(dir.path(), 2003).err();
    assert!(matches!(beyond, Some(JournalError::NotHere { seq: 2003, first: 1 })), "{beyond:?}");
}

#[test]
fn what_was_appended_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path(), Durability::Process).writer;
    writer.append(time(1), &tick()).unwrap();
    let appended = writer.append(time(2), &long(16)).unwrap();
    let records = read_all(dir.path()).unwrap();
    assert_eq!((records[1].kind, &records[1].body), (14, &long(16)));
    assert_eq!((records[1].crc, records[1].len_bytes), (appended.crc, 56));
}

#[test]
fn what_is_too_large_is_refused_and_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path(), Durability::Process).writer;
    let largest = long(MAX_RECORD_BYTES - RECORD_HEADER_BYTES);
    writer.append(time(1), &largest).unwrap();
    let refused = writer.append(time(2), &long(MAX_RECORD_BYTES - RECORD_HEADER_BYTES + 8));
    assert!(matches!(refused, Err(JournalError::TooLarge { .. })), "{refused:?}");
    assert_eq!(writer.next_seq(), 2);
    let copied = tempfile::tempdir().unwrap();
    crate::common::copy(dir.path(), copied.path());
    assert_eq!(open(copied.path(), Durability::Process).recovery.cut, None);
    writer.append(time(2), &tick()).unwrap();
    assert_eq!(read_all(dir.path()).unwrap().len(), 2);
}

#[test]
fn a_follower_keeps_up_with_a_writer_in_another_thread() {
    for durability in BOTH {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = open(dir.path(), durability).writer;
        let watch = writer.durable_watch();
        let mut inside = writer.follower(1).unwrap();
        let path = dir.path().to_path_buf();
        let follow = std::thread::spawn(move || {
            let mut outside = Follower::open(&path, 500).unwrap();
            for (follower, first) in [(&mut inside, 1), (&mut outside, 500)] {
                for seq in first..=5000 {
                    let mut record = None;
                    wait_until("the next record comes", || {
                        record = follower.poll::<Word>().unwrap();
                        record.is_some()
                    });
                    let record = record.unwrap();
                    // Within the process, the watch is set after the mark in the file.
                    wait_until("the watch follows", || watch.durable_seq() >= seq);
                    assert_eq!((record.position.seq, record.body), (seq, input(seq)));
                }
                assert!(follower.poll::<Word>().unwrap().is_none());
            }
        });
        for seq in 1..=5000 {
            writer.ensure_room().unwrap();
            writer.append(time(seq), &input(seq)).unwrap();
        }
        writer.flush().unwrap();
        assert_eq!(writer.durable_seq(), 5000);
        follow.join().unwrap();
    }
}

#[test]
fn restarting_an_idle_journal_takes_no_space() {
    for durability in BOTH {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = open(dir.path(), durability).writer;
        writer.append(time(1), &input(1)).unwrap();
        writer.close().unwrap();
        for opening in 2..12 {
            let opened = open(dir.path(), durability);
            assert_eq!(opened.recovery.incarnation, Incarnation { count: opening });
            opened.writer.close().unwrap();
        }
        let stat = journal::stat(dir.path()).unwrap();
        assert_eq!((stat.segments.len(), stat.last_seq), (1, 1));
        assert!(stat.allocated_bytes <= 2 * options(dir.path(), durability).segment_bytes);
    }
}

#[test]
fn the_durability_may_change_from_one_opening_to_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let mut seq = 0;
    for opening in 0..6 {
        let mut writer = open(dir.path(), BOTH[opening % 2]).writer;
        let mut follower = writer.follower(seq + 1).unwrap();
        for _ in 0..100 {
            seq += 1;
            writer.append(time(seq), &input(seq)).unwrap();
        }
        writer.flush().unwrap();
        for expected in seq - 99..=seq {
            assert_eq!(follower.poll::<Word>().unwrap().unwrap().position.seq, expected);
        }
        writer.close().unwrap();
    }
    check_inputs(&read_all(dir.path()).unwrap(), seq);
}

/// Each may be handed to a thread of its own.
#[test]
fn everything_moves_between_threads() {
    fn moves<T: Send>() {}
    moves::<Writer>();
    moves::<Reader>();
    moves::<Follower>();
    moves::<DurableWatch>();
}

/// What a kind means, the machine knows: the journal keeps whatever it is given, and whoever cannot read it is told.
#[test]
fn a_kind_that_nobody_knows_is_named_by_whoever_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path(), Durability::Process).writer;
    writer.append(time(1), &input(1)).unwrap();
    writer.append(time(2), &Word { kind: UNKNOWN, bytes: vec![1; 8] }).unwrap();
    writer.close().unwrap();
    let opened = open(dir.path(), Durability::Process);
    assert_eq!((opened.recovery.last_seq, opened.recovery.cut), (2, None));
    for error in [read_all(dir.path()).err(), journal::verify::<Word>(dir.path()).err()] {
        assert!(
            matches!(error, Some(JournalError::Corrupt { seq: 2, damage: Damage::Kind(UNKNOWN), .. })),
            "{error:?}"
        );
    }
}
