//! Segments that were moved elsewhere are known, segments that are missing are named, and both come back.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::{SHARD, Word, input, open, read_all, time};
use journal::{
    CopiedOut, Durability, Follower, JournalError, Piece, Reader, Until, archived, bring_back, copy_in,
    copy_out, copy_to_archive, head, remove_archived, repair_to, stat, verify, verify_head,
};
use machine::Incarnation;

struct World {
    dir: tempfile::TempDir,
}

impl World {
    /// A journal of some segments.
    fn new(records: u64) -> Self {
        let world = Self { dir: tempfile::tempdir().unwrap() };
        world.write(1, records);
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn journal(&self) -> PathBuf {
        self.path("journal")
    }

    fn write(&self, from: u64, to: u64) {
        let mut writer = open(&self.journal(), Durability::Process).writer;
        for n in from..=to {
            writer.append(time(n), &input(n)).unwrap();
        }
        writer.close().unwrap();
    }

    fn copy(&self, known: &[Piece], seq: u64) -> CopiedOut {
        copy_to_archive(self.journal(), self.path("archive"), known, seq, |_, _| ()).unwrap()
    }

    fn remove(&self, pieces: &[Piece]) -> Result<u64, JournalError> {
        remove_archived(self.journal(), self.path("archive"), pieces, "the attic")
    }

    /// Moves everything before `seq`; the pieces.
    fn archive(&self, known: &[Piece], seq: u64) -> Vec<Piece> {
        let pieces = self.copy(known, seq).pieces;
        self.remove(&pieces).unwrap();
        pieces
    }

    fn first_seq(&self) -> u64 {
        archived(self.journal()).unwrap().map_or(1, |archived| archived.first_seq())
    }

    /// It is whole from where it starts, and holds what it always did.
    fn check(&self, records: u64) {
        let (first, path) = (self.first_seq(), self.journal());
        let report = verify::<Word>(&path).unwrap();
        assert_eq!((report.last_seq, report.records), (records, records + 1 - first));
        let read = read_all(&path).unwrap();
        assert_eq!((read[0].position.seq, read.len() as u64), (first, records + 1 - first));
        let mut follower = Follower::open(&path, first + 3).unwrap();
        assert_eq!(follower.poll::<Word>().unwrap().unwrap().position.seq, first + 3);
        let refused = Reader::from_seq(&path, first - 1).map(|_| ());
        match refused {
            Err(JournalError::Archived { seq, first: from, moved_to, .. }) => {
                assert_eq!((seq, from, moved_to.as_str()), (first - 1, first, "the attic"));
            }
            Err(JournalError::NotHere { .. }) => assert_eq!(first, 1),
            other => panic!("{other:?}"),
        }
    }
}

fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn old_segments_are_moved_while_it_is_written_to_and_brought_back() {
    for durability in [Durability::Process, Durability::Disk] {
        let world = World::new(3000);
        let path = world.journal();
        let whole = head(&path).unwrap();
        let mut writer = open(&path, durability).writer;
        let goes_on = AtomicBool::new(true);
        let mut last = 3000;
        let pieces = std::thread::scope(|scope| {
            let appended = scope.spawn(|| {
                for n in 3001..=200_000 {
                    writer.append(time(n), &input(n)).unwrap();
                    if !goes_on.load(Ordering::Acquire) {
                        return n;
                    }
                }
                200_000
            });
            let pieces = world.archive(&[], 1500);
            goes_on.store(false, Ordering::Release);
            last = appended.join().unwrap();
            pieces
        });
        writer.close().unwrap();
        // Record 1500 itself is still here, and everything before its segment is not.
        let first = world.first_seq();
        assert!(first > 1 && first <= 1500, "{first}");
        assert_eq!(
            (pieces.last().unwrap().head.seq, stat(&path).unwrap().segments[0].first_seq),
            (first - 1, first)
        );
        assert!(!path.join("00000001.segment").exists());
        world.check(last);
        verify_head(&path, &whole).unwrap();
        let early = verify_head(&path, &pieces[0].head).unwrap_err();
        assert!(matches!(early, JournalError::Archived { .. }), "{early}");
        verify_head(&path, &pieces.last().unwrap().head).unwrap();
        // It is opened and written to as ever.
        world.write(last + 1, last + 500);
        world.check(last + 500);
        // Later more of it; then all of it back.
        let more = world.archive(&pieces, last);
        assert!(more.len() > pieces.len() && more[..pieces.len()] == pieces[..]);
        world.check(last + 500);
        assert_eq!(bring_back(&path, world.path("archive"), &more).unwrap(), 1);
        assert_eq!(archived(&path).unwrap(), None);
        world.check(last + 500);
        verify_head(&path, &pieces[0].head).unwrap();
        world.write(last + 501, last + 510);
    }
}

#[test]
fn a_writer_that_dies_after_all_that_it_sealed_was_moved_leaves_a_journal_that_opens() {
    for durability in [Durability::Process, Durability::Disk] {
        let world = World { dir: tempfile::tempdir().unwrap() };
        let mut writer = open(&world.journal(), durability).writer;
        for n in 1..=3000 {
            writer.append(time(n), &input(n)).unwrap();
        }
        if durability == Durability::Disk {
            writer.flush().unwrap();
        }
        let pieces = world.archive(&[], u64::MAX);
        let killed = world.path("killed");
        crate::common::copy(&world.journal(), &killed);
        std::fs::copy(world.journal().join("archived"), killed.join("archived")).unwrap();
        let mut opened = open(&killed, durability);
        assert_eq!((opened.recovery.last_seq, opened.recovery.segments), (3000, 1));
        opened.writer.append(time(3001), &input(3001)).unwrap();
        opened.writer.close().unwrap();
        assert_eq!(verify::<Word>(&killed).unwrap().records, 3001 - pieces.last().unwrap().head.seq);
        // The writer that lives goes on, and closes in order.
        writer.append(time(3001), &input(3001)).unwrap();
        writer.close().unwrap();
        world.check(3001);
    }
}

#[test]
fn a_missing_segment_is_an_error_and_a_moved_one_is_not() {
    let world = World::new(3000);
    let path = world.journal();
    world.archive(&[], 1500);
    let (first, first_seq) = (archived(&path).unwrap().unwrap().first_segment, world.first_seq());
    for index in [first, first + 1] {
        let segment = path.join(format!("{index:08}.segment"));
        std::fs::rename(&segment, world.path("away")).unwrap();
        for refused in [
            verify::<Word>(&path).map(|_| ()),
            journal::open(&crate::common::options(&path, Durability::Process)).map(|_| ()),
        ] {
            let Err(JournalError::Gap(gap)) = refused else { panic!("{refused:?}") };
            assert_eq!((gap.missing.len(), gap.missing[0].segments.clone()), (1, Some(index..=index)));
            assert_eq!(gap.moved, Some((first_seq - 1, "the attic".to_owned())));
            assert!(
                gap.holds_to + 1 >= first_seq && (index > first || gap.holds_to + 1 == first_seq),
                "{gap}"
            );
        }
        std::fs::rename(world.path("away"), &segment).unwrap();
    }
    let refused = repair_to(&path, 5).unwrap_err();
    assert!(
        matches!(refused, JournalError::NotHere { first: from, .. } if from == world.first_seq()),
        "{refused}"
    );
    // Without the word that something was moved, it is missing.
    std::fs::rename(path.join("archived"), world.path("away")).unwrap();
    let Err(JournalError::Gap(gap)) = verify::<Word>(&path) else { panic!("it is missed") };
    assert_eq!((gap.holds_to, gap.missing[0].segments.clone(), gap.moved), (0, Some(1..=first - 1), None));
    assert_eq!((gap.missing[0].first_seq, gap.missing[0].last_seq), (1, Some(first_seq - 1)));
    std::fs::rename(world.path("away"), path.join("archived")).unwrap();
    repair_to(&path, 2000).unwrap();
    world.check(2000);
}

#[test]
fn interrupted_anywhere_it_is_whole_and_the_same_words_finish_the_job() {
    let world = World::new(3000);
    let path = world.journal();
    let before = files(&path);
    // Copied, and no more.
    let pieces = world.copy(&[], 2000).pieces;
    assert!(files(&path).iter().filter(|(path, _)| !path.ends_with("archive.lock")).eq(&before));
    world.check(3000);
    // The journal says where it starts, and some segments or all are still there.
    let removed = world.remove(&pieces).unwrap();
    assert_eq!(removed, pieces.len() as u64);
    for still_there in [1, 2, pieces.len()] {
        for (path, bytes) in before
            .iter()
            .filter(|(path, _)| path.extension().is_some_and(|end| end == "segment"))
            .take(still_there)
        {
            std::fs::write(path, bytes).unwrap();
        }
        world.check(3000);
        let again = world.copy(&pieces, 2000);
        assert_eq!((again.copied_bytes, &again.pieces), (0, &pieces));
        assert_eq!(world.remove(&pieces).unwrap(), still_there as u64);
        world.check(3000);
    }
    // Brought back in part, and the journal does not say so yet.
    let word = std::fs::read(path.join("archived")).unwrap();
    bring_back(&path, world.path("archive"), &pieces).unwrap();
    std::fs::remove_file(path.join("00000001.segment")).unwrap();
    std::fs::write(path.join("archived"), word).unwrap();
    world.check(3000);
    assert_eq!(bring_back(&path, world.path("archive"), &pieces).unwrap(), 1);
    world.check(3000);
}

#[test]
fn nothing_is_removed_that_does_not_read_back_and_nothing_comes_back_that_is_not_the_same() {
    let world = World::new(3000);
    let path = world.journal();
    let pieces = world.copy(&[], 2000).pieces;
    let piece = world.path("archive").join(pieces[1].file_name());
    let whole = std::fs::read(&piece).unwrap();
    let before = files(&path);
    let damage = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 2;
        std::fs::write(&piece, bytes).unwrap();
    };
    for at in [20, 4096, 5000, whole.len() - 1] {
        damage(at);
        assert!(world.remove(&pieces).is_err(), "{at}");
        assert!(files(&path).iter().filter(|(path, _)| !path.ends_with("archive.lock")).eq(&before));
    }
    std::fs::write(&piece, &whole).unwrap();
    assert!(matches!(world.remove(&pieces[1..]), Err(JournalError::Chain { .. })), "one is not there");
    let whole_head = head(&path).unwrap();
    world.remove(&pieces).unwrap();
    for at in [4100, whole.len() - 1] {
        damage(at);
        assert!(bring_back(&path, world.path("archive"), &pieces).is_err(), "{at}");
        world.check(3000);
    }
    std::fs::write(&piece, &whole).unwrap();
    let refused = bring_back(&path, world.path("archive"), &pieces[..1]).unwrap_err();
    assert!(matches!(refused, JournalError::Chain { .. }), "{refused}");
    let other = World::new(2500);
    let theirs = other.archive(&[], 2000);
    let refused = bring_back(&path, other.path("archive"), &theirs).unwrap_err();
    assert!(matches!(refused, JournalError::Chain { .. }), "{refused}");
    world.check(3000);
    assert_eq!(bring_back(&path, world.path("archive"), &pieces).unwrap(), 1);
    verify_head(&path, &whole_head).unwrap();
}

#[test]
fn a_copy_of_what_is_left_is_a_journal_that_starts_there() {
    let world = World::new(3000);
    let path = world.journal();
    let earlier = copy_out(&path, world.path("copy"), &[], Until::END, |_, _| ()).unwrap().pieces;
    let pieces = world.archive(&[], 1500);
    world.write(3001, 3100);
    // An earlier copy goes on, and still holds what was moved since.
    let whole = copy_out(&path, world.path("copy"), &earlier, Until::END, |_, _| ()).unwrap().pieces;
    assert_eq!((whole[0].index, whole.last().unwrap().head.seq), (1, 3100));
    // A new one starts where the journal does.
    let part = copy_out(&path, world.path("new"), &[], Until::END, |_, _| ()).unwrap().pieces;
    assert_eq!(part[0].first_seq, world.first_seq());
    let restored = world.path("restored");
    let next = Incarnation { count: 90 };
    let copied = copy_in(world.path("new"), &part, &restored, SHARD, Until::END, next).unwrap();
    assert_eq!((copied.head, head(&path).unwrap()), (head(&restored).unwrap(), head(&restored).unwrap()));
    assert_eq!(verify::<Word>(&restored).unwrap().records, 3100 - pieces.last().unwrap().head.seq);
    open(&restored, Durability::Process).writer.close().unwrap();
    let early = Until { seq: 10, ..Until::END };
    let refused = copy_in(world.path("new"), &part, world.path("early"), SHARD, early, next).unwrap_err();
    assert!(matches!(refused, JournalError::NotHere { .. }), "{refused}");
    // A copy that ends before what was moved cannot go on.
    let gap = copy_out(&path, world.path("copy"), &earlier[..1], Until::END, |_, _| ()).unwrap_err();
    assert!(matches!(gap, JournalError::Archived { .. }), "{gap}");
}
