//! What each task does.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use crate::artifacts;
use crate::requirement::Purpose;
use crate::setup::{self, Consent};
use crate::steps::{self, Action, Step};
use crate::workspace;

const CLIPPY: &[&str] = &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
const DOC: &[&str] = &["doc", "--no-deps", "--workspace"];
const DENIED: &[(&str, &str)] = &[("RUSTDOCFLAGS", "-D warnings")];

const CHECKS: [Step; 4] = [
    Step { name: "format", action: Action::Cargo(&["fmt", "--all", "--check"], &[]) },
    Step { name: "lints", action: Action::Cargo(CLIPPY, &[]) },
    Step { name: "documentation", action: Action::Cargo(DOC, DENIED) },
    Step {
        name: "build without QuickFIX",
        action: Action::Cargo(&["check", "-p", "gannet", "--no-default-features"], &[]),
    },
];

/// Every failing test is reported, not only those of the first program that has one.
const TESTS: [Step; 2] = [
    Step { name: "tests", action: Action::CountedTests(&["test", "--workspace", "--no-fail-fast"]) },
    Step { name: "examples", action: Action::Examples },
];

/// Sets up, builds the node, becomes `gannet demo`.
pub(crate) fn demo(consent: Consent, arguments: &[OsString]) -> Result<(), String> {
    let arguments = [&[OsString::from("demo")], arguments].concat();
    build_and_become(consent, "gannet", &arguments)
}

/// Sets up, builds the latency lab, becomes it.
pub(crate) fn bench(consent: Consent, arguments: &[OsString]) -> Result<(), String> {
    build_and_become(consent, "perf", arguments)
}

/// Sets up and runs every check, or the tests alone.
pub(crate) fn test(consent: Consent, quick: bool) -> Result<(), String> {
    setup::complete(if quick { Purpose::Tests } else { Purpose::Everything }, consent)?;
    let checks = if quick { None } else { Some(CHECKS) };
    let steps: Vec<Step> = checks.into_iter().flatten().chain(TESTS).collect();
    steps::run(&steps)
}

/// Formats the code.
pub(crate) fn fmt() -> Result<(), String> {
    steps::succeed(workspace::cargo().args(["fmt", "--all"]))
}

/// Clippy with warnings denied.
pub(crate) fn lint() -> Result<(), String> {
    steps::succeed(workspace::cargo().args(CLIPPY))
}

/// Rustdoc with warnings denied.
pub(crate) fn doc() -> Result<(), String> {
    steps::succeed(workspace::cargo().args(DOC).envs(DENIED.iter().copied()))
}

fn build_and_become(consent: Consent, package: &str, arguments: &[OsString]) -> Result<(), String> {
    setup::complete(Purpose::Build, consent)?;
    eprintln!(
        "\nBuilding {package}, optimised. The first time takes some minutes, about two of them QuickFIX's C++."
    );
    let programs = artifacts::build("bin", &["--release", "--package", package, "--bin", package])?;
    let program: PathBuf = programs.into_iter().next_back().ok_or("cargo names no program that it built")?;
    // Replaces this process, so that signals and the exit status are the program's own.
    let error = Command::new(&program).args(arguments).exec();
    Err(format!("cannot start {}: {error}", program.display()))
}
