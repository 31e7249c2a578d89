//! Walking over the records of one segment file, and judging what stands behind the last good one.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use machine::ShardId;
use rkyv::util::AlignedVec;

use crate::damage::Damage;
use crate::directory::Directory;
use crate::disk::{Access, Disk, DiskFile};
use crate::error::JournalError;
use crate::header::{HeaderFault, HeaderPage, SEGMENT_HEADER_BYTES, SEGMENT_VERSION};
use crate::layout::{
    ALIGN_BYTES, MAX_RECORD_BYTES, RECORD_HEADER_BYTES, RECORD_VERSION, RecordHeader, check_record,
    checked_len, field, record_crc,
};

/// Read at once; holds the largest record.
const WINDOW_BYTES: usize = 256 * 1024;

/// A moving window over a file, starting on a multiple of 8 bytes both in the file and in memory.
struct Window {
    file: Box<dyn DiskFile>,
    bytes: AlignedVec<16>,
    start: u64,
    len: usize,
}

impl Window {
    fn new(file: Box<dyn DiskFile>) -> Self {
        Self { file, bytes: AlignedVec::new(), start: 0, len: 0 }
    }

    /// `len` bytes from `offset` on; fewer at the end of the file.
    fn slice(&mut self, offset: u64, len: usize) -> io::Result<&[u8]> {
        let inside = offset.checked_sub(self.start).and_then(|skip| usize::try_from(skip).ok());
        let from = match inside.filter(|from| from + len <= self.len) {
            Some(from) => from,
            None => self.fill(offset).map(|()| 0)?,
        };
        Ok(self.bytes.get(from..self.len.min(from + len)).unwrap_or(&[]))
    }

    /// What was read from `offset` on, where that was read.
    fn loaded(&self, offset: u64) -> &[u8] {
        let inside = offset.checked_sub(self.start).and_then(|skip| usize::try_from(skip).ok());
        inside.and_then(|from| self.bytes.get(from..self.len)).unwrap_or(&[])
    }

    fn fill(&mut self, offset: u64) -> io::Result<()> {
        self.bytes.resize(WINDOW_BYTES, 0);
        (self.start, self.len) = (offset, 0);
        while let Some(rest) = self.bytes.get_mut(self.len..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset + self.len as u64) {
                Ok(0) => break,
                Ok(read) => self.len += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// What stands at the place of the next record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peek {
    /// The record that belongs there, of this many bytes.
    Record(RecordHeader, usize),
    /// Nothing yet.
    Vacant,
    /// Something else.
    Bad(Damage),
}

/// What stands behind the last good record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Zeros.
    Clean,
    /// Bytes of records that were never durable: they may be cut.
    Torn { bytes: u64, records: u64 },
    /// A record is damaged that was once durable, or is followed by ones that were appended after it was.
    Corrupt(Damage),
}

/// A position in one segment.
pub(crate) struct SegmentScan {
    pub(crate) path: PathBuf,
    pub(crate) page: HeaderPage,
    /// Where the next record starts.
    pub(crate) at: u64,
    /// Its number.
    pub(crate) next_seq: u64,
    /// The checksum of the record before it.
    pub(crate) prev_crc: u32,
    window: Window,
}

impl SegmentScan {
    /// Opens segment `index` before its first record; `None` where it is prepared but not used yet.
    pub(crate) fn open(
        directory: &Directory,
        index: u64,
        shard: ShardId,
    ) -> Result<Option<Self>, JournalError> {
        let path = directory.segment_path(index);
        let file = directory.open(&path, Access::Read).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => JournalError::Missing { path: path.clone() },
            _ => JournalError::io("open", &path, error),
        })?;
        let found = file.len().map_err(|error| JournalError::io("inspect", &path, error))?;
        let window = Window::new(file);
        let page = match read_header(directory.disk(), &window, &path, found)? {
            Ok(page) => page,
            Err(HeaderFault::Blank) => return Ok(None),
            Err(fault) => return Err(header_error(path, fault)),
        };
        check_place(&path, &page, index, shard, found)?;
        let (next_seq, prev_crc) = (page.fixed.first_seq, page.fixed.prev_crc);
        Ok(Some(Self { path, page, at: SEGMENT_HEADER_BYTES as u64, next_seq, prev_crc, window }))
    }

    /// Room from here to the end, in bytes.
    pub(crate) fn room_bytes(&self) -> u64 {
        self.page.fixed.segment_bytes.saturating_sub(self.at)
    }

    /// How many records were passed.
    pub(crate) fn count(&self) -> u64 {
        self.next_seq - self.page.fixed.first_seq
    }

    /// The next record where all is well: whole, in its place and in memory already. Where there is none [`Self::peek`]
    /// says why.
    #[inline]
    pub(crate) fn next_loaded(&self) -> Option<(RecordHeader, &[u8])> {
        let loaded = self.window.loaded(self.at);
        let len = checked_len(u64::from_le_bytes(*loaded.first_chunk()?)).ok()?;
        let record = loaded.get(..len)?;
        let header = check_record(record).ok()?;
        let in_its_place = header.seq == self.next_seq
            && header.prev_crc == self.prev_crc
            && header.shard == self.page.fixed.shard.index;
        in_its_place.then_some((header, record))
    }

    /// Looks at the next record.
    pub(crate) fn peek(&mut self) -> Result<Peek, JournalError> {
        let word = u64::from_le_bytes(field(read(&mut self.window, &self.path, self.at, ALIGN_BYTES)?, 0));
        if word == 0 {
            return Ok(Peek::Vacant);
        }
        let len = match checked_len(word) {
            Ok(len) => len,
            Err(damage) => return Ok(Peek::Bad(damage)),
        };
        Ok(match check_record(read(&mut self.window, &self.path, self.at, len)?) {
            Err(damage) => Peek::Bad(damage),
            Ok(header) if header.seq != self.next_seq => Peek::Bad(Damage::Sequence(header.seq)),
            Ok(header) if header.shard != self.page.fixed.shard.index => Peek::Bad(Damage::Shard),
            Ok(header) if header.prev_crc != self.prev_crc => Peek::Bad(Damage::Chain),
            Ok(header) => Peek::Record(header, len),
        })
    }

    /// The bytes of the record of `len` bytes that was just seen by [`Self::peek`].
    pub(crate) fn record(&mut self, len: usize) -> Result<&[u8], JournalError> {
        read(&mut self.window, &self.path, self.at, len)
    }

    /// Goes behind the record just seen, whose checksum is `crc`.
    pub(crate) fn advance(&mut self, len: usize, crc: u32) {
        self.at += len as u64;
        self.next_seq += 1;
        self.prev_crc = crc;
    }

    /// Goes behind the next good records, up to record `last`: as many as are in memory at once. Gives their bytes; `None`
    /// where there is none.
    pub(crate) fn next_records(&mut self, last: u64) -> Result<Option<&[u8]>, JournalError> {
        let from = self.at;
        while self.next_seq <= last {
            let next = self.next_loaded().map(|(_, record)| (record.len(), record_crc(record)));
            let (len, crc) = match next {
                Some(next) => next,
                // What is already passed must stay in memory.
                None if self.at > from => break,
                None => match self.peek()? {
                    Peek::Record(_, len) => (len, record_crc(self.record(len)?)),
                    _ => break,
                },
            };
            self.advance(len, crc);
        }
        // Less than is in memory, and so no longer than what fits there.
        let len = usize::try_from(self.at - from).unwrap_or(0);
        if len == 0 { Ok(None) } else { read(&mut self.window, &self.path, from, len).map(Some) }
    }

    /// Goes behind the last good record; returns what stopped it and the highest incarnation seen.
    pub(crate) fn run(&mut self) -> Result<(Peek, u32), JournalError> {
        let mut incarnation = self.page.fixed.incarnation;
        loop {
            if let Some((header, record)) = self.next_loaded() {
                let (len, crc) = (record.len(), record_crc(record));
                self.advance(len, crc);
                incarnation = incarnation.max(header.incarnation);
                continue;
            }
            match self.peek()? {
                Peek::Record(header, len) => {
                    let crc = record_crc(self.record(len)?);
                    self.advance(len, crc);
                    incarnation = incarnation.max(header.incarnation);
                }
                stop => return Ok((stop, incarnation)),
            }
        }
    }

    /// Goes to the end and judges what is there; what a writer appends meanwhile is gone over too.
    pub(crate) fn finish(&mut self) -> Result<(Peek, Tail, u32), JournalError> {
        let mut highest = 0;
        loop {
            let (stop, incarnation) = self.run()?;
            highest = incarnation.max(highest);
            let tail = self.judge(stop)?;
            self.refresh();
            if tail == Tail::Clean || !matches!(self.peek()?, Peek::Record(..)) {
                return Ok((stop, tail, highest));
            }
        }
    }

    /// Forgets what was read, so that the next look sees what a writer did since.
    pub(crate) fn refresh(&mut self) {
        self.window.len = 0;
    }

    /// Judges what stands here, where [`Self::peek`] found `stop` instead of a record.
    pub(crate) fn judge(&mut self, stop: Peek) -> Result<Tail, JournalError> {
        let damage = match stop {
            Peek::Record(..) => return Ok(Tail::Clean),
            Peek::Vacant => Damage::Vacant,
            Peek::Bad(damage) => damage,
        };
        // A half-written record has a bad length or checksum. A whole one in the wrong place was never torn.
        let may_be_torn = matches!(damage, Damage::Vacant | Damage::Length | Damage::Checksum);
        let durable_to = self.page.fixed.first_seq + u64::from(self.page.durable);
        if !may_be_torn || self.next_seq < durable_to {
            return Ok(Tail::Corrupt(damage));
        }
        self.judge_rest(damage)
    }

    /// Searches the rest of the segment for whole records: do they prove that the damaged one was durable?
    fn judge_rest(&mut self, damage: Damage) -> Result<Tail, JournalError> {
        let (mut end, mut records, mut offset) = (self.at, 0, self.at);
        // Bytes made to look like many overlapping records must not cost more than a few readings.
        let mut budget_bytes = 4 * self.page.fixed.segment_bytes;
        while offset < self.page.fixed.segment_bytes {
            let chunk = self.nonzero_words(offset)?;
            let chunk_end = offset + SEGMENT_HEADER_BYTES as u64;
            let mut skip_to = offset;
            for at in chunk {
                end = end.max(at + ALIGN_BYTES as u64);
                if at < skip_to {
                    continue;
                }
                let Some((header, len)) = self.whole_record(at, &mut budget_bytes)? else { continue };
                if self.next_seq < header.seq.saturating_sub(u64::from(header.undurable)) {
                    return Ok(Tail::Corrupt(damage));
                }
                records += 1;
                skip_to = at + len as u64;
                end = end.max(skip_to);
            }
            if budget_bytes == 0 {
                return Ok(Tail::Corrupt(damage));
            }
            offset = chunk_end.max(skip_to);
        }
        let torn = Tail::Torn { bytes: end - self.at, records: records + 1 };
        Ok(if end == self.at { Tail::Clean } else { torn })
    }

    /// Where the words of the next page's worth of bytes are that are not zero.
    fn nonzero_words(&mut self, offset: u64) -> Result<Vec<u64>, JournalError> {
        let chunk = read(&mut self.window, &self.path, offset, SEGMENT_HEADER_BYTES)?;
        // Without an early end, so that many bytes are looked at in one instruction: mostly it is all zeros.
        if chunk.iter().fold(0, |seen, byte| seen | byte) == 0 {
            return Ok(Vec::new());
        }
        let words =
            chunk.chunks(ALIGN_BYTES).enumerate().filter(|(_, word)| word.iter().any(|byte| *byte != 0));
        Ok(words.map(|(position, _)| offset + (position * ALIGN_BYTES) as u64).collect())
    }

    /// The whole record behind the damaged one that starts at `at`, if one does.
    fn whole_record(
        &mut self,
        at: u64,
        budget_bytes: &mut u64,
    ) -> Result<Option<(RecordHeader, usize)>, JournalError> {
        let header = read(&mut self.window, &self.path, at, RECORD_HEADER_BYTES)?;
        let seq = u64::from_le_bytes(field(header, 8));
        let most = self.next_seq + (at - self.at) / RECORD_HEADER_BYTES as u64 + 1;
        let plausible = (self.next_seq + 1..=most).contains(&seq)
            && header.get(33) == Some(&RECORD_VERSION)
            && field(header, 34) == self.page.fixed.shard.index.to_le_bytes();
        let Ok(len) = checked_len(u64::from_le_bytes(field(header, 0))) else { return Ok(None) };
        if !plausible || *budget_bytes == 0 {
            return Ok(None);
        }
        *budget_bytes = budget_bytes.saturating_sub(len as u64);
        let record = read(&mut self.window, &self.path, at, len)?;
        Ok(check_record(record).ok().map(|header| (header, len)))
    }

    /// The error for damage at this place.
    pub(crate) fn corrupt(&self, damage: Damage) -> JournalError {
        JournalError::Corrupt { segment: self.path.clone(), offset: self.at, seq: self.next_seq, damage }
    }
}

fn read<'a>(window: &'a mut Window, path: &Path, offset: u64, len: usize) -> Result<&'a [u8], JournalError> {
    window.slice(offset, len).map_err(|error| JournalError::io("read", path, error))
}

/// How long a header may be in the making.
const HEADER_LOOKS: u32 = 50;
const HEADER_PAUSE: Duration = Duration::from_millis(1);
/// A live word may have been read in the middle of a store.
const LIVE_WORD_LOOKS: u32 = 3;

/// Reads the header page. A writer may be storing it: its first word comes last. Where that stays away, the writer was
/// killed, and the segment is as good as blank.
fn read_header(
    disk: &dyn Disk,
    window: &Window,
    path: &Path,
    found: u64,
) -> Result<Result<HeaderPage, HeaderFault>, JournalError> {
    let mut looks = 0;
    loop {
        let mut page = [0; SEGMENT_HEADER_BYTES];
        if found < page.len() as u64 {
            let expected = SEGMENT_HEADER_BYTES as u64;
            return Err(JournalError::Size { path: path.to_path_buf(), found, expected });
        }
        window.file.read_exact_at(&mut page, 0).map_err(|error| JournalError::io("read", path, error))?;
        let decoded = HeaderPage::decode(&page);
        let in_the_making = decoded == Err(HeaderFault::Blank) && page.iter().any(|byte| *byte != 0);
        looks += 1;
        if in_the_making && looks < HEADER_LOOKS {
            disk.pause(HEADER_PAUSE);
        } else if !(matches!(decoded, Err(HeaderFault::Damaged(_))) && looks < LIVE_WORD_LOOKS) {
            return Ok(decoded);
        }
    }
}

/// The error for a header page that was not accepted.
pub(crate) fn header_error(path: PathBuf, fault: HeaderFault) -> JournalError {
    match fault {
        HeaderFault::Blank => JournalError::Header { path, what: "blank" },
        HeaderFault::Foreign => JournalError::Foreign { path },
        HeaderFault::Version(found) => JournalError::Version { path, found, supported: SEGMENT_VERSION },
        HeaderFault::Damaged(what) => JournalError::Header { path, what },
    }
}

fn check_place(
    path: &Path,
    page: &HeaderPage,
    index: u64,
    shard: ShardId,
    found: u64,
) -> Result<(), JournalError> {
    let (path, fixed) = (path.to_path_buf(), &page.fixed);
    if fixed.shard != shard {
        return Err(JournalError::Shard { path, found: fixed.shard, expected: shard });
    }
    if fixed.index != index {
        return Err(JournalError::Header { path, what: "the index of another segment" });
    }
    let least = (SEGMENT_HEADER_BYTES + MAX_RECORD_BYTES) as u64;
    if !(least..=u64::from(u32::MAX)).contains(&fixed.segment_bytes) {
        return Err(JournalError::Header { path, what: "impossible numbers" });
    }
    if fixed.segment_bytes != found {
        return Err(JournalError::Size { path, found, expected: fixed.segment_bytes });
    }
    Ok(())
}
