//! What a node says of a wall clock that is not trusted.

use model::Position;
use serde::{Deserialize, Serialize};

use super::text::by_text;
use super::vocabulary::worded;

worded! {
/// A shard's clock that is not trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockRow {
    /// The newest record that says where it was found: what an acceptance names.
    #[serde(with = "by_text")]
    pub found: Position,
    /// Since when it is not trusted, by the shard's time.
    pub since: String,
    /// `jumped`, `jumped_while_down`, `long_down` or `returned`.
    pub finding: String,
    /// `ahead`, `behind`, or `right` where it is back where it should be.
    pub direction: String,
    /// How far it was off, in nanoseconds: below zero where it is behind.
    pub off_ns: i64,
    /// What it should have shown.
    pub due: String,
    /// What it showed.
    pub shown: String,
}
}

worded! {
/// What follows from accepting a shard's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockPreview {
    /// The clock.
    pub clock: ClockRow,
    /// By how many nanoseconds the shard's time steps ahead.
    pub step_ns: i64,
    /// The shard's time after that.
    pub goes_on_at: String,
    /// Dates that settle at once, for good.
    pub settles: Vec<DueRow>,
    /// Finished orders that are no longer kept at once.
    pub retires: u64,
}
}

worded! {
/// A date that settles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueRow {
    /// Which.
    pub date: String,
    /// For how many accounts.
    pub accounts: u64,
}
}

worded! {
/// The clocks of all shards that are not trusted, and what accepting each would do. Empty where all are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockReport {
    /// By shard.
    pub rows: Vec<ClockPreview>,
}
}
