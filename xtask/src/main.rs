//! Set-up and chores: `cargo xtask <task>`.
//!
//! It depends on nothing, so that it compiles in a second on a machine that has only cargo:
//!
//! * [`arguments`]: which task was asked for;
//! * [`requirement`] and [`setup`]: what the build needs, what is missing, how to get it;
//! * [`artifacts`]: a quiet build that says where its programs are;
//! * [`build_times`]: what the compiler takes;
//! * [`steps`] and [`tally`]: steps one after the other, with a table and a count of tests at the end;
//! * [`chores`]: what each task does.

mod arguments;
mod artifacts;
mod build_times;
mod chores;
mod requirement;
mod setup;
mod steps;
mod tally;
mod version;
mod workspace;

use std::process::ExitCode;

use arguments::{Task, USAGE};
use requirement::Purpose;
use setup::Consent;

fn main() -> ExitCode {
    match arguments::parse(std::env::args_os().skip(1)) {
        Ok(task) => run(task),
        Err(error) => {
            eprintln!("xtask: {error}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn run(task: Task) -> ExitCode {
    let result = match task {
        Task::Help => {
            println!("{USAGE}");
            Ok(())
        }
        Task::Setup { yes } => setup::complete(Purpose::Everything, Consent::given(yes)),
        Task::Demo { yes, args } => chores::demo(Consent::given(yes), &args),
        Task::CrashProof { yes, args } => chores::crash_proof(Consent::given(yes), &args),
        Task::Sim { yes, args } => chores::sim(Consent::given(yes), &args),
        Task::Bench { yes, args } => chores::bench(Consent::given(yes), &args),
        Task::Budgets { yes, args } => chores::budgets(Consent::given(yes), &args),
        Task::BuildTimes { yes } => chores::build_times(Consent::given(yes)),
        Task::Test { yes, quick } => chores::test(Consent::given(yes), quick),
        Task::Fmt => chores::fmt(),
        Task::Lint => chores::lint(),
        Task::Doc => chores::doc(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
