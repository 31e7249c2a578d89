//! `gannet cancel`: one order, or every open one.

use model::{ClOrdId, Name, OrderId};
use wire::client::Client;
use wire::{Answer, Cancel, OrderFilter, Request, ScopeName};

use super::output::Output;
use super::source::Socket;
use super::{Failure, answers};

/// Cancel an order: `gannet cancel G1-0-42`, `gannet cancel -a GROWTH-1 --cl-ord-id a-1`, `gannet cancel --all`
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["order", "cl_ord_id", "all"])))]
pub(super) struct Args {
    /// Our identity of the order.
    order: Option<OrderId>,
    /// The submitter's identifier of the order; needs `--account`.
    #[arg(long, value_name = "ID", requires = "account")]
    cl_ord_id: Option<ClOrdId>,
    /// Every open order, or every one of `--account`: one command, which the node carries out also where it dies meanwhile.
    #[arg(long)]
    all: bool,
    /// Of which account.
    #[arg(short, long)]
    account: Option<Name>,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let mut client = args.socket.client()?;
    if args.all {
        let scope = args.account.map_or(ScopeName::Firm {}, ScopeName::Account);
        let answer = client.call(&Request::CancelAll(scope)).map_err(Failure::new)?;
        return answers::show(&answer, args.json, out);
    }
    let account = match (args.account, args.order) {
        (Some(account), _) => account,
        (None, Some(order)) => account_of(&mut client, order)?,
        (None, None) => return Err(Failure::Said("name the account".to_owned())),
    };
    let request = Request::Cancel(Cancel { account, order: args.order, cl_ord_id: args.cl_ord_id });
    let answer = client.call(&request).map_err(Failure::new)?;
    answers::show(&answer, args.json, out)
}

/// Whose order it is.
pub(super) fn account_of(client: &mut Client, order: OrderId) -> Result<Name, Failure> {
    let filter = OrderFilter { order: Some(order), ..OrderFilter::default() };
    match client.call(&Request::Orders(filter)).map_err(Failure::new)? {
        Answer::Orders(page) => match page.rows.first() {
            Some(row) => Ok(row.account),
            None => Err(Failure::Said(format!("there is no order {order}"))),
        },
        other => Err(answers::failure(&other)),
    }
}
