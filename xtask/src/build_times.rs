//! Seconds that the compiler takes: for everything from nothing, by crate; and for all tests again after a change in one
//! crate. `docs/build-times.md` keeps what was measured.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use crate::workspace;

/// Everything that a test run needs.
const ALL: [&str; 4] = ["test", "--workspace", "--no-run", "--locked"];

/// How many dependencies are told by name.
const TOLD: usize = 12;

/// What one unit took: a library, a program, a build script's run.
#[derive(Debug, PartialEq)]
struct CompiledUnit {
    name: String,
    target: String,
    seconds: f64,
}

/// Seconds of one crate, by what was compiled.
#[derive(Debug, Default, PartialEq)]
struct Share {
    library: f64,
    tests: f64,
    other: f64,
}

impl Share {
    const fn all(&self) -> f64 {
        self.library + self.tests + self.other
    }
}

/// Builds in a folder of its own, from nothing and then after a change of each crate, and prints what it took.
pub(crate) fn measure() -> Result<(), String> {
    let folder = workspace::root().join("target/build-times");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| format!("cannot empty {}: {error}", folder.display()))?;
    }
    let whole = build(&folder, &["--timings"])?;
    let page = folder.join("cargo-timings/cargo-timing.html");
    let text =
        fs::read_to_string(&page).map_err(|error| format!("cannot read {}: {error}", page.display()))?;
    let units = units(&text);
    if units.is_empty() {
        return Err(format!("{} tells of no unit: cargo writes it otherwise now", page.display()));
    }
    let members = workspace::members();
    println!("\nfrom nothing: {whole:.0} s, in which cargo worked on {:.0} s of units\n", sum(&units));
    print!("{}", table(&units, &members));
    println!("\n{:<28}{:>9}", "after a change in", "seconds");
    for (name, source) in &members {
        touch(source)?;
        println!("{name:<28}{:>9.1}", build(&folder, &[])?);
    }
    Ok(())
}

fn build(folder: &Path, more: &[&str]) -> Result<f64, String> {
    let started = Instant::now();
    let mut command = workspace::cargo();
    command.args(ALL).args(more).arg("--quiet").arg("--target-dir").arg(folder);
    let status = command.status().map_err(|error| format!("cannot start cargo: {error}"))?;
    if !status.success() {
        return Err(format!("the build ended with {status}"));
    }
    Ok(started.elapsed().as_secs_f64())
}

/// As an editor that saves: only the time of the file changes.
fn touch(source: &PathBuf) -> Result<(), String> {
    let file = fs::File::options().append(true).open(source);
    file.and_then(|file| file.set_modified(SystemTime::now()))
        .map_err(|error| format!("cannot touch {}: {error}", source.display()))
}

fn sum(units: &[CompiledUnit]) -> f64 {
    units.iter().map(|unit| unit.seconds).sum()
}

/// What cargo's page says of each unit. Three of its lines are used, so they are picked out by hand; see [`crate::artifacts`].
fn units(page: &str) -> Vec<CompiledUnit> {
    let list = page.split("const UNIT_DATA = [").nth(1).and_then(|rest| rest.split("\n];").next());
    let value = |unit: &str, key: &str| {
        let line = unit.lines().find_map(|line| line.trim().strip_prefix(key))?;
        Some(line.trim_end_matches(',').replace("\\\"", "'").trim_matches('"').trim().to_owned())
    };
    let unit = |text: &str| {
        Some(CompiledUnit {
            name: value(text, "\"name\": ")?,
            target: value(text, "\"target\": ")?,
            seconds: value(text, "\"duration\": ")?.parse().ok()?,
        })
    };
    list.unwrap_or_default().split("\n  {").filter_map(unit).collect()
}

/// The workspace's crates, then what they depend on, the slowest first.
fn table(units: &[CompiledUnit], members: &[(String, PathBuf)]) -> String {
    let (mut ours, mut others) = (BTreeMap::new(), BTreeMap::new());
    for unit in units {
        let is_ours = members.iter().any(|(name, _)| *name == unit.name);
        let share: &mut Share =
            if is_ours { ours.entry(&unit.name) } else { others.entry(&unit.name) }.or_default();
        let kind = if unit.target.contains("(test)") || unit.target.ends_with("'test'") {
            &mut share.tests
        } else if unit.target.is_empty() {
            &mut share.library
        } else {
            &mut share.other
        };
        *kind += unit.seconds;
    }
    let mut text = format!("{:<28}{:>9}{:>9}{:>9}{:>9}\n", "crate", "library", "tests", "other", "all");
    for (name, share) in slowest(ours) {
        text += &row(name, &share);
    }
    let mut rest = Share::default();
    for (index, (name, share)) in slowest(others).into_iter().enumerate() {
        if index < TOLD {
            text += &row(name, &share);
        } else {
            rest.library += share.library;
            rest.other += share.other;
        }
    }
    text + &row("all other dependencies", &rest)
}

fn slowest(shares: BTreeMap<&String, Share>) -> Vec<(&str, Share)> {
    let mut rows: Vec<(&str, Share)> =
        shares.into_iter().map(|(name, share)| (name.as_str(), share)).collect();
    rows.sort_by(|a, b| b.1.all().total_cmp(&a.1.all()));
    rows
}

fn row(name: &str, share: &Share) -> String {
    let Share { library, tests, other } = share;
    format!("{name:<28}{library:>9.1}{tests:>9.1}{other:>9.1}{:>9.1}\n", share.all())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As cargo 1.95 writes it.
    const PAGE: &str = "
const UNIT_DATA = [
  {
    \"i\": 0,
    \"name\": \"journal\",
    \"version\": \"0.1.0\",
    \"mode\": \"todo\",
    \"target\": \"\",
    \"features\": [],
    \"start\": 0.1,
    \"duration\": 2.5,
    \"sections\": null
  },
  {
    \"i\": 1,
    \"name\": \"journal\",
    \"version\": \"0.1.0\",
    \"mode\": \"todo\",
    \"target\": \" it \\\"test\\\" (test)\",
    \"features\": [],
    \"start\": 3.0,
    \"duration\": 4.0,
    \"sections\": null
  },
  {
    \"i\": 2,
    \"name\": \"quickfix-ffi\",
    \"version\": \"0.2.2\",
    \"mode\": \"run-custom-build\",
    \"target\": \" build-script\",
    \"features\": [],
    \"start\": 3.0,
    \"duration\": 128.0,
    \"sections\": null
  }
];
const CONCURRENCY_DATA = [
  {
    \"t\": 0.1
  }
];
";

    #[test]
    fn every_unit_is_read_from_the_page() {
        let read = units(PAGE);
        assert_eq!(read.iter().map(|unit| unit.seconds).collect::<Vec<_>>(), [2.5, 4.0, 128.0]);
        assert_eq!(read[1].target, "it 'test' (test)");
        assert_eq!(units("<html>"), []);
    }

    #[test]
    fn a_crate_has_one_row_and_ours_come_first() {
        let members = [("journal".to_owned(), PathBuf::new())];
        let text = table(&units(PAGE), &members);
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[1], ["journal", "2.5", "4.0", "0.0", "6.5"]);
        assert_eq!(rows[2], ["quickfix-ffi", "0.0", "0.0", "128.0", "128.0"]);
    }
}
