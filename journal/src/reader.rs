//! Reading a journal from a position to its end. Takes no lock and changes nothing; a node may be writing.

use model::ShardId;
use rkyv::util::AlignedVec;

use crate::directory::Directory;
use crate::disk::Folder;
use crate::error::{Damage, JournalError};
use crate::header::SegmentHeader;
use crate::layout::{MAX_RECORD_BYTES, RecordHeader, record_crc};
use crate::record::Record;
use crate::scan::{Peek, SegmentScan, Tail};

/// How often a record that looks damaged is read again: a writer may have been in the middle of it.
const LOOKS: u32 = 3;

/// Reads records in order, up to the last whole one.
///
/// Under disk durability a reader of a running node may see records that are not on disk yet; a
/// [`Follower`](crate::Follower) does not.
pub struct Reader {
    directory: Directory,
    shard: ShardId,
    scan: Option<SegmentScan>,
    index: u64,
    /// There must be a segment: the control file knows of one.
    begun: bool,
    /// The end was judged here: not again until something is there.
    judged_at: Option<u64>,
}

impl Reader {
    /// Before the first record.
    ///
    /// Where the first segments were moved elsewhere, before the first record that is here: see
    /// [`archived`](crate::archived()).
    pub fn open(dir: impl Into<Folder>) -> Result<Self, JournalError> {
        let directory = Directory::new(dir);
        directory.require_control()?;
        let seq = directory.first()?.first_seq();
        Self::from_seq(directory.folder(), seq)
    }

    /// Before record `seq`, which may be the one after the last.
    pub fn from_seq(dir: impl Into<Folder>, seq: u64) -> Result<Self, JournalError> {
        let directory = Directory::new(dir);
        let control = directory.require_control()?;
        let (shard, begun) = (control.shard, control.segment > 0);
        let (index, scan) = segment_of(&directory, shard, seq)?;
        let first = directory.first()?.first_seq();
        let mut reader = Self { directory, shard, scan, index, begun, judged_at: None };
        while reader.next_seq() < seq && reader.step(|_, _| Ok(()))?.is_some() {}
        if reader.next_seq() == seq { Ok(reader) } else { Err(JournalError::NotHere { seq, first }) }
    }

    /// The number of the next record.
    pub fn next_seq(&self) -> u64 {
        self.scan.as_ref().map_or(1, |scan| scan.next_seq)
    }

    /// Whose journal it is.
    pub fn shard(&self) -> ShardId {
        self.shard
    }

    /// The next record; `None` at the end, and again a record once there is one. A torn tail is an end.
    #[expect(clippy::should_implement_trait, reason = "an iterator could not go on after its end")]
    pub fn next(&mut self) -> Result<Option<Record>, JournalError> {
        let mut record = Record::default();
        Ok(self.read(&mut record)?.then_some(record))
    }

    /// As [`Self::next`], into a record that is used again and again; false at the end. After an error or at the end
    /// what it holds means nothing.
    pub fn read(&mut self, record: &mut Record) -> Result<bool, JournalError> {
        Ok(self.step(|header, bytes| record.read(header, bytes))?.is_some())
    }

    /// The next record as it stands in the journal.
    pub(crate) fn next_raw(
        &mut self,
        out: &mut AlignedVec<16>,
    ) -> Result<Option<RecordHeader>, JournalError> {
        self.step(|header, record| {
            out.clear();
            out.extend_from_slice(record);
            Ok(*header)
        })
    }

    /// The segment of the record that was read last.
    pub(crate) fn segment(&self) -> Option<&SegmentHeader> {
        self.scan.as_ref().map(|scan| &scan.page.fixed)
    }

    /// The hash of all before that segment, where it was stored by the time the segment was opened.
    pub(crate) fn chain(&self) -> Option<[u8; 32]> {
        self.scan.as_ref()?.page.chain
    }

    /// Takes one record with `take`.
    #[inline]
    fn step<T>(
        &mut self,
        take: impl FnOnce(&RecordHeader, &[u8]) -> Result<T, Damage>,
    ) -> Result<Option<T>, JournalError> {
        if let Some(scan) = &mut self.scan
            && let Some((header, record)) = scan.next_loaded()
        {
            let (len, crc) = (record.len(), record_crc(record));
            let taken = take(&header, record).map_err(|damage| scan.corrupt(damage))?;
            scan.advance(len, crc);
            return Ok(Some(taken));
        }
        self.step_with_care(take)
    }

    /// As [`Self::step`], where the next record is not in memory, or is not what it should be, or is not there.
    #[cold]
    fn step_with_care<T>(
        &mut self,
        take: impl FnOnce(&RecordHeader, &[u8]) -> Result<T, Damage>,
    ) -> Result<Option<T>, JournalError> {
        if self.scan.is_none() {
            self.scan = match SegmentScan::open(&self.directory, self.index, self.shard) {
                // A journal that was made and whose first segment was not: for want of space, for instance.
                Err(JournalError::Missing { .. }) if !self.begun => None,
                opened => opened?,
            };
        }
        loop {
            let Some(scan) = &mut self.scan else { return Ok(None) };
            let mut peek = scan.peek()?;
            for look in 0..LOOKS {
                if matches!(peek, Peek::Record(..)) || (look > 0 && peek == Peek::Vacant) {
                    break;
                }
                scan.refresh();
                peek = scan.peek()?;
            }
            if let Peek::Record(header, len) = peek {
                let record = scan.record(len)?;
                let crc = record_crc(record);
                let taken = take(&header, record);
                let taken = taken.map_err(|damage| scan.corrupt(damage))?;
                scan.advance(len, crc);
                return Ok(Some(taken));
            }
            if !self.go_on(peek)? {
                return Ok(None);
            }
        }
    }

    /// Where there is no record: true where there may be one in the next segment, or here after all.
    fn go_on(&mut self, stop: Peek) -> Result<bool, JournalError> {
        let Some(scan) = &mut self.scan else { return Ok(false) };
        if let Some(next) = following(&self.directory, self.index, self.shard)? {
            // A record may have been appended here before the next segment was begun.
            scan.refresh();
            if matches!(scan.peek()?, Peek::Record(..)) {
                return Ok(true);
            }
            let follows =
                scan.next_seq == next.page.fixed.first_seq && scan.prev_crc == next.page.fixed.prev_crc;
            if follows && stop == Peek::Vacant && scan.room_bytes() < MAX_RECORD_BYTES as u64 {
                self.scan = Some(next);
                self.index += 1;
                return Ok(true);
            }
            // Only a next segment that never got a record leaves this one a tail.
            if has_record(next)? {
                return Err(scan.corrupt(match stop {
                    Peek::Bad(damage) => damage,
                    _ => Damage::Vacant,
                }));
            }
        }
        self.judge_end(stop)
    }

    /// True where a record has come in the meantime; false at an end; an error where records behind it are lost.
    fn judge_end(&mut self, stop: Peek) -> Result<bool, JournalError> {
        let Some(scan) = &mut self.scan else { return Ok(false) };
        if self.judged_at == Some(scan.at) {
            return Ok(false);
        }
        let tail = scan.judge(stop)?;
        if let Tail::Corrupt(damage) = tail {
            scan.refresh();
            if matches!(scan.peek()?, Peek::Record(..)) {
                return Ok(true);
            }
            return Err(scan.corrupt(damage));
        }
        self.judged_at = Some(scan.at);
        Ok(false)
    }
}

fn has_record(mut scan: SegmentScan) -> Result<bool, JournalError> {
    Ok(scan.peek()? != Peek::Vacant)
}

/// The next segment, where it is there and begun.
fn following(directory: &Directory, index: u64, shard: ShardId) -> Result<Option<SegmentScan>, JournalError> {
    match SegmentScan::open(directory, index + 1, shard) {
        Err(JournalError::Missing { .. }) => Ok(None),
        other => other,
    }
}

/// The last segment that starts at or before record `seq`.
pub(crate) fn segment_of(
    directory: &Directory,
    shard: ShardId,
    seq: u64,
) -> Result<(u64, Option<SegmentScan>), JournalError> {
    if let Some(moved) = directory.moved(seq)? {
        return Err(moved);
    }
    let indexes = directory.segments()?;
    let first = directory.first()?.first_segment;
    if indexes.first().is_some_and(|index| *index != first) {
        return Err(JournalError::Missing { path: directory.segment_path(first) });
    }
    let mut found = (first, None);
    for index in indexes {
        match SegmentScan::open(directory, index, shard)? {
            Some(scan) if scan.page.fixed.first_seq <= seq.max(1) => found = (index, Some(scan)),
            _ => break,
        }
    }
    Ok(found)
}
