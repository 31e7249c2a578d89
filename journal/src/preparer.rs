//! The background thread that gets segments ready ahead of the writer and puts sealed ones to rest.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use crash_point::{Point, reach};

use crate::chain;
use crate::directory::{Control, Directory};
use crate::error::JournalError;
use crate::open::Background;
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
    worker: Worker,
    /// An answer to `Prepare` is still to come.
    waiting: bool,
    /// The last answer was a failure.
    failed: bool,
}

/// Who does the jobs.
enum Worker {
    Thread(JoinHandle<Control>),
    Stepped(Box<Bench>),
    Gone,
}

/// The thread's end where there is no thread.
struct Bench {
    workshop: Workshop,
    todo: Receiver<Job>,
    done: SyncSender<Result<Prepared, JournalError>>,
}

/// Jobs that may wait for a thread.
const JOBS: usize = 8;
/// Jobs that may wait where nobody takes them meanwhile: a flusher that is stepped may hand in one for each of the
/// segments it is behind, while those of the writer are done before it rolls again.
const STEPPED_JOBS: usize = 64;

impl Preparer {
    pub(crate) fn start(workshop: Workshop, background: Background) -> Result<Self, JournalError> {
        let (done, ready) = sync_channel(1);
        let (jobs, worker) = match background {
            Background::Threads => {
                let path = workshop.directory.path().to_path_buf();
                let (jobs, todo) = sync_channel(JOBS);
                let named = thread::Builder::new().name("journal-prepare".into());
                let thread = named.spawn(move || workshop.run(&todo, &done));
                let thread = thread.map_err(|error| JournalError::io("start a thread for", &path, error))?;
                (jobs, Worker::Thread(thread))
            }
            Background::Stepped => {
                let (jobs, todo) = sync_channel(STEPPED_JOBS);
                (jobs, Worker::Stepped(Box::new(Bench { workshop, todo, done })))
            }
        };
        Ok(Self { jobs: Some(jobs), ready, worker, waiting: false, failed: false })
    }

    /// Does the next job where no thread does; false where there is none.
    pub(crate) fn step(&mut self) -> bool {
        let Worker::Stepped(bench) = &mut self.worker else { return false };
        let Ok(job) = bench.todo.try_recv() else { return false };
        bench.workshop.work(job, &bench.done)
    }

    /// Another way to hand in jobs.
    pub(crate) fn jobs(&self) -> Option<SyncSender<Job>> {
        self.jobs.clone()
    }

    pub(crate) fn send(&mut self, job: Job) {
        self.waiting |= matches!(job, Job::Prepare(_));
        let Some(jobs) = self.jobs.clone() else { return };
        // The thread ends only after this end is dropped.
        if matches!(self.worker, Worker::Thread(_)) {
            let _ = jobs.send(job);
        } else if let Err(TrySendError::Full(job)) = jobs.try_send(job) {
            self.step();
            let _ = jobs.try_send(job);
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

    fn wait(&mut self) -> Result<Result<Prepared, JournalError>, TryRecvError> {
        if matches!(self.worker, Worker::Thread(_)) {
            return self.ready.recv().map_err(|_| TryRecvError::Disconnected);
        }
        loop {
            match self.ready.try_recv() {
                Err(TryRecvError::Empty) if self.step() => {}
                answer => return answer,
            }
        }
    }

    /// Lets the thread finish; returns the control file's last content.
    pub(crate) fn stop(&mut self) -> Option<Control> {
        self.jobs = None;
        // The thread must not wait for room in a channel nobody reads.
        match std::mem::replace(&mut self.worker, Worker::Gone) {
            Worker::Thread(thread) => {
                while self.ready.recv().is_ok() {}
                thread.join().ok()
            }
            Worker::Stepped(bench) => {
                let Bench { mut workshop, todo, done } = *bench;
                drop(std::mem::replace(&mut self.ready, sync_channel(1).1));
                while todo.try_recv().is_ok_and(|job| workshop.work(job, &done)) {}
                Some(workshop.control)
            }
            Worker::Gone => None,
        }
    }
}

impl Workshop {
    fn run(mut self, todo: &Receiver<Job>, done: &SyncSender<Result<Prepared, JournalError>>) -> Control {
        loop {
            match todo.recv_timeout(self.warmth.pause()) {
                Ok(job) => {
                    if !self.work(job, done) {
                        return self.control;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.control,
            }
            self.warmth.keep();
        }
    }

    /// Does a job; false where nobody waits for what it makes any more.
    fn work(&mut self, job: Job, done: &SyncSender<Result<Prepared, JournalError>>) -> bool {
        match job {
            Job::Warm(segment) => self.warmth.turn_to(segment),
            Job::Prepare(index) => return done.send(self.prepare(index)).is_ok(),
            Job::Sealed(segment) => self.put_to_rest(&segment),
        }
        true
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
