//! Copying a journal while it is written to: what is settled, segment by segment, and only what is new.

use blake3::Hasher;
use machine::{ShardId, Timestamp};
use rkyv::util::AlignedVec;

use crate::chain;
use crate::directory::{Control, Directory};
use crate::disk::{Access, AtGap, DiskFile, Folder};
use crate::error::JournalError;
use crate::head::Head;
use crate::header::{SEGMENT_HEADER_BYTES, SegmentHeader, Visibility};
use crate::lacking::lacking;
use crate::layout::{RECORD_HEADER_BYTES, RecordHeader};
use crate::piece::{Piece, Until};
use crate::reader::Reader;
use crate::scan::SegmentScan;

/// What a copy holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedOut {
    /// Whose journal it is.
    pub shard: ShardId,
    /// The highest incarnation the control file knows.
    pub incarnation: machine::Incarnation,
    /// Every piece, those of an earlier copy included.
    pub pieces: Vec<Piece>,
    /// How many bytes were copied now.
    pub copied_bytes: u64,
}

/// Written at once.
const BUFFER_BYTES: usize = 1024 * 1024;

/// Copies the journal in `from` up to `until` into the folder `to`, but for the pieces that are there from an earlier
/// copy, `known`. A node may be writing; it does not notice. Nothing that an earlier copy consists of is touched. `look` is
/// shown the kind and the payload of each record that is copied now.
///
/// [`JournalError::Chain`] where the journal is not the one that `known` was copied of, or where its segments are not
/// those that it hashed itself.
pub fn copy_out(
    from: impl Into<Folder>,
    to: impl Into<Folder>,
    known: &[Piece],
    until: Until,
    look: impl FnMut(u8, &[u8]),
) -> Result<CopiedOut, JournalError> {
    // A copy that ended at a gap would look whole.
    let (directory, to) = (Directory::new(from.into().reading(AtGap::Refuse)), Directory::new(to));
    if let Some(gap) = lacking(directory.folder())? {
        return Err(JournalError::Gap(gap));
    }
    let control = directory.require_control()?;
    to.create()?;
    let mut pieces = still_there(&to, known)?;
    let first = directory.first()?;
    if let Some(last) = pieces.last()
        && last.index + 1 < first.first_segment
        && let Some(moved) = directory.moved(last.head.seq + 1)?
    {
        return Err(moved);
    }
    check_same(&directory, control.shard, &pieces)?;
    let until = Until { seq: until.seq.min(settled(&directory, &control)?), ..until };
    let before = pieces.last().map_or(first.before, |piece| piece.head);
    let mut copy = Copy { to: &to, before, draft: None, copied_bytes: 0, pieces: Vec::new() };
    copy.run(&directory, until, look)?;
    to.sync()?;
    pieces.append(&mut copy.pieces);
    let (shard, incarnation, copied_bytes) = (control.shard, control.incarnation, copy.copied_bytes);
    Ok(CopiedOut { shard, incarnation, pieces, copied_bytes })
}

/// The sealed pieces of an earlier copy whose files are there, up to the first one that is not.
fn still_there(to: &Directory, known: &[Piece]) -> Result<Vec<Piece>, JournalError> {
    let mut pieces = Vec::new();
    for piece in known.iter().filter(|piece| piece.is_sealed) {
        let path = to.path().join(piece.file_name());
        let len_bytes = match to.open(&path, Access::Read).and_then(|file| file.len()) {
            Ok(len_bytes) => len_bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => break,
            Err(error) => return Err(JournalError::io("inspect", &path, error)),
        };
        if len_bytes != piece.len_bytes {
            break;
        }
        pieces.push(*piece);
    }
    Ok(pieces)
}

/// The journal's own hash of all before the next segment is that of the last piece: so is everything before it.
fn check_same(directory: &Directory, shard: ShardId, pieces: &[Piece]) -> Result<(), JournalError> {
    let Some(last) = pieces.last() else { return Ok(()) };
    let found = chain::before_segment(directory, shard, last.index + 1);
    match found {
        Ok(found) if found == last.head => Ok(()),
        Ok(_) | Err(JournalError::Missing { .. }) => {
            Err(JournalError::Chain { path: directory.path().to_path_buf(), seq: last.head.seq })
        }
        Err(error) => Err(error),
    }
}

/// The last record that may be copied: under disk durability the last one known to be on disk.
fn settled(directory: &Directory, control: &Control) -> Result<u64, JournalError> {
    for index in directory.segments()?.into_iter().rev() {
        let Some(scan) = SegmentScan::open(directory, index, control.shard)? else { continue };
        if scan.page.visibility == Visibility::Committed {
            return Ok(u64::MAX);
        }
        let live = directory.read_live()?;
        let live = live.map_or(0, |live| live.word(0).load(std::sync::atomic::Ordering::Acquire));
        let marked = scan.page.fixed.first_seq + u64::from(scan.page.durable) - 1;
        return Ok(live.max(marked));
    }
    Ok(u64::MAX)
}

/// A copy in the making.
struct Copy<'a> {
    to: &'a Directory,
    before: Head,
    draft: Option<Draft>,
    copied_bytes: u64,
    pieces: Vec<Piece>,
}

impl Copy<'_> {
    fn run(
        &mut self,
        from: &Directory,
        until: Until,
        mut look: impl FnMut(u8, &[u8]),
    ) -> Result<(), JournalError> {
        let mut reader = Reader::from_seq(from.folder(), self.before.seq + 1)?;
        let mut record = AlignedVec::new();
        let mut is_sealed = false;
        while let Some(header) = reader.next_raw(&mut record)? {
            if !until.covers(header.seq, header.time_ns) {
                // The first record that is not wanted may be in the next segment: this one is complete then.
                let here = reader.segment().map(|fixed| fixed.index);
                is_sealed = self.draft.as_ref().is_some_and(|draft| here != Some(draft.fixed.index));
                break;
            }
            if let Some(fixed) = reader.segment()
                && self.draft.as_ref().is_none_or(|draft| draft.fixed.index != fixed.index)
            {
                self.finish(true)?;
                if reader.chain().is_some_and(|kept| kept != self.before.hash) {
                    let path = from.segment_path(fixed.index);
                    return Err(JournalError::Chain { path, seq: self.before.seq });
                }
                self.draft = Some(Draft::begin(self.to, fixed, self.before)?);
            }
            if let Some(draft) = &mut self.draft {
                draft.push(&header, &record).map_err(|error| draft.refused(error))?;
            }
            look(header.kind, record.get(RECORD_HEADER_BYTES..).unwrap_or(&[]));
        }
        self.finish(is_sealed)
    }

    fn finish(&mut self, is_sealed: bool) -> Result<(), JournalError> {
        let Some(draft) = self.draft.take() else { return Ok(()) };
        let piece = draft.finish(self.to, is_sealed)?;
        self.copied_bytes += piece.len_bytes;
        self.before = piece.head;
        self.pieces.push(piece);
        Ok(())
    }
}

/// A piece in the making, under a name that nobody reads.
struct Draft {
    fixed: SegmentHeader,
    before: Head,
    file: Box<dyn DiskFile>,
    path: std::path::PathBuf,
    hasher: Hasher,
    buffer: Vec<u8>,
    written: u64,
    last: (u64, Timestamp),
}

impl Draft {
    fn begin(to: &Directory, fixed: &SegmentHeader, before: Head) -> Result<Self, JournalError> {
        let path = to.preparation_path();
        let file =
            to.open(&path, Access::Create).map_err(|error| JournalError::io("create", &path, error))?;
        let mut hasher = Hasher::new();
        hasher.update(&before.hash);
        hasher.update(&fixed.encode());
        let mut buffer = Vec::with_capacity(BUFFER_BYTES);
        buffer.extend_from_slice(&fixed.encode());
        buffer.resize(SEGMENT_HEADER_BYTES, 0);
        let last = (fixed.first_seq - 1, Timestamp::default());
        Ok(Self { fixed: *fixed, before, file, path, hasher, buffer, written: 0, last })
    }

    fn refused(&self, error: std::io::Error) -> JournalError {
        JournalError::io("write", &self.path, error)
    }

    fn push(&mut self, header: &RecordHeader, record: &[u8]) -> std::io::Result<()> {
        self.hasher.update(record);
        self.buffer.extend_from_slice(record);
        self.last = (header.seq, Timestamp::from_nanos(header.time_ns));
        if self.buffer.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.write_all_at(&self.buffer, self.written)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Brings it to disk and gives it its name.
    fn finish(mut self, to: &Directory, is_sealed: bool) -> Result<Piece, JournalError> {
        self.flush().and_then(|()| self.file.sync_all()).map_err(|error| self.refused(error))?;
        let (seq, last_time) = self.last;
        let piece = Piece {
            index: self.fixed.index,
            first_seq: self.fixed.first_seq,
            before: self.before,
            head: Head { seq, hash: *self.hasher.finalize().as_bytes() },
            last_time,
            len_bytes: self.written,
            is_sealed,
        };
        let path = to.path().join(piece.file_name());
        to.disk().rename(&self.path, &path).map_err(|error| JournalError::io("rename", &path, error))?;
        Ok(piece)
    }
}
