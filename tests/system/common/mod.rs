//! Running the real program, and reading what it prints for programs.
#![allow(dead_code)]

pub mod books;
pub mod world;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The program under test.
pub fn gannet() -> Command {
    Command::new(env!("CARGO_BIN_EXE_gannet"))
}

/// Runs to the end and gives what it said; panics with its words where it failed.
pub fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?} ended with {}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Runs a command with `--json` to the end and gives what it printed.
pub fn json(command: &mut Command) -> Value {
    let output = succeed(command.arg("--json"));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The demo, quiet, with these arguments; its JSON.
pub fn demo(arguments: &[&str]) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("demo.json");
    succeed(gannet().arg("demo").arg("--quiet").arg("--json").arg(&file).args(arguments));
    serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap()
}

/// The folder of shared real data; `None`, with a message, where it is absent.
pub fn shared(file: &str) -> Option<PathBuf> {
    let root = std::env::var_os("GANNET_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let path = root.join("data").join(file);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not here", path.display());
    None
}
