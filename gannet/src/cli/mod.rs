//! The command line. One file for each command, each with the same two words: `Args` (what may be said) and `run`
//! (what is done).

mod alerts;
mod answers;
mod approvals;
mod archive;
mod backup;
mod cancel;
mod cash;
mod check;
mod clock;
mod config;
#[cfg(feature = "quickfix")]
mod crash_proof;
#[cfg(feature = "quickfix")]
mod demo;
mod diff;
mod halt;
mod init;
mod journal;
mod latency;
mod limit;
mod money;
mod named;
mod office;
mod orders;
mod output;
#[cfg(feature = "quickfix")]
mod paper_broker;
mod place;
mod positions;
mod release;
mod repair;
mod replace;
mod replay;
mod restore;
mod run;
mod snapshot;
mod source;
mod state;
mod status;
mod submit;
mod up_to_gap;
mod verify;
mod which;
mod why;
mod words;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use output::Output;
use words::said;

/// The trading core: orders in, risk checked, recorded, sent to brokers over FIX.
#[derive(Debug, Parser)]
#[command(name = "gannet", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a node until it is interrupted.
    Run(run::Args),
    /// Show everything at work: orders, kills in the middle, and the proofs.
    #[cfg(feature = "quickfix")]
    Demo(demo::Args),
    /// Kill a node and its broker again and again, and prove that nothing is lost.
    #[cfg(feature = "quickfix")]
    #[command(hide = !crash_point::COMPILED_IN)]
    CrashProof(crash_proof::Args),
    /// Run a paper broker: a FIX acceptor that fills orders against a market.
    #[cfg(feature = "quickfix")]
    PaperBroker(paper_broker::Args),
    #[command(about = said("submit"))]
    Submit(submit::Args),
    /// Cancel an order, or all of them.
    Cancel(cancel::Args),
    #[command(about = said("replace"))]
    Replace(replace::Args),
    #[command(about = said("halt"))]
    Halt(halt::Args),
    #[command(about = said("resume"))]
    Resume(halt::Args),
    #[command(about = said("release"))]
    Release(release::Args),
    /// Show whether the wall clock is trusted; accept one that jumped.
    Clock(clock::ClockArgs),
    /// Set or lift a limit.
    Limit(limit::Args),
    /// Show which configurations were in force.
    Config(config::ConfigArgs),
    /// List alerts, or acknowledge one.
    Alerts(alerts::AlertsArgs),
    /// List requests that wait for a second person.
    Approvals(approvals::ApprovalsArgs),
    #[command(about = said("approve"))]
    Approve(approvals::ApproveArgs),
    #[command(about = said("refuse"))]
    Refuse(approvals::RefuseArgs),
    #[command(about = said("deposit"))]
    Deposit(money::Args),
    #[command(about = said("withdraw"))]
    Withdraw(money::Args),
    #[command(about = said("orders"))]
    Orders(orders::Args),
    #[command(about = said("positions"))]
    Positions(positions::Args),
    #[command(about = said("cash"))]
    Cash(cash::Args),
    #[command(about = said("status"))]
    Status(status::Args),
    /// Replay journals, compare every recorded digest, and show the state's hash.
    Replay(replay::Args),
    /// Show where the slowest inputs of a running node spent their time, and why.
    Latency(latency::Args),
    /// Look into journals: stat, dump, verify, head; snapshot, archive, repair.
    Journal(journal::Args),
    /// Back up a node while it trades.
    Backup(backup::Args),
    /// Make journals of a backup, to its end or to a point in time.
    Restore(restore::Args),
    /// Show the state at an instant of the past.
    State(state::Args),
    /// Show what changed between two instants.
    Diff(diff::Args),
    /// Show why an order is what it is: every record about it and what the gate saw.
    Why(why::Args),
    /// Write an example configuration into a folder.
    Init(init::Args),
    /// Check a configuration and show what it would change.
    Check(check::Args),
}

/// Why a command ended without success.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// In words, for stderr.
    #[error("{0}")]
    Said(String),
    /// The answer on stdout says it already.
    #[error("refused")]
    Answered,
    /// Whoever reads our output went away.
    #[error("the output is closed")]
    OutputClosed,
}

impl Failure {
    #[expect(clippy::needless_pass_by_value, reason = "called as map_err(Failure::new)")]
    fn new(error: impl ToString) -> Self {
        Self::Said(error.to_string())
    }
}

/// Runs the program: exit code 0 when it succeeded, 1 when it was refused or failed, 2 when it was not understood.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    if !matches!(cli.command, Command::Run(_)) {
        // `run` knows its filter only once it has read its configuration.
        log_to_stderr("warn");
    }
    if let Err(unusable) = crash_point::check_environment() {
        eprintln!("gannet: {unusable}");
        return ExitCode::from(2);
    }
    let mut out = Output::stdout();
    match dispatch(cli.command, &mut out) {
        // A closed output is what `head` leaves behind: nobody wants more.
        Ok(()) | Err(Failure::OutputClosed) => ExitCode::SUCCESS,
        Err(Failure::Answered) => ExitCode::FAILURE,
        Err(Failure::Said(text)) => {
            out.say_unsaid();
            eprintln!("gannet: {text}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command, out: &mut Output) -> Result<(), Failure> {
    match command {
        Command::Run(args) => run::run(&args, out),
        #[cfg(feature = "quickfix")]
        Command::Demo(args) => demo::run(&args, out),
        #[cfg(feature = "quickfix")]
        Command::CrashProof(args) => crash_proof::run(&args, out),
        #[cfg(feature = "quickfix")]
        Command::PaperBroker(args) => paper_broker::run(&args, out),
        Command::Config(args) => config::run(&args, out),
        Command::Alerts(args) => alerts::run(&args, out),
        Command::Approvals(args) => approvals::run(&args, out),
        Command::Approve(args) => approvals::approve(&args, out),
        Command::Refuse(args) => approvals::refuse(&args, out),
        Command::Submit(args) => submit::run(&args, out),
        Command::Cancel(args) => cancel::run(&args, out),
        Command::Replace(args) => replace::run(&args, out),
        Command::Halt(args) => halt::run(&args, true, out),
        Command::Resume(args) => halt::run(&args, false, out),
        Command::Release(args) => release::run(&args, out),
        Command::Clock(args) => clock::run(&args, out),
        Command::Limit(args) => limit::run(&args, out),
        Command::Deposit(args) => money::run(&args, true, out),
        Command::Withdraw(args) => money::run(&args, false, out),
        Command::Orders(args) => orders::run(&args, out),
        Command::Positions(args) => positions::run(&args, out),
        Command::Cash(args) => cash::run(&args, out),
        Command::Status(args) => status::run(&args, out),
        Command::Replay(args) => replay::run(&args, out),
        Command::Latency(args) => latency::run(&args, out),
        Command::Journal(args) => journal::run(&args, out),
        Command::Backup(args) => backup::run(&args, out),
        Command::Restore(args) => restore::run(&args, out),
        Command::State(args) => state::run(&args, out),
        Command::Diff(args) => diff::run(&args, out),
        Command::Why(args) => why::run(&args, out),
        Command::Init(args) => init::run(&args, out),
        Command::Check(args) => check::run(&args, out),
    }
}

/// Messages go to stderr; the variable `RUST_LOG` goes before `filter`.
fn log_to_stderr(filter: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(filter));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber is refused: the first stays.
    let _ = subscriber.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init();
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }

    /// The command that is typed so, if there is one.
    fn typed<'a>(root: &'a clap::Command, words: &str) -> Option<&'a clap::Command> {
        words.split(' ').try_fold(root, |command, word| command.find_subcommand(word))
    }

    /// Every command that speaks to a running node, as it is typed.
    fn speaking(command: &clap::Command, within: &str, found: &mut Vec<String>) {
        let speaks = |command: &clap::Command| command.get_arguments().any(|arg| arg.get_id() == "socket");
        for inner in command.get_subcommands() {
            let words = format!("{within} {}", inner.get_name()).trim().to_owned();
            if speaks(inner) {
                found.push(words.clone());
            }
            speaking(inner, &words, found);
        }
    }

    #[test]
    fn every_request_has_its_command_and_every_command_that_speaks_to_a_node_its_request() {
        // Who asks so is a program: a strategy that looks whether a node is there, or follows its events.
        const ONLY_PROGRAMS: [&str; 2] = ["ping", "subscribe"];
        let (cli, mut sent) = (Cli::command(), std::collections::BTreeSet::new());
        for request in wire::requests() {
            let word = &request.word.name;
            assert_eq!(request.commands.is_empty(), ONLY_PROGRAMS.contains(&word.as_str()), "{word}");
            for words in request.commands {
                assert!(typed(&cli, words).is_some(), "{word}: there is no `gannet {words}`");
                sent.insert((*words).to_owned());
            }
        }
        let mut speaking_commands = Vec::new();
        speaking(&cli, "", &mut speaking_commands);
        for words in speaking_commands {
            let sends = sent.iter().any(|other| *other == words || other.starts_with(&format!("{words} ")));
            assert!(
                sends,
                "`gannet {words}` speaks to a node, and no request in wire/src/request.rs names it"
            );
        }
    }

    #[test]
    fn the_help_says_what_the_table_of_words_says() {
        let cli = Cli::command();
        for (word, help) in ["submit", "halt", "deposit", "status"].map(|word| (word, said(word))) {
            assert!(!help.is_empty() && !help.ends_with('.'), "{word}: {help:?}");
            let about = typed(&cli, word).unwrap().get_about().unwrap().to_string();
            assert_eq!(about, help, "{word}");
        }
    }

    #[test]
    fn numbers_and_words_are_checked_before_anything_is_sent() {
        for wrong in [
            "submit -a A buy x IBM",
            "submit -a A hold 100 IBM",
            "submit -a A buy 1e3 IBM",
            "limit set --account A no_such 5",
            "deposit -a A 5 usd --reference r",
            "cancel",
            "halt",
            "halt --account A --firm",
            "orders --socket s --journal j",
            "state",
            "state --at yesterday",
            "diff 5",
            "backup",
            "restore from",
            "restore from to --at yesterday",
            "journal repair",
            "latency",
            "latency explain --worst 0",
            "journal verify --head 5:ab",
        ] {
            let words = std::iter::once("gannet").chain(wrong.split(' '));
            let error = Cli::try_parse_from(words).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{wrong}");
        }
    }
}
