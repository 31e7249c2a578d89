//! Reading a journal from a position to its end. Takes no lock and changes nothing; a node may be writing.

use machine::{Payload, ShardId};
use rkyv::util::AlignedVec;

use crate::damage::Damage;
use crate::directory::Directory;
use crate::disk::{AtGap, Folder};
use crate::error::JournalError;
use crate::extent::{Extent, ReadEnd};
use crate::gap::Gap;
use crate::header::SegmentHeader;
use crate::layout::{MAX_RECORD_BYTES, RecordHeader, record_crc};
use crate::record::Record;
use crate::scan::{Peek, SegmentScan, Tail};

/// How often a record that looks damaged is read again: a writer may have been in the middle of it.
const LOOKS: u32 = 3;

/// Reads records in order, up to the last whole one.
///
/// It refuses a journal of which segments are missing, before the first record, and one that ends before a record that the
/// control file knows of: [`JournalError::Gap`]. Of a folder that is read up to a gap ([`AtGap::End`]) that is its end.
///
/// Under disk durability a reader of a running node may see records that are not on disk yet; a
/// [`Follower`](crate::Follower) does not.
pub struct Reader {
    directory: Directory,
    shard: ShardId,
    scan: Option<SegmentScan>,
    index: u64,
    /// The first record of all that are here.
    first_seq: u64,
    /// The gap that it is to end at.
    stop: Option<Stop>,
    /// The end was judged here: not again until something is there.
    judged_at: Option<u64>,
}

/// Where a reader ends that reads up to a gap.
struct Stop {
    gap: Gap,
    /// The last segment before it; `None` where the first one is missing.
    index: Option<u64>,
}

impl Reader {
    /// Before the first record.
    ///
    /// Where the first segments were moved elsewhere, before the first record that is here: see
    /// [`archived`](crate::archived()).
    pub fn open(dir: impl Into<Folder>) -> Result<Self, JournalError> {
        Self::begin(Directory::new(dir), None)
    }

    /// Before record `seq`, which may be the one after the last.
    pub fn from_seq(dir: impl Into<Folder>, seq: u64) -> Result<Self, JournalError> {
        Self::begin(Directory::new(dir), Some(seq))
    }

    fn begin(directory: Directory, seq: Option<u64>) -> Result<Self, JournalError> {
        let at_gap = directory.folder().at_gap;
        let (extent, seq, (index, scan)) = Extent::with(&directory, |extent| {
            let extent = if at_gap == AtGap::Refuse { extent.whole()? } else { extent };
            let seq = seq.unwrap_or(extent.first.first_seq());
            let segment = segment_of(&directory, &extent, seq)?;
            Ok((extent, seq, segment))
        })?;
        let first_seq = extent.first.first_seq();
        let (shard, last) = (extent.control.shard, extent.segments.last().copied());
        let stop = extent.gap.map(|gap| Stop { gap, index: last });
        let mut reader = Self { directory, shard, scan, index, first_seq, stop, judged_at: None };
        while reader.next_seq() < seq && reader.step(|_, _| Ok(()))?.is_some() {}
        if reader.next_seq() == seq {
            return Ok(reader);
        }
        match reader.stop {
            Some(Stop { gap, .. }) => Err(JournalError::Gap(gap)),
            None => Err(JournalError::NotHere { seq, first: first_seq }),
        }
    }

    /// The number of the next record.
    pub fn next_seq(&self) -> u64 {
        self.scan.as_ref().map_or(self.first_seq, |scan| scan.next_seq)
    }

    /// Whose journal it is.
    pub fn shard(&self) -> ShardId {
        self.shard
    }

    /// The next record; `None` at the end, and again a record once there is one. A torn tail is an end.
    #[expect(clippy::should_implement_trait, reason = "an iterator could not go on after its end")]
    pub fn next<P: Payload>(&mut self) -> Result<Option<Record<P>>, JournalError> {
        let mut record = Record::default();
        Ok(self.read(&mut record)?.then_some(record))
    }

    /// As [`Self::next`], into a record that is used again and again; false at the end. After an error or at the end
    /// what it holds means nothing.
    pub fn read<P: Payload>(&mut self, record: &mut Record<P>) -> Result<bool, JournalError> {
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
        if self.scan.is_none() && !self.begin_first()? {
            return Ok(None);
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

    /// Opens the first segment; false where it is not begun, or not made for want of space, and nothing knows of it.
    fn begin_first(&mut self) -> Result<bool, JournalError> {
        if self.stop.as_ref().is_some_and(|stop| stop.index.is_none()) {
            return Ok(false);
        }
        self.scan = begun(&self.directory, self.index, self.shard)?;
        Ok(self.scan.is_some() || self.has_more(false)?)
    }

    /// Where there is no record: true where there may be one in the next segment, or here after all.
    fn go_on(&mut self, stop: Peek) -> Result<bool, JournalError> {
        let Some(scan) = &mut self.scan else { return Ok(false) };
        let is_last = self.stop.as_ref().is_some_and(|stop| stop.index == Some(self.index));
        let next = if is_last { None } else { begun(&self.directory, self.index + 1, self.shard)? };
        let is_followed = next.is_some();
        if let Some(next) = next {
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
        self.judge_end(stop, is_followed)
    }

    /// True where a record has come in the meantime; false at an end; an error where records behind it are lost.
    fn judge_end(&mut self, stop: Peek, is_followed: bool) -> Result<bool, JournalError> {
        let Some(scan) = &mut self.scan else { return Ok(false) };
        if self.judged_at == Some(scan.at) {
            return Ok(false);
        }
        let (at, tail) = (scan.at, scan.judge(stop)?);
        if let Tail::Corrupt(damage) = tail {
            scan.refresh();
            if matches!(scan.peek()?, Peek::Record(..)) {
                return Ok(true);
            }
            return Err(scan.corrupt(damage));
        }
        if self.has_more(is_followed)? {
            return Ok(true);
        }
        self.judged_at = Some(at);
        Ok(false)
    }

    /// At the end of what was seen: true where something has come since; false where that is the end; an error where the
    /// control file knows of more.
    fn has_more(&mut self, is_followed: bool) -> Result<bool, JournalError> {
        if self.stop.is_some() {
            return Ok(false);
        }
        let index = if self.scan.is_some() { self.index } else { self.index.saturating_sub(1) };
        let end = ReadEnd { index, seq: self.next_seq().saturating_sub(1), is_followed };
        if !end.is_early(&self.directory.require_control()?) {
            return Ok(false);
        }
        // A writer may have gone on between the look at the end and the one at the control file.
        if self.has_come(is_followed)? {
            return Ok(true);
        }
        // A repair may have cut here: the control file was the first to know.
        let control = self.directory.require_control()?;
        if !end.is_early(&control) {
            return Ok(false);
        }
        match (end.refusal(&self.directory, &control), self.directory.folder().at_gap) {
            (JournalError::Gap(_), AtGap::End) => Ok(false),
            (refusal, _) => Err(refusal),
        }
    }

    /// True where there is a record, or another segment was begun, since the last look.
    fn has_come(&mut self, is_followed: bool) -> Result<bool, JournalError> {
        let Some(scan) = &mut self.scan else {
            self.scan = begun(&self.directory, self.index, self.shard)?;
            return Ok(self.scan.is_some());
        };
        scan.refresh();
        if matches!(scan.peek()?, Peek::Record(..)) {
            return Ok(true);
        }
        Ok(!is_followed && begun(&self.directory, self.index + 1, self.shard)?.is_some())
    }
}

fn has_record(mut scan: SegmentScan) -> Result<bool, JournalError> {
    Ok(scan.peek()? != Peek::Vacant)
}

/// A segment, where it is there and begun.
fn begun(directory: &Directory, index: u64, shard: ShardId) -> Result<Option<SegmentScan>, JournalError> {
    match SegmentScan::open(directory, index, shard) {
        Err(JournalError::Missing { .. }) => Ok(None),
        other => other,
    }
}

/// The last segment that starts at or before record `seq`.
pub(crate) fn segment_of(
    directory: &Directory,
    extent: &Extent,
    seq: u64,
) -> Result<(u64, Option<SegmentScan>), JournalError> {
    if let Some(moved) = extent.first.moved(directory, seq) {
        return Err(moved);
    }
    let mut found = (extent.first.first_segment, None);
    for index in extent.segments.iter().copied() {
        match SegmentScan::open(directory, index, extent.control.shard)? {
            Some(scan) if scan.page.fixed.first_seq <= seq.max(1) => found = (index, Some(scan)),
            _ => break,
        }
    }
    Ok(found)
}
