//! Counting: this program once more for each stage, under callgrind, collecting only inside `counted_from_here`.

use std::process::{Command, Stdio};
use std::thread;

use crate::budget::BudgetError;
use crate::stages::{STAGES, Stage};

/// Rounds of a stage that are counted: enough that what happens once an hour shows, few enough to be quick.
const ROUNDS: u64 = 200;

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
    let failed = |what: String| BudgetError::Counting(format!("{}: {what}", stage.name));
    let program = std::env::current_exe()?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*counted_from_here*"])
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
        .map_err(|error| failed(format!("valgrind: {error}")))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(failed(format!("it ended with {}:\n{said}", output.status)));
    }
    match collected(&said) {
        Some(count) if count > 0 => Ok(count / ROUNDS),
        _ => Err(failed(format!("nothing was counted:\n{said}"))),
    }
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
