//! What is counted, and where it stands.

use borsh::{BorshDeserialize, BorshSerialize};
use model::{Amount, Currency, Date, InstrumentId};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Asset {
    /// Money.
    Cash(Currency),
    /// Units of an instrument.
    Units(InstrumentId),
}

/// Where an asset stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bucket {
    /// Ours, in hand.
    Settled,
    /// Ours, or owed by us, on that date.
    Unsettled(Date),
    /// Promised to open orders.
    Reserved,
    /// The other side of `Reserved`: what open orders take from what is available.
    Earmarked,
    /// Paid for executions.
    Fees,
    /// The world outside the account.
    External,
}

/// One side of a movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Of what.
    pub asset: Asset,
    /// Where.
    pub bucket: Bucket,
    /// How much comes (positive) or goes (negative).
    pub amount: Amount,
}
