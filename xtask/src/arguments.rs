//! Which task was asked for.

use std::ffi::OsString;
use std::fmt;

/// What `cargo xtask help` prints.
pub(crate) const USAGE: &str = "\
usage: cargo xtask <task>

  setup [--yes]            say what the build and the tests need; install what is missing
  demo  [--yes] [args...]  set up, build, run `gannet demo args...`
  test  [--yes] [--quick]  set up, check format, lints, documentation and build, run every test and example;
                           --quick: only the tests and examples
  bench [--yes] [args...]  set up, build, run the latency lab: `perf args...`
  crash-proof [--yes] [--kills N] [--seed S] [--durability process|disk|both] [--point NAME]... [--json FILE]
                           set up, build, kill node and broker again and again, prove that nothing is lost
  sim [--yes] [--seed S | --seeds N] [--json FILE]
                           build, play seeded histories in a simulated world, check everything; --seed S: one again
  budgets [--yes] [--reset | --account STAGE]
                           count each stage's instructions under valgrind and compare with perf/budgets.toml;
                           --reset: write what was counted into that file instead;
                           --account STAGE: say which function and which source file they go to

  build-times [--yes]      build everything from nothing in a folder of its own, then again after a change in each
                           crate, and print the seconds of each; a quarter of an hour on two cores

  fmt                      format the code
  lint                     clippy, warnings denied
  doc                      build the documentation, warnings denied
  ci                       the same as `test --yes`
  help                     this text

--yes agrees to the installation of what is missing; without it you are asked.";

/// One thing to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Print the usage.
    Help,
    /// Check the machine, install what is missing.
    Setup {
        /// Consent was given beforehand.
        yes: bool,
    },
    /// Build and run the demonstration.
    Demo {
        /// Consent was given beforehand.
        yes: bool,
        /// Passed on.
        args: Vec<OsString>,
    },
    /// Build and run the simulated world.
    Sim {
        /// Consent was given beforehand.
        yes: bool,
        /// Passed on.
        args: Vec<OsString>,
    },
    /// Build and run the latency lab.
    Bench {
        /// Consent was given beforehand.
        yes: bool,
        /// Passed on.
        args: Vec<OsString>,
    },
    /// Build with crash points and run the crash proof.
    CrashProof {
        /// Consent was given beforehand.
        yes: bool,
        /// Passed on.
        args: Vec<OsString>,
    },
    /// Count instructions.
    Budgets {
        /// Consent was given beforehand.
        yes: bool,
        /// Passed on.
        args: Vec<OsString>,
    },
    /// Measure builds.
    BuildTimes {
        /// Consent was given beforehand.
        yes: bool,
    },
    /// Check everything.
    Test {
        /// Consent was given beforehand.
        yes: bool,
        /// Tests and examples only.
        quick: bool,
    },
    /// Format.
    Fmt,
    /// Clippy.
    Lint,
    /// Rustdoc.
    Doc,
}

/// Why the arguments make no task.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum UsageError {
    /// Nothing was asked for.
    NoTask,
    /// There is no such task.
    UnknownTask(String),
    /// The task takes no such argument.
    UnknownArgument(&'static str, String),
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTask => write!(f, "which task?"),
            Self::UnknownTask(task) => write!(f, "there is no task {task:?}"),
            Self::UnknownArgument(task, argument) => write!(f, "{task} takes no argument {argument:?}"),
        }
    }
}

/// Reads what stands behind `cargo xtask`.
pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Task, UsageError> {
    let mut rest: Vec<OsString> = arguments.collect();
    if rest.is_empty() {
        return Err(UsageError::NoTask);
    }
    let task = rest.remove(0);
    match task.to_str().unwrap_or_default() {
        "help" | "--help" | "-h" => Ok(Task::Help),
        "setup" => flags("setup", &rest, ["--yes"]).map(|[yes]| Task::Setup { yes }),
        "test" => flags("test", &rest, ["--yes", "--quick"]).map(|[yes, quick]| Task::Test { yes, quick }),
        "demo" => Ok(passed_on(rest)).map(|(yes, args)| Task::Demo { yes, args }),
        "bench" => Ok(passed_on(rest)).map(|(yes, args)| Task::Bench { yes, args }),
        "crash-proof" => Ok(passed_on(rest)).map(|(yes, args)| Task::CrashProof { yes, args }),
        "sim" => Ok(passed_on(rest)).map(|(yes, args)| Task::Sim { yes, args }),
        "budgets" => Ok(passed_on(rest)).map(|(yes, args)| Task::Budgets { yes, args }),
        "build-times" => flags("build-times", &rest, ["--yes"]).map(|[yes]| Task::BuildTimes { yes }),
        "fmt" => flags("fmt", &rest, []).map(|[]| Task::Fmt),
        "lint" => flags("lint", &rest, []).map(|[]| Task::Lint),
        "doc" => flags("doc", &rest, []).map(|[]| Task::Doc),
        "ci" => flags("ci", &rest, []).map(|[]| Task::Test { yes: true, quick: false }),
        _ => Err(UsageError::UnknownTask(task.to_string_lossy().into_owned())),
    }
}

/// Which of the known flags are there; anything else is an error.
fn flags<const N: usize>(
    task: &'static str,
    arguments: &[OsString],
    known: [&str; N],
) -> Result<[bool; N], UsageError> {
    match arguments.iter().find(|argument| !known.iter().any(|flag| *argument == flag)) {
        Some(other) => Err(UsageError::UnknownArgument(task, other.to_string_lossy().into_owned())),
        None => Ok(known.map(|flag| arguments.iter().any(|argument| argument == flag))),
    }
}

/// Ours is a `--yes` before the first `--`; the rest belongs to the program that will run.
fn passed_on(arguments: Vec<OsString>) -> (bool, Vec<OsString>) {
    let (mut yes, mut ours, mut args) = (false, true, Vec::new());
    for argument in arguments {
        match argument.to_str() {
            Some("--") if ours => ours = false,
            Some("--yes") if ours => yes = true,
            _ => args.push(argument),
        }
    }
    (yes, args)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Task, UsageError> {
        parse(line.split_whitespace().map(OsString::from))
    }

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn every_task_has_its_flags() {
        assert_eq!(parsed("setup"), Ok(Task::Setup { yes: false }));
        assert_eq!(parsed("setup --yes"), Ok(Task::Setup { yes: true }));
        assert_eq!(parsed("test --quick"), Ok(Task::Test { yes: false, quick: true }));
        assert_eq!(parsed("ci"), Ok(Task::Test { yes: true, quick: false }));
        assert_eq!(parsed("build-times --yes"), Ok(Task::BuildTimes { yes: true }));
        assert_eq!(parsed("fmt"), Ok(Task::Fmt));
        assert_eq!(parsed("lint"), Ok(Task::Lint));
        assert_eq!(parsed("doc"), Ok(Task::Doc));
        assert_eq!(parsed("budgets"), Ok(Task::Budgets { yes: false, args: vec![] }));
        let account = vec!["--account".into(), "apply.fill".into()];
        assert_eq!(
            parsed("budgets --account apply.fill --yes"),
            Ok(Task::Budgets { yes: true, args: account })
        );
        assert_eq!(parsed("--help"), Ok(Task::Help));
    }

    #[test]
    fn demo_and_bench_pass_arguments_on() {
        let demo = Task::Demo { yes: true, args: words("--orders 100") };
        assert_eq!(parsed("demo --orders 100 --yes"), Ok(demo));
        let bench = Task::Bench { yes: false, args: words("--yes -- x") };
        assert_eq!(parsed("bench -- --yes -- x"), Ok(bench));
        let proof = Task::CrashProof { yes: false, args: words("--kills 5") };
        assert_eq!(parsed("crash-proof --kills 5"), Ok(proof));
        let sim = Task::Sim { yes: false, args: words("--seed 5") };
        assert_eq!(parsed("sim --seed 5"), Ok(sim));
    }

    #[test]
    fn what_we_do_not_know_is_refused() {
        assert_eq!(parsed(""), Err(UsageError::NoTask));
        assert_eq!(parsed("deploy"), Err(UsageError::UnknownTask("deploy".into())));
        assert_eq!(parsed("test --fast"), Err(UsageError::UnknownArgument("test", "--fast".into())));
        assert_eq!(parsed("fmt x"), Err(UsageError::UnknownArgument("fmt", "x".into())));
    }
}
