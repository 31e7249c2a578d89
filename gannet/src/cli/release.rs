//! `gannet release`: take back who was set aside after a broken invariant.

use model::{Name, Symbol};
use wire::{AsideName, Request};

use super::output::Output;
use super::source::Socket;
use super::{Failure, answers};

/// Whom: `GROWTH-1`, `--portfolio GROWTH`, `--instrument IBM`, `--ticks` or `--firm`, as `gannet status` lists them
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("whom").required(true).args(["account", "portfolio", "instrument", "ticks", "firm"])))]
pub(super) struct Args {
    /// One account.
    #[arg(value_name = "ACCOUNT")]
    account: Option<Name>,
    /// One portfolio and its accounts.
    #[arg(short, long, value_name = "NAME")]
    portfolio: Option<Name>,
    /// One instrument.
    #[arg(short, long, value_name = "SYMBOL")]
    instrument: Option<Symbol>,
    /// Settling and retiring by time.
    #[arg(long)]
    ticks: bool,
    /// What failed belonged to nobody in particular: the firm was halted.
    #[arg(long)]
    firm: bool,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let whom = match (args.account, args.portfolio, args.instrument) {
        (Some(account), ..) => AsideName::Account(account),
        (_, Some(portfolio), _) => AsideName::Portfolio(portfolio),
        (.., Some(instrument)) => AsideName::Instrument(instrument),
        _ if args.ticks => AsideName::Ticks {},
        _ => AsideName::Firm {},
    };
    answers::show(&args.socket.call(&Request::Release(whom))?, args.json, out)
}
