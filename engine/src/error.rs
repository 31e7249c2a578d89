//! What can go wrong outside the core: at the rings (a refusal) and with the journal (an error).

use journal::JournalError;
use model::Position;

/// Why a command was not taken. Nothing was recorded; the caller still has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The ring into the shard is full: try again.
    #[error("the shard's ring is full ({capacity} commands)")]
    RingFull {
        /// How many it holds.
        capacity: usize,
    },
    /// The client has as many unanswered commands as its answer ring holds.
    #[error("{limit} commands of this client are unanswered")]
    TooManyInFlight {
        /// How many that is.
        limit: usize,
    },
    /// The journal cannot take records now (a full disk): trading waits and goes on when it can.
    #[error("the journal cannot record now; nothing is accepted until it can")]
    JournalStalled,
    /// The read side, which applies the same records, has reached another state than the shard: one of them is
    /// wrong, and until a person has found out which, no new orders are taken. Cancels are.
    #[error(
        "the shard's state is in question: its replica differs; no new orders until the node is started again"
    )]
    Diverged,
    /// The shard has stopped.
    #[error("the shard has stopped")]
    Stopped,
}

/// Why a shard could not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The journal could not be opened, read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Replaying a record leads elsewhere than it did live: another version of the logic, or a broken machine.
    #[error(
        "at record {position} the replayed digest is {replayed} where {recorded} was recorded: this binary's logic \
         does not lead to the recorded state"
    )]
    DigestMismatch {
        /// The record that holds the digest.
        position: Position,
        /// What was recorded live.
        recorded: crate::Digest,
        /// What the replay gives.
        replayed: crate::Digest,
    },
    /// The journal was written by a later version of the logic.
    #[error("the journal was decided by logic version {recorded}; this binary has version {ours}")]
    NewerLogic {
        /// The journal's.
        recorded: u32,
        /// Ours.
        ours: u32,
    },
    /// A thread could not be started.
    #[error("cannot start thread {name}: {source}")]
    Thread {
        /// Its name.
        name: String,
        /// Why.
        source: std::io::Error,
    },
    /// The shard's thread ended by a failure of its own.
    #[error("the thread of shard {shard} failed: {message}")]
    Failed {
        /// Which.
        shard: u16,
        /// Its last words.
        message: String,
    },
}
