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

/// The workspace's crates by name, each with the root of its library or program.
pub(crate) fn members() -> Vec<(String, PathBuf)> {
    let list =
        MANIFEST.split("members = [").nth(1).and_then(|rest| rest.split(']').next()).unwrap_or_default();
    let member = |folder: &str| {
        let source =
            |name: &str| Some(root().join(folder).join("src").join(name)).filter(|path| path.is_file());
        let name = folder.rsplit('/').next()?;
        Some((name.to_owned(), source("lib.rs").or_else(|| source("main.rs"))?))
    };
    list.split('"').skip(1).step_by(2).filter_map(member).collect()
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
    fn every_member_is_a_crate_with_a_source() {
        let members = members();
        assert!(members.len() > 15, "{members:?}");
        assert!(
            members.iter().any(|(name, source)| name == "xtask" && source.ends_with("xtask/src/main.rs"))
        );
    }

    #[test]
    fn the_root_holds_the_lock_file() {
        assert!(root().join("Cargo.lock").is_file());
    }
}
