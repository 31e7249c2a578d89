//! A disk that is full, a file system that is read-only, permissions that are missing.
//!
//! The first two mount a small file system, which only root may; elsewhere they are skipped and say so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]
#![allow(clippy::indexing_slicing, reason = "a test may fail")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{Word, check_inputs, input, open, options, read_all, time, wait_until};
use journal::{Durability, JournalError};
use tempfile::TempDir;

/// A file system of its own.
struct Mounted {
    dir: TempDir,
}

impl Mounted {
    /// `None`, with a word about it, where mounting is not permitted.
    fn new(size: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        if mount(&["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"], dir.path()) {
            return Some(Self { dir });
        }
        eprintln!("skipped: mounting a tmpfs is not permitted here");
        None
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

fn mount(arguments: &[&str], dir: &Path) -> bool {
    let mut command = Command::new("mount");
    command.args(arguments).arg(dir).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[test]
fn a_full_disk_stops_appends_cleanly_and_space_lets_them_go_on() {
    for durability in [Durability::Process, Durability::Disk] {
        let Some(disk) = Mounted::new("1m") else { return };
        let filler = disk.path().join("filler");
        fs::write(&filler, vec![1; 400 * 1024]).unwrap();
        let dir = disk.path().join("journal");
        let mut writer = open(&dir, durability).writer;
        let full = loop {
            match writer.ensure_room() {
                Ok(()) => {
                    let seq = writer.next_seq();
                    writer.append(time(seq), &input(seq)).unwrap();
                }
                Err(error) => break error,
            }
        };
        assert!(matches!(full, JournalError::Full { .. }), "{full}");
        let acknowledged = writer.next_seq() - 1;
        assert!(acknowledged > 100);
        for _ in 0..100 {
            assert!(matches!(writer.ensure_room(), Err(JournalError::Full { .. })));
        }
        // There is room for a small record where there is none for the largest; an append takes none of it.
        let refused = writer.append(time(0), &input(0));
        assert!(matches!(refused, Err(JournalError::Full { .. })), "{refused:?}");
        writer.flush().unwrap();
        check_inputs(&read_all(&dir).unwrap(), acknowledged);
        fs::remove_file(&filler).unwrap();
        wait_until("there is room again", || writer.ensure_room().is_ok());
        for seq in acknowledged + 1..=acknowledged + 300 {
            writer.ensure_room().unwrap();
            writer.append(time(seq), &input(seq)).unwrap();
        }
        writer.close().unwrap();
        check_inputs(&read_all(&dir).unwrap(), acknowledged + 300);
        let report = journal::verify::<Word>(&dir).unwrap();
        assert_eq!(report.records, acknowledged + 300);
    }
}

#[test]
fn a_read_only_file_system_is_named_and_can_be_read() {
    let Some(disk) = Mounted::new("2m") else { return };
    let mut writer = open(disk.path(), Durability::Process).writer;
    writer.append(time(1), &input(1)).unwrap();
    writer.close().unwrap();
    if !mount(&["-o", "remount,ro"], disk.path()) {
        eprintln!("skipped: remounting is not permitted here");
        return;
    }
    let error = journal::open(&options(disk.path(), Durability::Process)).expect_err("read-only");
    assert!(matches!(error, JournalError::ReadOnly { .. }), "{error}");
    check_inputs(&read_all(disk.path()).unwrap(), 1);
    assert_eq!(journal::verify::<Word>(disk.path()).unwrap().records, 1);
}

const DIR: &str = "GANNET_TEST_JOURNAL_FORBIDDEN";

/// Not a test by itself: opens a journal it has no permission for, and says how that ended.
#[test]
fn forbidden_child() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let outcome = journal::open(&options(Path::new(&dir), Durability::Process)).map(|_| ());
    println!("outcome: {outcome:?}");
}

#[test]
fn a_journal_of_somebody_else_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("journal");
    open(&journal, Durability::Process).writer.close().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mode = |mode| fs::set_permissions(&journal, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o000);
    // Root may do everything: somebody else has to try.
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "environment::forbidden_child", "--nocapture"])
        .env(DIR, &journal)
        .current_dir("/");
    let root = fs::read_dir(&journal).is_ok();
    let output = if root { child.uid(65534).gid(65534).output() } else { child.output() };
    mode(0o700);
    match output {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(text.contains("outcome: Err(PermissionDenied"), "{text}");
        }
        Err(error) => eprintln!("skipped: another user cannot run this program: {error}"),
    }
}
