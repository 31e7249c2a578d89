//! The background thread that gets segments ready ahead of the writer and puts sealed ones to rest.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread::{self, JoinHandle};

use crash_point::{Point, reach};

use crate::chain;
use crate::directory::{Control, Directory};
use crate::error::JournalError;
use crate::segment::{Prepared, Segment};
use crate::warmth::Warmth;
use crate::watch::Progress;
use crate::writer::Durability;

/// What the thread is asked to do.
pub(crate) enum Job {
    /// Keep the memory ahead of this segment's appender present.
    Warm(Arc<Segment>),
    /// Create the segment with this index.
    Prepare(u64),
    /// No record follows in this segment: see that it is on disk, and that the control file knows.
    Sealed(Arc<Segment>),
}

/// What the thread works with.
pub(crate) struct Workshop {
    pub(crate) directory: Directory,
    pub(crate) segment_bytes: u64,
    pub(crate) durability: Durability,
    pub(crate) control: Control,
    pub(crate) progress: Arc<Progress>,
    pub(crate) warmth: Warmth,
}

/// The writer's end.
pub(crate) struct Preparer {
    jobs: Option<SyncSender<Job>>,
    ready: Receiver<Result<Prepared, JournalError>>,
    thread: Option<JoinHandle<Control>>,
    /// An answer to `Prepare` is still to come.
    waiting: bool,
    /// The last answer was a failure.
    failed: bool,
}

impl Preparer {
    pub(crate) fn start(workshop: Workshop) -> Result<Self, JournalError> {
        let path = workshop.directory.path().to_path_buf();
        let (jobs, todo) = sync_channel(8);
        let (done, ready) = sync_channel(1);
        let named = thread::Builder::new().name("journal-prepare".into());
        let thread = named.spawn(move || workshop.run(&todo, &done));
        let thread = thread.map_err(|error| JournalError::io("start a thread for", &path, error))?;
        Ok(Self { jobs: Some(jobs), ready, thread: Some(thread), waiting: false, failed: false })
    }

    /// Another way to hand in jobs.
    pub(crate) fn jobs(&self) -> Option<SyncSender<Job>> {
        self.jobs.clone()
    }

    pub(crate) fn send(&mut self, job: Job) {
        self.waiting |= matches!(job, Job::Prepare(_));
        if let Some(jobs) = &self.jobs {
            // The thread ends only after this end is dropped.
            let _ = jobs.send(job);
        }
    }

    /// The prepared segment `index`. Waits for one in the making; while there is no space it does not wait but asks
    /// again and again, so that a caller learns at once that there is still none.
    pub(crate) fn take(&mut self, index: u64) -> Result<Option<Prepared>, JournalError> {
        // A failure may be an old one, from when the segment was asked for ahead: once more, and that is the answer.
        let attempts = if self.failed { 1 } else { 2 };
        let mut answer = self.answer(index);
        for _ in 1..attempts {
            if answer.is_err() {
                answer = self.answer(index);
            }
        }
        self.failed = !matches!(answer, Ok(Some(_)));
        answer
    }

    /// The answer to `Prepare`, asked for if it was not yet; `None` where it is still to come.
    fn answer(&mut self, index: u64) -> Result<Option<Prepared>, JournalError> {
        if !self.waiting {
            self.send(Job::Prepare(index));
        }
        let answer = if self.failed { self.ready.try_recv() } else { self.wait() };
        self.waiting = matches!(answer, Err(TryRecvError::Empty));
        answer.map_or(Ok(None), |prepared| prepared.map(Some))
    }

    fn wait(&self) -> Result<Result<Prepared, JournalError>, TryRecvError> {
        self.ready.recv().map_err(|_| TryRecvError::Disconnected)
    }

    /// Lets the thread finish; returns the control file's last content.
    pub(crate) fn stop(&mut self) -> Option<Control> {
        self.jobs = None;
        // The thread must not wait for room in a channel nobody reads.
        while self.ready.recv().is_ok() {}
        self.thread.take()?.join().ok()
    }
}

impl Workshop {
    fn run(mut self, todo: &Receiver<Job>, done: &SyncSender<Result<Prepared, JournalError>>) -> Control {
        loop {
            match todo.recv_timeout(self.warmth.pause()) {
                Ok(Job::Warm(segment)) => self.warmth.turn_to(segment),
                Ok(Job::Prepare(index)) => {
                    if done.send(self.prepare(index)).is_err() {
                        return self.control;
                    }
                }
                Ok(Job::Sealed(segment)) => self.put_to_rest(&segment),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.control,
            }
            self.warmth.keep();
        }
    }

    fn prepare(&self, index: u64) -> Result<Prepared, JournalError> {
        let prepared = Segment::create(&self.directory, index, self.segment_bytes, self.durability)?;
        reach(Point::RollCreated);
        prepared.segment.populate(0, prepared.segment.body.len());
        Ok(prepared)
    }

    fn put_to_rest(&mut self, segment: &Segment) {
        reach(Point::RollSealed);
        let settled = segment.body.settled();
        segment.publish_durable(settled.count);
        if let Err(error) = segment.sync() {
            self.progress.fail(&error);
            return;
        }
        let seq = segment.first_seq() + u64::from(settled.count) - 1;
        // Under process durability the next segment's header may not be on disk yet.
        let next = u64::from(self.durability == Durability::Disk);
        let control = Control { segment: segment.index + next, seq, ..self.control };
        // Where it fails, for want of space for instance, the control file only lags: it is written again at the next
        // roll, and says nothing false until then.
        if self.directory.write_control(&control).is_ok() {
            self.control = control;
        }
        reach(Point::RollUnchained);
        // Where that fails the next opening does it.
        let _ = chain::extend(&self.directory, control.shard, segment.index + 1);
    }
}
