//! The bytes of an input in a journal: its kind, and the archive of its own word.
//!
//! Bytes on disk never change. `kind.rs` is the table of numbers, `word.rs` writes and reads each word in place, and
//! `preface.rs` is what stands in front of every command.

mod archive;
mod kind;
mod preface;
mod word;

pub use kind::RecordKind;
use machine::{ClockAnchor, Incarnation, Journalled, Payload, Position, Unreadable};

use crate::Input;

/// What a record of trading's journals holds.
pub type RecordBody = machine::Recorded<Input>;

impl Payload for Input {
    #[inline]
    fn encode(&self, out: &mut [u8]) -> Option<(u8, usize)> {
        word::encode(self, out).map(|(kind, len)| (kind.code(), len))
    }

    #[inline]
    fn decode(&mut self, kind: u8, bytes: &[u8]) -> Result<(), Unreadable> {
        let kind = RecordKind::from_code(kind).ok_or(Unreadable::Kind(kind))?;
        word::decode_into(kind, bytes, self).ok_or(Unreadable::Payload)
    }
}

impl Journalled for Input {
    fn opened(incarnation: Incarnation, logic_version: u32, anchor: Option<ClockAnchor>) -> Self {
        Self::Opened { incarnation, logic_version, anchor }
    }

    fn tick() -> Self {
        Self::Tick
    }

    fn logic_version(&self) -> Option<u32> {
        if let Self::Opened { logic_version, .. } = self { Some(*logic_version) } else { None }
    }

    #[inline]
    fn passes_over(&self) -> Option<Position> {
        if let Self::Broken(broken) = self { Some(broken.position) } else { None }
    }

    fn kind_name(kind: u8) -> Option<&'static str> {
        RecordKind::from_code(kind).map(RecordKind::as_str)
    }
}
