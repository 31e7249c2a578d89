//! Where the workspace is, what it demands, and how to call its cargo.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::version::Version;

const MANIFEST: &str = include_str!("../../Cargo.toml");

/// The directory of the workspace's `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    let own =
        env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    own.parent().map_or_else(|| own.clone(), PathBuf::from)
}

/// The oldest compiler the workspace builds with.
pub(crate) fn rust_version() -> Option<Version> {
    MANIFEST.lines().find_map(|line| line.trim().strip_prefix("rust-version")).and_then(|value| {
        Version::find(value.trim_matches(|c: char| c.is_whitespace() || c == '=' || c == '"'))
    })
}

/// The cargo that runs us, in the workspace's root.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.current_dir(root());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_states_its_rust_version() {
        assert!(rust_version().unwrap() >= Version::new(1, 85));
    }

    #[test]
    fn the_root_holds_the_lock_file() {
        assert!(root().join("Cargo.lock").is_file());
    }
}
