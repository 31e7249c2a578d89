//! `gannet replace`: new terms for an order.

use model::{ClOrdId, Name, OrderId, Price, Quantity};
use wire::{Replace, Request};

use super::output::Output;
use super::source::Socket;
use super::{Failure, answers, cancel};

/// Change an order: `gannet replace G1-0-42 --quantity 50 --limit 181.00`
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["order", "cl_ord_id"])))]
pub(super) struct Args {
    /// Our identity of the order.
    order: Option<OrderId>,
    /// The submitter's identifier of the order; needs `--account`.
    #[arg(long, value_name = "ID", requires = "account")]
    cl_ord_id: Option<ClOrdId>,
    /// The new total quantity, what is filled already included.
    #[arg(short, long)]
    quantity: Quantity,
    /// The new price of a limit order.
    #[arg(short, long, value_name = "PRICE")]
    limit: Option<Price>,
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
    let account = match (args.account, args.order) {
        (Some(account), _) => account,
        (None, Some(order)) => cancel::account_of(&mut client, order)?,
        (None, None) => return Err(Failure::Said("name the account".to_owned())),
    };
    let request = Request::Replace(Replace {
        account,
        order: args.order,
        cl_ord_id: args.cl_ord_id,
        quantity: args.quantity,
        limit_price: args.limit,
    });
    let answer = client.call(&request).map_err(Failure::new)?;
    answers::show(&answer, args.json, out)
}
