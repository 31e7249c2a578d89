//! How a shard waits for work.

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

/// The longest sleep: the pace of housekeeping on an idle shard.
pub(crate) const LONGEST_SLEEP: Duration = Duration::from_millis(1);
