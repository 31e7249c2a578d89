//! `gannet limit set`: one limit of an account or a portfolio.

use model::{Amount, Currency, LimitKind, Name};
use wire::{Request, SetLimit, Whose};

use super::output::Output;
use super::source::Socket;
use super::{Failure, answers, words};

/// Limits.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Set or lift a limit: `gannet limit set --account GROWTH-1 price_band_bps 250`
    Set(Set),
}

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("whose").required(true).args(["account", "portfolio"])))]
struct Set {
    /// Of this account.
    #[arg(short, long, value_name = "NAME")]
    account: Option<Name>,
    /// Of this portfolio: `max_gross_exposure`, with `--currency`.
    #[arg(short, long, value_name = "NAME", requires = "currency")]
    portfolio: Option<Name>,
    /// In this currency.
    #[arg(short, long, value_name = "CODE", value_parser = words::currency)]
    currency: Option<Currency>,
    /// Which limit, by its name in the configuration file.
    #[arg(value_parser = words::limit_kind)]
    kind: LimitKind,
    /// The new value.
    #[arg(required_unless_present = "none")]
    value: Option<Amount>,
    /// Lift the limit.
    #[arg(long, conflicts_with = "value")]
    none: bool,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let Command::Set(set) = &args.command;
    let whose = match (set.account, set.portfolio) {
        (Some(account), _) => Whose::Account(account),
        (None, Some(portfolio)) => Whose::Portfolio(portfolio),
        (None, None) => return Err(Failure::Said("name an account or a portfolio".to_owned())),
    };
    let request =
        Request::SetLimit(SetLimit { whose, kind: set.kind, currency: set.currency, value: set.value });
    answers::show(&set.socket.call(&request)?, set.json, out)
}
