//! The words of the configuration history.

use alloc::string::String;
use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::codec::words;

/// The most changes that are kept of one configuration; how many more there were is a number.
pub const MOST_CHANGES: usize = 64;
/// The most bytes of a change's text.
pub const MOST_CHANGE_BYTES: usize = 200;

words! {
    /// What the history is told.
    pub enum ConfigWord of 40 {
        /// A piece of a text that is about to come into force.
        1 Piece(PutPiece),
        /// The text that came is in force.
        2 Record(RecordConfig),
    }
}

/// A piece of a configuration's text. The first begins at 0 and ends whatever came before it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PutPiece {
    /// Where it begins, in bytes.
    pub offset: u64,
    /// A part of the text; it may end inside a letter.
    pub bytes: Vec<u8>,
}

/// A configuration came into force.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RecordConfig {
    /// BLAKE3 of its text. Where it is that of the text in force, no pieces need to come.
    pub digest: [u8; 32],
    /// What is otherwise than before, at most [`MOST_CHANGES`].
    pub changes: Vec<ConfigChange>,
    /// How many changes are not told.
    pub more_changes: u32,
}

/// One thing that is otherwise than before.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ConfigChange {
    /// What became of it.
    pub kind: ConfigChangeKind,
    /// In words: `account GROWTH-1: price_band_bps 500 → 300`.
    pub text: String,
}

/// What became of a change. Numbered by place in journals: a new one goes to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum ConfigChangeKind {
    /// The text says otherwise than the one before.
    Written,
    /// A shard carried it out at this start.
    Applied,
    /// The text says otherwise than a shard, and nobody asked for it to be applied.
    Left,
}
