//! Whether the shard still looks at a client's lane in each turn, or waits until the client says that it has put
//! something there: hundreds of silent clients must not cost those that trade.
//!
//! `tests/doze.rs` goes through every interleaving of it.

use crate::sync::{AtomicBool, Ordering, fence};

/// One lane's word between its two ends. The client only reads it, but for the order that ends a silence.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Doze {
    asleep: AtomicBool,
}

impl Doze {
    pub(crate) fn awake() -> Self {
        Self { asleep: AtomicBool::new(false) }
    }

    /// For the shard: true where it need not look at the lane any more until the client says so.
    pub(crate) fn begin(&self, is_empty: impl FnOnce() -> bool) -> bool {
        self.asleep.store(true, Ordering::Relaxed);
        // Pairs with the fence of the bell, which the client rings behind what it has put: either this look finds it, or
        // the client finds the lane asleep.
        fence(Ordering::SeqCst);
        let is_empty = is_empty();
        if !is_empty {
            self.asleep.store(false, Ordering::Relaxed);
        }
        is_empty
    }

    /// For the client, when it has put something into the lane and rung the bell: true where it must tell the shard, which
    /// it is told once.
    #[inline]
    pub(crate) fn must_end(&self) -> bool {
        self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::Relaxed)
    }
}
