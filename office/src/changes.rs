//! A rolling number of every change of the state: what a digest in the journal proves.
//!
//! Each commit folds what it changed, by the fixed functions here, and not how a struct happens to be written: so words
//! and state may grow fields and no digest of old journals moves. See `actors/src/fingerprint.rs`, which does the same
//! for a shard, where an order has nanoseconds and not microseconds.

use borsh::{BorshDeserialize, BorshSerialize};

/// What changed. The numbers are for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Noted {
    /// The journal was opened: incarnation, version of the logic.
    Opening = 1,
    /// A piece of a configuration came: where it ends.
    Piece = 2,
    /// A configuration came into force: its number, how many changes.
    InForce = 3,
    /// An alert was raised: its number, its count.
    Raised = 4,
    /// A shard's alerts are heard up to here: the record, which of its consequences.
    Heard = 5,
    /// An alert was acknowledged: its number, by whom.
    Acknowledged = 6,
    /// An acknowledged alert or an ended request was retired: its number, 0 or 1.
    Retired = 7,
    /// The policy for approvals: how many currencies, how long a request waits.
    Policy = 8,
    /// A request waits: its number, when it expires.
    Waits = 9,
    /// A request was decided or carried out: its number, where it stands.
    Decided = 10,
    /// An invariant broke: the record of the input without effect, the part.
    SetAside = 11,
}

/// The number of all changes so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Changes {
    state: u64,
}

/// An odd number without pattern: the fraction of the golden ratio.
const MIXER: u64 = 0x9e37_79b9_7f4a_7c15;

impl Changes {
    /// As a number, to be folded into a digest.
    pub const fn get(self) -> u64 {
        self.state
    }

    fn fold(&mut self, word: u64) {
        let mixed = (self.state ^ word).wrapping_mul(MIXER);
        self.state = (mixed ^ (mixed >> 29)).rotate_left(23).wrapping_add(MIXER);
    }

    /// One change by its two words.
    pub(crate) fn note(&mut self, change: Noted, first: u64, second: u64) {
        self.fold(change as u64 | 1 << 63);
        self.fold(first);
        self.fold(second);
    }

    /// A text that belongs to the change noted before.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word.iter_mut().zip(chunk).for_each(|(place, byte)| *place = *byte);
            self.fold(u64::from_le_bytes(word));
        }
        // So that a text and the same with zeros behind it differ.
        self.fold(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands in journals: the same words lead to the same number for good.
    #[test]
    fn the_folding_is_fixed() {
        let mut changes = Changes::default();
        changes.note(Noted::Raised, 3, 1);
        changes.bytes(b"a text of some length");
        assert_eq!(changes.get(), 0x4e4d_e4dd_80df_b1d0, "{:#x}", changes.get());
    }

    #[test]
    fn order_and_length_count() {
        let of = |texts: &[&[u8]]| {
            let mut changes = Changes::default();
            for text in texts {
                changes.bytes(text);
            }
            changes.get()
        };
        let all = [
            of(&[]),
            of(&[b""]),
            of(&[b"", b""]),
            of(&[b"a"]),
            of(&[b"a\0"]),
            of(&[b"a", b"b"]),
            of(&[b"b", b"a"]),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(one), "{at}: {all:x?}");
        }
    }
}
