//! Identities. Those given by configuration are small indexes; those given by the journal are its positions.

use core::fmt;
use core::str::FromStr;

use crate::{Incarnation, Position};

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
}

journalled! {
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

/// The number of the way out to its broker.
impl From<SessionId> for u16 {
    fn from(session: SessionId) -> Self {
        session.index
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
    fn other_texts_are_not_ids() {
        for text in ["", "G", "G1-2", "G1-2-3-4", "1-2-3", "G01-2-3", "G+1-2-3", "G1-2-99999999999999999999"]
        {
            assert_eq!(text.parse::<WireId>(), Err(WireIdError), "{text}");
        }
    }
}
