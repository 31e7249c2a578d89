//! Short printable texts stored in place, so that a command holds no pointer and copies as plain bytes.

use core::fmt;
use core::str::FromStr;

/// Printable ASCII of at most `N` bytes (`N` < 256), zero-filled behind its end.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
    borsh::BorshSerialize,
    borsh::BorshDeserialize,
)]
pub struct Text<const N: usize> {
    len_bytes: u8,
    bytes: [u8; N],
}

/// A client's order identifier: FIX tag 11.
pub type ClOrdId = Text<32>;
/// A broker's execution identifier: FIX tag 17.
pub type ExecId = Text<40>;
/// A ticker symbol: FIX tag 55.
pub type Symbol = Text<16>;
/// The name of an account, portfolio, strategy, session or broker.
pub type Name = Text<24>;
/// Free text of an operator, or a reject text of a broker, cut to fit.
pub type Reference = Text<48>;

/// Why a text was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing there.
    #[error("is empty")]
    Empty,
    /// Longer than the field holds.
    #[error("is longer than {limit} bytes")]
    TooLong {
        /// What the field holds.
        limit: usize,
    },
    /// Not printable ASCII: a FIX field may hold no control characters, and ours hold no blanks at the edges.
    #[error("holds a character that is not printable ASCII")]
    Character,
}

impl<const N: usize> Text<N> {
    /// The empty text, for "absent".
    pub const EMPTY: Self = Self { len_bytes: 0, bytes: [0; N] };

    /// Checks and stores `text`.
    pub fn new(text: &str) -> Result<Self, TextError> {
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        if text.len() > N.min(255) {
            return Err(TextError::TooLong { limit: N.min(255) });
        }
        if !text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            return Err(TextError::Character);
        }
        Ok(Self::cut(text))
    }

    /// Stores as much of `text` as fits; other than printable ASCII becomes `?`. For texts we only pass on.
    pub fn cut(text: &str) -> Self {
        let mut cut = Self::EMPTY;
        for (slot, byte) in cut.bytes.iter_mut().zip(text.bytes().take(255)) {
            *slot = if byte == b' ' || byte.is_ascii_graphic() { byte } else { b'?' };
            cut.len_bytes += 1;
        }
        cut
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.len_bytes)).unwrap_or(&[]);
        core::str::from_utf8(bytes).unwrap_or("")
    }

    /// The characters, zero-filled behind the last.
    #[inline]
    pub(crate) const fn bytes(&self) -> [u8; N] {
        self.bytes
    }

    /// True where nothing is stored.
    pub const fn is_empty(&self) -> bool {
        self.len_bytes == 0
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl<const N: usize> FromStr for Text<N> {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        Self::new(text)
    }
}

impl<const N: usize> serde::Serialize for Text<N> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_a_fix_field_cannot_hold() {
        assert_eq!(Symbol::new(""), Err(TextError::Empty));
        assert_eq!(Symbol::new("A\u{1}B"), Err(TextError::Character));
        assert_eq!(Symbol::new("12345678901234567"), Err(TextError::TooLong { limit: 16 }));
        assert_eq!(Symbol::new("BRK.B").unwrap().as_str(), "BRK.B");
    }

    #[test]
    fn cut_never_fails() {
        assert_eq!(Symbol::cut("12345678901234567890").as_str(), "1234567890123456");
        assert_eq!(Symbol::cut("a\nb").as_str(), "a?b");
    }
}
