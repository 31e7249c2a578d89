//! What can go wrong around a journal: each a typed error that names the path.

use std::io;
use std::path::{Path, PathBuf};

use machine::ShardId;

use crate::damage::Damage;
use crate::gap::Gap;

/// Why a journal could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The options make no sense.
    #[error("journal options: {0}")]
    Options(&'static str),
    /// Another process, or another writer in this one, has the journal open.
    #[error("{}: the journal is open for writing elsewhere", .dir.display())]
    Locked {
        /// The journal's directory.
        dir: PathBuf,
    },
    /// There is no journal in this directory.
    #[error("{}: no journal here", .dir.display())]
    NoJournal {
        /// The directory.
        dir: PathBuf,
    },
    /// There is a journal in this directory, where one was to be made.
    #[error("{}: there is a journal already, and nothing is overwritten", .dir.display())]
    Exists {
        /// The directory.
        dir: PathBuf,
    },
    /// The record was moved elsewhere with the segment that holds it.
    #[error(
        "{}: record {seq} is not here: records 1 to {} were moved to {moved_to}; `gannet journal unarchive` brings \
         them back", .dir.display(), .first - 1
    )]
    Archived {
        /// The journal's directory.
        dir: PathBuf,
        /// The record.
        seq: u64,
        /// The first record that is here.
        first: u64,
        /// Where those before are.
        moved_to: String,
    },
    /// Somebody else moves segments of this journal.
    #[error("{}: segments are being moved", .dir.display())]
    Moving {
        /// The journal's directory.
        dir: PathBuf,
    },
    /// No space for the next segment. Nothing was appended; it works again once there is space.
    #[error("{}: no space left for the journal", .path.display())]
    Full {
        /// The file that could not grow.
        path: PathBuf,
    },
    /// The file system is read-only.
    #[error("{}: the file system is read-only", .path.display())]
    ReadOnly {
        /// What was to be written.
        path: PathBuf,
    },
    /// Permission is missing.
    #[error("{}: permission denied", .path.display())]
    PermissionDenied {
        /// What was to be opened.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Data could not be brought to disk. It is unknown what is there: no more is appended, and the flush is never
    /// tried again, since a second `fdatasync` may report success for pages that were dropped.
    #[error("{}: bringing the journal to disk failed (os error {errno}); it takes no more records", .dir.display())]
    FlushFailed {
        /// The journal's directory.
        dir: PathBuf,
        /// The operating system's error number.
        errno: i32,
    },
    /// Not a file of ours.
    #[error("{}: not a journal file", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Written by a newer version.
    #[error("{}: journal format {found}, this program knows up to {supported}", .path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest we know.
        supported: u32,
    },
    /// The journal of another shard.
    #[error("{}: the journal of shard {found}, not of shard {expected}", .path.display())]
    Shard {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        found: ShardId,
        /// Whose was asked for.
        expected: ShardId,
    },
    /// Segments or records are missing that must be here.
    #[error("{0}")]
    Gap(Gap),
    /// A piece of a copy is not there.
    #[error("{}: missing from the copy, with records {first_seq} to {last_seq}", .path.display())]
    PieceMissing {
        /// The piece's file.
        path: PathBuf,
        /// The first record it held.
        first_seq: u64,
        /// The last one.
        last_seq: u64,
    },
    /// A file is not there though it must be: the control file, or a segment that was there a moment ago.
    #[error("{}: missing from the journal", .path.display())]
    Missing {
        /// The file that should be there.
        path: PathBuf,
    },
    /// A segment is not as long as it was made.
    #[error("{}: {found} bytes instead of {expected}", .path.display())]
    Size {
        /// The segment.
        path: PathBuf,
        /// Its length in bytes.
        found: u64,
        /// The length it was made with.
        expected: u64,
    },
    /// A file's header is damaged.
    #[error("{}: damaged header: {what}", .path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// Which part.
        what: &'static str,
    },
    /// A record that must be there is damaged. It is never skipped.
    #[error("{}: damaged at byte {offset}, record {seq}: {damage}", .segment.display())]
    Corrupt {
        /// The segment file.
        segment: PathBuf,
        /// Where in it.
        offset: u64,
        /// Which record should be there.
        seq: u64,
        /// What is wrong.
        damage: Damage,
    },
    /// Records that were known to be there are gone.
    #[error("{}: ends with record {found}, but record {expected} was recorded", .dir.display())]
    Lost {
        /// The journal's directory.
        dir: PathBuf,
        /// The last record found.
        found: u64,
        /// A record known to have been there.
        expected: u64,
    },
    /// The hash of the records up to here is another one: something was changed, removed or inserted.
    #[error("{}: the records up to {seq} are not those that were hashed", .path.display())]
    Chain {
        /// The journal's directory, or the segment that keeps the other hash.
        path: PathBuf,
        /// The last record that was hashed.
        seq: u64,
    },
    /// The input is larger than a record may be. Nothing was appended.
    #[error("an input of this size does not fit a record of {limit} bytes")]
    TooLarge {
        /// The most that fits, in bytes.
        limit: usize,
    },
    /// The journal does not hold this record.
    #[error("record {seq} is not in the journal, which starts at {first}")]
    NotHere {
        /// The record asked for.
        seq: u64,
        /// The first one there is.
        first: u64,
    },
}

impl JournalError {
    /// The typed error for an operating-system error.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            io::ErrorKind::PermissionDenied => Self::PermissionDenied { path },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            _ => Self::Io { action, path, source },
        }
    }
}
