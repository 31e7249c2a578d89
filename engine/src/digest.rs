//! Digests: a rolling one of every input and outcome, and a full hash of a state.

use std::fmt;
use std::io;

use actors::{Core, Outcome};
use borsh::BorshSerialize;
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// A rolling 128-bit digest of inputs and outcomes: xxh3 over the digest before, the record's checksum, and the
/// canonical bytes of what followed. It finds divergence; it is no defence against forgery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest(u128);

/// Folds inputs into a [`Digest`] without allocating.
#[derive(Debug)]
pub(crate) struct Digester {
    digest: Digest,
    sheet: Box<Sheet>,
}

/// Room for the canonical bytes of nearly every outcome. Writing to it is a copy and a comparison; a `Vec` that
/// grows field by field took more time than the hash itself.
#[derive(Debug)]
struct Sheet {
    bytes: [u8; SHEET_BYTES],
    len: usize,
}

const SHEET_BYTES: usize = 2048;

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
        Self { digest, sheet: Box::new(Sheet { bytes: [0; SHEET_BYTES], len: 0 }) }
    }

    pub(crate) const fn digest(&self) -> Digest {
        self.digest
    }

    /// Folds in one record (by its checksum) and what followed from it.
    #[inline]
    pub(crate) fn fold(&mut self, record_crc: u32, outcome: &Outcome) {
        self.sheet.len = 0;
        let written =
            self.digest.0.serialize(&mut *self.sheet).and_then(|()| outcome.serialize(&mut *self.sheet));
        self.digest = match written {
            Ok(()) => Digest(xxh3_128_with_seed(self.sheet.written(), record_crc.into())),
            Err(_) => self.folded_at_length(record_crc, outcome),
        };
    }

    /// The same for an outcome of any length: a tick that settles many accounts.
    #[cold]
    fn folded_at_length(&self, record_crc: u32, outcome: &Outcome) -> Digest {
        let mut bytes = self.digest.to_bytes().to_vec();
        // Writing to memory cannot fail.
        let _ = outcome.serialize(&mut bytes);
        Digest(xxh3_128_with_seed(&bytes, record_crc.into()))
    }
}

impl Sheet {
    fn written(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }
}

impl io::Write for Sheet {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let end = self.len + bytes.len();
        let Some(place) = self.bytes.get_mut(self.len..end) else {
            return Err(io::ErrorKind::WriteZero.into());
        };
        place.copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use model::{AccountId, Currency, Date, Event, Money};

    /// Long outcomes are folded in as short ones are: the bytes decide, not the way they were written.
    #[test]
    fn outcomes_of_any_length_are_folded_alike() {
        let money = Money { amount: 1u32.into(), currency: Currency::new("USD").unwrap() };
        let settled = Event::CashSettled { account: AccountId::new(1), money, date: Date { days: 1 } };
        for count in [0, 1, 10, 40, 60, 100] {
            let outcome = Outcome { events: vec![settled; count], outbound: Vec::new() };
            let mut digester = Digester::from(Digest(7));
            let at_length = digester.folded_at_length(3, &outcome);
            digester.fold(3, &outcome);
            assert_eq!(digester.digest(), at_length, "{count} events");
        }
    }
}
