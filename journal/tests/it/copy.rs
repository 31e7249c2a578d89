//! Copies of a journal: taken while it is written to, continued, cut, and refused where they are not what was hashed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::{SHARD, Word, input, open, time};
use journal::{CopiedIn, Durability, JournalError, Piece, Record, Until, copy_in, copy_out, head, verify};
use machine::Incarnation;

const NEXT: Incarnation = Incarnation { count: 70 };

fn written(dir: &Path, from: u64, to: u64) {
    let mut writer = open(dir, Durability::Process).writer;
    for n in from..=to {
        writer.append(time(n), &input(n)).unwrap();
    }
    writer.close().unwrap();
}

fn records(dir: &Path) -> Vec<Record<Word>> {
    let mut reader = journal::Reader::open(dir).unwrap();
    std::iter::from_fn(|| reader.next::<Word>().unwrap()).collect()
}

/// The files of a copy, each with its inode: what is not touched keeps it.
fn files(dir: &Path) -> BTreeMap<String, u64> {
    let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().ino())).collect()
}

fn until(seq: u64) -> Until {
    Until { seq, ..Until::END }
}

fn restore(from: &Path, pieces: &[Piece], to: &Path, until: Until) -> Result<CopiedIn, JournalError> {
    copy_in(from, pieces, to, SHARD, until, NEXT)
}

#[test]
fn a_copy_taken_while_it_is_written_to_is_a_journal_of_its_own() {
    for durability in [Durability::Process, Durability::Disk] {
        let (dir, copy, restored) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut writer = open(dir.path(), durability).writer;
        for n in 1..=2000 {
            writer.append(time(n), &input(n)).unwrap();
        }
        writer.flush().unwrap();
        let goes_on = AtomicBool::new(true);
        let copied = std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 2001..200_000 {
                    if !goes_on.load(Ordering::Acquire) {
                        break;
                    }
                    writer.append(time(n), &input(n)).unwrap();
                }
            });
            let copied = copy_out(dir.path(), copy.path(), &[], Until::END, |_, _| ()).unwrap();
            goes_on.store(false, Ordering::Release);
            copied
        });
        writer.close().unwrap();
        let last = copied.pieces.last().unwrap().head;
        assert!(last.seq >= 2000, "{last}");
        journal::verify_head(dir.path(), &last).unwrap();
        let whole = restore(copy.path(), &copied.pieces, restored.path(), Until::END).unwrap();
        assert_eq!((whole.head, head(restored.path()).unwrap()), (last, last));
        assert_eq!(verify::<Word>(restored.path()).unwrap().last_seq, last.seq);
        let (original, read) = (records(dir.path()), records(restored.path()));
        assert_eq!(read[..], original[..read.len()]);
        let recovery = open(restored.path(), durability).recovery;
        assert_eq!((recovery.last_seq, recovery.incarnation.count, recovery.cut), (last.seq, 71, None));
    }
}

#[test]
fn a_second_copy_takes_only_what_is_new() {
    let (dir, copy, restored) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    written(dir.path(), 1, 3000);
    let first = copy_out(dir.path(), copy.path(), &[], Until::END, |_, _| ()).unwrap();
    let (sealed, growing): (Vec<&Piece>, Vec<&Piece>) =
        first.pieces.iter().partition(|piece| piece.is_sealed);
    assert!(sealed.len() > 2 && growing.len() == 1, "{:?}", first.pieces);
    let before = files(copy.path());
    written(dir.path(), 3001, 3400);
    let mut looked = Vec::new();
    let look = |kind, payload: &[u8]| looked.push((kind, payload.to_vec()));
    let second = copy_out(dir.path(), copy.path(), &first.pieces, Until::END, look).unwrap();
    // Whoever looks is shown what is copied, and nothing that was before.
    let begins = growing[0].first_seq;
    let copied: Vec<_> = (begins..=3400).map(|seq| (input(seq).kind, input(seq).bytes)).collect();
    assert!(looked == copied, "{} records from {begins} on", looked.len());
    assert!(second.copied_bytes < 3 * 128 * 1024 && second.copied_bytes > 0, "{}", second.copied_bytes);
    assert_eq!(second.pieces[..sealed.len()], first.pieces[..sealed.len()]);
    // The first copy is whole until somebody takes it away.
    let after = files(copy.path());
    for (name, inode) in &before {
        assert_eq!(after.get(name), Some(inode), "{name}");
    }
    restore(copy.path(), &first.pieces, &restored.path().join("1"), Until::END).unwrap();
    restore(copy.path(), &second.pieces, &restored.path().join("2"), Until::END).unwrap();
    assert_eq!(records(&restored.path().join("1")).len(), 3000);
    assert_eq!(head(restored.path().join("2")).unwrap(), head(dir.path()).unwrap());
    // A piece that is gone or short is copied again, and everything behind it.
    std::fs::remove_file(copy.path().join(first.pieces[1].file_name())).unwrap();
    let third = copy_out(dir.path(), copy.path(), &second.pieces, Until::END, |_, _| ()).unwrap();
    assert_eq!(third.pieces, second.pieces);
    assert_eq!(third.copied_bytes, second.pieces[1..].iter().map(|piece| piece.len_bytes).sum::<u64>());
}

#[test]
fn a_journal_with_another_history_is_not_added_to_a_copy() {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    written(dir.path(), 1, 3000);
    let first = copy_out(dir.path(), copy.path(), &[], Until::END, |_, _| ()).unwrap();
    let before = files(copy.path());
    // Cut within what was copied, and written anew.
    journal::repair_to(dir.path(), first.pieces[1].first_seq + 5).unwrap();
    let refused = copy_out(dir.path(), copy.path(), &first.pieces, Until::END, |_, _| ()).unwrap_err();
    assert!(matches!(refused, JournalError::Chain { .. }), "{refused}");
    written(dir.path(), 5000, 8000);
    let refused = copy_out(dir.path(), copy.path(), &first.pieces, Until::END, |_, _| ()).unwrap_err();
    assert!(matches!(refused, JournalError::Chain { .. }), "{refused}");
    assert_eq!(files(copy.path()), before);
}

#[test]
fn a_journal_that_is_not_what_it_hashed_itself_is_not_copied() {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    written(dir.path(), 1, 2500);
    // Another hash of all before the third segment, with its own checksum right.
    let segment = dir.path().join("00000003.segment");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[200] ^= 1;
    let crc = crc32c::crc32c(&bytes[192..224]);
    bytes[224..228].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(&segment, bytes).unwrap();
    let refused = copy_out(dir.path(), copy.path(), &[], Until::END, |_, _| ()).unwrap_err();
    assert!(matches!(&refused, JournalError::Chain { path, .. } if *path == segment), "{refused}");
}

#[test]
fn a_copy_is_cut_behind_any_record_or_time() {
    let (dir, copy, work) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    written(dir.path(), 1, 2500);
    let all = records(dir.path());
    let pieces = copy_out(dir.path(), copy.path(), &[], Until::END, |_, _| ()).unwrap().pieces;
    let edges = pieces.iter().flat_map(|piece| [piece.first_seq - 1, piece.first_seq, piece.head.seq]);
    let points: BTreeSet<u64> = edges.chain([0, 1, 777, 2499, 2500, 9999]).collect();
    for seq in points {
        for (kind, until) in [("seq", until(seq)), ("time", Until { time: time(seq), ..Until::END })] {
            let to = work.path().join(format!("{kind}-{seq}"));
            let kept = seq.min(2500);
            let cut = restore(copy.path(), &pieces, &to, until).unwrap();
            assert_eq!((cut.head.seq, head(&to).unwrap()), (kept, cut.head), "{kind} {seq}");
            assert_eq!(records(&to)[..], all[..usize::try_from(kept).unwrap()]);
            journal::verify::<Word>(&to).unwrap();
            journal::verify_head(dir.path(), &cut.head).unwrap();
            let mut opened = open(&to, Durability::Process);
            assert_eq!((opened.recovery.last_seq, opened.recovery.incarnation.count), (kept, 71));
            assert_eq!(opened.writer.append(time(9999), &input(1)).unwrap().seq, kept + 1);
            opened.writer.close().unwrap();
            assert_eq!(records(&to).len() as u64, kept + 1);
        }
    }
    // The other way round: what is copied only up to a point.
    let part = copy_out(dir.path(), work.path().join("part"), &[], until(1234), |_, _| ()).unwrap();
    assert_eq!(part.pieces.last().unwrap().head.seq, 1234);
}

#[test]
fn a_copy_that_was_changed_is_refused() {
    let (dir, copy, work) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    written(dir.path(), 1, 1200);
    let pieces = copy_out(dir.path(), copy.path(), &[], Until::END, |_, _| ()).unwrap().pieces;
    let path = copy.path().join(pieces[1].file_name());
    let whole = std::fs::read(&path).unwrap();
    let mut attempts = 0;
    let mut refused = |bytes: &[u8], pieces: &[Piece]| {
        attempts += 1;
        std::fs::write(&path, bytes).unwrap();
        let to = work.path().join(attempts.to_string());
        let error = restore(copy.path(), pieces, &to, Until::END).unwrap_err();
        // There is no journal then, and nothing takes it for one.
        assert!(journal::stat(&to).is_err());
        error
    };
    for at in (0..64).chain((4096..whole.len()).step_by(whole.len() / 30)) {
        let mut changed = whole.clone();
        changed[at] ^= 4;
        refused(&changed, &pieces);
    }
    assert!(matches!(refused(&whole[..whole.len() - 8], &pieces), JournalError::Size { .. }));
    let without: Vec<Piece> = pieces.iter().copied().filter(|piece| piece.index != 2).collect();
    assert!(matches!(refused(&whole, &without), JournalError::Chain { .. }));
    let mut other = pieces.clone();
    other[1].head.hash[0] ^= 1;
    assert!(matches!(refused(&whole, &other), JournalError::Chain { .. }));
    std::fs::remove_file(&path).unwrap();
    let missing = restore(copy.path(), &pieces, &work.path().join("missing"), Until::END).unwrap_err();
    assert!(matches!(missing, JournalError::PieceMissing { .. }), "{missing}");
}

#[test]
fn a_journal_that_is_there_is_not_overwritten() {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    written(dir.path(), 1, 50);
    let pieces = copy_out(dir.path(), copy.path(), &[], Until::END, |_, _| ()).unwrap().pieces;
    let refused = restore(copy.path(), &pieces, dir.path(), Until::END).unwrap_err();
    assert!(matches!(refused, JournalError::Exists { .. }), "{refused}");
    assert_eq!(records(dir.path()).len(), 50);
}
