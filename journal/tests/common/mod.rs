//! What the tests share.
#![allow(dead_code, unreachable_pub, reason = "each test program uses its part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may fail")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use journal::{Durability, JournalError, Opened, Options, Reader, Record};
use machine::{Payload, ShardId, Timestamp, Unreadable};

/// What the test journals hold: a kind and bytes that mean nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// Its number.
    pub kind: u8,
    /// A multiple of 8 of them.
    pub bytes: Vec<u8>,
}

/// No word has this number.
pub const UNKNOWN: u8 = 255;

impl Payload for Word {
    fn encode(&self, out: &mut [u8]) -> Option<(u8, usize)> {
        // Into the room there is, also where it turns out to be too little.
        for (slot, byte) in out.iter_mut().zip(&self.bytes) {
            *slot = *byte;
        }
        (self.bytes.len() <= out.len()).then_some((self.kind, self.bytes.len()))
    }

    fn decode(&mut self, kind: u8, bytes: &[u8]) -> Result<(), Unreadable> {
        if kind == UNKNOWN {
            return Err(Unreadable::Kind(kind));
        }
        self.kind = kind;
        bytes.clone_into(&mut self.bytes);
        Ok(())
    }
}

/// The shard of the test journals.
pub const SHARD: ShardId = ShardId::new(3);

/// A small journal's options.
pub fn options(dir: &Path, durability: Durability) -> Options {
    Options { segment_bytes: Options::MIN_SEGMENT_BYTES, durability, ..Options::new(dir, SHARD) }
}

/// Opens a small journal that must open.
pub fn open(dir: &Path, durability: Durability) -> Opened {
    journal::open(&options(dir, durability)).expect("the journal opens")
}

/// A stamp that tells the record's number.
pub fn time(n: u64) -> Timestamp {
    Timestamp::from_nanos(1_000_000_000 + i64::try_from(n).unwrap())
}

/// How long the words of each kind are: as trading's are, from an order's to a broker's report.
const LENS: [usize; 24] =
    [8, 168, 88, 96, 64, 0, 80, 8, 32, 328, 128, 104, 192, 32, 32, 56, 96, 48, 88, 48, 32, 32, 112, 24];

/// A different word for each number, of every kind in turn. The fourth kind's lengths vary.
pub fn input(n: u64) -> Word {
    let kind = usize::try_from(n % 24).unwrap();
    let extra = if kind == 4 { usize::try_from(n % 500).unwrap().next_multiple_of(8) } else { 0 };
    let bytes = (n..).flat_map(u64::to_le_bytes).take(LENS[kind] + extra).collect();
    Word { kind: u8::try_from(kind + 10).unwrap(), bytes }
}

/// The shortest word.
pub fn tick() -> Word {
    Word { kind: 3, bytes: Vec::new() }
}

/// A word of this length.
pub fn long(len: usize) -> Word {
    Word { kind: 14, bytes: vec![0xa5; len] }
}

/// Every record from the start.
pub fn read_all(dir: &Path) -> Result<Vec<Record<Word>>, JournalError> {
    let mut reader = Reader::open(dir)?;
    let mut records = Vec::new();
    while let Some(record) = reader.next()? {
        records.push(record);
    }
    Ok(records)
}

/// Records 1 to `count` hold the inputs of their numbers.
pub fn check_inputs(records: &[Record<Word>], count: u64) {
    assert_eq!(records.len() as u64, count);
    for (record, seq) in records.iter().zip(1..) {
        assert_eq!((record.position.seq, record.position.shard, record.time), (seq, SHARD, time(seq)));
        assert_eq!(record.body, input(seq));
    }
}

/// Copies a journal's files, as a backup of a running node does: the control file first, then the segments.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::copy(from.join("control"), to.join("control")).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "segment") {
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

/// Waits until `done`, for at most a minute.
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_mins(1), "waited a minute until {what}");
        std::thread::yield_now();
    }
}
