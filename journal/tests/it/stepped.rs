//! A journal without threads: whoever has the writer decides when background work is done.
#![expect(clippy::unwrap_used, reason = "test helpers")]

use crate::common::{Word, options, tick};
use journal::{Background, Durability, JournalError, Opened, Options, Writer, open, verify};
use machine::Timestamp;

const TIME: Timestamp = Timestamp::from_nanos(1);

fn stepped(dir: &std::path::Path, durability: Durability) -> Options {
    Options { background: Background::Stepped, ..options(dir, durability) }
}

fn append(writer: &mut Writer, count: usize) {
    for _ in 0..count {
        writer.ensure_room().unwrap();
        writer.append(TIME, &tick()).unwrap();
    }
}

#[test]
fn nothing_is_durable_before_the_flusher_is_stepped() {
    let dir = tempfile::tempdir().unwrap();
    let Opened { mut writer, .. } = open(&stepped(dir.path(), Durability::Disk)).unwrap();
    append(&mut writer, 10);
    assert_eq!(writer.durable_seq(), 0);
    assert!(writer.step_flusher());
    assert_eq!(writer.durable_seq(), 10);
    // The mark that says so, and then there is nothing left.
    assert!(writer.step_flusher() && !writer.step_flusher());
    append(&mut writer, 1);
    assert_eq!(writer.durable_seq(), 10);
    writer.close().unwrap();
    assert_eq!(verify::<Word>(dir.path()).unwrap().records, 11);
}

#[test]
fn it_rolls_without_anybody_stepping_and_without_a_thread() {
    for durability in [Durability::Process, Durability::Disk] {
        let dir = tempfile::tempdir().unwrap();
        let Opened { mut writer, .. } = open(&stepped(dir.path(), durability)).unwrap();
        append(&mut writer, 20_000);
        // What the writer handed over and nobody did is done here.
        while writer.step_flusher() || writer.step_preparer() {}
        writer.close().unwrap();
        let report = verify::<Word>(dir.path()).unwrap();
        assert_eq!(report.records, 20_000);
        assert!(report.segments > 6, "{}", report.segments);
    }
}

#[test]
fn background_work_of_threads_cannot_be_stepped() {
    let dir = tempfile::tempdir().unwrap();
    let Opened { mut writer, .. } = open(&options(dir.path(), Durability::Disk)).unwrap();
    append(&mut writer, 1);
    assert!(!writer.step_flusher() && !writer.step_preparer());
    assert!(matches!(open(&stepped(dir.path(), Durability::Disk)), Err(JournalError::Locked { .. })));
}
