//! The record layout, version 2. All numbers little endian; every record starts on a multiple of 8 bytes.
//!
//! ```text
//!  0        4        8                16               24       28       32 33 34   36       40
//!  ┌────────┬────────┬────────────────┬────────────────┬────────┬────────┬──┬──┬────┬────────┬─────────── ─ ─
//!  │len_byt.│ crc    │ seq            │ time_ns        │incarn. │undurab.│k │v │shrd│prev_crc│ payload
//!  └────────┴────────┴────────────────┴────────────────┴────────┴────────┴──┴──┴────┴────────┴─────────── ─ ─
//!  └─ commit word ──┘
//! ```
//!
//! * `len_bytes` u32: header and payload; a multiple of 8. `crc` u32: CRC-32C of bytes 8 to `len_bytes`, seeded with
//!   `len_bytes`. Both together are the *commit word*, stored last and at once: zero means "no record yet".
//! * `seq` u64, `time_ns` i64: the record's number and its stamp.
//! * `incarnation` u32: which opening of the journal wrote it.
//! * `undurable` u32: how many records before this one were not yet known to be on disk when it was appended;
//!   0 under process durability. So any good record proves how far everything before it must be good too.
//! * `kind` u8, `version` u8, `shard` u16. Which word a kind is, the machine knows whose journal it is.
//! * `prev_crc` u32: the `crc` of the record before it, across segments too; 0 for the first.
//! * payload: bytes that the machine wrote for that kind, up to a multiple of 8. The journal does not look into them.

use crate::damage::Damage;
pub use crate::version::RECORD_VERSION;

/// Bytes before the payload.
pub const RECORD_HEADER_BYTES: usize = 40;
/// A record never takes more. A segment with less room than this is full.
pub const MAX_RECORD_BYTES: usize = 64 * 1024;
/// The commit word's bytes, which the checksum does not cover.
pub(crate) const COMMIT_BYTES: usize = 8;
/// Every record starts on a multiple of this.
pub(crate) const ALIGN_BYTES: usize = 8;

/// A record's header but for the commit word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordHeader {
    pub(crate) seq: u64,
    pub(crate) time_ns: i64,
    pub(crate) incarnation: u32,
    pub(crate) undurable: u32,
    pub(crate) kind: u8,
    pub(crate) shard: u16,
    pub(crate) prev_crc: u32,
}

/// The header behind the commit word.
pub(crate) type HeaderTail = [u8; RECORD_HEADER_BYTES - COMMIT_BYTES];

impl RecordHeader {
    pub(crate) fn encode(&self) -> HeaderTail {
        let mut bytes = [0; RECORD_HEADER_BYTES - COMMIT_BYTES];
        let fields: [(usize, &[u8]); 8] = [
            (0, &self.seq.to_le_bytes()),
            (8, &self.time_ns.to_le_bytes()),
            (16, &self.incarnation.to_le_bytes()),
            (20, &self.undurable.to_le_bytes()),
            (24, &[self.kind]),
            (25, &[RECORD_VERSION]),
            (26, &self.shard.to_le_bytes()),
            (28, &self.prev_crc.to_le_bytes()),
        ];
        for (at, field) in fields {
            if let Some(slot) = bytes.get_mut(at..at + field.len()) {
                slot.copy_from_slice(field);
            }
        }
        bytes
    }

    /// Reads the header of a whole record whose commit word was checked.
    #[inline]
    fn decode(record: &[u8]) -> Result<Self, Damage> {
        // Of a known length: then no field needs a look whether it is there.
        let header: &[u8; RECORD_HEADER_BYTES] = record.first_chunk().ok_or(Damage::Length)?;
        let version = header[33];
        if version != RECORD_VERSION {
            return Err(Damage::Version(version));
        }
        Ok(Self {
            seq: u64::from_le_bytes(field(header, 8)),
            time_ns: i64::from_le_bytes(field(header, 16)),
            incarnation: u32::from_le_bytes(field(header, 24)),
            undurable: u32::from_le_bytes(field(header, 28)),
            kind: header[32],
            shard: u16::from_le_bytes(field(header, 34)),
            prev_crc: u32::from_le_bytes(field(header, 36)),
        })
    }
}

/// The `N` bytes at `at`; zeros where there are none, which no valid field is.
#[inline]
pub(crate) fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..at + N).and_then(|slice| slice.try_into().ok()).unwrap_or([0; N])
}

/// The checksum of a whole record, as it says itself.
#[inline]
pub(crate) fn record_crc(record: &[u8]) -> u32 {
    u32::from_le_bytes(field(record, 4))
}

/// The length in a commit word.
#[inline]
pub(crate) const fn commit_len(word: u64) -> usize {
    (word & 0xffff_ffff) as usize
}

/// The checksum in a commit word.
pub(crate) const fn commit_crc(word: u64) -> u32 {
    (word >> 32) as u32
}

/// The commit word of a record with everything behind the commit word in `behind`.
pub(crate) fn commit_word(behind: &[u8]) -> u64 {
    // The writer's records are at most MAX_RECORD_BYTES long: the cast keeps every bit.
    #[expect(clippy::cast_possible_truncation, reason = "at most MAX_RECORD_BYTES")]
    let len_bytes = (behind.len() + COMMIT_BYTES) as u32;
    u64::from(len_bytes) | (u64::from(crc32c::crc32c_append(len_bytes, behind)) << 32)
}

/// The length that a commit word announces, if it can be one.
#[inline]
pub(crate) fn checked_len(word: u64) -> Result<usize, Damage> {
    let len = commit_len(word);
    let possible = (RECORD_HEADER_BYTES..=MAX_RECORD_BYTES).contains(&len) && len.is_multiple_of(ALIGN_BYTES);
    if possible { Ok(len) } else { Err(Damage::Length) }
}

/// Checks a whole record, commit word included, and reads its header. What it says is not compared with its place.
#[inline]
pub(crate) fn check_record(record: &[u8]) -> Result<RecordHeader, Damage> {
    let word = u64::from_le_bytes(field(record, 0));
    if checked_len(word)? != record.len() {
        return Err(Damage::Length);
    }
    let behind = record.get(COMMIT_BYTES..).unwrap_or(&[]);
    if commit_word(behind) != word {
        return Err(Damage::Checksum);
    }
    RecordHeader::decode(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: RecordHeader = RecordHeader {
        seq: 0x0102_0304_0506_0708,
        time_ns: 0x1112_1314_1516_1718,
        incarnation: 0x2122_2324,
        undurable: 0x3132_3334,
        kind: 2,
        shard: 0x4142,
        prev_crc: 0x5152_5354,
    };

    fn record(payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; COMMIT_BYTES];
        bytes.extend(HEADER.encode());
        bytes.extend(payload);
        let word = commit_word(&bytes[COMMIT_BYTES..]);
        bytes[..8].copy_from_slice(&word.to_le_bytes());
        bytes
    }

    #[test]
    fn every_field_has_its_offset() {
        let bytes = record(&[0xee; 16]);
        assert_eq!(bytes[0..4], 56u32.to_le_bytes());
        assert_eq!(bytes[4..8], crc32c::crc32c_append(56, &bytes[8..]).to_le_bytes());
        assert_eq!(bytes[8..16], [8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(bytes[16..24], [0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11]);
        assert_eq!(bytes[24..28], [0x24, 0x23, 0x22, 0x21]);
        assert_eq!(bytes[28..32], [0x34, 0x33, 0x32, 0x31]);
        assert_eq!(bytes[32..34], [2, 2]);
        assert_eq!(bytes[34..36], [0x42, 0x41]);
        assert_eq!(bytes[36..40], [0x54, 0x53, 0x52, 0x51]);
        assert_eq!(bytes[40..], [0xee; 16]);
        assert_eq!(check_record(&bytes), Ok(HEADER));
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let good = record(&[0xee; 16]);
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(check_record(&bad).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn impossible_lengths_are_refused() {
        for len in [0, 39, 41, 32, MAX_RECORD_BYTES + 8, 0xffff_ffff] {
            assert_eq!(checked_len(len as u64), Err(Damage::Length), "{len}");
        }
    }
}
