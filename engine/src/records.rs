//! Where a replay gets its records from: read in turn by whoever replays, or ahead of it on another core.
//!
//! Reading is some hundred nanoseconds a record, of five hundred to a thousand in all: copied from the page cache,
//! checksum, place, validation. None of it needs the state, so another core may do it. What is replayed, in which order,
//! and at which record an error comes up are the same either way.

use std::mem::take;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use journal::{JournalError, Reader, Record};
use machine::{Journalled, Recorded};

use crate::error::EngineError;

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// The thread that replays, one record after the other.
    InTurn,
    /// Another thread, where there is a core for it and more than a handful to read.
    Ahead,
}

/// Records handed over at once: some hundred microseconds of work, so that handing over costs nothing beside it.
const BATCH_RECORDS: usize = 512;
/// Batches on their way. All of them together stay in a core's cache.
const BATCHES: usize = 3;
/// Records read at once by the thread that replays them: enough that each next one is known, few enough for the nearest
/// cache.
const FEW_RECORDS: usize = 16;

/// A record of a machine's journal, with what it holds.
pub type RecordOf<I> = Record<Recorded<I>>;

/// A record, and the one behind it where there is one by now.
pub type WithNext<'a, I> = (&'a RecordOf<I>, Option<&'a RecordOf<I>>);

/// Records in order, each once, and each with the one behind it: that may say that it had no effect.
pub struct Records<I> {
    batch: Batch<I>,
    at: usize,
    /// The batch behind, read already since the last record of this one is asked for.
    next: Option<Batch<I>>,
    /// To be read into again.
    spare: Option<Batch<I>>,
    source: Source<I>,
}

/// Where the next batch comes from.
enum Source<I> {
    Reader(Box<Reader>),
    Thread(Thread<I>),
    /// There is none.
    End,
}

/// Some records, and what came after the last of them.
struct Batch<I> {
    records: Vec<RecordOf<I>>,
    count: usize,
    then: Then,
}

/// What follows a batch.
#[derive(Default)]
enum Then {
    /// More records.
    #[default]
    More,
    /// The end, for now.
    End,
    /// A record that cannot be read.
    Error(JournalError),
}

impl<I: Journalled> Batch<I> {
    fn empty(records: usize) -> Self {
        Self { records: vec![Record::default(); records], count: 0, then: Then::More }
    }

    fn fill(&mut self, reader: &mut Reader) {
        (self.count, self.then) = (0, Then::More);
        for record in &mut self.records {
            match reader.read(record) {
                Ok(true) => self.count += 1,
                Ok(false) => self.then = Then::End,
                Err(error) => self.then = Then::Error(error),
            }
            if !matches!(self.then, Then::More) {
                return;
            }
        }
    }
}

struct Thread<I> {
    full: Receiver<Batch<I>>,
    empty: SyncSender<Batch<I>>,
    handle: JoinHandle<()>,
}

impl<I: Journalled> Records<I> {
    /// What `reader` reads from here on, read by the calling thread.
    pub fn in_turn(reader: Reader) -> Self {
        let source = Source::Reader(Box::new(reader));
        Self { batch: Batch::empty(FEW_RECORDS), at: 0, next: None, spare: None, source }
    }

    /// What `reader` reads from here on.
    pub(crate) fn of(reader: Reader, reads: Reads) -> Result<Self, EngineError> {
        let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        if reads == Reads::InTurn || cores == 1 {
            return Ok(Self::in_turn(reader));
        }
        Self::ahead(reader)
    }

    /// The first batch is read here: what fits into it is not worth a thread.
    fn ahead(mut reader: Reader) -> Result<Self, EngineError> {
        let mut batch = Batch::empty(BATCH_RECORDS);
        batch.fill(&mut reader);
        let more = matches!(batch.then, Then::More);
        let source = if more { Source::Thread(Thread::start(reader)?) } else { Source::End };
        Ok(Self { batch, at: 0, next: None, spare: None, source })
    }

    /// True where another thread reads.
    pub(crate) const fn are_ahead(&self) -> bool {
        matches!(self.source, Source::Thread(_))
    }

    /// The next record; `None` at the end. Not to be asked again after an error or the end.
    #[cfg(test)]
    pub(crate) fn next(&mut self) -> Result<Option<&RecordOf<I>>, EngineError> {
        Ok(self.next_two()?.map(|(record, _)| record))
    }

    /// The next record, and the one behind it where there is one by now. Not to be asked again after an error or the end.
    pub fn next_two(&mut self) -> Result<Option<WithNext<'_, I>>, EngineError> {
        while self.at == self.batch.count {
            match take(&mut self.batch.then) {
                Then::More => self.turn_to_next(),
                Then::End => {
                    self.batch.then = Then::End;
                    return Ok(None);
                }
                Then::Error(error) => return Err(error.into()),
            }
        }
        self.at += 1;
        if self.at == self.batch.count && matches!(self.batch.then, Then::More) {
            self.read_next();
        }
        let behind = self.next.as_ref().and_then(|next| next.records.first().filter(|_| next.count > 0));
        let mut rest = self.batch.records.iter().take(self.batch.count).skip(self.at - 1);
        Ok(rest.next().map(|record| (record, rest.next().or(behind))))
    }

    fn turn_to_next(&mut self) {
        self.at = 0;
        if self.next.is_none() {
            self.read_next();
        }
        let next = self.next.take().unwrap_or_else(|| Batch { then: Then::End, ..Batch::empty(0) });
        let done = std::mem::replace(&mut self.batch, next);
        match &self.source {
            // It is given back to be read into again; behind its last batch the thread is gone, and takes none.
            Source::Thread(thread) => drop(thread.empty.send(done)),
            Source::Reader(_) | Source::End => self.spare = Some(done),
        }
    }

    #[cold]
    fn read_next(&mut self) {
        match &mut self.source {
            Source::Reader(reader) => {
                let mut batch = self.spare.take().unwrap_or_else(|| Batch::empty(FEW_RECORDS));
                batch.fill(reader);
                self.next = Some(batch);
            }
            Source::Thread(thread) => match thread.full.recv() {
                Ok(next) => self.next = Some(next),
                Err(_) => self.end_with_thread(),
            },
            Source::End => {}
        }
    }

    /// The thread ends without a last batch only by a panic, which goes on here.
    fn end_with_thread(&mut self) {
        if let Source::Thread(thread) = std::mem::replace(&mut self.source, Source::End)
            && let Err(panic) = thread.end()
        {
            resume_unwind(panic);
        }
    }
}

impl<I> Drop for Records<I> {
    fn drop(&mut self) {
        if let Source::Thread(thread) = std::mem::replace(&mut self.source, Source::End) {
            // Whether it panicked behind what was asked for does not matter.
            let _ = thread.end();
        }
    }
}

impl<I: Journalled> Thread<I> {
    fn start(mut reader: Reader) -> Result<Self, EngineError> {
        let (give, full) = sync_channel::<Batch<I>>(BATCHES);
        let (empty, take) = sync_channel::<Batch<I>>(BATCHES);
        for _ in 1..BATCHES {
            // There is room: nobody has put any in yet.
            let _ = empty.send(Batch::empty(BATCH_RECORDS));
        }
        let name = "replay-read".to_owned();
        let run = move || {
            while let Ok(mut batch) = take.recv() {
                batch.fill(&mut reader);
                let last = !matches!(batch.then, Then::More);
                if give.send(batch).is_err() || last {
                    return;
                }
            }
        };
        let spawned = thread::Builder::new().name(name.clone()).spawn(run);
        let handle = spawned.map_err(|source| EngineError::Thread { name, source })?;
        Ok(Self { full, empty, handle })
    }
}

impl<I> Thread<I> {
    /// Lets it end, and waits for that.
    fn end(self) -> thread::Result<()> {
        drop((self.full, self.empty));
        self.handle.join()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use journal::Options;
    use model::{Input, ShardId, Timestamp};

    use super::*;

    const SHARD: ShardId = ShardId::new(2);

    /// A journal of so many ticks, in several segments.
    fn journal_of(records: u64) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let segment_bytes = Options::MIN_SEGMENT_BYTES;
        let mut writer =
            journal::open(&Options { segment_bytes, ..Options::new(dir.path(), SHARD) }).unwrap().writer;
        for seq in 1..=records {
            writer.ensure_room().unwrap();
            writer.append(Timestamp::from_nanos(seq.cast_signed()), &Input::Tick).unwrap();
        }
        writer.close().unwrap();
        dir
    }

    fn ahead(dir: &Path) -> Records<Input> {
        Records::ahead(Reader::from_seq(dir, 1).unwrap()).unwrap()
    }

    fn in_turn(dir: &Path) -> Records<Input> {
        Records::of(Reader::from_seq(dir, 1).unwrap(), Reads::InTurn).unwrap()
    }

    /// Everything that comes, and the error that ends it if one does.
    fn all(mut records: Records<Input>) -> (Vec<RecordOf<Input>>, Option<String>) {
        let mut seen = Vec::new();
        loop {
            match records.next() {
                Ok(Some(record)) => seen.push(record.clone()),
                Ok(None) => return (seen, None),
                Err(error) => return (seen, Some(error.to_string())),
            }
        }
    }

    #[test]
    fn the_same_records_come_either_way() {
        let batch = u64::try_from(BATCH_RECORDS).unwrap();
        for count in [0, 1, batch - 1, batch, batch + 1, 3 * batch, 20 * batch + 7] {
            let dir = journal_of(count);
            let (seen, error) = all(ahead(dir.path()));
            assert_eq!((seen.len() as u64, error.as_deref()), (count, None));
            assert!(seen.iter().zip(1..).all(|(record, seq)| record.position.seq == seq), "{count}");
            assert_eq!((seen, error), all(in_turn(dir.path())), "{count}");
        }
    }

    #[test]
    fn an_error_comes_up_at_its_record() {
        let dir = journal_of(9_000);
        // Each record takes 40 bytes behind a page; the first segment holds over 1,600, and a later batch breaks off.
        let path = dir.path().join("00000001.segment");
        let mut bytes = fs::read(&path).unwrap();
        bytes[4096 + 1_500 * 40 + 16] ^= 1;
        fs::write(&path, bytes).unwrap();
        let (seen, error) = all(ahead(dir.path()));
        assert_eq!(seen.len(), 1_500);
        assert!(error.as_ref().is_some_and(|error| error.contains("1501")), "{error:?}");
        assert_eq!((seen, error), all(in_turn(dir.path())));
    }

    #[test]
    fn who_stops_early_is_not_waited_for_and_waits_for_nobody() {
        let dir = journal_of(20_000);
        for stop in [0, 1, 511, 512, 513, 5_000] {
            let mut records = ahead(dir.path());
            for seq in 1..=stop {
                assert_eq!(records.next().unwrap().map(|record| record.position.seq), Some(seq));
            }
        }
    }
}
