//! A journal that belongs to somebody else, is damaged, or cannot grow.

use std::path::PathBuf;

use crate::common::world::{World, contents};

/// What `gannet run` says when it does not start.
fn refusal(world: &World, words: &[&str]) -> String {
    let output = world.gannet(&[&["run"], words].concat()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    stderr
}

#[test]
fn a_second_node_is_refused_and_the_first_goes_on() {
    let world = World::new();
    let (_broker, mut node) = world.trading();
    let said = refusal(&world, &[]);
    assert!(said.contains("journal/shard-0: the journal is open for writing elsewhere"), "{said}");

    world.edit("journal = \"journal\"", "journal = \"other\"");
    let said = refusal(&world, &[]);
    assert!(said.contains("gannet.sock: another node is running on this socket"), "{said}");

    let order = ["submit", "-a", "GROWTH-1", "buy", "100", "IBM", "--cl-ord-id", "after"];
    assert!(world.ask(&order)["accepted"].is_object());
    world.wait_order("after", "filled");
    assert!(node.terminate().success());
}

/// A journal with some records in it, closed.
fn journal(world: &World) -> PathBuf {
    let mut node = world.node();
    for number in 0..20 {
        let reference = format!("r-{number}");
        world.ask(&["deposit", "-a", "GROWTH-1", "100", "USD", "-r", &reference]);
    }
    assert!(node.terminate().success());
    let shard = world.path("journal/shard-0");
    let files = contents(&shard).into_iter().map(|(path, _)| path);
    let mut segments: Vec<PathBuf> =
        files.filter(|path| path.metadata().is_ok_and(|file| file.len() > 1 << 20)).collect();
    segments.sort();
    segments.swap_remove(0)
}

/// Damages the journal, and the start must be refused with these words and change nothing.
fn refused(damage: impl FnOnce(&PathBuf), says: &[&str]) {
    let world = World::new();
    let segment = journal(&world);
    damage(&segment);
    let before = contents(&world.path("journal"));
    let said = refusal(&world, &[]);
    for word in says {
        assert!(said.contains(word), "{word}: {said}");
    }
    // By its file, or by its number where the file is not there.
    let name = segment.file_name().unwrap().to_str().unwrap();
    assert!(said.contains(name) || !segment.exists(), "{name}: {said}");
    let after = contents(&world.path("journal"));
    let names = |files: &[(PathBuf, Vec<u8>)]| files.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
    assert_eq!(names(&before), names(&after));
    let changed: Vec<PathBuf> =
        before.iter().zip(&after).filter(|(a, b)| a.1 != b.1).map(|(a, _)| a.0.clone()).collect();
    assert!(changed.is_empty(), "{changed:?}");
    assert!(!world.path("gannet.sock").exists());
}

#[test]
fn a_damaged_record_is_named_by_file_offset_and_number() {
    let flip = |segment: &PathBuf| {
        let mut bytes = std::fs::read(segment).unwrap();
        let at = bytes.windows(3).position(|three| three == b"r-7").unwrap();
        bytes[at] ^= 1;
        std::fs::write(segment, bytes).unwrap();
    };
    refused(flip, &["damaged at byte", "record", "checksum mismatch"]);
}

#[test]
fn a_foreign_file_is_named() {
    let foreign = |segment: &PathBuf| {
        let len = std::fs::metadata(segment).unwrap().len();
        std::fs::write(segment, "not a journal\n".repeat(1000)).unwrap();
        std::fs::File::options().write(true).open(segment).unwrap().set_len(len).unwrap();
    };
    refused(foreign, &["not a journal file"]);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let directory = |segment: &PathBuf| {
        std::fs::remove_file(segment).unwrap();
        std::fs::create_dir(segment).unwrap();
    };
    refused(directory, &["gannet: "]);
}

#[test]
fn a_truncated_file_is_named_with_its_lengths() {
    let truncate = |segment: &PathBuf| {
        std::fs::File::options().write(true).open(segment).unwrap().set_len(8192).unwrap();
    };
    refused(truncate, &["8192 bytes instead of"]);
}

#[test]
fn a_missing_file_is_named() {
    refused(|segment| std::fs::remove_file(segment).unwrap(), &["not whole: missing segment 1"]);
}

/// A file system that is mounted for the test; gone with it.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_disk_without_space_for_a_journal_is_named_and_the_next_start_finds_it_well() {
    let world = World::new();
    let folder = world.path("journal");
    std::fs::create_dir(&folder).unwrap();
    let mut mount = std::process::Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"]).arg(&folder).stderr(std::process::Stdio::null());
    if !mount.status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: mounting a tmpfs is not permitted here");
        return;
    }
    let mounted = Mounted(folder.clone());
    for _ in 0..2 {
        let said = refusal(&world, &[]);
        assert!(
            said.contains("journal/shard-0/") && said.contains("no space left for the journal"),
            "{said}"
        );
    }
    let mut more = std::process::Command::new("mount");
    assert!(more.args(["-o", "remount,size=300m"]).arg(&folder).status().unwrap().success());
    let mut node = world.node();
    world.ask(&["deposit", "-a", "GROWTH-1", "5", "USD", "-r", "first"]);
    assert!(node.terminate().success());
    world.ask(&["journal", "verify"]);
    drop(mounted);
}
