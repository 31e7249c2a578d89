//! What the shard knows of the machine's clocks: whether the wall clock is trusted, and how the shard's own time stands to
//! a clock that nobody sets. It reads neither: whoever stamps inputs does, and records what it finds.

use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use model::{ClockAnchor, ClockJump, Date, Position, Timestamp};

/// The clocks, as the journal tells of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ClockBook {
    pub(crate) suspicion: Option<ClockSuspicion>,
    pub(crate) anchor: Option<ClockAnchor>,
    /// How far the shard's time is ahead of the wall clock, since a jump back was accepted.
    pub(crate) ahead_ns: i64,
}

/// A wall clock that is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ClockSuspicion {
    /// Since when: the shard's time.
    pub since: Timestamp,
    /// The newest record that says where it was found.
    pub found: Position,
    /// Where that was.
    pub jump: ClockJump,
}

/// What follows at once where dates go on to a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatesDue {
    /// Dates that settle, and for how many accounts.
    pub settles: Vec<(Date, u64)>,
    /// Finished orders that are no longer kept.
    pub retires: u64,
}

impl ClockBook {
    /// True where new orders are denied and dates stand still.
    #[inline]
    pub const fn is_suspect(&self) -> bool {
        self.suspicion.is_some()
    }

    /// What is not trusted, where something is not.
    pub const fn suspicion(&self) -> Option<ClockSuspicion> {
        self.suspicion
    }

    /// The last instant that was recorded by both clocks.
    pub const fn anchor(&self) -> Option<ClockAnchor> {
        self.anchor
    }

    /// How far the shard's time is ahead of the wall clock since a jump back was accepted, in nanoseconds.
    pub const fn ahead_ns(&self) -> i64 {
        self.ahead_ns
    }
}
