//! What can go wrong outside the core: at the rings (a refusal) and with the journal (an error).

use journal::JournalError;
use machine::Position;

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
    /// An invariant breaks where this record is applied, and nothing recorded says that it is to be passed over.
    #[error("record {position} cannot be applied: {text}")]
    Broken {
        /// The record.
        position: Position,
        /// What the panic said.
        text: String,
    },
    /// A record says that the input before it had no effect, and here it had one.
    #[error("record {position} had no effect when it was recorded, and has one now")]
    NotBroken {
        /// The record of the input.
        position: Position,
    },
    /// Replaying leads elsewhere than it did live: another version of the logic, or a broken machine.
    #[error(
        "records {} to {position} lead elsewhere than they did: digest {recorded} was recorded, {replayed} is replayed. \
         {}; `gannet replay --verify` says more, docs/operations.md what to do",
        .after + 1,
        decided_by(*.logic_version, *.ours)
    )]
    DigestMismatch {
        /// The record that holds the digest.
        position: Position,
        /// What was recorded live.
        recorded: crate::Digest,
        /// What the replay gives.
        replayed: crate::Digest,
        /// Up to here everything is proven equal: the first record that differs is one behind it.
        after: u64,
        /// Who decided those records.
        logic_version: Option<u32>,
        /// This program's version.
        ours: u32,
    },
    /// The last inputs were decided by another version of the logic, and no digest says what came of them.
    #[error(
        "the last {inputs} inputs up to record {position} were decided by logic version {recorded} and no digest covers \
         them: nothing tells whether version {ours} leads to the same. Start the program that wrote them once \
         more and stop it in order; or `gannet run --accept-unproven`"
    )]
    Unproven {
        /// The last record.
        position: Position,
        /// How many inputs.
        inputs: u64,
        /// The version of the logic that decided them.
        recorded: u32,
        /// This program's.
        ours: u32,
    },
    /// The journal was written by a later version of the logic.
    #[error("the journal was decided by logic version {recorded}; this binary has version {ours}")]
    NewerLogic {
        /// The journal's.
        recorded: u32,
        /// Ours.
        ours: u32,
    },
    /// The snapshot that a start under another version of the logic goes on from could not be written.
    #[error("{}: cannot write the snapshot that the new version goes on from: {error}", .dir.display())]
    Snapshot {
        /// The journal's directory.
        dir: std::path::PathBuf,
        /// Why not.
        error: std::io::Error,
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

fn decided_by(recorded: Option<u32>, ours: u32) -> String {
    match recorded {
        Some(recorded) if recorded == ours => format!(
            "They were decided by logic version {ours}, which is this program's too: a fault of this machine or of this \
             program"
        ),
        Some(other) => format!("They were decided by logic version {other}, this program has {ours}"),
        None => format!("Nothing says which logic decided them; this program has version {ours}"),
    }
}
