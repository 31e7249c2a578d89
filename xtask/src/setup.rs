//! Finds out what is missing, says so, and installs it where it may.

use std::env;
use std::fmt;
use std::io::{self, BufRead, IsTerminal, Write};
use std::process::Command;

use crate::requirement::{self, Purpose, Remedy, Requirement};

/// May we install?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    /// Agreed to on the command line.
    Given,
    /// Somebody is there to be asked.
    Ask,
    /// Nobody is there, nobody agreed.
    Absent,
}

impl Consent {
    /// From the flag on the command line and the terminal.
    pub(crate) fn given(yes: bool) -> Self {
        match (yes, io::stdin().is_terminal() && io::stderr().is_terminal()) {
            (true, _) => Self::Given,
            (false, true) => Self::Ask,
            (false, false) => Self::Absent,
        }
    }
}

/// What this machine lets us do.
#[derive(Clone, Copy, Debug)]
struct Computer {
    apt: bool,
    rustup: bool,
    rights: Rights,
}

/// Whose rights a package is installed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rights {
    /// Our own: we are root.
    Root,
    /// Those that sudo gives.
    Sudo,
    /// We have none.
    None,
}

/// A command to run, as words.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Invocation(Vec<&'static str>);

impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// How what is missing is got.
#[derive(Debug, PartialEq, Eq)]
enum Installation {
    /// By these commands, which we may run.
    Ours(Vec<Invocation>),
    /// By the user, who is told this.
    Theirs(Vec<String>),
}

/// Makes sure that everything for `purpose` is there; the error says what to do.
pub(crate) fn complete(purpose: Purpose, consent: Consent) -> Result<(), String> {
    let missing = missing(purpose);
    if missing.is_empty() {
        return Ok(());
    }
    let remedies: Vec<Remedy> = missing.iter().map(|requirement| requirement.remedy).collect();
    let lines = match plan(&remedies, Computer::look()) {
        Installation::Ours(lines) => lines,
        Installation::Theirs(advice) => return Err(told_to("this cannot be installed from here", &advice)),
    };
    let shown: Vec<String> = lines.iter().map(Invocation::to_string).collect();
    if !agreed(consent, &shown) {
        return Err(told_to("nothing was installed without consent (--yes gives it)", &shown));
    }
    lines.iter().try_for_each(run)?;
    match self::missing(purpose).first() {
        None => Ok(()),
        Some(requirement) => Err(format!("{} is still missing after the installation", requirement.name)),
    }
}

/// Looks for everything and prints what was found.
fn missing(purpose: Purpose) -> Vec<&'static Requirement> {
    let mut missing = Vec::new();
    eprintln!("What the build needs:");
    for requirement in requirement::for_purpose(purpose) {
        match requirement.look() {
            Ok(found) => eprintln!("  {:<13} {found}", requirement.name),
            Err(wrong) => {
                eprintln!(
                    "  {:<13} MISSING: {wrong}\n  {:<13} ({})",
                    requirement.name, "", requirement.reason
                );
                missing.push(requirement);
            }
        }
    }
    missing
}

fn plan(remedies: &[Remedy], machine: Computer) -> Installation {
    let (mut packages, mut components, mut advice) = (Vec::new(), Vec::new(), Vec::new());
    for remedy in remedies {
        match remedy {
            Remedy::Package(package) => packages.push(*package),
            Remedy::Component(component) => components.push(*component),
            Remedy::ByHand(text) => advice.push((*text).to_owned()),
        }
    }
    let mut lines = Vec::new();
    if !packages.is_empty() {
        lines.extend(apt_lines(&packages, machine));
        if !machine.apt {
            advice.push(format!("install with your system's package manager: {}", packages.join(", ")));
        } else if machine.rights == Rights::None {
            advice.push(format!(
                "as root: {}",
                apt_lines(&packages, machine).map(|line| line.to_string()).join(" && ")
            ));
        }
    }
    if !components.is_empty() {
        let line = Invocation([&["rustup", "component", "add"], components.as_slice()].concat());
        if !machine.rustup {
            advice.push(format!("{line}    (rustup: https://rustup.rs)"));
        }
        lines.push(line);
    }
    if advice.is_empty() { Installation::Ours(lines) } else { Installation::Theirs(advice) }
}

fn apt_lines(packages: &[&'static str], machine: Computer) -> [Invocation; 2] {
    let rights: &[&str] = if machine.rights == Rights::Sudo { &["sudo"] } else { &[] };
    let install =
        ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "--no-install-recommends"];
    [Invocation([rights, &["apt-get", "update"]].concat()), Invocation([rights, &install, packages].concat())]
}

fn told_to(what: &str, lines: &[String]) -> String {
    format!("{what}. Please run\n\n    {}\n\nand then this command again", lines.join("\n    "))
}

fn agreed(consent: Consent, lines: &[String]) -> bool {
    match consent {
        Consent::Given => true,
        Consent::Absent => false,
        Consent::Ask => {
            eprint!(
                "\nTo install what is missing, this runs\n\n    {}\n\nAgreed? [y/N] ",
                lines.join("\n    ")
            );
            // Without an answer there is no consent.
            let _ = io::stderr().flush();
            let mut reply = String::new();
            let read = io::stdin().lock().read_line(&mut reply);
            read.is_ok() && matches!(reply.trim().to_ascii_lowercase().as_str(), "y" | "yes")
        }
    }
}

fn run(line: &Invocation) -> Result<(), String> {
    eprintln!("\n$ {line}");
    let (program, arguments) = line.0.split_first().ok_or("an empty command")?;
    let status = Command::new(program).args(arguments).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        // One package source out of reach is no reason to stop: the lists that are there may do.
        Ok(status) if line.0.last() == Some(&"update") => {
            eprintln!("xtask: `{line}` failed ({status}); trying to install all the same");
            Ok(())
        }
        Ok(status) => Err(format!("`{line}` failed: {status}")),
        Err(error) => Err(format!("cannot run `{line}`: {error}")),
    }
}

impl Computer {
    fn look() -> Self {
        let rights = match (is_root(), on_path("sudo")) {
            (true, _) => Rights::Root,
            (false, true) => Rights::Sudo,
            (false, false) => Rights::None,
        };
        Self { apt: on_path("apt-get"), rustup: on_path("rustup"), rights }
    }
}

fn on_path(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN: Computer = Computer { apt: true, rustup: true, rights: Rights::Sudo };

    fn shown(plan: Installation) -> Vec<String> {
        match plan {
            Installation::Ours(lines) => lines.iter().map(Invocation::to_string).collect(),
            Installation::Theirs(advice) => panic!("{advice:?}"),
        }
    }

    #[test]
    fn packages_are_installed_together_with_fresh_lists() {
        let remedies = [Remedy::Package("cmake"), Remedy::Component("clippy"), Remedy::Package("make")];
        let expected = [
            "sudo apt-get update",
            "sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends cmake make",
            "rustup component add clippy",
        ];
        assert_eq!(shown(plan(&remedies, DEBIAN)), expected);
        let root = Computer { rights: Rights::Root, ..DEBIAN };
        assert_eq!(shown(plan(&remedies, root))[0], "apt-get update");
    }

    #[test]
    fn without_rights_the_command_is_told() {
        let machine = Computer { rights: Rights::None, ..DEBIAN };
        let Installation::Theirs(advice) = plan(&[Remedy::Package("cmake")], machine) else {
            panic!("no rights")
        };
        assert_eq!(advice.len(), 1);
        assert!(advice[0].starts_with("as root: apt-get update && env "), "{advice:?}");
    }

    #[test]
    fn without_apt_the_packages_are_told() {
        let machine = Computer { apt: false, ..DEBIAN };
        let Installation::Theirs(advice) = plan(&[Remedy::Package("cmake")], machine) else {
            panic!("no apt")
        };
        assert_eq!(advice, ["install with your system's package manager: cmake"]);
    }

    #[test]
    fn what_only_the_user_can_do_stops_the_rest() {
        let remedies = [Remedy::Package("cmake"), Remedy::ByHand("do it")];
        assert_eq!(plan(&remedies, DEBIAN), Installation::Theirs(vec!["do it".into()]));
        let machine = Computer { rustup: false, ..DEBIAN };
        assert!(matches!(plan(&[Remedy::Component("clippy")], machine), Installation::Theirs(_)));
    }
}
