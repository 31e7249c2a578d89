//! Moving old segments elsewhere, and bringing them back. A node may be writing meanwhile.
//!
//! Elsewhere they are pieces, as in a backup, under the same hashes. First they are copied and read back; then the
//! journal says where it starts; only then are they removed. Interrupted anywhere, the journal is whole, and the same
//! words again finish the job.

use blake3::Hasher;
use machine::ShardId;

use crate::archived::Archived;
use crate::chain;
use crate::copy_in::{place, read_header};
use crate::copy_out::{CopiedOut, copy_out};
use crate::directory::Directory;
use crate::disk::{Access, Folder, Lock};
use crate::error::JournalError;
use crate::header::SEGMENT_HEADER_BYTES;
use crate::piece::{Piece, Until};
use crate::scan::SegmentScan;

/// Read at once.
const CHUNK_BYTES: usize = 1024 * 1024;

/// Copies those segments of the journal in `dir` to the folder `to` that hold only records before `seq`, but for those
/// that are there from an earlier time, `known`. `look` is as in [`copy_out`]. Nothing is removed yet; no piece is new where there is nothing to move.
pub fn copy_to_archive(
    dir: impl Into<Folder>,
    to: impl Into<Folder>,
    known: &[Piece],
    seq: u64,
    look: impl FnMut(u8, &[u8]),
) -> Result<CopiedOut, JournalError> {
    let (directory, to) = (Directory::new(dir), to.into());
    let shard = directory.require_control()?.shard;
    let mut last_seq = directory.first()?.before.seq;
    for index in directory.segments()? {
        let Some(scan) = SegmentScan::open(&directory, index, shard)? else { break };
        // All before a segment are sealed, so the one that is written to stays.
        if scan.page.fixed.first_seq > seq {
            break;
        }
        last_seq = scan.page.fixed.first_seq - 1;
    }
    copy_out(directory.folder(), to, known, Until { seq: last_seq, ..Until::END }, look)
}

/// Says that the journal in `dir` starts behind `pieces`, which were copied to `to`, and removes what is before. Each
/// piece is read back first. `moved_to` is what whoever misses a record will be told. Returns how many were removed.
pub fn remove_archived(
    dir: impl Into<Folder>,
    to: impl Into<Folder>,
    pieces: &[Piece],
    moved_to: &str,
) -> Result<u64, JournalError> {
    let (directory, to) = (Directory::new(dir), Directory::new(to));
    let shard = directory.require_control()?.shard;
    let _lock = lock(&directory)?;
    let first = directory.first()?;
    let Some(last) = pieces.last().filter(|last| last.index >= first.first_segment) else {
        return remove_before(&directory, first.first_segment);
    };
    check_joined(&directory, pieces)?;
    let covers_all = pieces.first().is_some_and(|piece| piece.index <= first.first_segment);
    if !covers_all || chain::before_segment(&directory, shard, last.index + 1)? != last.head {
        return Err(JournalError::Chain { path: directory.path().to_path_buf(), seq: last.head.seq });
    }
    // What was moved earlier is no longer here to be copied again, and is not read once more.
    for piece in pieces.iter().filter(|piece| piece.index >= first.first_segment) {
        check_piece(&to, piece, shard)?;
    }
    let archived =
        Archived { first_segment: last.index + 1, before: last.head, moved_to: moved_to.to_owned() };
    directory.write_archived(shard, &archived)?;
    remove_before(&directory, archived.first_segment)
}

/// Brings segments back from `from` that were moved there: those of `pieces` that the journal in `dir` lacks. Returns
/// the first record that is there then.
pub fn bring_back(
    dir: impl Into<Folder>,
    from: impl Into<Folder>,
    pieces: &[Piece],
) -> Result<u64, JournalError> {
    let (directory, from) = (Directory::new(dir), Directory::new(from));
    let shard = directory.require_control()?.shard;
    let _lock = lock(&directory)?;
    let here = directory.first()?;
    let lacking: Vec<Piece> =
        pieces.iter().copied().filter(|piece| piece.index < here.first_segment).collect();
    let Some(first) = lacking.first() else { return Ok(here.first_seq()) };
    check_joined(&directory, &lacking)?;
    if lacking.last().is_none_or(|last| last.head != here.before) {
        return Err(JournalError::Chain { path: directory.path().to_path_buf(), seq: here.before.seq });
    }
    for piece in &lacking {
        place(&from, piece, &directory, shard)?;
    }
    directory.sync()?;
    let archived = Archived { first_segment: first.index, before: first.before, ..here };
    directory.write_archived(shard, &archived)?;
    Ok(archived.first_seq())
}

/// One at a time; the writer's lock is another one.
fn lock(directory: &Directory) -> Result<Lock, JournalError> {
    let path = directory.path().join("archive.lock");
    match directory.disk().lock(&path) {
        Ok(Some(lock)) => Ok(lock),
        Ok(None) => Err(JournalError::Moving { dir: directory.path().to_path_buf() }),
        Err(error) => Err(JournalError::io("lock", &path, error)),
    }
}

/// Each piece begins where the one before ends, and is whole.
fn check_joined(directory: &Directory, pieces: &[Piece]) -> Result<(), JournalError> {
    let mut before = pieces.first().map(|piece| piece.before);
    for piece in pieces {
        if Some(piece.before) != before || !piece.is_sealed {
            let path = directory.path().to_path_buf();
            return Err(JournalError::Chain { path, seq: piece.before.seq });
        }
        before = Some(piece.head);
    }
    Ok(())
}

/// Removes segments before the first one, the lowest last: whatever is left is of no account.
fn remove_before(directory: &Directory, first_segment: u64) -> Result<u64, JournalError> {
    let mut removed = 0;
    for index in directory.all_segments()?.into_iter().rev().filter(|index| *index < first_segment) {
        directory.remove(&directory.segment_path(index))?;
        removed += 1;
    }
    directory.sync()?;
    Ok(removed)
}

/// Reads a piece back: it holds what was hashed.
fn check_piece(to: &Directory, piece: &Piece, shard: ShardId) -> Result<(), JournalError> {
    let path = to.path().join(piece.file_name());
    let fixed = read_header(to, piece, shard)?;
    let mut hasher = Hasher::new();
    hasher.update(&piece.before.hash);
    hasher.update(&fixed.encode());
    let refused = |error| JournalError::io("read", &path, error);
    let file = to.open(&path, Access::Read).map_err(refused)?;
    let (mut chunk, mut at) = (vec![0; CHUNK_BYTES], SEGMENT_HEADER_BYTES as u64);
    loop {
        let read = file.read_at(&mut chunk, at).map_err(refused)?;
        if read == 0 {
            break;
        }
        hasher.update(chunk.get(..read).unwrap_or(&[]));
        at += read as u64;
    }
    if *hasher.finalize().as_bytes() == piece.head.hash {
        Ok(())
    } else {
        Err(JournalError::Chain { path, seq: piece.head.seq })
    }
}
