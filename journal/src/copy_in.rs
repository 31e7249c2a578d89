//! Making a journal of a copy, up to a point, with every hash compared on the way.

use machine::{Incarnation, ShardId, Timestamp};

use crate::archived::Archived;
use crate::chain::hash_segment;
use crate::directory::{Control, Directory};
use crate::disk::{Access, Folder};
use crate::error::JournalError;
use crate::files;
use crate::head::Head;
use crate::header::{CHAIN_AT, DURABLE_AT, FIXED_BYTES, SegmentHeader, encode_chain, word_bytes};
use crate::layout::field;
use crate::piece::{Piece, Until};
use crate::repair;
use crate::scan::{Peek, SegmentScan, header_error};

/// What a copy was made into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopiedIn {
    /// Everything in it.
    pub head: Head,
    /// The last record's time.
    pub last_time: Timestamp,
    /// How many segments it has.
    pub segments: u64,
}

/// Makes a journal in `to`, where there must be none, of the `pieces` in `from`, up to `until`.
///
/// Its next opening gets the incarnation after `incarnation`: it must be higher than any that the journal ever had, or
/// ids that are out would be issued again.
pub fn copy_in(
    from: impl Into<Folder>,
    pieces: &[Piece],
    to: impl Into<Folder>,
    shard: ShardId,
    until: Until,
    incarnation: Incarnation,
) -> Result<CopiedIn, JournalError> {
    let (from, directory) = (Directory::new(from), Directory::new(to));
    directory.create()?;
    if directory.read_control()?.is_some() || !directory.segments()?.is_empty() {
        return Err(JournalError::Exists { dir: directory.path().to_path_buf() });
    }
    let origin = pieces.first().map_or(Head::ORIGIN, |piece| piece.before);
    if until.seq < origin.seq {
        return Err(JournalError::NotHere { seq: until.seq, first: origin.seq + 1 });
    }
    let mut copied = CopiedIn { head: origin, last_time: Timestamp::default(), segments: 0 };
    let mut control = Control { shard, incarnation, segment: 0, seq: 0 };
    for piece in pieces {
        if piece.before != copied.head {
            return Err(JournalError::Chain { path: from.path().to_path_buf(), seq: piece.before.seq });
        }
        if piece.first_seq > until.seq {
            break;
        }
        place(&from, piece, &directory, shard)?;
        let Some((head, last_time)) = cut_to(&directory, shard, piece, until)? else { break };
        copied = CopiedIn { head, last_time, segments: copied.segments + 1 };
        (control.segment, control.seq) = (piece.index, head.seq);
        if head != piece.head {
            break;
        }
    }
    directory.sync()?;
    if let Some(first) = pieces.first().filter(|first| first.index > 1) {
        if copied.segments == 0 {
            return Err(JournalError::NotHere { seq: origin.seq, first: first.first_seq });
        }
        let moved_to = "another place before this copy was taken".to_owned();
        let archived = Archived { first_segment: first.index, before: first.before, moved_to };
        directory.write_archived(shard, &archived)?;
    }
    // Last: without it there is no journal.
    directory.write_control(&control)?;
    Ok(copied)
}

/// Makes a segment of a piece, and proves that its records are those that were hashed.
pub(crate) fn place(
    from: &Directory,
    piece: &Piece,
    to: &Directory,
    shard: ShardId,
) -> Result<(), JournalError> {
    let (path, beside) = (from.path().join(piece.file_name()), to.preparation_path());
    let fixed = read_header(from, piece, shard)?;
    let count = u32::try_from(piece.head.seq + 1 - piece.first_seq).unwrap_or(u32::MAX);
    let written = (|| {
        let (source, file) = (from.open(&path, Access::Read)?, to.open(&beside, Access::Create)?);
        file.allocate(fixed.segment_bytes)?;
        files::copy_bytes(&*source, &*file)?;
        file.write_all_at(&word_bytes(count, DURABLE_AT, piece.index), DURABLE_AT as u64)?;
        file.write_all_at(&encode_chain(&piece.before.hash), CHAIN_AT as u64)?;
        file.sync_all()?;
        to.disk().rename(&beside, &to.segment_path(piece.index))
    })();
    written.map_err(|error| {
        // What was allocated so far would keep the disk full.
        let _ = to.disk().remove(&beside);
        JournalError::io("write", &to.segment_path(piece.index), error)
    })?;
    if hash_segment(to, shard, piece.index, &piece.before.hash, u64::MAX)? == piece.head {
        return Ok(());
    }
    to.remove(&to.segment_path(piece.index))?;
    Err(JournalError::Chain { path, seq: piece.head.seq })
}

pub(crate) fn read_header(
    from: &Directory,
    piece: &Piece,
    shard: ShardId,
) -> Result<SegmentHeader, JournalError> {
    let path = from.path().join(piece.file_name());
    let mut bytes = [0; FIXED_BYTES];
    let read = from.open(&path, Access::Read).and_then(|file| {
        let found = file.len()?;
        if found == piece.len_bytes {
            file.read_exact_at(&mut bytes, 0)?;
        }
        Ok(found)
    });
    let found = read.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            let (path, first_seq, last_seq) = (path.clone(), piece.first_seq, piece.head.seq);
            JournalError::PieceMissing { path, first_seq, last_seq }
        }
        _ => JournalError::io("read", &path, error),
    })?;
    if found != piece.len_bytes {
        return Err(JournalError::Size { path, found, expected: piece.len_bytes });
    }
    let fixed = SegmentHeader::decode(&bytes).map_err(|fault| header_error(path.clone(), fault))?;
    if fixed.shard != shard {
        return Err(JournalError::Shard { path, found: fixed.shard, expected: shard });
    }
    let fits = fixed.index == piece.index
        && fixed.first_seq == piece.first_seq
        && (piece.len_bytes..=u64::from(u32::MAX)).contains(&fixed.segment_bytes);
    if fits { Ok(fixed) } else { Err(JournalError::Header { path, what: "not what the copy says of it" }) }
}

/// Cuts a segment that goes beyond `until`; `None` where nothing of it is left.
fn cut_to(
    directory: &Directory,
    shard: ShardId,
    piece: &Piece,
    until: Until,
) -> Result<Option<(Head, Timestamp)>, JournalError> {
    if until.covers(piece.head.seq, piece.last_time.nanos) {
        return Ok(Some((piece.head, piece.last_time)));
    }
    let path = directory.segment_path(piece.index);
    let missing = || JournalError::Missing { path: path.clone() };
    let mut scan = SegmentScan::open(directory, piece.index, shard)?.ok_or_else(missing)?;
    let mut last_time = Timestamp::default();
    while let Peek::Record(header, len) = scan.peek()? {
        if !until.covers(header.seq, header.time_ns) {
            break;
        }
        last_time = Timestamp::from_nanos(header.time_ns);
        let crc = u32::from_le_bytes(field(scan.record(len)?, 4));
        scan.advance(len, crc);
    }
    if scan.count() == 0 {
        directory.remove(&path)?;
        return Ok(None);
    }
    repair::cut(directory, &scan).map_err(|error| JournalError::io("cut", &path, error))?;
    let head = hash_segment(directory, shard, piece.index, &piece.before.hash, scan.next_seq - 1)?;
    Ok(Some((head, last_time)))
}
