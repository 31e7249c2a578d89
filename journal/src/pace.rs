//! How background work keeps out of the way: in slices with pauses between them, and asked for without a wake-up.
//!
//! Where there are fewer cores than threads that want one, a slice of background work is time that the appender does
//! not have. So a slice takes tens of microseconds, and only a writer that waits makes it go on without pause. A job is
//! handed in without waking the thread, which looks for itself every few milliseconds: a wake-up is a system call and an
//! interrupt on another core. An append that begins a segment took 23 µs with it and takes 5 without.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

use crate::doorbell::Doorbell;

/// Between two slices.
const BREATH: Duration = Duration::from_micros(150);
/// With more jobs waiting than this, work has fallen behind: a sealed segment may wait for the next one to be made.
const USUAL_JOBS: usize = 1;

/// What those who hand in jobs and the thread that does them know of each other.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    bell: Doorbell,
    waiting_jobs: AtomicUsize,
    /// Somebody waits for the thread.
    urgent: AtomicBool,
}

impl Pace {
    /// A job was handed in.
    fn job_came(&self) {
        self.waiting_jobs.fetch_add(1, Ordering::SeqCst);
    }

    /// The thread has taken a job.
    pub(crate) fn job_taken(&self) {
        self.waiting_jobs.fetch_sub(1, Ordering::SeqCst);
    }

    /// Wakes the thread, without saying that anybody waits.
    pub(crate) fn wake(&self) {
        self.bell.ring();
    }

    /// Whether somebody waits from now on.
    pub(crate) fn set_urgent(&self, urgent: bool) {
        self.urgent.store(urgent, Ordering::SeqCst);
        if urgent {
            self.bell.ring();
        }
    }

    /// Called by the thread where there is no job: sleeps until there may be one.
    pub(crate) fn rest(&self, longest: Duration) {
        self.bell.sleep(longest, || {
            self.waiting_jobs.load(Ordering::SeqCst) > 0 || self.urgent.load(Ordering::SeqCst)
        });
    }

    /// Called by the thread between two slices of a job.
    pub(crate) fn breathe(&self) {
        let behind = self.waiting_jobs.load(Ordering::Relaxed) > USUAL_JOBS;
        if !behind && !self.urgent.load(Ordering::Relaxed) {
            thread::sleep(BREATH);
        }
    }
}

/// A way to hand in jobs.
pub(crate) struct Jobs<T> {
    queue: SyncSender<T>,
    pace: Arc<Pace>,
}

impl<T> Clone for Jobs<T> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), pace: Arc::clone(&self.pace) }
    }
}

impl<T> Jobs<T> {
    pub(crate) fn new(queue: SyncSender<T>, pace: Arc<Pace>) -> Self {
        Self { queue, pace }
    }

    /// Hands a job in. Waits only where the thread is many jobs behind.
    pub(crate) fn send(&self, job: T) {
        if let Err(job) = self.try_send(job) {
            self.pace.job_came();
            self.pace.wake();
            // The thread ends only after every way to hand in jobs is dropped.
            let _ = self.queue.send(job);
        }
    }

    /// Hands a job in, or gives it back where there is no room.
    pub(crate) fn try_send(&self, job: T) -> Result<(), T> {
        self.pace.job_came();
        if let Err(TrySendError::Full(job)) = self.queue.try_send(job) {
            self.pace.job_taken();
            return Err(job);
        }
        Ok(())
    }
}
