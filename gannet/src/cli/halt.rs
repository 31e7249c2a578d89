//! `gannet halt` and `gannet resume`: stop new orders of a scope, and go on.

use model::{Name, Symbol};
use wire::{Request, ScopeName};

use super::output::Output;
use super::source::Socket;
use super::{Failure, answers};

/// A scope: `--firm`, `--portfolio GROWTH`, `--portfolio GROWTH --strategy MOMENTUM`, `--account GROWTH-1`,
/// `--instrument IBM`
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("scope").required(true).args(["firm", "portfolio", "account", "instrument"])))]
pub(super) struct Args {
    /// Everything.
    #[arg(long)]
    firm: bool,
    /// One portfolio and its accounts.
    #[arg(short, long, value_name = "NAME")]
    portfolio: Option<Name>,
    /// One strategy of the portfolio.
    #[arg(short, long, value_name = "NAME", requires = "portfolio")]
    strategy: Option<Name>,
    /// One account.
    #[arg(short, long, value_name = "NAME")]
    account: Option<Name>,
    /// One instrument.
    #[arg(short, long, value_name = "SYMBOL")]
    instrument: Option<Symbol>,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(super) fn run(args: &Args, halt: bool, out: &mut Output) -> Result<(), Failure> {
    let scope = match (args.portfolio, args.strategy, args.account, args.instrument) {
        (Some(portfolio), Some(strategy), ..) => ScopeName::Strategy { portfolio, strategy },
        (Some(portfolio), ..) => ScopeName::Portfolio(portfolio),
        (_, _, Some(account), _) => ScopeName::Account(account),
        (.., Some(instrument)) => ScopeName::Instrument(instrument),
        _ => ScopeName::Firm {},
    };
    let request = if halt { Request::Halt(scope) } else { Request::Resume(scope) };
    answers::show(&args.socket.call(&request)?, args.json, out)
}
