//! Crash points: each stands in the code, and in the document with its meaning.
#![expect(clippy::unwrap_used, reason = "test code: clippy exempts only the test functions themselves")]

use std::fs;
use std::path::{Path, PathBuf};

use crash_point::Point;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All Rust source under a folder.
fn source(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| match path.extension() {
        None if path.is_dir() => source(&path),
        Some(ending) if ending == "rs" => fs::read_to_string(path).unwrap(),
        _ => String::new(),
    };
    entries.map(read).collect()
}

#[test]
fn every_crash_point_stands_in_the_code_once() {
    let folders = [
        "journal/src",
        "engine/src",
        "fix-gateway/src",
        "fix-gateway/paper-broker/src",
        "node/src/server",
        "node/src/running",
    ];
    let code: String = folders.iter().map(|folder| source(&root().join(folder))).collect();
    for point in Point::ALL {
        let site = |call: &str| code.matches(&format!("{call}(Point::{point:?})")).count();
        assert_eq!(site("reach") + site("is_due"), 1, "{point} ({point:?})");
    }
}

#[test]
fn every_crash_point_stands_in_the_document_with_its_meaning() {
    let document = fs::read_to_string(root().join("docs/crash-proof.md")).unwrap();
    let section = document.split_once("\n## Crash points\n").unwrap().1;
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
    let points: Vec<String> =
        Point::ALL.iter().map(|point| format!("| `{point}` | {} |", point.meaning())).collect();
    assert_eq!(rows, points);
}
