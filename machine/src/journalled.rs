//! Inputs as they stand in a journal: a kind and bytes.
//!
//! The journal knows neither; each machine says for its own inputs which number is which word, and what the bytes mean. A
//! number, once used, means the same for good: see `model/src/codec/kind.rs` for how one machine keeps its table.

use core::fmt::Debug;

use crate::{ClockAnchor, Incarnation, Position};

/// The kind of a record that holds no input but the host's rolling digest of everything before it: 16 bytes. No machine
/// gives this number to a word of its own.
pub const DIGEST_KIND: u8 = 2;

/// Why the bytes of a record were not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// No word has this number: a later program wrote it, or it is another machine's journal.
    #[error("kind {0} is not known")]
    Kind(u8),
    /// The bytes are none of this kind.
    #[error("the payload makes no sense for its kind")]
    Payload,
}

/// What the payload of a record holds: a kind and bytes, both ways. Its [`Default`] is a place to read others into, and
/// cheap to make.
pub trait Payload: Default {
    /// Writes it to the start of `out`, which starts on a multiple of 8 bytes, without allocating. Returns its kind and
    /// its length in bytes, a multiple of 8; `None` where it does not fit.
    fn encode(&self, out: &mut [u8]) -> Option<(u8, usize)>;

    /// Reads the bytes of this kind in place of what is there. They start on a multiple of 8 bytes. Arbitrary bytes give an
    /// error: nothing in them is believed unchecked, and no more is allocated than they are long. Behind an error it holds
    /// something, and what that is means nothing.
    fn decode(&mut self, kind: u8, bytes: &[u8]) -> Result<(), Unreadable>;
}

/// Everything that can change a state. What is not an input does not happen to a machine.
pub trait Journalled: Payload + Clone + Debug + PartialEq + Send + Sync + 'static {
    /// The first input of an opening: the journal was opened for writing, and this version of the logic decides from
    /// here on. The anchor says where the clocks stood, where that is known.
    fn opened(incarnation: Incarnation, logic_version: u32, anchor: Option<ClockAnchor>) -> Self;

    /// Time has passed a deadline that the state holds. Its stamp says it all.
    fn tick() -> Self;

    /// For an opening: the version of the logic.
    fn logic_version(&self) -> Option<u32>;

    /// For what [`Machine::broken`](crate::Machine::broken) made: the record of the input that had no effect.
    fn passes_over(&self) -> Option<Position>;

    /// What people call a kind; `None` for a number that is none.
    fn kind_name(kind: u8) -> Option<&'static str>;
}

/// What a record of a hosted machine holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded<I> {
    /// Something that may change the state.
    Input(I),
    /// The host's rolling digest of everything before it.
    Digest([u8; 16]),
}

impl<I: Default> Default for Recorded<I> {
    fn default() -> Self {
        Self::Input(I::default())
    }
}

impl<I: Payload> Payload for Recorded<I> {
    #[inline]
    fn encode(&self, out: &mut [u8]) -> Option<(u8, usize)> {
        match self {
            Self::Input(input) => input.encode(out),
            Self::Digest(digest) => {
                *out.first_chunk_mut()? = *digest;
                Some((DIGEST_KIND, digest.len()))
            }
        }
    }

    #[inline]
    fn decode(&mut self, kind: u8, bytes: &[u8]) -> Result<(), Unreadable> {
        if kind == DIGEST_KIND {
            *self = Self::Digest(bytes.try_into().map_err(|_| Unreadable::Payload)?);
            return Ok(());
        }
        // In place: a large input is read where it stays, since moving it costs as much as reading it.
        if let Self::Digest(_) = self {
            *self = Self::default();
        }
        match self {
            Self::Input(input) => input.decode(kind, bytes),
            Self::Digest(_) => Err(Unreadable::Payload),
        }
    }
}
