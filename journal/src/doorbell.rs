//! How a thread sleeps without missing work, and how others wake it at the cost of a look while it is awake.
//!
//! `tests/handover.rs` goes through every interleaving of it.

use crate::sync::{AtomicBool, Duration, OnceLock, Ordering, Thread, current, fence, park_timeout};

/// One sleeper, any number of ringers.
#[derive(Debug, Default)]
pub struct Doorbell {
    sleeping: AtomicBool,
    sleeper: OnceLock<Thread>,
}

impl Doorbell {
    /// Called by whoever has put something where the sleeper looks. A system call only where it sleeps.
    #[inline]
    pub fn ring(&self) {
        // Pairs with the fence in `sleep`: either the sleeper sees what was put, or we see that it sleeps.
        fence(Ordering::SeqCst);
        if self.sleeping.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        self.sleeping.store(false, Ordering::Relaxed);
        if let Some(thread) = self.sleeper.get() {
            thread.unpark();
        }
    }

    /// Called by the sleeper, always by the same thread. `has_work` is asked once more after the sleep is announced.
    /// `longest` bounds the damage of any mistake here.
    pub fn sleep(&self, longest: Duration, has_work: impl FnOnce() -> bool) {
        self.sleeper.get_or_init(current);
        self.sleeping.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !has_work() {
            park_timeout(longest);
        }
        self.sleeping.store(false, Ordering::Relaxed);
    }
}
