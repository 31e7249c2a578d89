//! How a thread waits for work without missing any.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::thread::Thread;
use std::time::Duration;

/// What a shard does while there is nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Keeps a core busy: the lowest latency.
    Spin,
    /// Gives the core away whenever another thread wants it; sleeps after some milliseconds without work.
    Yield,
    /// Looks this often, then sleeps until somebody rings: the friendliest to a shared machine.
    Park {
        /// How many times.
        spins: u32,
    },
}

/// Lets producers wake the one consumer, and costs them a load while it is awake.
#[derive(Debug, Default)]
pub(crate) struct Doorbell {
    sleeping: AtomicBool,
    sleeper: OnceLock<Thread>,
}

/// The longest sleep: a bound on the damage of any mistake here, and the pace of housekeeping on an idle shard.
const LONGEST_SLEEP: Duration = Duration::from_millis(1);

impl Doorbell {
    /// Called by a producer after it has put something into a ring.
    #[inline]
    pub(crate) fn ring(&self) {
        // Pairs with the fence in `sleep`: either the consumer sees what was put, or we see that it sleeps.
        fence(Ordering::SeqCst);
        if self.sleeping.load(Ordering::Relaxed) {
            self.sleeping.store(false, Ordering::Relaxed);
            if let Some(thread) = self.sleeper.get() {
                thread.unpark();
            }
        }
    }

    /// Called by the consumer. `has_work` is asked once more after the sleep is announced.
    pub(crate) fn sleep(&self, has_work: impl FnOnce() -> bool) {
        self.sleeper.get_or_init(std::thread::current);
        self.sleeping.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !has_work() {
            std::thread::park_timeout(LONGEST_SLEEP);
        }
        self.sleeping.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn nothing_put_is_ever_slept_over() {
        let (bell, put) = (Arc::new(Doorbell::default()), Arc::new(AtomicU64::new(0)));
        let consumer = std::thread::spawn({
            let (bell, put) = (Arc::clone(&bell), Arc::clone(&put));
            move || {
                let mut seen = 0;
                while seen < 10_000 {
                    let now = put.load(Ordering::Acquire);
                    if now == seen {
                        bell.sleep(|| put.load(Ordering::Acquire) != seen);
                    }
                    seen = now;
                }
            }
        });
        for count in 1..=10_000 {
            put.store(count, Ordering::Release);
            bell.ring();
        }
        consumer.join().unwrap();
    }
}
