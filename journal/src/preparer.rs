//! The writer's end of the background work: a thread that gets segments ready ahead of the writer and puts sealed
//! ones to rest, or nobody but the writer itself.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::{self, JoinHandle};

use crate::background::Background;
use crate::directory::Control;
use crate::error::JournalError;
use crate::pace::{Jobs, Pace};
use crate::segment::Prepared;
use crate::short_turns::take_short_turns;
use crate::workshop::{Job, Workshop};

/// The writer's end.
pub(crate) struct Preparer {
    jobs: Option<Jobs<Job>>,
    pace: Arc<Pace>,
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
        let pace = Arc::new(Pace::default());
        let (queue, worker) = match background {
            Background::Threads => {
                let path = workshop.directory.path().to_path_buf();
                let (queue, todo) = sync_channel(JOBS);
                let named = thread::Builder::new().name("journal-prepare".into());
                let shared = Arc::clone(&pace);
                let thread = named.spawn(move || {
                    take_short_turns();
                    workshop.run(&todo, &done, &shared)
                });
                let thread = thread.map_err(|error| JournalError::io("start a thread for", &path, error))?;
                (queue, Worker::Thread(thread))
            }
            Background::Stepped => {
                let (queue, todo) = sync_channel(STEPPED_JOBS);
                (queue, Worker::Stepped(Box::new(Bench { workshop, todo, done })))
            }
        };
        let jobs = Some(Jobs::new(queue, Arc::clone(&pace)));
        Ok(Self { jobs, pace, ready, worker, waiting: false, failed: false })
    }

    /// Does the next job where no thread does; false where there is none.
    pub(crate) fn step(&mut self) -> bool {
        let Worker::Stepped(bench) = &mut self.worker else { return false };
        let Ok(job) = bench.todo.try_recv() else { return false };
        self.pace.job_taken();
        bench.workshop.work(job, &bench.done, None)
    }

    /// Another way to hand in jobs.
    pub(crate) fn jobs(&self) -> Option<Jobs<Job>> {
        self.jobs.clone()
    }

    pub(crate) fn send(&mut self, job: Job) {
        self.waiting |= matches!(job, Job::Prepare(_));
        let Some(jobs) = self.jobs.clone() else { return };
        if matches!(self.worker, Worker::Thread(_)) {
            jobs.send(job);
        } else if let Err(job) = jobs.try_send(job) {
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
        // Mostly it is there already, and nobody need be woken.
        let answer = match self.ready.try_recv() {
            Err(TryRecvError::Empty) if self.failed => {
                self.pace.wake();
                Err(TryRecvError::Empty)
            }
            Err(TryRecvError::Empty) => self.wait(),
            answer => answer,
        };
        self.waiting = matches!(answer, Err(TryRecvError::Empty));
        answer.map_or(Ok(None), |prepared| prepared.map(Some))
    }

    #[cold]
    fn wait(&mut self) -> Result<Result<Prepared, JournalError>, TryRecvError> {
        if matches!(self.worker, Worker::Thread(_)) {
            self.pace.set_urgent(true);
            let answer = self.ready.recv().map_err(|_| TryRecvError::Disconnected);
            self.pace.set_urgent(false);
            return answer;
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
        self.pace.set_urgent(true);
        // The thread must not wait for room in a channel nobody reads.
        match std::mem::replace(&mut self.worker, Worker::Gone) {
            Worker::Thread(thread) => {
                while self.ready.recv().is_ok() {}
                thread.join().ok()
            }
            Worker::Stepped(bench) => {
                let Bench { mut workshop, todo, done } = *bench;
                drop(std::mem::replace(&mut self.ready, sync_channel(1).1));
                while todo.try_recv().is_ok_and(|job| workshop.work(job, &done, None)) {}
                Some(workshop.control)
            }
            Worker::Gone => None,
        }
    }
}
