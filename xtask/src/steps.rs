//! Steps one after the other, up to the first that fails; then a table and the count of tests.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::artifacts;
use crate::tally::{self, TestCount};
use crate::workspace;

/// What a step does.
pub(crate) enum Action {
    /// Calls cargo with these arguments and variables.
    Cargo(&'static [&'static str], &'static [(&'static str, &'static str)]),
    /// Calls cargo with these arguments and counts the tests it reports.
    CountedTests(&'static [&'static str]),
    /// Builds the counting of instructions and runs it: within the budgets is a test passed.
    Budgets,
    /// Builds every example of the workspace and runs each: one that ends well is a test passed.
    Examples,
}

/// One step.
pub(crate) struct Step {
    /// Its name in the table.
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) action: Action,
}

struct Finished {
    name: &'static str,
    elapsed: Duration,
    outcome: Result<(), String>,
    tally: TestCount,
}

/// Runs the steps; the last line printed is `N passed, N failed`. A step that fails without a failing test (a
/// lint, a program that does not compile) counts as one failure.
pub(crate) fn run(steps: &[Step]) -> Result<(), String> {
    let started = Instant::now();
    let mut rows = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        println!("\n== {}/{}: {} ==", index + 1, steps.len(), step.name);
        let row = run_step(step);
        let failed = row.outcome.is_err();
        println!("== {}: {} in {:.1} s ==", row.name, verdict(&row), row.elapsed.as_secs_f64());
        rows.push(row);
        if failed {
            break;
        }
    }
    conclude(steps, &rows, started.elapsed())
}

fn run_step(step: &Step) -> Finished {
    let started = Instant::now();
    let mut tally = TestCount::default();
    let outcome = match &step.action {
        Action::Cargo(arguments, variables) => succeed(&mut cargo(arguments, variables)),
        Action::CountedTests(arguments) => counted(cargo(arguments, &[]).envs(test_threads()), &mut tally),
        Action::Budgets => budgets(&mut tally),
        Action::Examples => examples(&mut tally),
    };
    if outcome.is_err() && tally.failed == 0 {
        tally.failed = 1;
    }
    Finished { name: step.name, elapsed: started.elapsed(), outcome, tally }
}

/// Prints the table; its last line counts the tests.
fn conclude(steps: &[Step], rows: &[Finished], elapsed: Duration) -> Result<(), String> {
    println!("\n{:<28}{:>9}  result", "step", "seconds");
    for row in rows {
        println!("{:<28}{:>9.1}  {}", row.name, row.elapsed.as_secs_f64(), verdict(row));
    }
    for step in steps.iter().skip(rows.len()) {
        println!("{:<28}{:>9}  not run", step.name, "-");
    }
    println!("{:<28}{:>9.1}", "all", elapsed.as_secs_f64());
    let failure = rows.iter().find_map(|row| row.outcome.as_ref().err().map(|error| (row.name, error)));
    if let Some((name, error)) = failure {
        // On the same stream as the table, so that it stands where it is looked for.
        println!("\nStopped at step \"{name}\": {error}");
    }
    let mut sum = TestCount::default();
    for row in rows {
        sum += row.tally;
    }
    println!("\n{sum}");
    failure.map_or(Ok(()), |(name, _)| Err(format!("step \"{name}\" failed")))
}

fn verdict(row: &Finished) -> String {
    match (&row.outcome, row.tally == TestCount::default()) {
        (Ok(()), true) => "ok".into(),
        (Ok(()), false) => format!("ok, {}", row.tally),
        (Err(_), _) => format!("FAILED, {}", row.tally),
    }
}

fn cargo(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let variables_shown: Vec<String> =
        variables.iter().map(|(name, value)| format!("{name}={value:?} ")).collect();
    println!("$ {}cargo {}", variables_shown.concat(), arguments.join(" "));
    let mut command = workspace::cargo();
    command.args(arguments).envs(variables.iter().copied());
    command
}

/// Runs a command whose success is all that counts.
pub(crate) fn succeed(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("cannot start it: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("it ended with {status}; its messages stand above")) }
}

/// Twice as many tests at a time as there are cores: most of them wait, for a socket, a timer or a disk. Who sets the
/// variable knows better.
fn test_threads() -> Option<(&'static str, String)> {
    const VARIABLE: &str = "RUST_TEST_THREADS";
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::env::var_os(VARIABLE).is_none().then(|| (VARIABLE, (2 * cores).to_string()))
}

/// Runs tests, prints what they print, adds up what they count, and names those that failed.
fn counted(command: &mut Command, tally: &mut TestCount) -> Result<(), String> {
    let mut child =
        command.stdout(Stdio::piped()).spawn().map_err(|error| format!("cannot start it: {error}"))?;
    let mut failed = Vec::new();
    if let Some(output) = child.stdout.take() {
        // By bytes: what a test prints need not be text.
        for line in BufReader::new(output).split(b'\n') {
            let line = line.map_err(|error| format!("cannot read what it prints: {error}"))?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            *tally += TestCount::from_line(&line).unwrap_or_default();
            failed.extend(tally::failed_test(&line).map(|name| format!("\n    {name}")));
        }
    }
    let status = child.wait().map_err(|error| format!("cannot wait for it: {error}"))?;
    if status.success() {
        return Ok(());
    }
    Err(format!("it ended with {status}; its messages stand above{}", failed.concat()))
}

/// Builds the program that counts instructions.
pub(crate) fn counting() -> Result<PathBuf, String> {
    let programs = artifacts::build("bin", &["--profile", "counts", "--package", "budgets"])?;
    programs.into_iter().next_back().ok_or_else(|| "cargo names no program that it built".to_owned())
}

fn budgets(tally: &mut TestCount) -> Result<(), String> {
    let outcome = counting().and_then(|program| succeed(&mut Command::new(program)));
    match outcome {
        Ok(()) => tally.passed += 1,
        Err(_) => tally.failed += 1,
    }
    outcome
}

fn examples(tally: &mut TestCount) -> Result<(), String> {
    for program in artifacts::build("example", &["--workspace", "--examples"])? {
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let started = Instant::now();
        let output = Command::new(&program)
            .current_dir(workspace::root())
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("cannot start example {name}: {error}"))?;
        if !output.status.success() {
            print!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            tally.failed += 1;
            return Err(format!("example {name} ended with {}; what it printed stands above", output.status));
        }
        println!("example {name} ... ok ({:.1} s)", started.elapsed().as_secs_f64());
        tally.passed += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_of_several_test_programs_are_added() {
        let script = "echo 'test result: ok. 2 passed; 0 failed; 0 ignored'; echo 'test a::b ... FAILED'; \
                      echo 'test result: FAILED. 1 passed; 1 failed; 0 ignored'; exit 101";
        let mut tally = TestCount::default();
        let outcome = counted(Command::new("sh").args(["-c", script]), &mut tally);
        assert!(outcome.unwrap_err().ends_with("\n    a::b"));
        assert_eq!(tally, TestCount { passed: 3, failed: 1 });
    }

    #[test]
    fn a_step_that_fails_without_a_test_is_one_failure() {
        let step = Step { name: "nonsense", action: Action::Cargo(&["no-such-subcommand"], &[]) };
        let row = run_step(&step);
        assert!(row.outcome.is_err());
        assert_eq!(row.tally, TestCount { passed: 0, failed: 1 });
    }
}
