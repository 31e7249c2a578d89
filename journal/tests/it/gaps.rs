//! A journal of which something is missing is refused by everybody who reads it, and what is missing is named. Who is
//! told to read up to there reads exactly that. A journal that is being written to is never taken for one.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{SHARD, Word, check_inputs, copy, input, open, options, time};
use journal::{
    AtGap, Durability, Folder, Follower, Gap, JournalError, Piece, Reader, Record, Stat, Until, copy_in,
    copy_out, head, lacking, repair_to, stat, verify, verify_head,
};
use machine::Incarnation;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use tempfile::TempDir;

fn segment(dir: &Path, index: u64) -> PathBuf {
    dir.join(format!("{index:08}.segment"))
}

/// Records 1 to `count`, closed or as a kill leaves them; and what it holds.
fn journal(count: u64, closed: bool, durability: Durability) -> (TempDir, Stat) {
    let (live, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut writer = open(live.path(), durability).writer;
    for seq in 1..=count {
        writer.append(time(seq), &input(seq)).unwrap();
    }
    if durability == Durability::Disk {
        writer.flush().unwrap();
    }
    if closed {
        writer.close().unwrap();
        copy(live.path(), dir.path());
    } else {
        copy(live.path(), dir.path());
        drop(writer);
    }
    let stat = stat(dir.path()).unwrap();
    (dir, stat)
}

fn read(folder: impl Into<Folder>) -> Result<Vec<Record<Word>>, JournalError> {
    let mut reader = Reader::open(folder)?;
    let mut records = Vec::new();
    while let Some(record) = reader.next()? {
        records.push(record);
    }
    Ok(records)
}

/// Follows to the end, and looks on until a follower is sure that nothing comes.
fn follow(dir: &Path, from_seq: u64) -> Result<u64, JournalError> {
    let mut follower = Follower::open(dir, from_seq)?;
    let mut idle = 0;
    while idle < 3_000 {
        idle = if follower.poll::<Word>()?.is_some() { 0 } else { idle + 1 };
    }
    Ok(follower.next_seq() - 1)
}

fn up_to_gap(dir: &Path) -> Folder {
    Folder::from(dir).reading(AtGap::End)
}

/// Everybody refuses for the same gap; it.
fn refused_by_all(dir: &Path, last_seq: u64) -> Gap {
    let gap = lacking(dir).unwrap().unwrap();
    let to = tempfile::tempdir().unwrap();
    let refusals: Vec<(&str, Option<JournalError>)> = vec![
        ("read", read(dir).err()),
        ("read one record", Reader::from_seq(dir, 1).and_then(|mut reader| reader.next::<Word>()).err()),
        ("follow", follow(dir, 1).err()),
        ("follow what comes", follow(dir, last_seq + 1).err()),
        ("verify", verify::<Word>(dir).err()),
        ("verify what may be ended", verify::<Word>(up_to_gap(dir)).err()),
        ("stat", stat(dir).err()),
        ("head", head(dir).err()),
        ("copy", copy_out(up_to_gap(dir), to.path(), &[], Until::END, |_, _| ()).err()),
        ("follow what may be ended", Follower::open(up_to_gap(dir), 1).and_then(|_| follow(dir, 1)).err()),
        ("open", journal::open(&options(dir, Durability::Process)).err()),
    ];
    for (who, refusal) in refusals {
        match refusal {
            // Where nothing is missing before it, one record can be read; the end is judged by who comes there.
            None if who == "read one record" => {
                assert!(gap.missing[0].segments.is_none() || segment(dir, index_of(&gap)).exists(), "{gap}");
            }
            Some(JournalError::Gap(found)) => {
                assert_eq!(found.missing[0].first_seq, gap.missing[0].first_seq, "{who}");
            }
            // A blank segment that must have been begun is named before it is known what it held.
            Some(JournalError::Header { path, what: "blank" }) => {
                let run = gap.missing[0].segments.clone().unwrap();
                assert!(
                    run.into_iter().any(|index| path == segment(dir, index)),
                    "{who}: {}",
                    path.display()
                );
            }
            other => panic!("{who}: {other:?}"),
        }
    }
    gap
}

fn index_of(gap: &Gap) -> u64 {
    gap.missing[0].segments.as_ref().map_or(0, |run| *run.start())
}

/// Who is told to reads every record before the gap, and nothing else.
fn read_up_to(dir: &Path, gap: &Gap) {
    check_inputs(&read(up_to_gap(dir)).unwrap(), gap.holds_to);
    let mut reader = Reader::from_seq(up_to_gap(dir), gap.holds_to + 1).unwrap();
    assert!(reader.next::<Word>().unwrap().is_none() && reader.next::<Word>().unwrap().is_none());
    let behind = Reader::from_seq(up_to_gap(dir), gap.holds_to + 2).map(|_| ());
    assert!(matches!(behind, Err(JournalError::Gap(_) | JournalError::NotHere { .. })), "{behind:?}");
    assert_eq!(head(up_to_gap(dir)).unwrap().seq, gap.holds_to);
}

#[test]
fn segments_that_are_missing_are_named_wherever_they_stood() {
    for (closed, durability) in [
        (true, Durability::Process),
        (true, Durability::Disk),
        (false, Durability::Process),
        (false, Durability::Disk),
    ] {
        let (whole, stat) = journal(3000, closed, durability);
        let (last, first_of) = (stat.segments.len() as u64, |index: u64| {
            stat.segments[usize::try_from(index).unwrap() - 1].first_seq
        });
        assert!(last >= 6, "{last}");
        let heads = head(whole.path()).unwrap();
        for lost in [1..=1, 1..=3, 2..=2, 3..=4, last - 3..=last - 1, last - 2..=last - 2] {
            let dir = tempfile::tempdir().unwrap();
            copy(whole.path(), dir.path());
            for index in lost.clone() {
                fs::remove_file(segment(dir.path(), index)).unwrap();
            }
            let gap = refused_by_all(dir.path(), 3000);
            let missing = &gap.missing[0];
            assert_eq!((gap.missing.len(), missing.segments.clone()), (1, Some(lost.clone())));
            assert_eq!(
                (missing.first_seq, gap.holds_to),
                (first_of(*lost.start()), first_of(*lost.start()) - 1)
            );
            assert_eq!(missing.last_seq, Some(first_of(*lost.end() + 1) - 1));
            assert!(!missing.may_be_more && gap.moved.is_none() && missing.last_known == dir.path());
            read_up_to(dir.path(), &gap);
            let proof = verify_head(dir.path(), &heads).unwrap_err();
            assert!(matches!(proof, JournalError::Gap(_)), "{proof}");
        }
    }
}

#[test]
fn the_last_segments_are_missed_as_far_as_the_control_file_knows() {
    for durability in [Durability::Process, Durability::Disk] {
        let (dir, stat) = journal(3000, true, durability);
        let last = stat.segments.len() as u64;
        let first_seq = stat.segments[usize::try_from(last).unwrap() - 3].first_seq;
        // One that was made ahead and never used may be there or not.
        for index in last - 2..=last + 1 {
            let _ = fs::remove_file(segment(dir.path(), index));
        }
        let gap = refused_by_all(dir.path(), 3000);
        let missing = &gap.missing[0];
        assert_eq!(missing.segments, Some(last - 2..=last));
        assert_eq!((missing.first_seq, missing.last_seq, missing.may_be_more), (first_seq, Some(3000), true));
        read_up_to(dir.path(), &gap);
    }
}

#[test]
fn several_gaps_are_all_named_and_reading_ends_at_the_first() {
    let (dir, stat) = journal(3000, true, Durability::Process);
    for index in [2, 4, 5] {
        fs::remove_file(segment(dir.path(), index)).unwrap();
    }
    let gap = refused_by_all(dir.path(), 3000);
    let runs: Vec<_> = gap.missing.iter().map(|stretch| stretch.segments.clone().unwrap()).collect();
    assert_eq!(runs, [2..=2, 4..=5]);
    let records: Vec<_> =
        gap.missing.iter().map(|stretch| (stretch.first_seq, stretch.last_seq.unwrap())).collect();
    let first_of = |index: usize| stat.segments[index - 1].first_seq;
    assert_eq!(records, [(first_of(2), first_of(3) - 1), (first_of(4), first_of(6) - 1)]);
    read_up_to(dir.path(), &gap);
}

#[test]
fn all_segments_gone_is_no_empty_journal() {
    let (dir, stat) = journal(3000, true, Durability::Process);
    let last = stat.segments.len() as u64;
    for index in 1..=last + 1 {
        let _ = fs::remove_file(segment(dir.path(), index));
    }
    let gap = refused_by_all(dir.path(), 3000);
    assert_eq!((gap.holds_to, gap.missing[0].segments.clone()), (0, Some(1..=last)));
    assert_eq!((gap.missing[0].first_seq, gap.missing[0].last_seq), (1, Some(3000)));
    read_up_to(dir.path(), &gap);
}

#[test]
fn without_its_control_file_a_journal_is_neither_read_nor_begun_anew() {
    let (whole, _) = journal(10, true, Durability::Disk);
    for left in ["00000001.segment", "live", "archived", "snapshots/1.snapshot", "repair-1"] {
        let dir = tempfile::tempdir().unwrap();
        match left {
            "00000001.segment" => {
                fs::copy(whole.path().join(left), dir.path().join(left)).unwrap();
            }
            "repair-1" => fs::create_dir(dir.path().join(left)).unwrap(),
            file => {
                fs::create_dir_all(dir.path().join(file).parent().unwrap()).unwrap();
                fs::write(dir.path().join(file), b"").unwrap();
            }
        }
        for refusal in [
            read(dir.path()).err(),
            read(up_to_gap(dir.path())).err(),
            follow(dir.path(), 1).err(),
            verify::<Word>(dir.path()).err(),
            stat(dir.path()).err(),
            head(dir.path()).err(),
            lacking(dir.path()).err(),
            journal::open(&options(dir.path(), Durability::Process)).err(),
        ] {
            let Some(JournalError::Missing { path }) = refusal else { panic!("{left}: {refusal:?}") };
            assert!(path.ends_with("control"), "{left}");
        }
    }
    // A folder that was made and locked, and no more, is none yet.
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("lock"), b"").unwrap();
    fs::write(dir.path().join("control.tmp"), b"").unwrap();
    fs::create_dir(dir.path().join("snapshots")).unwrap();
    assert!(matches!(read(dir.path()), Err(JournalError::NoJournal { .. })));
    open(dir.path(), Durability::Process);
}

#[test]
fn an_older_copy_of_the_last_segment_is_missed_by_who_comes_to_its_end() {
    for durability in [Durability::Process, Durability::Disk] {
        let (live, older) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut writer = open(live.path(), durability).writer;
        for seq in 1..=300 {
            writer.append(time(seq), &input(seq)).unwrap();
            if seq == 200 {
                writer.flush().unwrap();
                copy(live.path(), older.path());
            }
        }
        writer.close().unwrap();
        fs::copy(live.path().join("control"), older.path().join("control")).unwrap();
        let gap = refused_by_all(older.path(), 300);
        let missing = &gap.missing[0];
        assert_eq!((gap.holds_to, missing.segments.clone()), (200, None));
        assert_eq!((missing.first_seq, missing.last_seq), (201, Some(300)));
        read_up_to(older.path(), &gap);
    }
}

#[test]
fn a_blank_segment_that_was_begun_is_missing() {
    for blank_first in [false, true] {
        let (dir, stat) = journal(3000, true, Durability::Process);
        let last = stat.segments.len() as u64;
        let from = if blank_first { 1 } else { last };
        for index in from..=last {
            let path = segment(dir.path(), index);
            let len = fs::metadata(&path).unwrap().len();
            fs::write(&path, vec![0; usize::try_from(len).unwrap()]).unwrap();
        }
        let gap = refused_by_all(dir.path(), 3000);
        let first_seq = stat.segments[usize::try_from(from).unwrap() - 1].first_seq;
        assert_eq!((gap.holds_to, gap.missing[0].segments.clone()), (first_seq - 1, Some(from..=last)));
        read_up_to(dir.path(), &gap);
    }
}

/// An empty last segment is no gap: neither one made ahead, nor one that was begun and got no record.
#[test]
fn an_empty_last_segment_is_the_end() {
    for durability in [Durability::Process, Durability::Disk] {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = open(dir.path(), durability).writer;
        let mut seq = 0;
        while writer.segment_index() < 2 {
            seq += 1;
            writer.append(time(seq), &input(seq)).unwrap();
        }
        writer.close().unwrap();
        check_inputs(&read(dir.path()).unwrap(), seq);
        // The one that is ahead gone: it never held anything.
        let _ = fs::remove_file(segment(dir.path(), 3));
        check_inputs(&read(dir.path()).unwrap(), seq);
        assert_eq!((lacking(dir.path()).unwrap(), follow(dir.path(), 1).unwrap()), (None, seq));
        assert_eq!(verify::<Word>(dir.path()).unwrap().records, seq);
    }
    // No record at all.
    let dir = tempfile::tempdir().unwrap();
    open(dir.path(), Durability::Disk).writer.close().unwrap();
    assert_eq!((read(dir.path()).unwrap().len(), follow(dir.path(), 1).unwrap()), (0, 0));
    assert_eq!(lacking(dir.path()).unwrap(), None);
}

#[test]
fn a_control_file_older_than_the_segments_hides_nothing_that_is_there() {
    let (old, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut writer = open(dir.path(), Durability::Process).writer;
    for seq in 1..=3000 {
        writer.append(time(seq), &input(seq)).unwrap();
        if seq == 500 {
            fs::copy(dir.path().join("control"), old.path().join("control")).unwrap();
        }
    }
    writer.close().unwrap();
    fs::copy(old.path().join("control"), dir.path().join("control")).unwrap();
    check_inputs(&read(dir.path()).unwrap(), 3000);
    assert_eq!((lacking(dir.path()).unwrap(), follow(dir.path(), 1).unwrap()), (None, 3000));
    // And a gap is seen by what stands behind it.
    let last = stat(dir.path()).unwrap().segments.len() as u64;
    fs::remove_file(segment(dir.path(), last - 1)).unwrap();
    let gap = refused_by_all(dir.path(), 3000);
    assert_eq!(gap.missing[0].segments, Some(last - 1..=last - 1));
}

#[test]
fn what_a_repair_kept_is_where_it_was_last_known() {
    let (dir, stat) = journal(3000, true, Durability::Process);
    let before = tempfile::tempdir().unwrap();
    fs::copy(dir.path().join("control"), before.path().join("control")).unwrap();
    let cut_at = stat.segments[2].first_seq + 5;
    let repaired = repair_to(dir.path(), cut_at).unwrap();
    check_inputs(&read(dir.path()).unwrap(), cut_at);
    // The repair taken back by half.
    fs::copy(before.path().join("control"), dir.path().join("control")).unwrap();
    let gap = lacking(dir.path()).unwrap().unwrap();
    assert_eq!((gap.missing[0].last_known.clone(), gap.holds_to), (repaired.kept_in, cut_at));
    read_up_to(dir.path(), &gap);
    // A repair behind what is still there makes it whole again.
    repair_to(dir.path(), cut_at).unwrap();
    check_inputs(&read(dir.path()).unwrap(), cut_at);
}

#[test]
fn a_follower_notices_what_is_lost_before_it() {
    let (dir, stat) = journal(3000, true, Durability::Process);
    let second = stat.segments[1].first_seq;
    let mut follower = Follower::open(dir.path(), 1).unwrap();
    for _ in 1..second {
        follower.poll::<Word>().unwrap().unwrap();
    }
    fs::rename(segment(dir.path(), 2), dir.path().join("away")).unwrap();
    let error = (0..5_000).find_map(|_| follower.poll::<Word>().err()).expect("the follower notices");
    let JournalError::Gap(gap) = &error else { panic!("{error}") };
    assert_eq!((gap.holds_to, index_of(gap)), (second - 1, 2));
    // A reader too.
    fs::rename(dir.path().join("away"), segment(dir.path(), 2)).unwrap();
    let mut reader = Reader::open(dir.path()).unwrap();
    fs::remove_file(segment(dir.path(), 2)).unwrap();
    let error = std::iter::from_fn(|| {
        reader.next::<Word>().map_or_else(|error| Some(Some(error)), |read| read.map(|_| None))
    });
    let error = error.flatten().next().expect("the reader notices");
    assert!(matches!(&error, JournalError::Gap(gap) if gap.holds_to == second - 1), "{error}");
}

/// What is moved elsewhere under a reader's eyes is not lost: it says where it is.
#[test]
fn who_reads_what_is_being_moved_is_told_where_it_goes() {
    let (dir, stat) = journal(3000, true, Durability::Process);
    let to = tempfile::tempdir().unwrap();
    let mut reader = Reader::open(dir.path()).unwrap();
    let mut follower = Follower::open(dir.path(), 1).unwrap();
    let copied =
        journal::copy_to_archive(dir.path(), to.path(), &[], stat.segments[4].first_seq, |_, _| ()).unwrap();
    journal::remove_archived(dir.path(), to.path(), &copied.pieces, "the attic").unwrap();
    let error = loop {
        match reader.next::<Word>() {
            Ok(record) => assert!(record.is_some(), "it does not end where segments are missing"),
            Err(error) => break error,
        }
    };
    assert!(matches!(&error, JournalError::Archived { moved_to, .. } if moved_to == "the attic"), "{error}");
    let error = (0..5_000).find_map(|_| follower.poll::<Word>().err()).expect("the follower is told");
    assert!(matches!(error, JournalError::Archived { .. }), "{error}");
}

#[test]
fn a_piece_that_is_missing_from_a_copy_is_named_with_its_records() {
    let (dir, _) = journal(3000, true, Durability::Process);
    let (to, made) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let pieces: Vec<Piece> = copy_out(dir.path(), to.path(), &[], Until::END, |_, _| ()).unwrap().pieces;
    let lost = pieces[2];
    fs::remove_file(to.path().join(lost.file_name())).unwrap();
    let next = Incarnation { count: 9 };
    let refused = copy_in(to.path(), &pieces, made.path().join("all"), SHARD, Until::END, next).unwrap_err();
    let JournalError::PieceMissing { path, first_seq, last_seq } = refused else { panic!("{refused}") };
    assert_eq!((first_seq, last_seq), (lost.first_seq, lost.head.seq));
    assert!(path.ends_with(lost.file_name()));
    // Up to there it can be restored.
    let until = Until { seq: lost.first_seq - 1, ..Until::END };
    copy_in(to.path(), &pieces, made.path().join("part"), SHARD, until, next).unwrap();
    check_inputs(&read(made.path().join("part")).unwrap(), lost.first_seq - 1);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24, rng_seed: RngSeed::Fixed(5), failure_persistence: None, ..ProptestConfig::default()
    })]

    /// Any journal with any of its segments gone: what is missing is exactly what was taken, and what is read is
    /// exactly what stands before it.
    #[test]
    fn any_segments_gone_are_exactly_what_is_named(
        count in 1u64..3_500,
        taken in prop::collection::vec(0usize..12, 0..5),
        closed: bool,
        disk: bool,
    ) {
        let durability = if disk { Durability::Disk } else { Durability::Process };
        let (dir, stat) = journal(count, closed, durability);
        let segments = stat.segments.len();
        let taken: BTreeSet<usize> = taken.into_iter().map(|index| index % segments).collect();
        for index in &taken {
            fs::remove_file(&stat.segments[*index].path).unwrap();
        }
        let first_seq = |index: usize| stat.segments.get(index).map_or(count + 1, |segment| segment.first_seq);
        // After a kill the control file may lag: it, and what is there, say how many there must be.
        let control = fs::read(dir.path().join("control")).unwrap();
        let by_control = u64::from_le_bytes(control[24..32].try_into().unwrap());
        let there = (1..=segments as u64 + 1).rev().find(|index| segment(dir.path(), *index).exists());
        let known = usize::try_from(by_control.max(there.unwrap_or(0))).unwrap();
        prop_assert!(!closed || known >= segments);
        let missed: Vec<usize> = taken.iter().copied().filter(|index| *index < known).collect();
        let Some(first) = missed.first() else {
            // The segments that nothing knows of were the last ones.
            let end = taken.first().map_or(count, |first| first_seq(*first) - 1);
            prop_assert_eq!(lacking(dir.path()).unwrap(), None);
            check_inputs(&read(dir.path()).unwrap(), end);
            return Ok(());
        };
        let gap = refused_by_all(dir.path(), count);
        prop_assert_eq!(gap.holds_to, first_seq(*first) - 1);
        let named: Vec<u64> =
            gap.missing.iter().flat_map(|stretch| stretch.segments.clone().unwrap()).collect();
        prop_assert!(missed.iter().all(|index| named.contains(&stat.segments[*index].index)), "{}", gap);
        prop_assert!(named.iter().all(|index| !segment(dir.path(), *index).exists()), "{}", gap);
        for stretch in &gap.missing {
            let run = stretch.segments.clone().unwrap();
            let (from, to) = (usize::try_from(*run.start()).unwrap() - 1, usize::try_from(*run.end()).unwrap());
            prop_assert_eq!(stretch.first_seq, first_seq(from));
            prop_assert!(stretch.may_be_more || stretch.last_seq == Some(first_seq(to) - 1), "{}", gap);
            prop_assert!(stretch.last_seq.is_none_or(|seq| seq < first_seq(to)), "{}", gap);
        }
        read_up_to(dir.path(), &gap);
    }
}
