//! What a build needs that cargo does not bring, and whether it is there.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::{Command, Stdio};

use crate::version::Version;
use crate::workspace;

/// What a machine must be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// Build and run.
    Build,
    /// Build, run and test.
    Tests,
    /// Build, run, test, lint and format.
    Everything,
    /// Only counting instructions: never asked for with the rest.
    Counting,
}

/// How a missing requirement is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// By installing this Debian package.
    Package(&'static str),
    /// By installing this component of the Rust toolchain.
    Component(&'static str),
    /// Only by the user, like this.
    ByHand(&'static str),
}

/// One thing that must be there.
pub(crate) struct Requirement {
    /// Its name for people.
    pub(crate) name: &'static str,
    /// Why it is needed.
    pub(crate) reason: &'static str,
    /// The least purpose that needs it.
    purpose: Purpose,
    /// How it is got.
    pub(crate) remedy: Remedy,
    /// What was found, or what is wrong.
    probe: fn() -> Result<String, String>,
}

impl Requirement {
    /// Looks: what was found, or what is wrong.
    pub(crate) fn look(&self) -> Result<String, String> {
        (self.probe)()
    }
}

/// QuickFIX's `CMakeLists.txt` asks for this one.
const CMAKE_MINIMUM: Version = Version::new(3, 12);

const REQUIREMENTS: [Requirement; 8] = [
    Requirement {
        name: "rustc",
        reason: "the compiler; Cargo.toml states the oldest one that builds the workspace",
        purpose: Purpose::Build,
        remedy: Remedy::ByHand("rustup update stable    (rustup itself: https://rustup.rs)"),
        probe: rustc,
    },
    Requirement {
        name: "C++ compiler",
        reason: "QuickFIX is C++17",
        purpose: Purpose::Build,
        remedy: Remedy::Package("g++"),
        probe: cpp_compiler,
    },
    Requirement {
        name: "make",
        reason: "QuickFIX is built with cmake and make",
        purpose: Purpose::Build,
        remedy: Remedy::Package("make"),
        probe: || answer(&mut Command::new("make")),
    },
    Requirement {
        name: "cmake",
        reason: "QuickFIX is built with cmake and make",
        purpose: Purpose::Build,
        remedy: Remedy::Package("cmake"),
        probe: || at_least(CMAKE_MINIMUM, &answer(&mut Command::new("cmake"))?),
    },
    Requirement {
        name: "python3",
        reason: "some tests recompute results with a program that shares no code with the core",
        purpose: Purpose::Tests,
        remedy: Remedy::Package("python3"),
        probe: || answer(&mut Command::new("python3")),
    },
    Requirement {
        name: "rustfmt",
        reason: "the tests check the formatting",
        purpose: Purpose::Everything,
        remedy: Remedy::Component("rustfmt"),
        probe: || answer(workspace::cargo().arg("fmt")),
    },
    Requirement {
        name: "clippy",
        reason: "the tests include the lints",
        purpose: Purpose::Everything,
        remedy: Remedy::Component("clippy"),
        probe: || answer(workspace::cargo().arg("clippy")),
    },
    Requirement {
        name: "valgrind",
        reason: "it counts the instructions of each stage of an order",
        purpose: Purpose::Counting,
        remedy: Remedy::Package("valgrind"),
        probe: || answer(&mut Command::new("valgrind")),
    },
];

/// What `purpose` needs.
pub(crate) fn for_purpose(purpose: Purpose) -> impl Iterator<Item = &'static Requirement> {
    let is_needed = move |needed: Purpose| match purpose {
        Purpose::Counting => needed == Purpose::Counting,
        _ => needed <= purpose,
    };
    REQUIREMENTS.iter().filter(move |requirement| is_needed(requirement.purpose))
}

fn rustc() -> Result<String, String> {
    let program = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let found = answer(&mut Command::new(program))?;
    workspace::rust_version().map_or_else(|| Ok(found.clone()), |minimum| at_least(minimum, &found))
}

/// Compiles a line instead of asking for a version: a compiler without its library says only that it is there.
fn cpp_compiler() -> Result<String, String> {
    let program = env::var_os("CXX").unwrap_or_else(|| OsString::from("c++"));
    let name = program.to_string_lossy().into_owned();
    let mut child = Command::new(&program)
        .args(["-std=c++17", "-fsyntax-only", "-x", "c++", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{name}: {}", problem(&error)))?;
    if let Some(mut input) = child.stdin.take() {
        // One that closes its input early answers with its status.
        let _ = input.write_all(b"#include <string_view>\nint main() { return 0; }\n");
    }
    let status = child.wait().map_err(|error| format!("{name}: {error}"))?;
    if status.success() { Ok(name) } else { Err(format!("{name} cannot compile a line of C++17")) }
}

/// The first line of what a program says to `--version`.
fn answer(command: &mut Command) -> Result<String, String> {
    let output = command.arg("--version").stdin(Stdio::null()).output().map_err(|error| problem(&error))?;
    let text = String::from_utf8_lossy(if output.status.success() { &output.stdout } else { &output.stderr });
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    match (output.status.success(), line) {
        (true, line) => Ok(line.to_owned()),
        (false, "") => Err(format!("it is there, but ends with {}", output.status)),
        (false, line) => Err(line.to_owned()),
    }
}

fn problem(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::NotFound { "not found".into() } else { error.to_string() }
}

fn at_least(minimum: Version, found: &str) -> Result<String, String> {
    match Version::find(found) {
        Some(version) if version >= minimum => Ok(found.to_owned()),
        Some(version) => Err(format!("{version} is too old: {minimum} or newer is needed")),
        None => Err(format!("its version cannot be told from {found:?}; {minimum} or newer is needed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_version_is_named_with_the_one_that_is_needed() {
        assert_eq!(at_least(CMAKE_MINIMUM, "cmake version 3.25.1"), Ok("cmake version 3.25.1".into()));
        let old = at_least(CMAKE_MINIMUM, "cmake version 3.10.2").unwrap_err();
        assert_eq!(old, "3.10.2 is too old: 3.12.0 or newer is needed");
        assert!(at_least(CMAKE_MINIMUM, "cmake?").is_err());
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        assert_eq!(answer(&mut Command::new("no-such-program-here")), Err("not found".into()));
        assert_eq!(
            answer(&mut Command::new("false")),
            Err("it is there, but ends with exit status: 1".into())
        );
    }

    #[test]
    fn a_build_needs_less_than_the_tests() {
        assert!(for_purpose(Purpose::Build).all(|requirement| requirement.name != "python3"));
        assert!(for_purpose(Purpose::Tests).all(|requirement| requirement.name != "clippy"));
        assert_eq!(for_purpose(Purpose::Everything).count(), REQUIREMENTS.len() - 1);
        assert!(for_purpose(Purpose::Counting).all(|requirement| requirement.name == "valgrind"));
    }
}
