//! `gannet deposit` and `gannet withdraw`: cash in and out.

use model::{Amount, Currency, Name, Reference};
use wire::{CashRequest, Request};

use super::output::Output;
use super::source::Socket;
use super::{Failure, answers, words};

/// Cash: `gannet deposit -a GROWTH-1 1000000 USD --reference "wire 17"`
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Of which account.
    #[arg(short, long)]
    account: Name,
    /// How much.
    amount: Amount,
    /// Of what.
    #[arg(value_parser = words::currency)]
    currency: Currency,
    /// Your own identifier: the same move with the same reference is booked once.
    #[arg(short, long)]
    reference: Reference,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(super) fn run(args: &Args, deposit: bool, out: &mut Output) -> Result<(), Failure> {
    let cash = CashRequest {
        account: args.account,
        amount: args.amount,
        currency: args.currency,
        reference: args.reference,
    };
    let request = if deposit { Request::Deposit(cash) } else { Request::Withdraw(cash) };
    answers::show(&args.socket.call(&request)?, args.json, out)
}
