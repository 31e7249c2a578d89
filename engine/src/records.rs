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

/// Records in order, each once.
pub(crate) enum Records {
    InTurn(Box<InTurn>),
    Ahead(Box<Ahead>),
}

/// A reader with the place it reads into.
pub(crate) struct InTurn {
    reader: Reader,
    record: Record,
}

impl Records {
    /// What `reader` reads from here on.
    pub(crate) fn of(reader: Reader, reads: Reads) -> Result<Self, EngineError> {
        let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        if reads == Reads::InTurn || cores == 1 {
            return Ok(Self::InTurn(Box::new(InTurn { reader, record: Record::default() })));
        }
        Ok(Self::Ahead(Box::new(Ahead::of(reader)?)))
    }

    /// True where another thread reads.
    pub(crate) fn are_ahead(&self) -> bool {
        matches!(self, Self::Ahead(ahead) if ahead.thread.is_some())
    }

    /// The next record; `None` at the end. Not to be asked again after an error or the end.
    pub(crate) fn next(&mut self) -> Result<Option<&Record>, EngineError> {
        match self {
            Self::InTurn(in_turn) => {
                let InTurn { reader, record } = &mut **in_turn;
                Ok(reader.read(record)?.then_some(&*record))
            }
            Self::Ahead(ahead) => ahead.next(),
        }
    }
}

/// Some records, and what came after the last of them.
struct Batch {
    records: Vec<Record>,
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

impl Batch {
    fn empty() -> Self {
        Self { records: vec![Record::default(); BATCH_RECORDS], count: 0, then: Then::More }
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

/// The receiving end of a thread that reads ahead. Dropped, it lets the thread end.
pub(crate) struct Ahead {
    batch: Batch,
    at: usize,
    thread: Option<Thread>,
}

struct Thread {
    full: Receiver<Batch>,
    empty: SyncSender<Batch>,
    handle: JoinHandle<()>,
}

impl Ahead {
    /// The first batch is read here: what fits into it is not worth a thread.
    fn of(mut reader: Reader) -> Result<Self, EngineError> {
        let mut batch = Batch::empty();
        batch.fill(&mut reader);
        let more = matches!(batch.then, Then::More);
        let thread = more.then(|| Thread::start(reader)).transpose()?;
        Ok(Self { batch, at: 0, thread })
    }

    fn next(&mut self) -> Result<Option<&Record>, EngineError> {
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
        Ok(self.batch.records.get(self.at - 1))
    }

    /// Gives the batch back, to be read into again, and takes the next one.
    fn turn_to_next(&mut self) {
        self.at = 0;
        let next = self.thread.as_ref().and_then(|thread| thread.full.recv().ok());
        if let Some(next) = next {
            let done = std::mem::replace(&mut self.batch, next);
            if let Some(thread) = &self.thread {
                // Behind its last batch the thread is gone, and takes none back.
                let _ = thread.empty.send(done);
            }
            return;
        }
        // It ends without a last batch only by a panic, which goes on here.
        if let Some(Thread { full, empty, handle }) = self.thread.take() {
            drop((full, empty));
            if let Err(panic) = handle.join() {
                resume_unwind(panic);
            }
        }
        (self.batch.count, self.batch.then) = (0, Then::End);
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        if let Some(Thread { full, empty, handle }) = self.thread.take() {
            drop((full, empty));
            // Whether it panicked behind what was asked for does not matter.
            let _ = handle.join();
        }
    }
}

impl Thread {
    fn start(mut reader: Reader) -> Result<Self, EngineError> {
        let (give, full) = sync_channel::<Batch>(BATCHES);
        let (empty, take) = sync_channel::<Batch>(BATCHES);
        for _ in 1..BATCHES {
            // There is room: nobody has put any in yet.
            let _ = empty.send(Batch::empty());
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

    fn ahead(dir: &Path) -> Records {
        Records::Ahead(Box::new(Ahead::of(Reader::from_seq(dir, 1).unwrap()).unwrap()))
    }

    fn in_turn(dir: &Path) -> Records {
        Records::of(Reader::from_seq(dir, 1).unwrap(), Reads::InTurn).unwrap()
    }

    /// Everything that comes, and the error that ends it if one does.
    fn all(mut records: Records) -> (Vec<Record>, Option<String>) {
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
