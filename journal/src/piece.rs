//! A segment's records in a copy of a journal: in a backup, or in an archive.
//!
//! A piece's file is the segment's file up to its last record, without what changes while a segment is written to: the
//! 64 bytes of the header that are written once, zeros up to byte 4096, then the records, byte by byte. So the hash
//! chain is the same as the journal's, and proves a copy as it proves the journal.

use machine::Timestamp;

use crate::head::Head;

/// The records of one segment: all, or its first ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Which segment.
    pub index: u64,
    /// Its first record.
    pub first_seq: u64,
    /// Everything before it.
    pub before: Head,
    /// Everything up to its last record.
    pub head: Head,
    /// The last record's time.
    pub last_time: Timestamp,
    /// The length of its file.
    pub len_bytes: u64,
    /// No record follows in this segment.
    pub is_sealed: bool,
}

impl Piece {
    /// Its file. What is still growing has another name at each length, so that a copy of it never replaces an earlier
    /// one that somebody relies on.
    pub fn file_name(&self) -> String {
        if self.is_sealed {
            format!("{:08}.segment", self.index)
        } else {
            format!("{:08}-{}.part", self.index, self.head.seq)
        }
    }
}

/// How far a copy goes: behind the last record that neither bound excludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Until {
    /// At most to this record.
    pub seq: u64,
    /// At most to this time.
    pub time: Timestamp,
}

impl Until {
    /// Everything there is.
    pub const END: Self = Self { seq: u64::MAX, time: Timestamp::from_nanos(i64::MAX) };

    pub(crate) fn covers(self, seq: u64, time_ns: i64) -> bool {
        seq <= self.seq && time_ns <= self.time.nanos
    }
}
