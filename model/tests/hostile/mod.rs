//! Journals as an adversary leaves them: a good one, edited by a script of arbitrary bytes. Shared by the test that
//! runs everywhere and by the fuzzer in `model/fuzz`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]
#![allow(dead_code, unreachable_pub, reason = "each program uses its part")]

use std::fs;
use std::path::Path;

use journal::header::SEGMENT_HEADER_BYTES;
use journal::layout::RECORD_HEADER_BYTES;
use journal::{Durability, Follower, JournalError, Options, Reader};
use model::RecordBody;

use crate::common::{input, open, options, time};

/// The files of a good journal: what is edited.
pub struct Template {
    files: Vec<(&'static str, Vec<u8>)>,
}

const SEGMENTS: [&str; 2] = ["00000001.segment", "00000002.segment"];
/// What a reader may hold beside what the files hold.
const READER_BYTES: u64 = 4 * 1024 * 1024;

impl Template {
    /// Two segments: the second with a few records, as a kill leaves it.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = open(dir.path(), Durability::Process).writer;
        let mut seq = 0;
        while !dir.path().join(SEGMENTS[1]).exists() || seq % 100 != 0 {
            seq += 1;
            writer.ensure_room().unwrap();
            writer.append(time(seq), &input(seq)).unwrap();
        }
        let read = |name| (name, fs::read(dir.path().join(name)).unwrap());
        Self { files: ["control", SEGMENTS[0], SEGMENTS[1]].map(read).into() }
    }

    /// Lays the files down in `dir`, edited as `script` says.
    pub fn lay(&self, dir: &Path, script: &[u8]) {
        // A repair leaves a folder behind.
        fs::remove_dir_all(dir).unwrap();
        fs::create_dir(dir).unwrap();
        let mut files = self.files.clone();
        let mut script = Script { bytes: script };
        while let Some(step) = script.byte() {
            script.edit(step, &mut files);
        }
        for (name, bytes) in &files {
            fs::write(dir.join(name), bytes).unwrap();
        }
    }
}

/// Bytes read as edits; where they end, so does the script.
struct Script<'a> {
    bytes: &'a [u8],
}

impl Script<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn number(&mut self) -> usize {
        (0..3).fold(0, |number, _| number << 8 | usize::from(self.byte().unwrap_or(0)))
    }

    fn edit(&mut self, step: u8, files: &mut Vec<(&'static str, Vec<u8>)>) {
        let which = usize::from(step >> 4) % files.len().max(1);
        let Some((_, file)) = files.get_mut(which) else { return };
        let len = file.len().max(1);
        match step & 0xf {
            0..=3 => {
                let (at, count) = (self.number() % len, self.byte().unwrap_or(0) % 32);
                for slot in file.iter_mut().skip(at).take(usize::from(count)) {
                    *slot = self.byte().unwrap_or(0xff);
                }
            }
            4..=7 => {
                let (at, mask) = (self.number() % len, self.byte().unwrap_or(1));
                if let Some(slot) = file.get_mut(at) {
                    *slot ^= mask;
                }
            }
            // A forger who knows the layout: damage gets past the checksums, to the decoders behind them.
            8..=10 => reseal(file),
            11 => file.truncate(self.number() % len),
            12 => file.resize(len + self.number() % 100_000, step),
            13 => drop(files.remove(which)),
            14 => *file = vec![0; len],
            _ => {
                let donor = files[self.number() % files.len()].1.clone();
                files[which].1 = donor;
            }
        }
    }
}

/// Makes the checksums of a segment's records right again, as far as their lengths lead.
fn reseal(file: &mut [u8]) {
    let word =
        |file: &[u8], at: usize| file.get(at..at + 4).map(|b| u32::from_le_bytes(b.try_into().unwrap()));
    let mut at = SEGMENT_HEADER_BYTES;
    let mut previous = word(file, 52).unwrap_or(0);
    while let Some(len) = word(file, at) {
        let Some(record) = file.get_mut(at..at.saturating_add(len as usize)) else { return };
        if record.len() < RECORD_HEADER_BYTES {
            return;
        }
        record[36..40].copy_from_slice(&previous.to_le_bytes());
        previous = crc32c::crc32c_append(len, &record[8..]);
        record[4..8].copy_from_slice(&previous.to_le_bytes());
        at += record.len();
    }
}

/// A folder in memory where there is one: thousands of journals are synced.
pub fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// Everything that reads, repairs or opens, on what `dir` holds: it answers, and does not run on for ever.
pub fn everything_answers(dir: &Path) {
    let most = held_bytes(dir) / RECORD_HEADER_BYTES as u64 + 1;
    let _ = journal::stat(dir);
    let _ = journal::verify::<RecordBody>(dir);
    if let Ok(head) = journal::head(dir) {
        journal::verify_head(dir, &head).unwrap();
    }
    let read = count(Reader::open(dir), most, Reader::next::<RecordBody>);
    let _ = count(Reader::from_seq(dir, read / 2 + 1), most, Reader::next::<RecordBody>);
    let _ = count(Follower::open(dir, 3), most, Follower::poll::<RecordBody>);
    let _ = journal::repair_to(dir, read / 2);
    if let Ok(opened) = journal::open(&options(dir, Durability::Process)) {
        let mut writer = opened.writer;
        let seq = opened.recovery.last_seq + 1;
        if writer.ensure_room().is_ok() && writer.append(time(seq), &input(seq)).is_ok() {
            writer.close().unwrap();
            assert_eq!(
                count(Reader::open(dir), most + 1, Reader::next::<RecordBody>),
                seq,
                "what was appended is read"
            );
        }
    }
}

/// What the readers may hold in memory for the journal in `dir`.
pub fn allowed_bytes(dir: &Path) -> u64 {
    READER_BYTES + 2 * held_bytes(dir) + 4 * Options::MIN_SEGMENT_BYTES
}

fn held_bytes(dir: &Path) -> u64 {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

/// How many records a reader gives before its end or its error.
fn count<R, T>(
    reader: Result<R, JournalError>,
    most: u64,
    mut next: impl FnMut(&mut R) -> Result<Option<T>, JournalError>,
) -> u64 {
    let Ok(mut reader) = reader else { return 0 };
    let mut records = 0;
    while let Ok(Some(_)) = next(&mut reader) {
        records += 1;
        assert!(records <= most, "more records than there is room for");
    }
    records
}
