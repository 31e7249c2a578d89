//! A journal written by version 2 reads back exactly, for good. The files change only with a new version beside them.
//!
//! `v2.segment` is a segment without the zeros behind its last record; `v2.control` the control file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::common::{SHARD, check_inputs, input, open, options, read_all, time};
use journal::{Durability, Options};
use model::{Incarnation, RecordBody};

const COUNT: u64 = 31;
const DIGEST: [u8; 16] = *b"sixteen bytes ok";

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// Writes the files anew, on demand: for a new version, under a new name.
#[test]
fn write_golden_files() {
    if std::env::var_os("GANNET_WRITE_GOLDEN").is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path(), Durability::Process).writer;
    for seq in 1..=COUNT {
        writer.append(time(seq), &input(seq)).unwrap();
    }
    writer.append(time(COUNT + 1), &RecordBody::Digest(DIGEST)).unwrap();
    writer.close().unwrap();
    let mut segment = fs::read(dir.path().join("00000001.segment")).unwrap();
    let end = segment.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    segment.truncate(end);
    fs::create_dir_all(golden("")).unwrap();
    fs::write(golden("v2.segment"), segment).unwrap();
    fs::copy(dir.path().join("control"), golden("v2.control")).unwrap();
}

#[test]
fn version_2_reads_back_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let segment = dir.path().join("00000001.segment");
    fs::copy(golden("v2.segment"), &segment).unwrap();
    File::options().write(true).open(&segment).unwrap().set_len(Options::MIN_SEGMENT_BYTES).unwrap();
    fs::copy(golden("v2.control"), dir.path().join("control")).unwrap();
    let mut records = read_all(dir.path()).unwrap();
    let digest = records.pop().unwrap();
    assert_eq!((digest.position.seq, digest.body), (COUNT + 1, RecordBody::Digest(DIGEST)));
    check_inputs(&records, COUNT);
    let opened = journal::open(&options(dir.path(), Durability::Process)).unwrap();
    assert_eq!((opened.recovery.last_seq, opened.recovery.cut), (COUNT + 1, None));
    assert_eq!(opened.recovery.incarnation, Incarnation { count: 2 });
}

/// What is written today is, byte for byte, what was written then.
#[test]
fn version_2_is_still_what_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path(), Durability::Process).writer;
    for seq in 1..=COUNT {
        writer.append(time(seq), &input(seq)).unwrap();
    }
    writer.append(time(COUNT + 1), &RecordBody::Digest(DIGEST)).unwrap();
    writer.close().unwrap();
    let (now, then) =
        (fs::read(dir.path().join("00000001.segment")).unwrap(), fs::read(golden("v2.segment")).unwrap());
    assert_eq!(SHARD.index, 3);
    assert!(
        now[4096..then.len()] == then[4096..],
        "the record format changed: raise the version, keep reading the old"
    );
}
