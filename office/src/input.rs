//! What a record of the office's journal holds, and its bytes.
//!
//! ```text
//! opened       | incarnation u32 | logic version u32 |
//! tick         (nothing)
//! broken       borsh, zeros up to a multiple of 8
//! a word       0      2      3   4           8      12       16
//!              | word | door | 0 | principal | uid  | client | fields of the word, borsh | zeros up to a multiple of 8 |
//!              | u16  | u8   |   | u32       | u32  | u32    |
//! ```
//!
//! A record's kind says which part its word is for, the number which of that part's words it is. Numbers are little
//! endian and mean the same for good. A word whose fields change gets the next number, and the old one reads on.

use alloc::string::String;

use borsh::{BorshDeserialize, BorshSerialize};
use machine::{ClockAnchor, Incarnation, Journalled, Origin, Payload, Position, Unreadable};

use crate::alerts::AlertWord;
use crate::approvals::ApprovalWord;
use crate::codec;
use crate::config_history::ConfigWord;

/// What a record of the office's journal holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OfficeInput {
    /// The journal was opened for writing.
    Opened {
        /// How often that was.
        incarnation: Incarnation,
        /// The version of the logic that decides from here on.
        logic_version: u32,
    },
    /// Somebody asks for something.
    Asked {
        /// Who, and through which door.
        origin: Origin,
        /// What.
        word: OfficeWord,
    },
    /// Time has passed a deadline.
    #[default]
    Tick,
    /// An input had no effect, since an invariant broke.
    Broken(OfficeBroken),
}

/// What somebody asks of the office. Each part has words of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfficeWord {
    /// Of the configuration history.
    Config(ConfigWord),
    /// Of the alerts.
    Alert(AlertWord),
    /// Of the approvals.
    Approval(ApprovalWord),
}

/// An input that was recorded and had no effect, since an invariant broke while it was applied.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OfficeBroken {
    /// The record of the input.
    pub position: Position,
    /// The part that is set aside, by the kind of its words; 3 for ticks.
    pub part: u8,
    /// What the panic said, cut.
    pub text: String,
}

/// The kind of ticks; among the parts that are set aside it stands for them.
pub(crate) const TICKS: u8 = 3;
const OPENED: u8 = 1;
const BROKEN: u8 = 5;

impl OfficeWord {
    /// The kind of its record: which part it is for.
    pub const fn kind(&self) -> u8 {
        match self {
            Self::Config(_) => ConfigWord::KIND,
            Self::Alert(_) => AlertWord::KIND,
            Self::Approval(_) => ApprovalWord::KIND,
        }
    }

    /// Its number among the words of its part.
    pub const fn number(&self) -> u16 {
        match self {
            Self::Config(word) => word.number(),
            Self::Alert(word) => word.number(),
            Self::Approval(word) => word.number(),
        }
    }

    fn load(kind: u8, number: u16, fields: &[u8]) -> Result<Self, Unreadable> {
        match kind {
            ConfigWord::KIND => ConfigWord::load(number, fields).map(Self::Config),
            AlertWord::KIND => AlertWord::load(number, fields).map(Self::Alert),
            ApprovalWord::KIND => ApprovalWord::load(number, fields).map(Self::Approval),
            _ => Err(Unreadable::Kind(kind)),
        }
    }
}

impl Payload for OfficeInput {
    fn encode(&self, out: &mut [u8]) -> Option<(u8, usize)> {
        let len = codec::write(out, |out| match self {
            Self::Opened { incarnation, logic_version } => (incarnation, logic_version).serialize(out),
            Self::Asked { origin, word } => {
                codec::write_front(out, word.number(), origin)?;
                match word {
                    OfficeWord::Config(word) => word.save(out),
                    OfficeWord::Alert(word) => word.save(out),
                    OfficeWord::Approval(word) => word.save(out),
                }
            }
            Self::Tick => Ok(()),
            Self::Broken(broken) => broken.serialize(out),
        })?;
        let kind = match self {
            Self::Opened { .. } => OPENED,
            Self::Asked { word, .. } => word.kind(),
            Self::Tick => TICKS,
            Self::Broken(_) => BROKEN,
        };
        Some((kind, len))
    }

    fn decode(&mut self, kind: u8, bytes: &[u8]) -> Result<(), Unreadable> {
        *self = match kind {
            OPENED => {
                let (incarnation, logic_version) = codec::fields(bytes)?;
                Self::Opened { incarnation, logic_version }
            }
            TICKS if bytes.is_empty() => Self::Tick,
            TICKS => return Err(Unreadable::Payload),
            BROKEN => Self::Broken(codec::fields(bytes)?),
            ConfigWord::KIND | AlertWord::KIND | ApprovalWord::KIND => {
                let (number, origin, fields) = codec::read_front(bytes)?;
                Self::Asked { origin, word: OfficeWord::load(kind, number, fields)? }
            }
            _ => return Err(Unreadable::Kind(kind)),
        };
        Ok(())
    }
}

impl Journalled for OfficeInput {
    fn opened(incarnation: Incarnation, logic_version: u32, _: Option<ClockAnchor>) -> Self {
        Self::Opened { incarnation, logic_version }
    }

    fn tick() -> Self {
        Self::Tick
    }

    fn logic_version(&self) -> Option<u32> {
        match self {
            Self::Opened { logic_version, .. } => Some(*logic_version),
            _ => None,
        }
    }

    fn passes_over(&self) -> Option<Position> {
        match self {
            Self::Broken(broken) => Some(broken.position),
            _ => None,
        }
    }

    fn kind_name(kind: u8) -> Option<&'static str> {
        Some(match kind {
            OPENED => "opened",
            machine::DIGEST_KIND => "digest",
            TICKS => "tick",
            BROKEN => "broken",
            ConfigWord::KIND => "config_history",
            AlertWord::KIND => "alerts",
            ApprovalWord::KIND => "approvals",
            _ => return None,
        })
    }
}
