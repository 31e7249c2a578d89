//! The head of a journal: how far it goes, and the hash of all that.

use std::str::FromStr;

/// A journal's state in 32 bytes. Written as `seq:hash`, the hash in hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The last record it covers; 0 for none.
    pub seq: u64,
    /// The hash of everything up to it.
    pub hash: [u8; 32],
}

impl Head {
    /// Before the first record.
    pub const ORIGIN: Self = Self { seq: 0, hash: [0; 32] };
}

/// The text is not a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a head of the form <seq>:<64 hexadecimal digits>")]
pub struct HeadError;

impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.seq, blake3::Hash::from_bytes(self.hash).to_hex())
    }
}

impl FromStr for Head {
    type Err = HeadError;

    fn from_str(text: &str) -> Result<Self, HeadError> {
        let (seq, hash) = text.split_once(':').ok_or(HeadError)?;
        let hash = blake3::Hash::from_hex(hash).map_err(|_| HeadError)?;
        Ok(Self { seq: seq.parse().map_err(|_| HeadError)?, hash: *hash.as_bytes() })
    }
}
