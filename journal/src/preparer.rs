//! The background thread that gets segments ready ahead of the writer and puts sealed ones to rest.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::{self, JoinHandle};

use crate::directory::{Control, Directory};
use crate::error::JournalError;
use crate::segment::{Prepared, Segment};
use crate::watch::Progress;
use crate::writer::Durability;

/// What the thread is asked to do.
pub(crate) enum Job {
    /// Make the rest of a segment's memory present.
    Warm(Arc<Segment>, usize),
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

    /// The prepared segment `index`. Waits for one in the making; after a failure it does not wait but asks again,
    /// so that a caller learns at once that there is still no space.
    pub(crate) fn take(&mut self, index: u64) -> Result<Option<Prepared>, JournalError> {
        if !self.waiting {
            self.send(Job::Prepare(index));
        }
        let answer = if self.failed { self.ready.try_recv() } else { self.wait() };
        match answer {
            Ok(Ok(prepared)) => {
                (self.waiting, self.failed) = (false, false);
                Ok(Some(prepared))
            }
            Ok(Err(error)) => {
                (self.waiting, self.failed) = (false, true);
                Err(error)
            }
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => Ok(None),
        }
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
        while let Ok(job) = todo.recv() {
            match job {
                Job::Warm(segment, from) => segment.populate(from, segment.body.len()),
                Job::Prepare(index) => {
                    if done.send(self.prepare(index)).is_err() {
                        break;
                    }
                }
                Job::Sealed(segment) => self.put_to_rest(&segment),
            }
        }
        self.control
    }

    fn prepare(&self, index: u64) -> Result<Prepared, JournalError> {
        let prepared = Segment::create(&self.directory, index, self.segment_bytes, self.durability)?;
        prepared.segment.populate(0, prepared.segment.body.len());
        Ok(prepared)
    }

    fn put_to_rest(&mut self, segment: &Segment) {
        let settled = segment.body.settled();
        segment.publish_durable(settled.count);
        if let Err(error) = segment.sync() {
            self.progress.fail(&error);
            return;
        }
        let seq = segment.first_seq() + u64::from(settled.count) - 1;
        let control = Control { segment: segment.index + 1, seq, ..self.control };
        // Where it fails, for want of space for instance, the control file only lags: it is written again at the next
        // roll, and says nothing false until then.
        if self.directory.write_control(&control).is_ok() {
            self.control = control;
        }
    }
}
