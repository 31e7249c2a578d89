//! Disk durability: the thread that writes what was appended to memory to the file, in group commits.
//!
//! `fdatasync` never runs over pages the appender writes to. A commit takes whatever settled while the one before
//! it ran; nobody waits for a group to fill.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crash_point::{Point, is_due, reach};

use crate::background::Background;
use crate::disk::DiskFile;
use crate::doorbell::Doorbell;
use crate::error::JournalError;
use crate::pace::Jobs;
use crate::segment::Segment;
use crate::short_turns::take_short_turns;
use crate::watch::Progress;
use crate::workshop::Job;

/// How a file is brought to disk; replaced in tests.
pub(crate) type Sync = fn(&dyn DiskFile) -> io::Result<()>;

/// How often an idle flusher looks before it goes to sleep; a wake-up costs more than a look.
const LOOKS: u32 = 64;
/// After this time without a record, the durable mark is brought to disk.
const SETTLE: Duration = Duration::from_millis(10);
/// How long it sleeps at most; it is woken before.
const SLEEP: Duration = Duration::from_secs(1);

/// What the writer tells the flusher.
#[derive(Default)]
struct Signal {
    bell: Doorbell,
    stop: AtomicBool,
}

/// The writer's end.
pub(crate) struct Flusher {
    signal: Arc<Signal>,
    next: SyncSender<Arc<Segment>>,
    thread: Option<JoinHandle<()>>,
    /// Where no thread has them.
    stepped: Option<Box<Commits>>,
}

/// The thread's end.
struct Commits {
    segment: Arc<Segment>,
    /// Bytes of the segment that are in the file and on disk.
    flushed: usize,
    /// So many of the segment's records are on disk, and its durable mark does not say so yet.
    mark_pending: Option<u32>,
    next: Receiver<Arc<Segment>>,
    signal: Arc<Signal>,
    progress: Arc<Progress>,
    jobs: Option<Jobs<Job>>,
    sync: Sync,
}

impl Flusher {
    pub(crate) fn start(
        segment: Arc<Segment>,
        progress: Arc<Progress>,
        jobs: Option<Jobs<Job>>,
        sync: Sync,
        background: Background,
    ) -> Result<Self, JournalError> {
        let path = segment.path.clone();
        let signal = Arc::new(Signal::default());
        let (next, incoming) = sync_channel(4);
        let flushed = segment.body.settled().end;
        let commits = Commits {
            segment,
            flushed,
            mark_pending: None,
            next: incoming,
            signal: Arc::clone(&signal),
            progress,
            jobs,
            sync,
        };
        if background == Background::Stepped {
            return Ok(Self { signal, next, thread: None, stepped: Some(Box::new(commits)) });
        }
        let spawned = thread::Builder::new().name("journal-flush".into()).spawn(move || {
            take_short_turns();
            commits.run();
        });
        let thread = spawned.map_err(|error| JournalError::io("start a thread for", &path, error))?;
        Ok(Self { signal, next, thread: Some(thread), stepped: None })
    }

    /// Says that something settled. A system call only where the flusher sleeps.
    #[inline]
    pub(crate) fn notify(&self) {
        self.signal.bell.ring();
    }

    /// Hands over the segment that follows; then the one before may be sealed.
    pub(crate) fn follow_with(&mut self, segment: Arc<Segment>) {
        // The thread ends only after `stop`.
        if self.stepped.is_none() {
            let _ = self.next.send(segment);
            return;
        }
        let mut segment = segment;
        while let Err(TrySendError::Full(back)) = self.next.try_send(segment) {
            segment = back;
            if !self.step() {
                return;
            }
        }
    }

    /// Does the next piece of work where no thread does; false where there is none, or no more after a failure.
    pub(crate) fn step(&mut self) -> bool {
        let Some(commits) = &mut self.stepped else { return false };
        if commits.progress.check().is_err() {
            return false;
        }
        commits.step_or_rest().unwrap_or_else(|error| {
            commits.progress.fail(&error);
            false
        })
    }

    /// Lets the thread finish what settled, and end.
    pub(crate) fn stop(&mut self) {
        self.signal.stop.store(true, Ordering::SeqCst);
        self.signal.bell.ring();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        while self.step() {}
    }
}

impl Commits {
    fn run(mut self) {
        // A thread that is gone without a word would be waited for forever.
        let ended = catch_unwind(AssertUnwindSafe(|| self.work()));
        if let Err(error) = ended.unwrap_or_else(|_| Err(io::ErrorKind::Other.into())) {
            self.progress.fail(&error);
        }
    }

    fn work(&mut self) -> io::Result<()> {
        let mut looks = 0;
        loop {
            // Before the look at what settled: then there is nothing behind what it shows.
            let stop = self.signal.stop.load(Ordering::Acquire);
            if self.step()? {
                looks = 0;
            } else if stop {
                return self.bring_mark();
            } else if looks < LOOKS {
                looks += 1;
                thread::yield_now();
            } else {
                self.rest()?;
            }
        }
    }

    /// Commits, or goes on with the next segment; false where there is nothing to do.
    fn step(&mut self) -> io::Result<bool> {
        // Before the look at what settled, as the order to stop.
        let sealed = self.segment.is_sealed();
        if self.commit()? {
            return Ok(true);
        }
        if sealed {
            self.roll()?;
        }
        Ok(sealed)
    }

    /// As [`Commits::step`]; where there is nothing to do, it brings the mark to disk.
    fn step_or_rest(&mut self) -> io::Result<bool> {
        if self.step()? {
            return Ok(true);
        }
        let pending = self.mark_pending.is_some();
        self.bring_mark()?;
        Ok(pending)
    }

    /// Writes what settled and syncs it; false where there was nothing.
    fn commit(&mut self) -> io::Result<bool> {
        let (bytes, settled) = self.segment.body.settled_bytes(self.flushed);
        if bytes.is_empty() {
            return Ok(false);
        }
        if is_due(Point::SyncHalfGroup) {
            let (half, _) = bytes.split_at(bytes.len() / 2);
            self.segment.file.write_all_at(half, self.flushed as u64)?;
            crash_point::die();
        }
        self.segment.file.write_all_at(bytes, self.flushed as u64)?;
        reach(Point::SyncBefore);
        (self.sync)(&*self.segment.file)?;
        reach(Point::SyncAfter);
        self.flushed = settled.end;
        // The mark is not stored here: its page would cost every commit a second write, and later records say in
        // `undurable` what was durable before them.
        self.mark_pending = Some(settled.count);
        self.progress.advance(self.segment.first_seq() + u64::from(settled.count) - 1);
        Ok(true)
    }

    /// Goes on with the next segment. Its header is on disk before its first record is written.
    fn roll(&mut self) -> io::Result<()> {
        self.bring_mark()?;
        let next = self.next.recv().map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        (self.sync)(&*next.file)?;
        let sealed = std::mem::replace(&mut self.segment, next);
        self.flushed = crate::header::SEGMENT_HEADER_BYTES;
        if let Some(jobs) = &self.jobs {
            jobs.send(Job::Sealed(sealed));
        }
        Ok(())
    }

    /// Brings the durable mark to disk: where no later record will tell.
    fn bring_mark(&mut self) -> io::Result<()> {
        if let Some(count) = self.mark_pending.take() {
            self.segment.publish_durable(count);
            (self.sync)(&*self.segment.file)?;
        }
        Ok(())
    }

    /// Sleeps until something settles.
    fn rest(&mut self) -> io::Result<()> {
        let longest = if self.mark_pending.is_some() { SETTLE } else { SLEEP };
        self.signal.bell.sleep(longest, || {
            self.segment.body.settled().end != self.flushed
                || self.segment.is_sealed()
                || self.signal.stop.load(Ordering::Relaxed)
        });
        if self.segment.body.settled().end == self.flushed {
            self.bring_mark()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::AtomicU32;
    use std::time::Instant;

    use machine::{Payload, ShardId, Timestamp, Unreadable};

    use super::*;
    use crate::open::open_with;
    use crate::{Durability, Opened, Options, Writer, open};

    const TIME: Timestamp = Timestamp::from_nanos(1);

    /// The shortest record.
    #[derive(Default)]
    struct Tick;

    impl Payload for Tick {
        fn encode(&self, _: &mut [u8]) -> Option<(u8, usize)> {
            Some((3, 0))
        }

        fn decode(&mut self, _: u8, _: &[u8]) -> Result<(), Unreadable> {
            Ok(())
        }
    }

    fn options(dir: &Path) -> Options {
        let (segment_bytes, durability) = (Options::MIN_SEGMENT_BYTES, Durability::Disk);
        Options { segment_bytes, durability, ..Options::new(dir, ShardId::new(1)) }
    }

    fn wait_until(what: &str, done: impl Fn() -> bool) {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < Duration::from_mins(1), "waited a minute until {what}");
            thread::yield_now();
        }
    }

    fn append(writer: &mut Writer, count: usize) {
        for _ in 0..count {
            writer.append(TIME, &Tick).unwrap();
        }
    }

    #[test]
    fn a_failed_sync_ends_it_for_good() {
        let dir = tempfile::tempdir().unwrap();
        let opened = open_with(&options(dir.path()), |_| Err(io::Error::from_raw_os_error(5)));
        let mut writer = opened.unwrap().writer;
        let watch = writer.durable_watch();
        append(&mut writer, 1);
        wait_until("the sync failed", || watch.check().is_err());
        assert_eq!((watch.durable_seq(), writer.durable_seq()), (0, 0));
        for refused in [writer.append(TIME, &Tick).err(), writer.ensure_room().err(), writer.flush().err()] {
            assert!(matches!(refused, Some(JournalError::FlushFailed { errno: 5, .. })), "{refused:?}");
        }
        let mut follower = writer.follower(1).unwrap();
        assert!(follower.poll::<Tick>().unwrap().is_none(), "a follower sees no record that is not on disk");
        assert!(matches!(writer.close(), Err(JournalError::FlushFailed { .. })));
        // The lock is free again, and what got to the file is found.
        assert!(open(&options(dir.path())).unwrap().recovery.last_seq <= 1);
    }

    static ENTERED: AtomicU32 = AtomicU32::new(0);
    static ALLOWED: AtomicU32 = AtomicU32::new(0);

    /// A sync that waits until it is allowed.
    fn gated(file: &dyn DiskFile) -> io::Result<()> {
        let turn = ENTERED.fetch_add(1, Ordering::SeqCst) + 1;
        wait_until("the sync is allowed", || ALLOWED.load(Ordering::SeqCst) >= turn);
        file.sync_data()
    }

    /// A journal as a power failure leaves it in the middle of a group commit: record 1 is durable, 2 to 10 are in the
    /// file and nobody was told of them.
    fn interrupted(dir: &Path) {
        let live = tempfile::tempdir().unwrap();
        let Opened { mut writer, .. } = open_with(&options(live.path()), gated).unwrap();
        append(&mut writer, 1);
        ALLOWED.store(1, Ordering::SeqCst);
        wait_until("record 1 is durable", || writer.durable_seq() == 1);
        append(&mut writer, 9);
        // An idle flusher may be bringing its mark to disk first.
        wait_until("the rest is written", || {
            let mut reader = crate::Reader::from_seq(live.path(), 1).unwrap();
            while reader.next::<Tick>().unwrap().is_some() {}
            let stuck = ENTERED.load(Ordering::SeqCst);
            if reader.next_seq() < 11 && stuck > ALLOWED.load(Ordering::SeqCst) {
                ALLOWED.store(stuck, Ordering::SeqCst);
            }
            reader.next_seq() == 11
        });
        for name in ["control", "00000001.segment"] {
            std::fs::copy(live.path().join(name), dir.join(name)).unwrap();
        }
        ALLOWED.store(u32::MAX, Ordering::SeqCst);
        writer.flush().unwrap();
        assert_eq!(writer.durable_seq(), 10);
    }

    #[test]
    fn pages_of_one_group_commit_may_get_to_disk_in_any_order() {
        let dir = tempfile::tempdir().unwrap();
        interrupted(dir.path());
        let path = dir.path().join("00000001.segment");
        let whole = std::fs::read(&path).unwrap();
        // All ten are of one length, and the first says of which.
        let len = usize::from(u16::from_le_bytes([whole[4096], whole[4097]]));
        let damage = |seq: usize| {
            let mut bytes = whole.clone();
            bytes[4096 + (seq - 1) * len + 16] ^= 1;
            std::fs::write(&path, bytes).unwrap();
        };
        // Record 1 was durable: those behind it say so.
        damage(1);
        let refused = open(&options(dir.path())).expect_err("a durable record is damaged");
        assert!(matches!(refused, JournalError::Corrupt { seq: 1, .. }), "{refused}");
        // Record 4 was not, and nor were those behind it, though they are whole.
        damage(4);
        let recovery = open(&options(dir.path())).unwrap().recovery;
        let cut = recovery.cut.expect("a cut");
        assert_eq!((recovery.last_seq, cut.records, cut.offset), (3, 7, (4096 + 3 * len) as u64));
    }

    static ROLLING_ENTERED: AtomicU32 = AtomicU32::new(0);
    static ROLLING_ALLOWED: AtomicBool = AtomicBool::new(false);

    fn gated_for_rolls(file: &dyn DiskFile) -> io::Result<()> {
        ROLLING_ENTERED.fetch_add(1, Ordering::SeqCst);
        wait_until("the sync is allowed", || ROLLING_ALLOWED.load(Ordering::SeqCst));
        file.sync_data()
    }

    #[test]
    fn an_appender_segments_ahead_of_the_flusher_leaves_no_gap() {
        let (live, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let Opened { mut writer, .. } = open_with(&options(live.path()), gated_for_rolls).unwrap();
        append(&mut writer, 10);
        wait_until("a commit syncs", || ROLLING_ENTERED.load(Ordering::SeqCst) > 0);
        // Three segments are begun; only what the first commit took is in a file.
        while !live.path().join("00000004.segment").exists() {
            writer.ensure_room().unwrap();
            append(&mut writer, 1);
        }
        for name in ["control", "00000001.segment", "00000002.segment", "00000003.segment"] {
            std::fs::copy(live.path().join(name), dir.path().join(name)).unwrap();
        }
        ROLLING_ALLOWED.store(true, Ordering::SeqCst);
        writer.close().unwrap();
        // The headers may get to disk in any order too.
        let reordered = tempfile::tempdir().unwrap();
        for name in ["control", "00000001.segment", "00000002.segment", "00000003.segment"] {
            std::fs::copy(dir.path().join(name), reordered.path().join(name)).unwrap();
        }
        std::fs::write(reordered.path().join("00000002.segment"), vec![0; 128 * 1024]).unwrap();
        for dir in [dir, reordered] {
            let Opened { mut writer, recovery } = open(&options(dir.path())).unwrap();
            assert!((1..=10).contains(&recovery.last_seq) && recovery.segments == 1, "{recovery:?}");
            append(&mut writer, 400);
            writer.close().unwrap();
            assert_eq!(crate::verify::<Tick>(dir.path()).unwrap().records, recovery.last_seq + 400);
        }
    }
}
