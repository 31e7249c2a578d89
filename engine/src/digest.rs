//! Digests: a rolling one of every input and outcome, and a full hash of a state.

use std::fmt;

use actors::{Core, Outcome};
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// A rolling 128-bit digest of inputs and outcomes: xxh3 over the digest before, the record's checksum, and the
/// canonical bytes of what followed. It finds divergence; it is no defence against forgery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest(u128);

/// Folds inputs into a [`Digest`] without allocating.
#[derive(Debug, Default)]
pub(crate) struct Digester {
    digest: Digest,
    scratch: Vec<u8>,
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
    pub(crate) fn from(digest: Digest) -> Self {
        Self { digest, scratch: Vec::with_capacity(1024) }
    }

    pub(crate) const fn digest(&self) -> Digest {
        self.digest
    }

    /// Folds in one record (by its checksum) and what followed from it.
    pub(crate) fn fold(&mut self, record_crc: u32, outcome: &Outcome) {
        self.scratch.clear();
        self.scratch.extend_from_slice(&self.digest.to_bytes());
        // Writing to memory cannot fail.
        let _ = borsh::BorshSerialize::serialize(outcome, &mut self.scratch);
        self.digest = Digest(xxh3_128_with_seed(&self.scratch, u64::from(record_crc)));
    }
}

/// BLAKE3 of the canonical encoding of a whole state.
pub fn state_hash(core: &Core) -> [u8; 32] {
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
    let _ = core.encode(&mut writer);
    match writer.into_inner() {
        Ok(sink) => sink.0.finalize().into(),
        Err(_) => [0; 32],
    }
}
