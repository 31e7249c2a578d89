//! Identities. Those given by configuration are small indexes; those given by the journal are its positions.

use core::fmt;
use core::str::FromStr;

macro_rules! index_ids {
    ($($(#[$doc:meta])* $name:ident($inner:ty))*) => {$(
        journalled! {
            $(#[$doc])*
            #[derive(Default, PartialOrd, Ord, Hash)]
            #[serde(transparent)]
            pub struct $name { /// The index.
                pub index: $inner }
        }

        impl $name {
            /// The identity with this index.
            pub const fn new(index: $inner) -> Self {
                Self { index }
            }

            /// The index as the position in a table.
            pub const fn slot(self) -> usize {
                self.index as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.index.fmt(f)
            }
        }
    )*};
}

index_ids! {
    /// An account; unique in the node.
    AccountId(u32)
    /// A portfolio; unique in the node. It lives on one shard with all its accounts.
    PortfolioId(u32)
    /// A strategy inside a portfolio.
    StrategyId(u16)
    /// An instrument; unique in the node.
    InstrumentId(u32)
    /// A FIX session to a broker. It is homed on exactly one shard.
    SessionId(u16)
    /// A broker; its ExecIDs are unique for a trade date.
    BrokerId(u16)
    /// A shard: one thread, one journal.
    ShardId(u16)
}

journalled! {
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

    /// An identity derived from the journal position of the input that caused it.
    ///
    /// It names an order ([`OrderId`]) and, on the wire, every request about it (FIX tag 11 `ClOrdID`). Its text
    /// is `G{incarnation}-{shard}-{seq}`.
    #[derive(Default, PartialOrd, Ord, Hash)]
    #[serde(into = "alloc::string::String")]
    pub struct WireId {
        /// The record's number.
        pub seq: u64,
        /// Which opening of the journal issued it.
        pub incarnation: u32,
        /// The journal's shard.
        pub shard: u16,
    }

    /// Who is meant: the unit that takes commands one at a time.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum Actor {
        /// An account.
        Account(AccountId),
        /// A portfolio.
        Portfolio(PortfolioId),
    }
}

/// An order's identity: the [`WireId`] of its `NewOrder`.
pub type OrderId = WireId;

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

impl WireId {
    /// The id that the record at `position` may issue.
    pub const fn at(position: Position, incarnation: Incarnation) -> Self {
        Self { seq: position.seq, incarnation: incarnation.count, shard: position.shard.index }
    }
}

impl fmt::Display for WireId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "G{}-{}-{}", self.incarnation, self.shard, self.seq)
    }
}

impl From<WireId> for alloc::string::String {
    fn from(id: WireId) -> Self {
        alloc::format!("{id}")
    }
}

impl From<Position> for alloc::string::String {
    fn from(position: Position) -> Self {
        alloc::format!("{position}")
    }
}

/// The text is not an id of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an order id of the form G<incarnation>-<shard>-<seq>")]
pub struct WireIdError;

impl FromStr for WireId {
    type Err = WireIdError;

    fn from_str(text: &str) -> Result<Self, WireIdError> {
        // Only the canonical digits: "+1" and "01" would give one order two names.
        fn number<T: FromStr>(digits: Option<&str>) -> Result<T, WireIdError> {
            let digits = digits.ok_or(WireIdError)?;
            let canonical = digits == "0" || !digits.starts_with(['0', '+']);
            if canonical { digits.parse().map_err(|_| WireIdError) } else { Err(WireIdError) }
        }
        let mut parts = text.strip_prefix('G').ok_or(WireIdError)?.split('-');
        let incarnation = number(parts.next())?;
        let shard = number(parts.next())?;
        let seq = number(parts.next())?;
        if parts.next().is_some() { Err(WireIdError) } else { Ok(Self { seq, incarnation, shard }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn an_id_reads_back_from_its_text() {
        let id = WireId { seq: 42, incarnation: 3, shard: 1 };
        assert_eq!(id.to_string(), "G3-1-42");
        assert_eq!("G3-1-42".parse(), Ok(id));
    }

    #[test]
    fn a_position_reads_back_from_its_text() {
        let position = Position::new(ShardId::new(3), 17);
        assert_eq!(position.to_string().parse(), Ok(position));
        for text in ["", "3", "3:", ":17", "3:17:1", "+3:17", "3:-1", "70000:1"] {
            assert_eq!(text.parse::<Position>(), Err(PositionError), "{text}");
        }
    }

    #[test]
    fn other_texts_are_not_ids() {
        for text in ["", "G", "G1-2", "G1-2-3-4", "1-2-3", "G01-2-3", "G+1-2-3", "G1-2-99999999999999999999"]
        {
            assert_eq!(text.parse::<WireId>(), Err(WireIdError), "{text}");
        }
    }
}
