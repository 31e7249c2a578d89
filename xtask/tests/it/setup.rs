//! `xtask setup` on machines that lack something: a search path of stand-ins plays the machine.
#![expect(clippy::unwrap_used, reason = "test code: clippy exempts only the test functions themselves")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder of stand-in programs that is the whole search path.
struct Machine {
    folder: PathBuf,
}

impl Machine {
    /// One that has everything, apt included, and a plain user.
    fn complete(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        // The remains of an earlier run, if any.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let machine = Self { folder };
        machine.add("rustc", "echo 'rustc 9.0.0 (x)'");
        machine.add("cargo", "echo \"$1 9.0.0\"");
        machine.add("c++", "while read line; do :; done");
        machine.add("make", "echo 'GNU Make 4.3'");
        machine.add("cmake", "echo 'cmake version 3.25.1'");
        machine.add("python3", "echo 'Python 3.11.2'");
        machine.add("id", "echo 1000");
        machine.add("apt-get", "echo \"$@\" >> \"$0.log\"");
        machine
    }

    fn add(&self, program: &str, script: &str) {
        let path = self.folder.join(program);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn remove(&self, program: &str) {
        fs::remove_file(self.folder.join(program)).unwrap();
    }

    fn xtask(&self, arguments: &[&str]) -> (Output, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(arguments)
            .env("PATH", &self.folder)
            .env("CARGO", self.folder.join("cargo"))
            .env_remove("CXX")
            .env_remove("RUSTC")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        (output, text)
    }

    /// What apt was asked for.
    fn installed(&self) -> String {
        fs::read_to_string(self.folder.join("apt-get.log")).unwrap_or_default()
    }
}

#[test]
fn a_complete_machine_needs_nothing() {
    let machine = Machine::complete("complete");
    let (output, text) = machine.xtask(&["setup"]);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("cmake version 3.25.1") && !text.contains("MISSING"), "{text}");
}

#[test]
fn without_consent_the_command_is_told_and_nothing_installed() {
    let machine = Machine::complete("no-consent");
    machine.remove("cmake");
    machine.add("id", "echo 0");
    let (output, text) = machine.xtask(&["setup"]);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("cmake         MISSING"), "{text}");
    assert!(text.contains("QuickFIX is built with cmake"), "{text}");
    assert!(text.contains("apt-get install -y --no-install-recommends cmake"), "{text}");
    assert_eq!(machine.installed(), "");
}

#[test]
fn without_rights_the_command_is_told() {
    let machine = Machine::complete("no-rights");
    machine.remove("make");
    let (output, text) = machine.xtask(&["setup", "--yes"]);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("as root: apt-get update && env DEBIAN_FRONTEND"), "{text}");
    assert_eq!(machine.installed(), "");
}

#[test]
fn an_old_compiler_is_told_from_a_missing_one() {
    let machine = Machine::complete("old");
    machine.add("rustc", "echo 'rustc 1.86.0 (x)'");
    let (output, text) = machine.xtask(&["setup", "--yes"]);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("1.86.0 is too old") && text.contains("rustup update stable"), "{text}");
}

#[test]
fn with_consent_the_missing_packages_are_installed() {
    let machine = Machine::complete("install");
    machine.remove("cmake");
    machine.add("id", "echo 0");
    machine.add("env", "shift; exec \"$@\"");
    // Brings what it is asked to install, as apt does; the lists fail to update, as they may.
    let script = format!(
        "echo \"$@\" >> \"$0.log\"\n[ \"$1\" = update ] && exit 100\n\
         printf '#!/bin/sh\\necho cmake version 3.31.0\\n' > {0}/cmake\n/bin/chmod +x {0}/cmake",
        machine.folder.display()
    );
    machine.add("apt-get", &script);
    let (output, text) = machine.xtask(&["setup", "--yes"]);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("cmake version 3.31.0"), "{text}");
    assert_eq!(machine.installed(), "update\ninstall -y --no-install-recommends cmake\n");
}

#[test]
fn an_installation_that_brings_nothing_is_a_failure() {
    let machine = Machine::complete("brings-nothing");
    machine.remove("cmake");
    machine.add("id", "echo 0");
    machine.add("env", "shift; exec \"$@\"");
    let (output, text) = machine.xtask(&["setup", "--yes"]);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("cmake is still missing after the installation"), "{text}");
}

#[test]
fn what_is_not_understood_ends_with_the_usage_and_status_2() {
    let machine = Machine::complete("usage");
    for arguments in [&["deploy"] as &[&str], &[], &["test", "--fast"]] {
        let (output, text) = machine.xtask(arguments);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains("usage: cargo xtask <task>"), "{text}");
    }
}
