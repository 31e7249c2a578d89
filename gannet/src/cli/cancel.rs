//! `gannet cancel`: one order, or every open one.

use model::{ClOrdId, Name, OrderId};

use super::output::Output;
use super::source::Socket;
use super::{Failure, answers};
use crate::client::Client;
use crate::wire::{Answer, Cancel, OrderFilter, OrderRow, Request};

/// Cancel an order: `gannet cancel G1-0-42`, `gannet cancel -a GROWTH-1 --cl-ord-id a-1`, `gannet cancel --all`
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["order", "cl_ord_id", "all"])))]
pub(super) struct Args {
    /// Our identity of the order.
    order: Option<OrderId>,
    /// The submitter's identifier of the order; needs `--account`.
    #[arg(long, value_name = "ID", requires = "account")]
    cl_ord_id: Option<ClOrdId>,
    /// Every open order, or every one of `--account`.
    #[arg(long)]
    all: bool,
    /// Of which account.
    #[arg(short, long)]
    account: Option<Name>,
    /// Answer as JSON; for `--all`, one line for each order.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let mut client = args.socket.client()?;
    if args.all {
        return cancel_all(args, &mut client, out);
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

fn cancel_all(args: &Args, client: &mut Client, out: &mut Output) -> Result<(), Failure> {
    let orders = open_orders(args, client)?;
    let cancel = |row: &OrderRow| {
        Request::Cancel(Cancel { account: row.account, order: Some(row.order), cl_ord_id: None })
    };
    let requests: Vec<Request> = orders.iter().map(cancel).collect();
    let mut answered = Vec::with_capacity(requests.len());
    client.pipeline(&requests, |_, answer| answered.push(answer)).map_err(Failure::new)?;
    let mut refused = 0;
    for (row, answer) in orders.iter().zip(&answered) {
        if args.json {
            out.json_line(answer)?;
        }
        if !matches!(answer, Answer::Requested(_)) {
            refused += 1;
            if !args.json {
                out.line(&format!("{} {}", row.order, answers::failure(answer)))?;
            }
        }
    }
    if !args.json {
        out.line(&format!("{} cancel requests are out, {refused} were refused", answered.len() - refused))?;
    }
    if refused > 0 { Err(Failure::Answered) } else { Ok(()) }
}

/// Those that have no request out already.
fn open_orders(args: &Args, client: &mut Client) -> Result<Vec<OrderRow>, Failure> {
    let mut filter = OrderFilter { account: args.account, open: true, ..OrderFilter::default() };
    let mut rows = Vec::new();
    loop {
        let request = Request::Orders(filter.clone());
        match client.call(&request).map_err(Failure::new)? {
            Answer::Orders(page) => {
                rows.extend(page.rows.into_iter().filter(|row| row.pending.is_none()));
                filter.after = page.next;
            }
            other => return Err(answers::failure(&other)),
        }
        if filter.after.is_none() {
            return Ok(rows);
        }
    }
}
