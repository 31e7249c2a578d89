//! Tailing a journal live, from a thread or another process. It only reads mapped memory: the writer never notices.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use machine::{Payload, ShardId};
use rkyv::util::AlignedVec;

use crate::damage::Damage;
use crate::directory::Directory;
use crate::disk::{Access, Folder};
use crate::error::JournalError;
use crate::extent::{Extent, ReadEnd};
use crate::header::{DURABLE_AT, HeaderFault, SEGMENT_HEADER_BYTES, SegmentHeader, VISIBILITY_AT, load_word};
use crate::lacking::lacking;
use crate::layout::{ALIGN_BYTES, MAX_RECORD_BYTES, check_record, checked_len, record_crc};
use crate::memory::Words;
use crate::reader::segment_of;
use crate::record::Record;
use crate::scan::header_error;

/// After so many looks that found nothing, it looks whether a next segment is there though none should be.
const SUSPICIOUS_LOOKS: u32 = 1024;

/// Reads records as they become visible: committed under process durability, on disk under disk durability.
pub struct Follower {
    directory: Directory,
    shard: ShardId,
    segment: Option<Mapped>,
    index: u64,
    next_seq: u64,
    /// The checksum of the record before; `None` before the first.
    prev_crc: Option<u32>,
    at: usize,
    /// Records before this one are passed over.
    from_seq: u64,
    /// Looks in a row that found nothing.
    idle_looks: u32,
    /// The end was looked at closely once.
    judged: bool,
    /// The last durable record, where the writer says so.
    live: Option<Words>,
    record: AlignedVec<16>,
}

/// A segment's file, mapped for reading.
struct Mapped {
    words: Words,
    header: SegmentHeader,
    path: PathBuf,
}

impl Follower {
    /// Follows the journal in `dir` from record `from_seq` on, which may be yet to come. Where segments are missing it
    /// refuses, as a [`Reader`](crate::Reader) does; what is lost while it follows, it notices when it comes there.
    pub fn open(dir: impl Into<Folder>, from_seq: u64) -> Result<Self, JournalError> {
        let directory = Directory::new(dir);
        let (extent, (index, scan)) = Extent::with(&directory, |extent| {
            let extent = extent.whole()?;
            let segment = segment_of(&directory, &extent, from_seq)?;
            Ok((extent, segment))
        })?;
        let shard = extent.control.shard;
        let first_seq = scan.map_or(extent.first.first_seq(), |scan| scan.page.fixed.first_seq);
        Ok(Self {
            directory,
            shard,
            segment: None,
            index,
            next_seq: first_seq,
            prev_crc: None,
            at: SEGMENT_HEADER_BYTES,
            from_seq,
            idle_looks: 0,
            judged: false,
            live: None,
            record: AlignedVec::new(),
        })
    }

    /// The number of the next record it returns.
    pub fn next_seq(&self) -> u64 {
        self.next_seq.max(self.from_seq)
    }

    /// The next record; `None` where there is nothing new yet. Costs a look at memory then, and near the end of a
    /// segment a look for the next file.
    pub fn poll<P: Payload>(&mut self) -> Result<Option<Record<P>>, JournalError> {
        let mut record = Record::default();
        Ok(self.read(&mut record)?.then_some(record))
    }

    /// As [`Self::poll`], into a record that is used again and again; false where there is nothing new yet. What it
    /// holds then, or after an error, means nothing.
    pub fn read<P: Payload>(&mut self, into: &mut Record<P>) -> Result<bool, JournalError> {
        while self.fetch()? {
            let Self { segment, record, at, next_seq, .. } = self;
            let Some(segment) = segment else { break };
            let corrupt = |damage| segment.corrupt(*at, *next_seq, damage);
            let header = check_record(record).map_err(corrupt)?;
            if header.seq != *next_seq {
                return Err(corrupt(Damage::Sequence(header.seq)));
            }
            if self.prev_crc.is_some_and(|crc| crc != header.prev_crc) {
                return Err(corrupt(Damage::Chain));
            }
            let wanted = header.seq >= self.from_seq;
            if wanted {
                into.read(&header, record).map_err(corrupt)?;
            }
            self.prev_crc = Some(record_crc(record));
            self.at += record.len();
            self.next_seq += 1;
            if wanted {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Copies the next record's bytes; false where it is not visible yet.
    fn fetch(&mut self) -> Result<bool, JournalError> {
        loop {
            if self.segment.is_none() {
                self.segment = Mapped::open(&self.directory, self.index, self.shard)?;
            }
            let (at, seq, durable) = (self.at, self.next_seq, self.durable());
            let Some(segment) = &self.segment else {
                let is_suspicious = self.looked_in_vain();
                return if is_suspicious { self.judge_end().map(|()| false) } else { Ok(false) };
            };
            let word = segment.visible_word(at, seq, durable)?;
            if word != 0 {
                let len = checked_len(word).map_err(|damage| segment.corrupt(at, seq, damage))?;
                if at + len > segment.words.len() {
                    return Err(segment.corrupt(at, seq, Damage::Length));
                }
                self.record.resize(len, 0);
                segment.words.copy_out(at, &mut self.record);
                self.idle_looks = 0;
                return Ok(true);
            }
            // The live position is there only where records wait for the disk, and not from the beginning.
            if self.live.is_none() && segment.is_behind(seq, 0)? {
                self.live = self.directory.read_live()?;
                if self.live.is_some() {
                    continue;
                }
            }
            // Only a segment without room for the largest record is ever followed by another one. If one follows all
            // the same, records are missing here: a look now and then keeps that from being an endless wait.
            let is_full = segment.words.len() - at < MAX_RECORD_BYTES;
            let is_suspicious = self.looked_in_vain();
            if (is_full || is_suspicious) && self.advance()? {
                continue;
            }
            if is_suspicious {
                self.judge_end()?;
            }
            return Ok(false);
        }
    }

    /// Counts a look that found nothing; true where it is time for a closer one: at the first, and now and then.
    fn looked_in_vain(&mut self) -> bool {
        self.idle_looks = self.idle_looks.wrapping_add(1);
        let is_first = !std::mem::replace(&mut self.judged, true);
        is_first || self.idle_looks.is_multiple_of(SUSPICIOUS_LOOKS)
    }

    /// Where nothing more is visible: an error where the control file knows of more.
    #[cold]
    fn judge_end(&mut self) -> Result<(), JournalError> {
        // A control file that cannot be read just now says nothing: whoever opens the journal will be told.
        let Ok(Some(control)) = self.directory.read_control() else { return Ok(()) };
        let index = if self.segment.is_some() { self.index } else { self.index.saturating_sub(1) };
        let mut end = ReadEnd { index, seq: self.next_seq.saturating_sub(1), is_followed: false };
        if !end.is_early(&control) {
            return Ok(());
        }
        // A writer may have gone on between the look at the end and the one at the control file; the next look finds it.
        let next = Mapped::open(&self.directory, end.index + 1, self.shard)?;
        if let Some(segment) = &self.segment {
            if segment.visible_word(self.at, self.next_seq, self.durable())? != 0 {
                return Ok(());
            }
            end.is_followed = next.is_some();
            if next.is_some_and(|next| next.header.first_seq == self.next_seq) {
                return Ok(());
            }
        } else if next.is_some() {
            return Ok(());
        }
        // A repair may have cut here: the control file was the first to know.
        match self.directory.read_control() {
            Ok(Some(control)) if end.is_early(&control) => {
                // Under disk durability more may be here than may be seen: a reader tells what is missing.
                match lacking(self.directory.folder())? {
                    Some(gap) => Err(JournalError::Gap(gap)),
                    None => Err(end.refusal(&self.directory, &control)),
                }
            }
            _ => Ok(()),
        }
    }

    fn durable(&self) -> u64 {
        self.live.as_ref().map_or(0, |live| live.word(0).load(Ordering::Acquire))
    }

    /// Goes on to the next segment; false where it was not begun yet.
    fn advance(&mut self) -> Result<bool, JournalError> {
        let Some(next) = Mapped::open(&self.directory, self.index + 1, self.shard)? else { return Ok(false) };
        let Some(segment) = &self.segment else { return Ok(false) };
        // A record may have been appended here before the next segment was begun; the next look finds it.
        let durable = self.durable();
        if segment.visible_word(self.at, self.next_seq, durable)? != 0 {
            return Ok(true);
        }
        if next.header.first_seq > self.next_seq && segment.is_behind(self.next_seq, durable)? {
            return Ok(false);
        }
        if next.header.first_seq != self.next_seq {
            return Err(segment.corrupt(self.at, self.next_seq, Damage::Vacant));
        }
        if self.prev_crc.is_some_and(|crc| crc != next.header.prev_crc) {
            return Err(next.corrupt(SEGMENT_HEADER_BYTES, self.next_seq, Damage::Chain));
        }
        self.segment = Some(next);
        self.index += 1;
        self.at = SEGMENT_HEADER_BYTES;
        Ok(true)
    }
}

impl Mapped {
    /// Maps segment `index`; `None` where it is not there or not begun.
    fn open(directory: &Directory, index: u64, shard: ShardId) -> Result<Option<Self>, JournalError> {
        let path = directory.segment_path(index);
        let file = match directory.open(&path, Access::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(JournalError::io("open", &path, error)),
        };
        let refused = |error| JournalError::io("map", &path, error);
        let found = file.len().map_err(refused)?;
        let least = (SEGMENT_HEADER_BYTES + MAX_RECORD_BYTES) as u64;
        let Some(len) = usize::try_from(found).ok().filter(|_| found >= least) else {
            return Err(JournalError::Size { path, found, expected: least });
        };
        let words = file.map_read_only(len).map_err(refused)?;
        let header = match SegmentHeader::load(&words) {
            Ok(header) => header,
            Err(HeaderFault::Blank) => return Ok(None),
            Err(fault) => return Err(header_error(path, fault)),
        };
        if header.shard != shard {
            return Err(JournalError::Shard { path, found: header.shard, expected: shard });
        }
        if header.index != index || header.segment_bytes != found {
            return Err(JournalError::Size { path, found, expected: header.segment_bytes });
        }
        Ok(Some(Self { words, header, path }))
    }

    /// The commit word at `at`, which is record `seq`; 0 where that is not visible yet.
    fn visible_word(&self, at: usize, seq: u64, durable: u64) -> Result<u64, JournalError> {
        if at + ALIGN_BYTES > self.words.len() || self.is_behind(seq, durable)? {
            return Ok(0);
        }
        Ok(self.words.word(at).load(Ordering::Acquire))
    }

    /// True where only durable records may be seen and `seq` is not one yet: neither by the live position nor by the
    /// segment's own mark, which is what remains where the live one is gone.
    fn is_behind(&self, seq: u64, durable: u64) -> Result<bool, JournalError> {
        let load = |at, what| {
            let word = load_word(&self.words, at, self.header.index);
            word.ok_or_else(|| JournalError::Header { path: self.path.clone(), what })
        };
        if load(VISIBILITY_AT, "visibility")? == 0 {
            return Ok(false);
        }
        Ok(seq > durable && seq >= self.header.first_seq + u64::from(load(DURABLE_AT, "durable mark")?))
    }

    fn corrupt(&self, offset: usize, seq: u64, damage: Damage) -> JournalError {
        JournalError::Corrupt { segment: self.path.clone(), offset: offset as u64, seq, damage }
    }
}
