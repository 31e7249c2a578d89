//! The words of the alerts.

use alloc::string::String;

use borsh::{BorshDeserialize, BorshSerialize};
use machine::CausedBy;
use model::Name;

use crate::codec::words;

/// The most bytes of a subject.
pub const MOST_SUBJECT_BYTES: usize = 80;
/// The most bytes of an alert's text.
pub const MOST_ALERT_TEXT_BYTES: usize = 240;
/// The most bytes of the word by which an alert is acknowledged or a request refused.
pub const MOST_WORD_BYTES: usize = 200;

words! {
    /// What the alerts are told.
    pub enum AlertWord of 41 {
        /// Something happened that somebody has to see.
        1 Raise(RaiseAlert),
        /// Somebody has seen it.
        2 Acknowledge(AcknowledgeAlert),
        /// From here on a shard's alerts are heard.
        3 Hear(HearFrom),
    }
}

/// Something happened that somebody has to see.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RaiseAlert {
    /// What kind of thing: `overfill`, `diverged`.
    pub kind: Name,
    /// Who or what it is about: `session PAPER`, `order G1-0-7`.
    pub subject: String,
    /// What happened, in one line.
    pub text: String,
    /// The shard's record it is an event of; none where the node itself raises it.
    pub source: Option<AlertSource>,
}

/// The event of a shard's record that an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AlertSource {
    /// The record, and which of its alerts.
    pub event: CausedBy,
    /// How many alerts that shard has raised, this one included.
    pub raised: u64,
}

/// Somebody has seen it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AcknowledgeAlert {
    /// Which.
    pub number: u64,
    /// Why nothing more is to be done about it, or what is.
    pub word: String,
}

/// From here on a shard's alerts are heard. What it raised before stands in its journal alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct HearFrom {
    /// The shard, and its last record that is not heard.
    pub after: CausedBy,
    /// How many alerts it had raised by then.
    pub raised: u64,
}
