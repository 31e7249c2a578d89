//! The hash chain finds what checksums cannot: records that were changed with all checksums made right again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]
#![allow(clippy::indexing_slicing, reason = "a test may fail")]

use std::fs;
use std::path::Path;

use crate::common::{Word, copy, input, open, options, time, wait_until};
use journal::header::SEGMENT_HEADER_BYTES;
use journal::{Durability, Head, JournalError, Options, Writer, head, verify, verify_head};

fn append(writer: &mut Writer, count: u64) {
    for _ in 0..count {
        let seq = writer.next_seq();
        writer.ensure_room().unwrap();
        writer.append(time(seq), &input(seq)).unwrap();
    }
}

/// Changes the stamp of a segment's first record and rewrites every checksum from there to the end of the segment,
/// as somebody with this source code could.
fn forge(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let (mut at, mut prev) = (SEGMENT_HEADER_BYTES, None);
    bytes[at + 16] ^= 1;
    while let len @ 1.. = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) {
        let end = at + usize::try_from(len).unwrap();
        if let Some(prev) = prev {
            bytes[at + 36..at + 40].copy_from_slice(&u32::to_le_bytes(prev));
        }
        let crc = crc32c::crc32c_append(len, &bytes[at + 8..end]);
        bytes[at + 4..at + 8].copy_from_slice(&crc.to_le_bytes());
        (at, prev) = (end, Some(crc));
    }
    fs::write(path, bytes).unwrap();
}

/// Segments are hashed in pieces as large as are read at once; here they are several times as large.
#[test]
fn a_head_is_the_hash_of_every_byte_of_every_record() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes: 1024 * 1024, ..options(dir.path(), Durability::Process) };
    let mut writer = journal::open(&options).unwrap().writer;
    append(&mut writer, 20_000);
    writer.close().unwrap();
    let (mut before, mut segments) = ([0; 32], 0);
    for index in 1.. {
        let Ok(bytes) = fs::read(dir.path().join(format!("{index:08}.segment"))) else { break };
        if bytes[..8] == [0; 8] {
            break;
        }
        let mut end = SEGMENT_HEADER_BYTES;
        while let len @ 1.. = u32::from_le_bytes(bytes[end..end + 4].try_into().unwrap()) {
            end += usize::try_from(len).unwrap();
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&before).update(&bytes[..64]).update(&bytes[SEGMENT_HEADER_BYTES..end]);
        (before, segments) = (*hasher.finalize().as_bytes(), segments + 1);
    }
    assert!(segments > 2, "{segments}");
    assert_eq!(head(dir.path()).unwrap(), Head { seq: 20_000, hash: before });
}

#[test]
fn a_head_stays_true_while_the_journal_grows() {
    for durability in [Durability::Process, Durability::Disk] {
        let dir = tempfile::tempdir().unwrap();
        let mut heads = Vec::new();
        for _ in 0..4 {
            let mut writer = open(dir.path(), durability).writer;
            heads.push(head(dir.path()).unwrap());
            append(&mut writer, 500);
            writer.close().unwrap();
            heads.push(head(dir.path()).unwrap());
        }
        assert_eq!(heads.last().unwrap().seq, 2000);
        for head in &heads {
            verify_head(dir.path(), head).unwrap();
            assert_eq!(head.to_string().parse(), Ok(*head));
        }
        verify::<Word>(dir.path()).unwrap();
        let beyond = Head { seq: 2001, ..heads[0] };
        assert!(matches!(verify_head(dir.path(), &beyond), Err(JournalError::Lost { found: 2000, .. })));
    }
}

#[test]
fn a_forged_record_is_found_by_the_head_and_by_the_chain() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path(), Durability::Process).writer;
    append(&mut writer, 2000);
    writer.close().unwrap();
    let kept = head(dir.path()).unwrap();
    let last = journal::stat(dir.path()).unwrap().segments.len();
    let forged = |index: usize| {
        let copied = tempfile::tempdir().unwrap();
        copy(dir.path(), copied.path());
        forge(&copied.path().join(format!("{index:08}.segment")));
        copied
    };
    // In the last segment all checksums are right again: only the head kept elsewhere knows.
    let copied = forged(last);
    verify::<Word>(copied.path()).unwrap();
    assert!(matches!(verify_head(copied.path(), &kept), Err(JournalError::Chain { seq: 2000, .. })));
    // Before it, the next segment's link to the last record and its hash tell too.
    let copied = forged(1);
    assert!(verify::<Word>(copied.path()).is_err());
    assert!(matches!(verify_head(copied.path(), &kept), Err(JournalError::Chain { .. })));
}

#[test]
fn the_chain_is_extended_at_each_roll_or_by_the_next_opening() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path(), Durability::Process).writer;
    append(&mut writer, 1000);
    let last = journal::stat(dir.path()).unwrap().segments.len();
    let chained = |dir: &Path, index: usize| {
        let page = fs::read(dir.join(format!("{index:08}.segment"))).unwrap();
        page[228..232] == 1u32.to_le_bytes()
    };
    wait_until("the chain is extended in the background", || {
        (2..=last).all(|index| chained(dir.path(), index))
    });
    // As after a kill before that.
    let copied = tempfile::tempdir().unwrap();
    copy(dir.path(), copied.path());
    for index in 2..=last {
        let path = copied.path().join(format!("{index:08}.segment"));
        let mut bytes = fs::read(&path).unwrap();
        bytes[192..232].fill(0);
        fs::write(&path, bytes).unwrap();
    }
    let kept = head(dir.path()).unwrap();
    assert_eq!(head(copied.path()).unwrap(), kept);
    open(copied.path(), Durability::Process).writer.close().unwrap();
    assert!(chained(copied.path(), last));
    assert_eq!(head(copied.path()).unwrap(), kept);
}
