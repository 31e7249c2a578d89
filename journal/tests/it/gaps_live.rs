//! A journal that is being written, cut, moved: whoever reads it meanwhile takes nothing for missing.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::{Word, input, open, options, time};
use journal::{
    Background, Durability, Follower, JournalError, Opened, Options, Reader, Writer, bring_back,
    copy_to_archive, lacking, remove_archived, verify,
};

/// Reads to the end; how many records there are from the first one on.
fn read(dir: &Path) -> Result<u64, JournalError> {
    let mut reader = Reader::open(dir)?;
    while reader.next::<Word>()?.is_some() {}
    // Again, from the same place: what came since.
    while reader.next::<Word>()?.is_some() {}
    Ok(reader.next_seq() - 1)
}

/// Appends until it would roll; then the background work is done one piece after the other, each before or after the
/// roll. Between any two of them everybody looks.
fn roll(writer: &mut Writer, dir: &Path, seq: &mut u64, preparer_first: bool, followers: &mut Vec<Follower>) {
    let index = writer.segment_index();
    let append = |writer: &mut Writer, seq: &mut u64| {
        *seq += 1;
        writer.ensure_room().unwrap();
        writer.append(time(*seq), &input(*seq)).unwrap();
    };
    while writer.segment_index() == index {
        append(writer, seq);
    }
    for step in 0.. {
        look(dir, *seq, followers);
        // One of the two, the other only where the first has nothing to do.
        let mut worked = preparer_first && writer.step_preparer();
        worked = worked || writer.step_flusher();
        worked = worked || writer.step_preparer();
        if !worked {
            break;
        }
        // A record now and then; in the end there is nothing left to do.
        if step % 2 == 0 && step < 20 {
            append(writer, seq);
        }
    }
    followers.push(Follower::open(dir, 1).unwrap());
}

fn look(dir: &Path, seq: u64, followers: &mut [Follower]) {
    assert_eq!(lacking(dir).unwrap(), None);
    assert!(read(dir).unwrap() <= seq);
    let mut fresh = Follower::open(dir, 1).unwrap();
    // A new one looks closely at its first look in vain, an older one after a thousand.
    let first = followers.first_mut().map(|follower| (follower, 1_030));
    for (follower, looks) in [(&mut fresh, 3)].into_iter().chain(first) {
        let mut idle = 0;
        while idle < looks {
            idle = if follower.poll::<Word>().unwrap().is_some() { 0 } else { idle + 1 };
        }
    }
}

#[test]
fn between_any_two_steps_of_a_roll_nothing_is_missed() {
    for durability in [Durability::Process, Durability::Disk] {
        for preparer_first in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let stepped = Options { background: Background::Stepped, ..options(dir.path(), durability) };
            let Opened { mut writer, .. } = journal::open(&stepped).unwrap();
            let (mut seq, mut followers) = (0, Vec::new());
            look(dir.path(), 0, &mut followers);
            for _ in 0..3 {
                roll(&mut writer, dir.path(), &mut seq, preparer_first, &mut followers);
            }
            writer.close().unwrap();
            look(dir.path(), seq, &mut followers);
            assert_eq!(followers[0].next_seq(), seq + 1);
            assert_eq!(read(dir.path()).unwrap(), seq);
        }
    }
}

/// Ends what others do.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Runs `work` while others read and follow; what they say.
fn while_others_read(dir: &Path, work: impl FnOnce()) -> Vec<JournalError> {
    let done = AtomicBool::new(false);
    let done = &done;
    std::thread::scope(|scope| {
        let read_on = move |how: fn(&Path) -> Result<u64, JournalError>| {
            let mut said = Vec::new();
            while !done.load(Ordering::Acquire) {
                said.extend(how(dir).err());
            }
            said
        };
        let readers = [
            scope.spawn(move || read_on(read)),
            scope.spawn(move || read_on(|dir| lacking(dir).map(|gap| gap.map_or(0, |gap| panic!("{gap}"))))),
            scope.spawn(move || {
                read_on(|dir| {
                    let first = journal::archived(dir)?.map_or(1, |archived| archived.first_seq());
                    let mut follower = Follower::open(dir, first)?;
                    let mut idle = 0;
                    while idle < 1_100 {
                        idle = if follower.poll::<Word>()?.is_some() { 0 } else { idle + 1 };
                    }
                    Ok(follower.next_seq())
                })
            }),
        ];
        // Also where it panics.
        let ended = Done(done);
        work();
        drop(ended);
        readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect()
    })
}

#[test]
fn nobody_who_reads_a_journal_that_is_written_to_misses_anything() {
    for durability in [Durability::Process, Durability::Disk] {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = open(dir.path(), durability).writer;
        let mut seq = 0;
        let said = while_others_read(dir.path(), || {
            while writer.segment_index() < 60 {
                seq += 1;
                writer.append(time(seq), &input(seq)).unwrap();
                if seq.is_multiple_of(64) {
                    std::thread::yield_now();
                }
            }
        });
        assert!(said.is_empty(), "{said:?}");
        writer.close().unwrap();
        assert_eq!(read(dir.path()).unwrap(), seq);
    }
}

#[test]
fn nobody_who_reads_while_segments_are_moved_away_and_back_misses_anything() {
    let (dir, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut writer = open(dir.path(), Durability::Process).writer;
    for seq in 1..=4_000 {
        writer.append(time(seq), &input(seq)).unwrap();
    }
    let said = while_others_read(dir.path(), || {
        let mut pieces = Vec::new();
        for _ in 0..6 {
            for seq in [1_000, 2_000, 3_000] {
                pieces = copy_to_archive(dir.path(), to.path(), &pieces, seq, |_, _| ()).unwrap().pieces;
                remove_archived(dir.path(), to.path(), &pieces, "the attic").unwrap();
            }
            bring_back(dir.path(), to.path(), &pieces).unwrap();
        }
    });
    for error in said {
        assert!(matches!(error, JournalError::Archived { .. }), "{error}");
    }
    writer.close().unwrap();
    assert_eq!(verify::<Word>(dir.path()).unwrap().records, 4_000);
}

#[test]
fn nobody_who_reads_while_a_repair_cuts_misses_what_it_cut() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path(), Durability::Process).writer;
    for seq in 1..=4_000 {
        writer.append(time(seq), &input(seq)).unwrap();
    }
    writer.close().unwrap();
    let said = while_others_read(dir.path(), || {
        for seq in (500..4_000).rev().step_by(250) {
            journal::repair_to(dir.path(), seq).unwrap();
        }
    });
    // A reader that was beyond the cut starts anew; it may have met the bytes that are being overwritten.
    for error in said {
        assert!(!matches!(error, JournalError::Gap(_)), "{error}");
    }
    assert!(read(dir.path()).unwrap() >= 500);
}
