//! What each task does.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use crate::artifacts;
use crate::build_times;
use crate::requirement::Purpose;
use crate::setup::{self, Consent};
use crate::steps::{self, Action, Step};
use crate::workspace;

const CLIPPY: &[&str] = &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
const DOC: &[&str] = &["doc", "--no-deps", "--workspace"];
/// Of the whole workspace, since cargo would compile many dependencies once more for a part of it, with other features.
const WITHOUT_QUICKFIX: &[&str] = &["check", "--workspace", "--no-default-features"];
const DENIED: &[(&str, &str)] = &[("RUSTDOCFLAGS", "-D warnings")];

const CHECKS: [Step; 4] = [
    Step { name: "format", action: Action::Cargo(&["fmt", "--all", "--check"], &[]) },
    Step { name: "lints", action: Action::Cargo(CLIPPY, &[]) },
    Step { name: "documentation", action: Action::Cargo(DOC, DENIED) },
    Step { name: "build without QuickFIX", action: Action::Cargo(WITHOUT_QUICKFIX, &[]) },
];

/// Every failing test is reported, not only those of the first program that has one.
const TESTS: [Step; 2] = [
    Step { name: "tests", action: Action::CountedTests(&["test", "--workspace", "--no-fail-fast"]) },
    Step { name: "examples", action: Action::Examples },
];

/// Sets up, builds the node, becomes `gannet demo`.
pub(crate) fn demo(consent: Consent, arguments: &[OsString]) -> Result<(), String> {
    let arguments = [&[OsString::from("demo")], arguments].concat();
    build_and_become(consent, "gannet", Profile::Optimised, &arguments)
}

/// Sets up, builds the node with its crash points, becomes `gannet crash-proof`.
pub(crate) fn crash_proof(consent: Consent, arguments: &[OsString]) -> Result<(), String> {
    let arguments = [&[OsString::from("crash-proof")], arguments].concat();
    build_and_become(consent, "gannet", Profile::Debug, &arguments)
}

/// Sets up, builds the simulated world, becomes it.
pub(crate) fn sim(consent: Consent, arguments: &[OsString]) -> Result<(), String> {
    build_and_become(consent, "sim", Profile::Optimised, arguments)
}

/// Sets up, builds the latency lab, becomes it.
pub(crate) fn bench(consent: Consent, arguments: &[OsString]) -> Result<(), String> {
    build_and_become(consent, "perf", Profile::Optimised, arguments)
}

/// Sets up, builds the counting, becomes it.
pub(crate) fn budgets(consent: Consent, arguments: &[OsString]) -> Result<(), String> {
    setup::complete(Purpose::Build, consent)?;
    setup::complete(Purpose::Counting, consent)?;
    let program = steps::counting()?;
    let error = Command::new(&program).args(arguments).exec();
    Err(format!("cannot start {}: {error}", program.display()))
}

/// Sets up and runs every check, or the tests alone.
pub(crate) fn test(consent: Consent, quick: bool) -> Result<(), String> {
    setup::complete(if quick { Purpose::Tests } else { Purpose::Everything }, consent)?;
    let mut steps: Vec<Step> = if quick { Vec::new() } else { CHECKS.into_iter().collect() };
    steps.extend(TESTS);
    if !quick {
        // Where valgrind can neither be found nor installed everything else is still worth checking.
        match setup::complete(Purpose::Counting, consent) {
            Ok(()) => steps.push(Step { name: "instruction budgets", action: Action::Budgets }),
            Err(wrong) => eprintln!("\ninstructions are not counted: {wrong}\n"),
        }
    }
    steps::run(&steps)
}

/// Sets up and measures builds.
pub(crate) fn build_times(consent: Consent) -> Result<(), String> {
    setup::complete(Purpose::Build, consent)?;
    build_times::measure()
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

/// How a program is built.
#[derive(Clone, Copy)]
enum Profile {
    /// For speed.
    Optimised,
    /// With debug assertions and crash points: what the tests build, too.
    Debug,
}

fn build_and_become(
    consent: Consent,
    package: &str,
    profile: Profile,
    arguments: &[OsString],
) -> Result<(), String> {
    setup::complete(Purpose::Build, consent)?;
    let (how, flag): (_, &[&str]) = match profile {
        Profile::Optimised => ("optimised", &["--release"]),
        Profile::Debug => ("with crash points", &[]),
    };
    let cpp = if package == "sim" { "" } else { ", about two of them QuickFIX's C++" };
    eprintln!("\nBuilding {package}, {how}. The first time takes some minutes{cpp}.");
    let programs = artifacts::build("bin", &[flag, &["--package", package, "--bin", package]].concat())?;
    let program: PathBuf = programs.into_iter().next_back().ok_or("cargo names no program that it built")?;
    // Replaces this process, so that signals and the exit status are the program's own.
    let error = Command::new(&program).args(arguments).exec();
    Err(format!("cannot start {}: {error}", program.display()))
}
