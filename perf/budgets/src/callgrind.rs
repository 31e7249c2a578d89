//! Counting: this program once more for each stage, under callgrind, collecting only inside `counted_from_here`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use crate::budget::BudgetError;
use crate::stages::{STAGES, Stage};

/// Rounds of a stage that are counted: enough that what happens once an hour shows, few enough to be quick.
pub(crate) const ROUNDS: u64 = 200;

/// Every stage with its instructions for one round, in the order of [`STAGES`].
pub(crate) fn count_all() -> Result<Vec<(&'static str, u64)>, BudgetError> {
    let mut counted = Vec::with_capacity(STAGES.len());
    // Two at a time: also the smallest machine has two cores, and counts do not depend on the company.
    for pair in STAGES.chunks(2) {
        let counts: Vec<_> = thread::scope(|scope| {
            let running: Vec<_> = pair.iter().map(|stage| scope.spawn(move || count(stage))).collect();
            running.into_iter().map(thread::ScopedJoinHandle::join).collect()
        });
        for (stage, count) in pair.iter().zip(counts) {
            let count = count.map_err(|_| BudgetError::Counting("a counting thread died".to_owned()))?;
            counted.push((stage.name, count?));
        }
    }
    Ok(counted)
}

fn count(stage: &Stage) -> Result<u64, BudgetError> {
    let said = run(stage, Path::new("/dev/null"))?;
    match collected(&said) {
        Some(count) if count > 0 => Ok(count / ROUNDS),
        _ => Err(failed(stage, format!("nothing was counted:\n{said}"))),
    }
}

/// What callgrind writes down about all rounds of a stage.
pub(crate) fn profile(stage: &Stage) -> Result<String, BudgetError> {
    let path = std::env::temp_dir().join(format!("budgets-{}.callgrind", std::process::id()));
    let profile = run(stage, &path).and_then(|_| Ok(std::fs::read_to_string(&path)?));
    // Nothing is lost with it.
    let _ = std::fs::remove_file(&path);
    profile
}

/// Runs a stage under callgrind, which writes its profile to `into`, and returns what it says.
fn run(stage: &Stage, into: &Path) -> Result<String, BudgetError> {
    let program = std::env::current_exe()?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=*counted_from_here*"])
        .arg(format!("--callgrind-out-file={}", into.display()))
        .arg(program)
        .args(["--stage", stage.name, &ROUNDS.to_string()])
        // What the C library finds on this processor must not count: everybody gets the same `memcpy`.
        .env(
            "GLIBC_TUNABLES",
            "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX2,-ERMS,-FSRM,-AVX_Fast_Unaligned_Load",
        )
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(stage, format!("valgrind: {error}")))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(failed(stage, format!("it ended with {}:\n{said}", output.status)));
    }
    Ok(said)
}

fn failed(stage: &Stage, what: impl std::fmt::Display) -> BudgetError {
    BudgetError::Counting(format!("{}: {what}", stage.name))
}

/// From callgrind's line `==123== Collected : 456789`.
fn collected(said: &str) -> Option<u64> {
    let line = said.lines().find_map(|line| line.split_once("Collected :"))?;
    line.1.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_in_what_callgrind_says() {
        let said = "==7== Events    : Ir\n==7== Collected : 123456\n==7==\n==7== I   refs:      123,456\n";
        assert_eq!(collected(said), Some(123_456));
        assert_eq!(collected("==7== Collected : \n"), None);
        assert_eq!(collected(""), None);
    }
}
