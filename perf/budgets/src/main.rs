//! Instructions of each stage of an order, counted by callgrind and held against `perf/budgets.toml`.
//!
//! Time on a shared machine tells nothing about a change of two per cent; instructions do, and they are the same on
//! every machine with the same compiler and the same target. What could differ is pinned: the C library's choice of
//! `memcpy` (`GLIBC_TUNABLES`), hash seeds (there are none), addresses (valgrind's). What they do not show: cache
//! misses, faults, waiting. For those there is the lab.
//!
//! * `stages`: what is counted. * `callgrind`: how. * `budget`: the file. * `account`: where they go.

mod account;
mod budget;
mod callgrind;
mod stages;

use std::process::ExitCode;

use budget::{Budget, BudgetError};
use stages::{STAGES, Stage};

/// A stage that takes so much more than its budget fails the check.
const TOLERATED_PERCENT: u64 = 10;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        [] => check(),
        ["--reset"] => reset(),
        ["--account", name] => match STAGES.iter().find(|stage| stage.name == *name) {
            Some(stage) => show_account(stage),
            None => return unknown(name),
        },
        ["--stage", name, rounds] => return stages::run(name, rounds),
        _ => {
            eprintln!(
                "usage: budgets [--reset | --account STAGE]\n\nWithout arguments it compares with {}.\n--account says \
                 where the instructions of one stage go.",
                budget::PATH
            );
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("budgets: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Counts everything; true where nothing has grown too much.
fn check() -> Result<bool, BudgetError> {
    let budget = Budget::read()?;
    let counted = callgrind::count_all()?;
    let Some(budget) = budget.for_this_machine() else {
        show(&counted, |_| None);
        println!("\nno budget for {}: shown, not judged", std::env::consts::ARCH);
        return Ok(true);
    };
    show(&counted, |name| budget.of(name));
    if budget.compiler != budget::COMPILER {
        println!(
            "\ncounted with rustc {}, the budget with {}: shown, not judged; `cargo xtask budgets --reset` renews it",
            budget::COMPILER,
            budget.compiler
        );
        return Ok(true);
    }
    let grown: Vec<&str> = counted
        .iter()
        .filter(|(name, count)| budget.of(name).is_none_or(|allowed| has_grown(*count, allowed)))
        .map(|(name, _)| *name)
        .collect();
    if grown.is_empty() {
        println!("\nno stage takes over {TOLERATED_PERCENT} % more than its budget");
        return Ok(true);
    }
    println!(
        "\ngrown by over {TOLERATED_PERCENT} %, or without a budget: {}\nwhere that is meant, `cargo xtask budgets --reset` \
         renews {}, and the change is reviewed with the rest",
        grown.join(", "),
        budget::PATH
    );
    Ok(false)
}

fn reset() -> Result<bool, BudgetError> {
    let counted = callgrind::count_all()?;
    let before = Budget::read()?;
    show(&counted, |name| before.for_this_machine().and_then(|budget| budget.of(name)));
    before.with(&counted).write()?;
    println!("\nwritten: {}", budget::PATH);
    Ok(true)
}

/// Shows where the instructions of one stage go.
fn show_account(stage: &Stage) -> Result<bool, BudgetError> {
    let profile = callgrind::profile(stage)?;
    let account = account::read(&profile).map_err(|error| BudgetError::Counting(error.to_string()))?;
    print!("{}", account.table(stage.name, callgrind::ROUNDS));
    Ok(true)
}

fn unknown(name: &str) -> ExitCode {
    let names: Vec<&str> = STAGES.iter().map(|stage| stage.name).collect();
    eprintln!("budgets: there is no stage {name:?}; there are {}", names.join(", "));
    ExitCode::from(2)
}

const fn has_grown(count: u64, allowed: u64) -> bool {
    count * 100 > allowed * (100 + TOLERATED_PERCENT)
}

fn show(counted: &[(&'static str, u64)], budget: impl Fn(&str) -> Option<u64>) {
    println!("{:<26}{:>14}{:>10}{:>9}  what", "stage", "instructions", "budget", "change");
    println!("{}", "─".repeat(110));
    for (name, count) in counted {
        let allowed = budget(name);
        let change = allowed
            .filter(|allowed| *allowed > 0)
            .map_or_else(|| "-".to_owned(), |allowed| change(*count, allowed));
        let allowed = allowed.map_or_else(|| "-".to_owned(), |allowed| allowed.to_string());
        let what = STAGES.iter().find(|stage| stage.name == *name).map_or("", |stage| stage.what);
        println!("{name:<26}{count:>14}{allowed:>10}{change:>9}  {what}");
    }
}

/// `+3.1 %`.
fn change(count: u64, allowed: u64) -> String {
    let (sign, difference) = if count >= allowed { ('+', count - allowed) } else { ('-', allowed - count) };
    let tenths = difference * 1000 / allowed;
    format!("{sign}{}.{} %", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_per_cent_are_tolerated_and_no_more() {
        assert!(!has_grown(1_100, 1_000) && has_grown(1_101, 1_000) && !has_grown(1, 1_000));
        assert_eq!([change(1_031, 1_000), change(950, 1_000)], ["+3.1 %", "-5.0 %"]);
    }

    #[test]
    fn every_stage_runs_and_has_a_budget() {
        for stage in STAGES {
            assert_eq!(stages::run(stage.name, "3"), ExitCode::SUCCESS, "{}", stage.name);
        }
        let budget = Budget::read().unwrap();
        let Some(budget) = budget.for_this_machine() else { return };
        for stage in STAGES {
            assert!(budget.of(stage.name).is_some(), "{} has no budget", stage.name);
        }
    }
}
