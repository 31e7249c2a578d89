//! Backups and archives: every journal of a node up to one instant, taken while it trades, and made into journals again.
//!
//! ```text
//! manifest.json       what the backup consists of, with every hash; replaced as a whole, last
//! shard-0/            pieces of the journal (journal/src/piece.rs)
//! shard-0/snapshots/  its snapshots
//! fix/PAPER-1/        the session engine's own files
//! config/             the configuration, for people
//! lock                locked while a backup is taken
//! ```
//!
//! A backup is what its manifest says. One that is interrupted leaves the one before as it was, and is done again.

mod archive;
mod folders;
mod last_logic;
mod manifest;
mod restore;
mod take;

use std::path::PathBuf;

use engine::EngineError;
use journal::JournalError;
use model::{Position, ShardId};

use crate::config::ConfigError;
use crate::journals::JournalsError;

pub use archive::{Moved, archive, unarchive};
pub use manifest::{Manifest, PieceEntry, SessionEntry, ShardEntry};
pub use restore::{Restored, RestoredShard, restore};
pub use take::{Source, Taken, take};

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The folder of the journals.
    #[error(transparent)]
    Journals(#[from] JournalsError),
    /// A journal, or a copy of one.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The backup and the journal are not the same journal's.
    #[error(
        "{}: the backup here is of another history than the journal of shard {shard}, which was restored or repaired \
         since, or is another node's: take this one into a new folder", .folder.display()
    )]
    OtherHistory {
        /// The backup.
        folder: PathBuf,
        /// Whose journal.
        shard: ShardId,
    },
    /// A shard of the backup has no journal any more.
    #[error("{}: the backup here has shard {shard}, which the node has not: take this one into a new folder", .folder.display())]
    FewerShards {
        /// The backup.
        folder: PathBuf,
        /// Which.
        shard: ShardId,
    },
    /// A state cannot be replayed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The operating system refused.
    #[error("{}: {error}", .path.display())]
    Io {
        /// On what.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// Somebody else takes a backup into this folder.
    #[error("{}: a backup is being taken into this folder", .0.display())]
    Locked(PathBuf),
    /// There are other things in the folder.
    #[error("{}: not empty, and not a backup", .0.display())]
    NotABackup(PathBuf),
    /// There is no whole backup.
    #[error("{}: no backup here", .0.display())]
    NoBackup(PathBuf),
    /// The manifest cannot be understood.
    #[error("{}: {what}", .path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Nothing is overwritten.
    #[error("{}: not empty; a backup is restored into a new folder", .0.display())]
    Occupied(PathBuf),
    /// A record's number without its shard, where there are several.
    #[error("there are {shards} shards: say whose record {seq} is meant, as 0:{seq}")]
    WhichShard {
        /// How many.
        shards: usize,
        /// The record.
        seq: u64,
    },
    /// There is no such shard.
    #[error("the backup has no shard {0}")]
    NoShard(ShardId),
    /// The point is not in the backup.
    #[error("{asked} is not in the backup: it ends at {last}")]
    Beyond {
        /// What was asked for.
        asked: String,
        /// Where it ends.
        last: String,
    },
    /// What was restored does not end where it should.
    #[error("restored up to record {found} instead of {expected}: nothing was put in place")]
    Short {
        /// Where it ends.
        found: Position,
        /// Where it should.
        expected: Position,
    },
}

impl BackupError {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |error| Self::Io { path, error }
    }
}
