//! What `latency` answers: the slowest inputs that are kept, and what made each of them slow.

use model::Position;
use serde::{Deserialize, Serialize};

use super::text::by_text;
use super::vocabulary::worded;

worded! {
/// The slowest inputs of those that are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyReport {
    /// How many are kept at the moment, of all shards together.
    pub kept: u64,
    /// How long ago the oldest of them was taken in.
    pub oldest_ns: u64,
    /// The median time of the kept ones, from the first stamp to the last.
    pub median_ns: u64,
    /// The slowest, the worst first.
    pub rows: Vec<LatencyRow>,
}
}

worded! {
/// One input. The spans follow each other without gaps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyRow {
    /// Its record.
    #[serde(with = "by_text")]
    pub position: Position,
    /// Which way it came.
    pub lane: Lane,
    /// From the first stamp to the last.
    pub total_ns: u64,
    /// In the ring until the shard took it; absent where nobody stamped its submission.
    pub ring_ns: Option<u64>,
    /// Stamped and appended to the journal.
    pub journal_ns: u64,
    /// Decided and booked.
    pub decide_ns: u64,
    /// Until its record was durable, and answer and messages were on their rings.
    pub release_ns: u64,
    /// Until the session's engine had handed its message to the socket; absent where it has none.
    pub gateway_ns: Option<u64>,
    /// What the longest of these spans was spent on.
    pub cause: Cause,
    /// The evidence, in words.
    pub detail: String,
}
}

worded! {
/// Which way an input came into the shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// From a client.
    Command,
    /// From a broker.
    Report,
    /// From the shard itself.
    Own,
}
}

worded! {
/// What a span was spent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The shard was busy with those before it.
    Behind,
    /// The shard slept, and had to be woken.
    Asleep,
    /// The scheduler had given the shard's core to somebody else.
    Scheduler,
    /// A page was touched that was not there.
    PageFault,
    /// The hand-over from core to core.
    RingWait,
    /// The journal went on in its next segment.
    SegmentRoll,
    /// The append itself.
    Append,
    /// Risk rules and books.
    Decide,
    /// The record was not on disk yet.
    SyncWait,
    /// The hand-over to answers and gateways.
    Release,
    /// Translation, the session's engine, the socket.
    Gateway,
}
}

impl Cause {
    /// For people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Behind => "behind others",
            Self::Asleep => "shard asleep",
            Self::Scheduler => "scheduler",
            Self::PageFault => "page fault",
            Self::RingWait => "ring wait",
            Self::SegmentRoll => "segment roll",
            Self::Append => "append",
            Self::Decide => "risk and books",
            Self::SyncWait => "sync wait",
            Self::Release => "release",
            Self::Gateway => "gateway, socket",
        }
    }
}

impl Lane {
    /// For people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Report => "report",
            Self::Own => "own",
        }
    }
}
