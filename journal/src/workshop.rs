//! What is done in the background: segments made ahead of the writer, and sealed ones put to rest.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};

use crash_point::{Point, reach};

use crate::chain;
use crate::directory::{Control, Directory};
use crate::durability::Durability;
use crate::error::JournalError;
use crate::pace::Pace;
use crate::segment::{Prepared, Segment};
use crate::warmth::Warmth;
use crate::watch::Progress;

/// What the workshop is asked to do.
pub(crate) enum Job {
    /// Keep the memory ahead of this segment's appender present.
    Warm(Arc<Segment>),
    /// Make all that is left of this segment present: of one that was not prepared here.
    Populate(Arc<Segment>),
    /// Create the segment with this index.
    Prepare(u64),
    /// No record follows in this segment: see that it is on disk, and that the control file knows.
    Sealed(Arc<Segment>),
}

/// What is needed for it.
pub(crate) struct Workshop {
    pub(crate) directory: Directory,
    pub(crate) segment_bytes: u64,
    pub(crate) durability: Durability,
    pub(crate) control: Control,
    pub(crate) progress: Arc<Progress>,
    pub(crate) warmth: Warmth,
    /// Sealed, and not yet put to rest: in order, after everything that the writer waits for.
    pub(crate) sealed: VecDeque<Arc<Segment>>,
}

/// What a workshop on a thread of its own is told by.
pub(crate) struct Thread<'a> {
    todo: &'a Receiver<Job>,
    done: &'a SyncSender<Result<Prepared, JournalError>>,
    pace: &'a Pace,
}

/// With so many sealed segments waiting, the next one is not made before one of them is at rest: a writer that is faster
/// than its disk has to wait for it, or memory would fill with what is not on disk.
const SEALED_WAITING: usize = 3;

/// Made present, or on its way to disk, in one slice of work.
const SLICE_BYTES: u64 = 256 * 1024;

impl Workshop {
    /// The thread: does jobs until nobody can hand in one any more. Returns the control file's last content.
    pub(crate) fn run(
        mut self,
        todo: &Receiver<Job>,
        done: &SyncSender<Result<Prepared, JournalError>>,
        pace: &Pace,
    ) -> Control {
        let thread = Thread { todo, done, pace };
        loop {
            let job =
                if self.sealed.len() < SEALED_WAITING { todo.try_recv() } else { Err(TryRecvError::Empty) };
            match job {
                Ok(Job::Sealed(segment)) => self.sealed.push_back(segment),
                Ok(job) => {
                    pace.job_taken();
                    if !self.work(job, done, Some(&thread)) {
                        return self.control;
                    }
                }
                Err(ended) => {
                    if let Some(segment) = self.sealed.pop_front() {
                        pace.job_taken();
                        self.put_to_rest(segment, Some(&thread));
                    } else if ended == TryRecvError::Disconnected {
                        return self.control;
                    } else {
                        self.warmth.keep();
                        pace.rest(self.warmth.pause());
                    }
                }
            }
        }
    }

    /// Does a job, at once where there is no `pace`; false where nobody waits for what it makes any more.
    pub(crate) fn work(
        &mut self,
        job: Job,
        done: &SyncSender<Result<Prepared, JournalError>>,
        thread: Option<&Thread<'_>>,
    ) -> bool {
        let pace = thread.map(|thread| thread.pace);
        match job {
            Job::Warm(segment) => self.warmth.turn_to(segment),
            Job::Populate(segment) => {
                let from = segment.body.settled().end;
                self.populate(&segment, from, pace);
            }
            Job::Prepare(index) => return done.send(self.prepare(index, pace)).is_ok(),
            Job::Sealed(segment) => self.put_to_rest(segment, thread),
        }
        true
    }

    fn prepare(&mut self, index: u64, pace: Option<&Pace>) -> Result<Prepared, JournalError> {
        let prepared = Segment::create(&self.directory, index, self.segment_bytes, self.durability)?;
        reach(Point::RollCreated);
        self.populate(&prepared.segment, 0, pace);
        Ok(prepared)
    }

    fn populate(&mut self, segment: &Segment, from: usize, pace: Option<&Pace>) {
        let slice = usize::try_from(SLICE_BYTES).unwrap_or(usize::MAX);
        for from in (from / slice * slice..segment.body.len()).step_by(slice) {
            segment.populate(from, from + slice);
            breathe(pace, &mut self.warmth);
        }
    }

    /// Between two slices of putting a segment to rest: what the writer will wait for comes first.
    fn give_way(&mut self, thread: Option<&Thread<'_>>) {
        let Some(thread) = thread else { return };
        breathe(Some(thread.pace), &mut self.warmth);
        while self.sealed.len() < SEALED_WAITING {
            match thread.todo.try_recv() {
                Ok(Job::Sealed(segment)) => self.sealed.push_back(segment),
                Ok(job) => {
                    thread.pace.job_taken();
                    // Where nobody waits for it any more, the thread finds out behind this segment.
                    self.work(job, thread.done, Some(thread));
                }
                Err(_) => return,
            }
        }
    }

    fn put_to_rest(&mut self, segment: Arc<Segment>, thread: Option<&Thread<'_>>) {
        reach(Point::RollSealed);
        let settled = segment.body.settled();
        segment.publish_durable(settled.count);
        let (index, first_seq, file) = (segment.index, segment.first_seq(), Arc::clone(&segment.file));
        // Unmapped before it is synced: for each page of it that is mapped and written back, the kernel protects the
        // page and interrupts every core that runs one of our threads. That was an append's p99.9, 9 µs.
        drop(segment);
        for from in (0..self.segment_bytes).step_by(usize::try_from(SLICE_BYTES).unwrap_or(usize::MAX)) {
            file.begin_sync(from, SLICE_BYTES);
            self.give_way(thread);
        }
        if let Err(error) = file.sync_data() {
            self.progress.fail(&error);
            return;
        }
        let seq = first_seq + u64::from(settled.count) - 1;
        // Under process durability the next segment's header may not be on disk yet.
        let next = u64::from(self.durability == Durability::Disk);
        let control = Control { segment: index + next, seq, ..self.control };
        // Where it fails, for want of space for instance, the control file only lags: it is written again at the next
        // roll, and says nothing false until then.
        if self.directory.write_control(&control).is_ok() {
            self.control = control;
        }
        reach(Point::RollUnchained);
        // Where that fails the next opening does it.
        let directory = self.directory.clone();
        let _ = chain::extend_paced(&directory, control.shard, index + 1, &mut || self.give_way(thread));
    }
}

/// Between two slices of a job; what lies ahead of the appender is kept present all the time.
fn breathe(pace: Option<&Pace>, warmth: &mut Warmth) {
    if let Some(pace) = pace {
        warmth.keep_if_due();
        pace.breathe();
    }
}
