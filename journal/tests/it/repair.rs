//! A repair cuts a damaged journal back to a good record, keeps what it takes away, and never happens by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]
#![allow(clippy::indexing_slicing, reason = "a test may fail")]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::common::{Word, check_inputs, copy, input, open, options, read_all, time};
use journal::{Durability, JournalError, repair_to, verify};
use tempfile::TempDir;

fn journal(count: u64, durability: Durability) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path(), durability).writer;
    for seq in 1..=count {
        writer.ensure_room().unwrap();
        writer.append(time(seq), &input(seq)).unwrap();
    }
    writer.close().unwrap();
    dir
}

/// The repaired journal ends with `last`, opens, and goes on.
fn goes_on(dir: &Path, last: u64) {
    verify::<Word>(dir).unwrap();
    let opened = open(dir, Durability::Process);
    assert_eq!((opened.recovery.last_seq, opened.recovery.cut), (last, None));
    let mut writer = opened.writer;
    for seq in last + 1..=last + 600 {
        writer.append(time(seq), &input(seq)).unwrap();
    }
    writer.close().unwrap();
    check_inputs(&read_all(dir).unwrap(), last + 600);
    verify::<Word>(dir).unwrap();
}

#[test]
fn a_journal_is_cut_behind_any_good_record() {
    for durability in [Durability::Process, Durability::Disk] {
        let whole = journal(1500, durability);
        let second = journal::stat(whole.path()).unwrap().segments[1].first_seq;
        for seq in [0, 1, 17, second - 1, second, 900, 1499, 1500] {
            let dir = tempfile::tempdir().unwrap();
            copy(whole.path(), dir.path());
            let repaired = repair_to(dir.path(), seq).unwrap();
            assert_eq!(repaired.last_seq, seq);
            goes_on(dir.path(), seq);
        }
    }
}

#[test]
fn damage_is_refused_until_somebody_repairs_and_what_was_there_is_kept() {
    let dir = journal(1500, Durability::Process);
    let stat = journal::stat(dir.path()).unwrap();
    let path = stat.segments[1].path.clone();
    File::options().write(true).open(&path).unwrap().write_all_at(&[0xff; 8], 50_000).unwrap();
    let before = fs::read(&path).unwrap();
    let error = verify::<Word>(dir.path()).expect_err("damaged");
    let JournalError::Corrupt { seq, .. } = error else { panic!("{error}") };
    // Not beyond the damage.
    let refused = repair_to(dir.path(), seq).expect_err("that record is damaged");
    assert!(matches!(refused, JournalError::Corrupt { seq: named, .. } if named == seq), "{refused}");
    let repaired = repair_to(dir.path(), seq - 1).unwrap();
    assert_eq!(repaired.segment, path);
    // The prepared one may be among them.
    assert!(repaired.removed.len() >= stat.segments.len() - 2, "{repaired:?}");
    assert_eq!(fs::read(repaired.kept_in.join(path.file_name().unwrap())).unwrap(), before);
    assert!(
        fs::read_to_string(repaired.kept_in.join("repair.txt"))
            .unwrap()
            .contains(&format!("record {}", seq - 1))
    );
    goes_on(dir.path(), seq - 1);
}

#[test]
fn a_repair_is_refused_where_it_cannot_be_done() {
    let dir = journal(10, Durability::Process);
    let beyond = repair_to(dir.path(), 11).expect_err("there is no such record");
    assert!(matches!(beyond, JournalError::NotHere { seq: 11, .. }), "{beyond}");
    let writer = journal::open(&options(dir.path(), Durability::Process)).unwrap().writer;
    assert!(matches!(repair_to(dir.path(), 5), Err(JournalError::Locked { .. })));
    writer.close().unwrap();
    check_inputs(&read_all(dir.path()).unwrap(), 10);
}
