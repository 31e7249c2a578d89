//! `gannet why`: every record and decision that led to an order's state.

use model::{ClOrdId, Name};
use node::past::why::{Asked, why};

use super::Failure;
use super::output::Output;
use super::place::JournalPlace;

/// Show why an order is what it is: the command with its quote, what the gate saw and its limits at that instant, each
/// report, evidence, and what happened to its session, from the journals. Nothing is changed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The order: its id or that of a request about it, as G1-0-17, or the submitter's identifier. Denied orders too.
    #[arg(value_name = "ORDER")]
    order: ClOrdId,
    /// The account, where the submitter's identifier is not enough.
    #[arg(short, long)]
    account: Option<Name>,
    #[command(flatten)]
    place: JournalPlace,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let asked = match (args.account, args.order.as_str().parse()) {
        (None, Ok(id)) => Asked::Id(id),
        (account, _) => Asked::ClOrdId(args.order, account),
    };
    let why = why(args.place.folder(out)?, &asked).map_err(Failure::new)?;
    if args.json {
        return out.json(&why.json());
    }
    why.lines().iter().try_for_each(|line| out.line(line))
}
