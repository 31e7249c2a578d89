//! The words of the approvals.

use alloc::collections::BTreeMap;
use alloc::string::String;

use borsh::{BorshDeserialize, BorshSerialize};
use machine::{Position, ShardId};
use model::{Amount, CashMove, Currency};

use crate::codec::words;

words! {
    /// What the approvals are told.
    pub enum ApprovalWord of 42 {
        /// What needs a second person from here on.
        1 Policy(ApprovalPolicy),
        /// A move of cash that may need one.
        2 Ask(AskApproval),
        /// A second person says yes.
        3 Approve(Approve),
        /// Somebody says no.
        4 Refuse(RefuseApproval),
        /// What came of an approved move on its shard.
        5 Record(RecordMove),
    }
}

/// What needs a second person. As of the configuration: it counts for requests that come later.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ApprovalPolicy {
    /// A move of more than this; a currency that is not here needs none.
    pub cash_above: BTreeMap<Currency, Amount>,
    /// How long a request waits, in nanoseconds.
    pub waits_ns: i64,
}

/// A move of cash that somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AskApproval {
    /// The shard of its account.
    pub shard: ShardId,
    /// What is asked for.
    pub cash_move: CashMove,
}

/// A second person says yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Approve {
    /// To which request.
    pub number: u64,
}

/// Somebody says no: a second person, or who asked.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RefuseApproval {
    /// To which request.
    pub number: u64,
    /// Why.
    pub word: String,
}

/// What came of an approved move on its shard. The node says so, once it is durable there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RecordMove {
    /// Of which request.
    pub number: u64,
    /// The shard's record.
    pub at: Position,
    /// What it says.
    pub result: MoveResult,
}

/// What a shard says of a move. Numbered by place in journals: a new one goes to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum MoveResult {
    /// It is booked.
    Booked,
    /// The shard denied it, for the reason with this number.
    Denied(u16),
}
