//! The one writer of a journal.

use std::sync::Arc;
use std::time::Duration;

use crash_point::{Point, is_due, reach};
use machine::{Incarnation, Payload, ShardId, Timestamp};

use crate::directory::{Control, Directory};
use crate::disk::Lock;
use crate::durability::Durability;
use crate::error::JournalError;
use crate::flusher::Flusher;
use crate::follower::Follower;
use crate::handover::Appender;
use crate::header::SegmentHeader;
use crate::layout::{
    COMMIT_BYTES, MAX_RECORD_BYTES, RECORD_HEADER_BYTES, RecordHeader, commit_crc, commit_word,
};
use crate::preparer::Preparer;
use crate::segment::{Prepared, Segment};
use crate::watch::{DurableWatch, Progress};
use crate::workshop::Job;

/// Where a record was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Its number.
    pub seq: u64,
    /// Its checksum.
    pub crc: u32,
}

/// What a writer starts with.
pub(crate) struct Start {
    pub(crate) directory: Directory,
    pub(crate) lock: Lock,
    pub(crate) durability: Durability,
    pub(crate) shard: ShardId,
    pub(crate) incarnation: Incarnation,
    pub(crate) next_seq: u64,
    pub(crate) prev_crc: u32,
    pub(crate) segment_bytes: u64,
    pub(crate) active: Prepared,
    pub(crate) progress: Arc<Progress>,
    pub(crate) preparer: Preparer,
    pub(crate) flusher: Option<Flusher>,
}

/// Appends to a journal. Dropping it lets what was appended become durable, as [`Writer::close`] does, but says
/// nothing of errors.
pub struct Writer {
    appender: Appender,
    segment: Arc<Segment>,
    next: Option<Prepared>,
    next_seq: u64,
    prev_crc: u32,
    shard: ShardId,
    incarnation: Incarnation,
    durability: Durability,
    segment_bytes: u64,
    progress: Arc<Progress>,
    flusher: Option<Flusher>,
    preparer: Preparer,
    directory: Directory,
    closed: bool,
    _lock: Lock,
}

/// The record of an order is no longer.
const USUAL_RECORD_BYTES: usize = 256;

/// How often [`Writer::flush`] looks under disk durability.
const FLUSH_POLL: Duration = Duration::from_micros(20);

impl Writer {
    pub(crate) fn start(start: Start) -> Self {
        let Prepared { segment, appender } = start.active;
        let mut preparer = start.preparer;
        preparer.send(Job::Warm(Arc::clone(&segment)));
        preparer.send(Job::Populate(Arc::clone(&segment)));
        preparer.send(Job::Prepare(segment.index + 1));
        Self {
            appender,
            segment,
            next: None,
            next_seq: start.next_seq,
            prev_crc: start.prev_crc,
            shard: start.shard,
            incarnation: start.incarnation,
            durability: start.durability,
            segment_bytes: start.segment_bytes,
            progress: start.progress,
            flusher: start.flusher,
            preparer,
            directory: start.directory,
            closed: false,
            _lock: start.lock,
        }
    }

    /// Appends a record of what `payload` holds, which is written where it stays. Neither allocates nor calls the system,
    /// but for the first record of a segment and, under disk durability, to wake a sleeping flusher. On an error nothing
    /// was appended.
    #[inline]
    pub fn append<P: Payload>(&mut self, time: Timestamp, payload: &P) -> Result<Appended, JournalError> {
        self.append_with(time, |out| payload.encode(out))
    }

    #[inline]
    fn append_with(
        &mut self,
        time: Timestamp,
        encode: impl FnOnce(&mut [u8]) -> Option<(u8, usize)>,
    ) -> Result<Appended, JournalError> {
        self.progress.check()?;
        if self.appender.room_bytes() < MAX_RECORD_BYTES {
            self.roll(time)?;
        }
        reach(Point::AppendBefore);
        let (seq, undurable) = (self.next_seq, self.undurable());
        let record = self.appender.behind_commit(MAX_RECORD_BYTES - COMMIT_BYTES);
        let (head, payload) = record.split_at_mut(RECORD_HEADER_BYTES - COMMIT_BYTES);
        let Some((kind, payload_len)) = encode(payload) else {
            // What was written before it turned out too large must not look like a torn record.
            payload.fill(0);
            return Err(JournalError::TooLarge { limit: payload.len() });
        };
        let header = RecordHeader {
            seq,
            time_ns: time.nanos,
            incarnation: self.incarnation.count,
            undurable,
            kind,
            shard: self.shard.index,
            prev_crc: self.prev_crc,
        };
        head.copy_from_slice(&header.encode());
        let len = RECORD_HEADER_BYTES + payload_len;
        let (behind, _) = record.split_at(len - COMMIT_BYTES);
        let word = commit_word(behind);
        if is_due(Point::AppendHalfRecord) {
            tear(record, len);
        }
        self.appender.commit(len, word);
        reach(Point::AppendAfter);
        self.prev_crc = commit_crc(word);
        self.next_seq += 1;
        match &self.flusher {
            None => self.progress.set_durable(seq),
            Some(flusher) => flusher.notify(),
        }
        Ok(Appended { seq, crc: self.prev_crc })
    }

    /// How many records before the next one are not yet known to be on disk.
    #[inline]
    fn undurable(&self) -> u32 {
        match self.durability {
            Durability::Process => 0,
            Durability::Disk => {
                u32::try_from(self.next_seq - 1 - self.progress.durable()).unwrap_or(u32::MAX)
            }
        }
    }

    /// Makes sure that the next record fits, however large, so that its append cannot fail for want of space.
    ///
    /// [`JournalError::Full`] where there is no space for another segment; it succeeds again once there is.
    #[inline]
    pub fn ensure_room(&mut self) -> Result<(), JournalError> {
        self.progress.check()?;
        if self.appender.room_bytes() >= MAX_RECORD_BYTES || self.next.is_some() {
            return Ok(());
        }
        self.take_next()
    }

    /// Gets the next segment from the preparer; it waits only where that has fallen behind.
    #[cold]
    fn take_next(&mut self) -> Result<(), JournalError> {
        let index = self.segment.index + 1;
        self.next = self.preparer.take(index)?;
        if self.next.is_some() {
            Ok(())
        } else {
            Err(JournalError::Full { path: self.directory.segment_path(index) })
        }
    }

    /// Goes on in the next segment.
    #[cold]
    fn roll(&mut self, time: Timestamp) -> Result<(), JournalError> {
        if self.next.is_none() {
            self.take_next()?;
        }
        let Some(Prepared { segment, appender }) = self.next.take() else { return Ok(()) };
        let header = SegmentHeader {
            shard: self.shard,
            index: segment.index,
            first_seq: self.next_seq,
            segment_bytes: self.segment_bytes,
            created_ns: time.nanos,
            incarnation: self.incarnation.count,
            prev_crc: self.prev_crc,
        };
        reach(Point::RollNotBegun);
        segment.begin(&header, self.durability);
        reach(Point::RollBegun);
        let sealed = std::mem::replace(&mut self.segment, segment);
        self.appender = appender;
        let prepare = Job::Prepare(self.segment.index + 1);
        self.preparer.send(Job::Warm(Arc::clone(&self.segment)));
        if let Some(flusher) = &mut self.flusher {
            flusher.follow_with(Arc::clone(&self.segment));
            sealed.seal();
            // The flusher's is to be the last: whoever has the last one gives the memory back.
            drop(sealed);
            flusher.notify();
            self.preparer.send(prepare);
        } else {
            self.preparer.send(prepare);
            self.preparer.send(Job::Sealed(sealed));
        }
        Ok(())
    }

    /// Has the memory fetched that the next record will be written to.
    #[inline]
    pub fn make_ready(&mut self) {
        self.appender.make_ready(USUAL_RECORD_BYTES);
    }

    /// The number the next record gets.
    #[inline]
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Every record up to this one is durable; 0 where there is none.
    #[inline]
    pub fn durable_seq(&self) -> u64 {
        self.progress.durable()
    }

    /// The segment that is written to: another one after each roll.
    #[inline]
    pub fn segment_index(&self) -> u64 {
        self.segment.index
    }

    /// Which opening this is.
    pub fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// Reads the durable position from other threads.
    pub fn durable_watch(&self) -> DurableWatch {
        DurableWatch { progress: Arc::clone(&self.progress) }
    }

    /// Follows this journal from record `from_seq` on.
    pub fn follower(&self, from_seq: u64) -> Result<Follower, JournalError> {
        Follower::open(self.directory.folder(), from_seq)
    }

    /// Waits until everything appended is durable. Under process durability it brings everything to disk too, which
    /// takes milliseconds.
    pub fn flush(&mut self) -> Result<(), JournalError> {
        self.progress.check()?;
        match &mut self.flusher {
            Some(flusher) => {
                flusher.notify();
                while self.progress.durable() + 1 < self.next_seq {
                    self.progress.check()?;
                    if !flusher.step() {
                        std::thread::sleep(FLUSH_POLL);
                    }
                }
            }
            None => self.sync_mapped()?,
        }
        Ok(())
    }

    /// Under [`Background::Stepped`](crate::Background): does the next piece of what gets segments ready and puts sealed
    /// ones to rest; false where there is none.
    pub fn step_preparer(&mut self) -> bool {
        self.preparer.step()
    }

    /// Under [`Background::Stepped`](crate::Background) and disk durability: does the next group commit, or the next step
    /// to another segment; false where there is none. [`DurableWatch::check`] says whether it failed.
    pub fn step_flusher(&mut self) -> bool {
        self.flusher.as_mut().is_some_and(Flusher::step)
    }

    fn sync_mapped(&self) -> Result<(), JournalError> {
        self.segment
            .sync()
            .and_then(|()| {
                self.segment.publish_durable(self.appender.settled().count);
                self.segment.sync()
            })
            .map_err(|error| {
                self.progress.fail(&error);
                JournalError::io("sync", &self.segment.path, error)
            })
    }

    /// Makes everything durable, on disk also under process durability, and gives the journal free.
    pub fn close(mut self) -> Result<(), JournalError> {
        self.finish()
    }

    fn finish(&mut self) -> Result<(), JournalError> {
        if std::mem::replace(&mut self.closed, true) {
            return Ok(());
        }
        let flushed = self.flush();
        if let Some(flusher) = &mut self.flusher {
            flusher.stop();
        }
        self.flusher = None;
        let control = self.preparer.stop();
        flushed?;
        self.progress.check()?;
        let Some(control) = control else { return Ok(()) };
        self.directory.write_control(&Control {
            segment: self.segment.index,
            seq: self.next_seq - 1,
            ..control
        })
    }
}

/// Leaves the first half of a record of `len` bytes, without its commit word, and dies.
#[cold]
fn tear(record: &mut [u8], len: usize) -> ! {
    for byte in record.iter_mut().skip((len - COMMIT_BYTES) / 2) {
        *byte = 0;
    }
    crash_point::die()
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let dir = self.directory.path();
        f.debug_struct("Writer").field("dir", &dir).field("next_seq", &self.next_seq).finish_non_exhaustive()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Whoever wants to know calls `close`.
        let _ = self.finish();
    }
}
