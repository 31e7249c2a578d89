//! The first page of a segment file, version 1. All numbers little endian.
//!
//! ```text
//!   0 magic "GANNETJ\n"        8 version u32   12 shard u16   14 zero u16
//!  16 index u64               24 first_seq u64
//!  32 segment_bytes u64       40 created_ns i64
//!  48 incarnation u32         52 prev_crc u32  56 zero u32    60 crc u32 of bytes 0 to 60
//!  64 durable: at least so many of its records are on disk        (checked word)
//! 128 visibility: followers see 0 what is committed, 1 only what is durable  (checked word)
//! 192 chain: BLAKE3 of all before this segment, 32 bytes
//! 224 chain_crc: CRC-32C of the chain, u32    228 chain_set u32: 0 not known yet, 1 set
//! 256 zero to the end of the page
//! ```
//!
//! A *checked word* is `value | crc << 32` in one store: value u32, crc the CRC-32C of it seeded with its offset and
//! the segment's index; all zero means 0. A segment that is prepared but not used yet has a page of zeros. One is begun by the
//! visibility, then the fixed part from its end to the magic: without its magic a segment is not begun.

use std::sync::atomic::Ordering;

use machine::ShardId;

use crate::layout::field;
use crate::memory::Words;

/// The segment format written.
pub const SEGMENT_VERSION: u32 = 1;
/// Records start here.
pub const SEGMENT_HEADER_BYTES: usize = 4096;
/// The bytes that are written once.
pub(crate) const FIXED_BYTES: usize = 64;
pub(crate) const DURABLE_AT: usize = 64;
pub(crate) const VISIBILITY_AT: usize = 128;
pub(crate) const CHAIN_AT: usize = 192;
const RESERVED_AT: usize = 256;
const MAGIC: [u8; 8] = *b"GANNETJ\n";
/// No journal gets here: at a million records a second it would take 146,000 years. Counting on does not overflow.
const MOST_SEQ: u64 = 1 << 62;

/// What is written once, when the segment gets its first record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) shard: ShardId,
    pub(crate) index: u64,
    pub(crate) first_seq: u64,
    pub(crate) segment_bytes: u64,
    pub(crate) created_ns: i64,
    pub(crate) incarnation: u32,
    pub(crate) prev_crc: u32,
}

/// What followers may see of a segment that is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visibility {
    /// Every record whose commit word is there: process durability.
    Committed,
    /// The records counted as durable: disk durability.
    Durable,
}

/// Why a header page was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    /// Prepared, not begun yet: zeros, or the first stores of a beginning.
    Blank,
    /// Not ours.
    Foreign,
    /// A newer format.
    Version(u32),
    /// Damaged, and where.
    Damaged(&'static str),
}

/// A header page as read: the fixed part and the live words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeaderPage {
    pub(crate) fixed: SegmentHeader,
    pub(crate) durable: u32,
    pub(crate) visibility: Visibility,
    pub(crate) chain: Option<[u8; 32]>,
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; FIXED_BYTES] {
        let mut bytes = [0; FIXED_BYTES];
        let fields: [(usize, &[u8]); 9] = [
            (0, &MAGIC),
            (8, &SEGMENT_VERSION.to_le_bytes()),
            (12, &self.shard.index.to_le_bytes()),
            (16, &self.index.to_le_bytes()),
            (24, &self.first_seq.to_le_bytes()),
            (32, &self.segment_bytes.to_le_bytes()),
            (40, &self.created_ns.to_le_bytes()),
            (48, &self.incarnation.to_le_bytes()),
            (52, &self.prev_crc.to_le_bytes()),
        ];
        for (at, field) in fields {
            if let Some(slot) = bytes.get_mut(at..at + field.len()) {
                slot.copy_from_slice(field);
            }
        }
        let crc = fixed_crc(&bytes);
        if let Some(slot) = bytes.get_mut(60..) {
            slot.copy_from_slice(&crc.to_le_bytes());
        }
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; FIXED_BYTES]) -> Result<Self, HeaderFault> {
        // The magic is stored last: where it is not, the segment is not begun, whatever else was stored already.
        if field(bytes, 0) == [0; 8] {
            return Err(HeaderFault::Blank);
        }
        if field(bytes, 0) != MAGIC {
            return Err(HeaderFault::Foreign);
        }
        // The version is looked at before the checksum: where a newer one keeps its checksum is its own affair.
        let version = u32::from_le_bytes(field(bytes, 8));
        if version > SEGMENT_VERSION {
            return Err(HeaderFault::Version(version));
        }
        if fixed_crc(bytes) != u32::from_le_bytes(field(bytes, 60)) {
            return Err(HeaderFault::Damaged("checksum"));
        }
        let first_seq = u64::from_le_bytes(field(bytes, 24));
        if version == 0 || first_seq == 0 || first_seq > MOST_SEQ {
            return Err(HeaderFault::Damaged("impossible numbers"));
        }
        Ok(Self {
            shard: ShardId::new(u16::from_le_bytes(field(bytes, 12))),
            index: u64::from_le_bytes(field(bytes, 16)),
            first_seq,
            segment_bytes: u64::from_le_bytes(field(bytes, 32)),
            created_ns: i64::from_le_bytes(field(bytes, 40)),
            incarnation: u32::from_le_bytes(field(bytes, 48)),
            prev_crc: u32::from_le_bytes(field(bytes, 52)),
        })
    }

    /// Stores the header; the first word last, so that whoever sees it sees all.
    pub(crate) fn store(&self, page: &Words) {
        let bytes = self.encode();
        for at in (0..FIXED_BYTES).step_by(8).rev() {
            page.word(at).store(u64::from_le_bytes(field(&bytes, at)), Ordering::Release);
        }
    }

    /// Loads the header of a segment that may be in the making: with its first word there, all of it is.
    pub(crate) fn load(page: &Words) -> Result<Self, HeaderFault> {
        if page.word(0).load(Ordering::Acquire) == 0 {
            return Err(HeaderFault::Blank);
        }
        let mut bytes = [0; FIXED_BYTES];
        for (at, slot) in (0..FIXED_BYTES).step_by(8).zip(bytes.chunks_exact_mut(8)) {
            slot.copy_from_slice(&page.word(at).load(Ordering::Acquire).to_le_bytes());
        }
        Self::decode(&bytes)
    }
}

impl HeaderPage {
    /// Checks a whole page.
    pub(crate) fn decode(page: &[u8]) -> Result<Self, HeaderFault> {
        let all_zero = |from: usize| page.get(from..).is_some_and(|rest| rest.iter().all(|byte| *byte == 0));
        let fixed = SegmentHeader::decode(&field(page, 0))?;
        let gaps = [(72, VISIBILITY_AT), (136, CHAIN_AT), (232, RESERVED_AT)];
        let gaps_zero =
            gaps.iter().all(|(from, to)| page.get(*from..*to).is_some_and(|gap| gap.iter().all(|b| *b == 0)));
        if !gaps_zero || !all_zero(RESERVED_AT) {
            return Err(HeaderFault::Damaged("reserved bytes"));
        }
        let word = |at| open_word(u64::from_le_bytes(field(page, at)), at, fixed.index);
        let durable = word(DURABLE_AT).ok_or(HeaderFault::Damaged("durable mark"))?;
        let visibility = match word(VISIBILITY_AT) {
            Some(0) => Visibility::Committed,
            Some(1) => Visibility::Durable,
            _ => return Err(HeaderFault::Damaged("visibility")),
        };
        Ok(Self { fixed, durable, visibility, chain: chain(page)? })
    }
}

/// The bytes at [`CHAIN_AT`] that keep a hash.
pub(crate) fn encode_chain(hash: &[u8; 32]) -> [u8; 40] {
    let mut bytes = [0; 40];
    for (slot, byte) in
        bytes.iter_mut().zip(hash.iter().copied().chain(crc32c::crc32c(hash).to_le_bytes()).chain([1]))
    {
        *slot = byte;
    }
    bytes
}

fn chain(page: &[u8]) -> Result<Option<[u8; 32]>, HeaderFault> {
    let hash: [u8; 32] = field(page, CHAIN_AT);
    let crc = u32::from_le_bytes(field(page, 224));
    match u32::from_le_bytes(field(page, 228)) {
        0 if hash == [0; 32] && crc == 0 => Ok(None),
        1 if crc32c::crc32c(&hash) == crc => Ok(Some(hash)),
        _ => Err(HeaderFault::Damaged("chain")),
    }
}

fn fixed_crc(bytes: &[u8; FIXED_BYTES]) -> u32 {
    crc32c::crc32c(bytes.get(..60).unwrap_or(&[]))
}

/// Stores a live word of the segment `index`.
pub(crate) fn store_word(page: &Words, at: usize, index: u64, value: u32) {
    page.word(at).store(seal_word(value, at, index), Ordering::Release);
}

/// A live word as it stands in the file.
pub(crate) fn word_bytes(value: u32, at: usize, index: u64) -> [u8; 8] {
    seal_word(value, at, index).to_le_bytes()
}

/// Loads a live word; `None` where it is damaged.
pub(crate) fn load_word(page: &Words, at: usize, index: u64) -> Option<u32> {
    open_word(page.word(at).load(Ordering::Acquire), at, index)
}

fn seal_word(value: u32, at: usize, index: u64) -> u64 {
    if value == 0 { 0 } else { u64::from(value) | (u64::from(word_crc(value, at, index)) << 32) }
}

fn open_word(word: u64, at: usize, index: u64) -> Option<u32> {
    #[expect(clippy::cast_possible_truncation, reason = "the low half holds the value")]
    let value = word as u32;
    (seal_word(value, at, index) == word).then_some(value)
}

fn word_crc(value: u32, at: usize, index: u64) -> u32 {
    let seed = crc32c::crc32c_append(0, &index.wrapping_add(at as u64).to_le_bytes());
    crc32c::crc32c_append(seed, &value.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: SegmentHeader = SegmentHeader {
        shard: ShardId::new(0x0102),
        index: 0x1112_1314_1516_1718,
        first_seq: 0x2122_2324_2526_2728,
        segment_bytes: 0x3132_3334_3536_3738,
        created_ns: 0x4142_4344_4546_4748,
        incarnation: 0x5152_5354,
        prev_crc: 0x6162_6364,
    };

    fn page() -> Vec<u8> {
        let mut page = vec![0; SEGMENT_HEADER_BYTES];
        page[..FIXED_BYTES].copy_from_slice(&HEADER.encode());
        page[64..72].copy_from_slice(&seal_word(7, DURABLE_AT, HEADER.index).to_le_bytes());
        page[128..136].copy_from_slice(&seal_word(1, VISIBILITY_AT, HEADER.index).to_le_bytes());
        page
    }

    #[test]
    fn every_field_has_its_offset() {
        let bytes = HEADER.encode();
        assert_eq!(&bytes[0..8], b"GANNETJ\n");
        assert_eq!(bytes[8..12], [1, 0, 0, 0]);
        assert_eq!(bytes[12..16], [2, 1, 0, 0]);
        assert_eq!(bytes[16..24], [0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11]);
        assert_eq!(bytes[24..32], [0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21]);
        assert_eq!(bytes[32..40], [0x38, 0x37, 0x36, 0x35, 0x34, 0x33, 0x32, 0x31]);
        assert_eq!(bytes[40..48], [0x48, 0x47, 0x46, 0x45, 0x44, 0x43, 0x42, 0x41]);
        assert_eq!(bytes[48..52], [0x54, 0x53, 0x52, 0x51]);
        assert_eq!(bytes[52..60], [0x64, 0x63, 0x62, 0x61, 0, 0, 0, 0]);
        assert_eq!(bytes[60..64], crc32c::crc32c(&bytes[..60]).to_le_bytes());
        assert_eq!((DURABLE_AT, VISIBILITY_AT, CHAIN_AT, SEGMENT_HEADER_BYTES), (64, 128, 192, 4096));
    }

    #[test]
    fn a_page_reads_back_and_any_flipped_bit_is_noticed() {
        let good = page();
        let expected = HeaderPage { fixed: HEADER, durable: 7, visibility: Visibility::Durable, chain: None };
        assert_eq!(HeaderPage::decode(&good), Ok(expected));
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(HeaderPage::decode(&bad).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn blank_foreign_and_newer_pages_are_told_apart() {
        let mut page = page();
        page[8] = 9;
        assert_eq!(HeaderPage::decode(&page), Err(HeaderFault::Version(9)));
        page[0] = b'X';
        assert_eq!(HeaderPage::decode(&page), Err(HeaderFault::Foreign));
        assert_eq!(HeaderPage::decode(&[0; SEGMENT_HEADER_BYTES]), Err(HeaderFault::Blank));
    }

    /// Killed between two stores of a beginning: the visibility comes first, then the fixed part from its end.
    #[test]
    fn a_page_whose_beginning_was_interrupted_is_blank() {
        let good = page();
        for stored in (8..=FIXED_BYTES).step_by(8).chain([VISIBILITY_AT]) {
            let mut begun = vec![0; SEGMENT_HEADER_BYTES];
            begun[stored..VISIBILITY_AT + 8].copy_from_slice(&good[stored..VISIBILITY_AT + 8]);
            assert_eq!(HeaderPage::decode(&begun), Err(HeaderFault::Blank), "from byte {stored} on");
        }
    }
}
