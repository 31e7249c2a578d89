//! Journals and snapshots as earlier programs wrote them, kept for good: each is opened, or refused by the written rule.
//!
//! A folder of `tests/released` holds the files of one journal, compressed, and `expected.txt` with one line:
//!
//! * `opens: DIGEST`: every recorded digest is met, the last is this one; so from the snapshot, if there is one.
//! * `refused: TEXT`: it is not opened, the refusal says so, and no byte of it is touched.
//!
//! A program that is released adds its own: `GANNET_KEEP_RELEASED=NAME cargo test -p engine released`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use crate::common::{config, traded};
use actors::Core;
use engine::{Replay, Standby, recover, replay, snapshots_dir, state_hash, take_snapshot};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

fn released() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/released")
}

/// The files of a kept journal, as they were, in `to`.
fn unpack(from: &Path, to: &Path) {
    fs::create_dir_all(snapshots_dir(to)).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name == "control" {
            fs::copy(&path, to.join(name)).unwrap();
        } else if let Some(name) = name.strip_suffix(".gz") {
            let mut bytes = Vec::new();
            GzDecoder::new(fs::File::open(&path).unwrap()).read_to_end(&mut bytes).unwrap();
            let folder = if name.ends_with(".snapshot") { snapshots_dir(to) } else { to.to_path_buf() };
            fs::write(folder.join(name), bytes).unwrap();
        }
    }
}

fn pack(from: &Path, to: &Path) {
    let bytes = fs::read(from).unwrap();
    let name = format!("{}.gz", from.file_name().unwrap().to_str().unwrap());
    let mut out = GzEncoder::new(fs::File::create(to.join(name)).unwrap(), Compression::best());
    out.write_all(&bytes).unwrap();
    out.finish().unwrap();
}

/// Every file but the lock, with its content.
fn contents(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for folder in [dir.to_path_buf(), snapshots_dir(dir)] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() && path.file_name().unwrap() != "lock" {
                files.push((path.clone(), fs::read(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

fn check(name: &str, kept: &Path) {
    let expected = fs::read_to_string(kept.join("expected.txt")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    let journal = &config.journal.dir;
    unpack(kept, journal);
    let before = contents(journal);
    match expected.trim().split_once(": ").unwrap() {
        ("opens", digest) => {
            let (whole, quick) = (replay::<Core>(journal).unwrap(), recover::<Core>(journal).unwrap());
            assert_eq!((whole.digest.to_string(), whole.unproven), (digest.to_owned(), 0), "{name}");
            assert_eq!(
                quick.snapshot.is_some(),
                before.iter().any(|(path, _)| path.extension().is_some_and(|it| it == "snapshot")),
                "{name}"
            );
            assert_eq!(state_hash(&whole.core), state_hash(&quick.core), "{name}");
            Standby::<Core>::open(&config).unwrap();
        }
        ("refused", text) => {
            for refusal in [Standby::<Core>::open(&config).unwrap_err(), replay::<Core>(journal).unwrap_err()]
            {
                assert!(refusal.to_string().contains(text), "{name}: {refusal}");
            }
            assert_eq!(contents(journal), before, "{name}: refused, and touched");
        }
        (other, _) => panic!("{name}: {other} is no expectation"),
    }
}

#[test]
fn each_opens_or_is_refused_by_the_rule() {
    let mut names = Vec::new();
    for entry in fs::read_dir(released()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        check(&name, &path);
        names.push(name);
    }
    assert!(!names.is_empty());
}

/// A day's trading of this program, kept under a name: for a release.
#[test]
fn keep() {
    let Some(name) = std::env::var_os("GANNET_KEEP_RELEASED") else { return };
    let dir = tempfile::tempdir().unwrap();
    let config = traded(dir.path(), 40);
    let journal = &config.journal.dir;
    let end = replay::<Core>(journal).unwrap();
    let snapshot = take_snapshot(journal.as_path(), &Replay::resume(end.clone()), 1).unwrap();
    let kept = released().join(name);
    fs::create_dir_all(&kept).unwrap();
    pack(&journal.join("00000001.segment"), &kept);
    pack(&snapshot.path, &kept);
    fs::copy(journal.join("control"), kept.join("control")).unwrap();
    fs::write(kept.join("expected.txt"), format!("opens: {}\n", end.digest)).unwrap();
}
