//! What can be wrong with a record.

use machine::Unreadable;

use crate::version::RECORD_VERSION;

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// No record where one must be.
    #[error("no record")]
    Vacant,
    /// Its length makes no sense.
    #[error("impossible length")]
    Length,
    /// Its checksum does not match.
    #[error("checksum mismatch")]
    Checksum,
    /// A record format we do not know.
    #[error(
        "record layout {0}, this program reads {RECORD_VERSION}: docs/operations.md, \"Journals of other versions\", has \
         the way across"
    )]
    Version(u8),
    /// A record kind we do not know.
    #[error("unknown record kind {0}")]
    Kind(u8),
    /// Not the record that belongs here.
    #[error("record {0} in its place")]
    Sequence(u64),
    /// A record of another shard.
    #[error("a record of another shard")]
    Shard,
    /// It does not follow the record before it.
    #[error("does not follow the record before it")]
    Chain,
    /// Its payload does not read as what its kind says.
    #[error("unreadable payload")]
    Payload,
    /// Bytes behind the last record.
    #[error("bytes behind the last record")]
    Trailing,
}

impl From<Unreadable> for Damage {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Kind(kind) => Self::Kind(kind),
            Unreadable::Payload => Self::Payload,
        }
    }
}
