//! What the local server needs of a node. The running node implements it; tests have one of their own.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use engine::{Clock as _, SystemClock};
use model::{Command, Event, Origin, Position, ShardId, Timestamp};
use office::{OfficeEvent, OfficeWord};

use crate::books::{SessionStanding, ShardBooks};
use crate::office::OfficeBooks;
use front::directory::Directory;

/// A running node, as its local clients see it.
pub trait NodeApi: Send + Sync + 'static {
    /// Every name and id that was asked for so far. Quick: it looks at no shard.
    fn directory(&self) -> Arc<Directory>;

    /// Every name and id that is defined by now.
    fn renewed_directory(&self) -> Arc<Directory> {
        self.directory()
    }

    /// Hands a command to a shard, in the order of the calls, without waiting. The answer comes once the command
    /// may be acknowledged.
    fn submit(&self, shard: ShardId, origin: Origin, command: Command) -> Result<PendingAnswer, SubmitError>;

    /// Lets `ask` read the state of one shard's replica. It must be quick: the replica stands still meanwhile. It is not
    /// called where the replica cannot be read.
    fn read(&self, shard: ShardId, ask: &mut dyn FnMut(&ShardBooks<'_>));

    /// What the wall clock shows, by which the shards go.
    fn wall_clock(&self) -> Timestamp {
        SystemClock.now()
    }

    /// Says a word to the office, in the order of the calls, without waiting. The answer comes once the word is durable. A
    /// node without an office takes none.
    fn say(&self, origin: Origin, word: OfficeWord) -> Result<PendingReply, SubmitError> {
        let _ = (origin, word);
        Err(SubmitError::Stopping)
    }

    /// Lets `ask` read the office's state. It is not called where there is none.
    fn read_office(&self, ask: &mut dyn FnMut(&OfficeBooks<'_>)) {
        let _ = ask;
    }

    /// What the gateway says of its sessions; empty where there is none.
    fn standings(&self) -> Vec<SessionStanding> {
        Vec::new()
    }

    /// The slowest inputs that are kept, the worst first; `None` where none are kept.
    fn latency(&self, worst: usize) -> Option<wire::LatencyReport> {
        let _ = worst;
        None
    }

    /// The events from these positions on; shards that are not named, from now on.
    fn subscribe(&self, from: &[Position]) -> Result<EventFeed, SubscribeError>;
}

/// The answer to a command, when it comes.
pub type PendingAnswer = Pin<Box<dyn Future<Output = Result<CommandAnswer, AnswerLost>> + Send>>;

/// What the office answers to a word, when it does.
pub type PendingReply = Pin<Box<dyn Future<Output = Result<OfficeReply, AnswerLost>> + Send>>;

/// What a word to the office led to: its first event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfficeReply {
    /// Of the word in the office's journal.
    pub position: Position,
    /// The first event of the word.
    pub event: OfficeEvent,
}

/// How many events may wait for a subscriber before it is given up as too slow.
pub const FEED_EVENTS: usize = 16 * 1024;

/// Events for one subscriber. Its end means that the subscriber was too slow, or that the node stops.
pub type EventFeed = tokio::sync::mpsc::Receiver<Happened>;

/// What a command led to: its first event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandAnswer {
    /// Of the command in the journal.
    pub position: Position,
    /// The first event of the command.
    pub event: Event,
}

/// One event of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Happened {
    /// Of the input that caused it.
    pub position: Position,
    /// Which of that input's events, from 0.
    pub index: u32,
    /// When the input was stamped.
    pub time: Timestamp,
    /// What.
    pub event: Event,
}

/// Why a command was not taken. Nothing was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The shard's ring is full.
    #[error("the shard takes no more at the moment: its ring of {slots} is full")]
    RingFull {
        /// How much it holds.
        slots: u64,
    },
    /// The journal cannot record now.
    #[error("the journal cannot record now; nothing is accepted until it can")]
    JournalStalled,
    /// The shard's replica reached another state: no new orders.
    #[error("the replica of this shard differs from it: no new orders are taken; see docs/operations.md")]
    Diverged,
    /// The node stops.
    #[error("the node is stopping")]
    Stopping,
}

/// The node stopped before it answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the node stopped before it answered; the command may or may not have been recorded")]
pub struct AnswerLost;

/// Why there is no subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// There is no such shard.
    #[error("there is no shard {0}")]
    UnknownShard(ShardId),
    /// Events from there are not kept.
    #[error("events from {asked} on are not kept; the oldest are those of {oldest}")]
    NotKept {
        /// What was asked for.
        asked: Position,
        /// What is there.
        oldest: Position,
    },
    /// The node stops.
    #[error("the node is stopping")]
    Stopping,
}
