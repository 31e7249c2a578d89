//! Digests: a rolling one of every input and of what it changed, and a full hash of a state.

use std::fmt;

use machine::Machine;
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// A rolling 128-bit digest: xxh3 over the digest before, the [fingerprint](Machine::fingerprint) of every change so far and
/// the number of a refusal, seeded with the record's checksum. It finds divergence; it is no defence against forgery. How
/// events and messages are told is no part of it, so that they may grow without making old journals unprovable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest(u128);

/// Folds inputs into a [`Digest`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digester {
    digest: Digest,
}

impl Digest {
    /// As stored in the journal.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    /// From the journal.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_le_bytes(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Digester {
    pub(crate) const fn from(digest: Digest) -> Self {
        Self { digest }
    }

    pub(crate) const fn digest(&self) -> Digest {
        self.digest
    }

    /// Folds in one record (by its checksum), the fingerprint of the state behind it and the number of a refusal.
    #[inline]
    pub(crate) fn fold(&mut self, record_crc: u32, fingerprint: u64, refused: u16) {
        let mut bytes = [0; 26];
        let (before, after) = bytes.split_at_mut(16);
        let (changes, refusal) = after.split_at_mut(8);
        before.copy_from_slice(&self.digest.to_bytes());
        changes.copy_from_slice(&fingerprint.to_le_bytes());
        refusal.copy_from_slice(&refused.to_le_bytes());
        self.digest = Digest(xxh3_128_with_seed(&bytes, record_crc.into()));
    }
}

/// BLAKE3 of the canonical encoding of a whole state.
pub fn state_hash<M: Machine>(state: &M) -> [u8; 32] {
    struct Sink(blake3::Hasher);

    impl borsh::io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> borsh::io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> borsh::io::Result<()> {
            Ok(())
        }
    }

    let mut writer = std::io::BufWriter::with_capacity(64 * 1024, Sink(blake3::Hasher::new()));
    // Hashing cannot fail.
    let _ = state.encode(&mut writer);
    match writer.into_inner() {
        Ok(sink) => sink.0.finalize().into(),
        Err(_) => [0; 32],
    }
}
