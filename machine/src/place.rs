//! Where a record stands: which journal, which opening of it, which record.

use core::fmt;
use core::str::FromStr;

journalled! {
    /// A shard: one thread, one journal.
    #[derive(Default, PartialOrd, Ord, Hash)]
    #[serde(transparent)]
    pub struct ShardId { /// The index.
        pub index: u16 }

    /// How often a journal has been opened for writing. Durably raised before the first append, so that an id
    /// made from a position is never issued twice, also when a torn tail was cut and its positions are reused.
    #[derive(Default, PartialOrd, Ord, Hash)]
    #[serde(transparent)]
    pub struct Incarnation { /// 1 at the first opening.
        pub count: u32 }

    /// Where a record stands: which journal, which record. The first record of a journal is 1.
    #[derive(Default, PartialOrd, Ord, Hash)]
    #[serde(into = "alloc::string::String")]
    pub struct Position {
        /// The journal's shard.
        pub shard: ShardId,
        /// The record's number, from 1, without gaps.
        pub seq: u64,
    }
}

/// Where and when an input stands. Given once, by the shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Its position in the journal.
    pub position: Position,
    /// Its time: never before that of an earlier input.
    pub time: crate::Timestamp,
}

impl ShardId {
    /// The shard with this index.
    pub const fn new(index: u16) -> Self {
        Self { index }
    }

    /// The index as the position in a table.
    pub const fn slot(self) -> usize {
        self.index as usize
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.index.fmt(f)
    }
}

impl Position {
    /// The position `seq` in the journal of `shard`.
    pub const fn new(shard: ShardId, seq: u64) -> Self {
        Self { shard, seq }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.shard, self.seq)
    }
}

impl From<Position> for alloc::string::String {
    fn from(position: Position) -> Self {
        alloc::format!("{position}")
    }
}

/// The text is not a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a position of the form <shard>:<seq>")]
pub struct PositionError;

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let (shard, seq) = text.split_once(':').ok_or(PositionError)?;
        let plain = |digits: &str| !digits.starts_with('+');
        if !plain(shard) || !plain(seq) {
            return Err(PositionError);
        }
        let shard = shard.parse().map_err(|_| PositionError)?;
        Ok(Self { shard: ShardId::new(shard), seq: seq.parse().map_err(|_| PositionError)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_position_reads_back_from_its_text() {
        let position = Position::new(ShardId::new(3), 17);
        assert_eq!(position.to_string().parse(), Ok(position));
        for text in ["", "3", "3:", ":17", "3:17:1", "+3:17", "3:-1", "70000:1"] {
            assert_eq!(text.parse::<Position>(), Err(PositionError), "{text}");
        }
    }
}
