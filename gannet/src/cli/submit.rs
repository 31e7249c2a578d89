//! `gannet submit`: one order.

use model::{ClOrdId, Name, OrderType, Price, Quantity, Side, Symbol, TimeInForce};
use wire::{Request, Submit};

use super::output::Output;
use super::source::Socket;
use super::{Failure, answers, words};

/// Submit an order: `gannet submit -a GROWTH-1 buy 100 IBM --limit 181.25`
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// For which account.
    #[arg(short, long)]
    account: Name,
    /// `buy` or `sell`.
    #[arg(value_parser = words::side)]
    side: Side,
    /// How many units.
    quantity: Quantity,
    /// Of what.
    symbol: Symbol,
    /// The limit price; without it the order is a market order.
    #[arg(short, long, value_name = "PRICE")]
    limit: Option<Price>,
    /// How long it works: `day`, `gtc`, `ioc` or `fok`.
    #[arg(short, long, default_value = "day", value_parser = words::time_in_force)]
    tif: TimeInForce,
    /// By which strategy of the account's portfolio.
    #[arg(short, long)]
    strategy: Option<Name>,
    /// Your own identifier: the same order with the same identifier is done once. Made from the clock where absent.
    #[arg(long, value_name = "ID")]
    cl_ord_id: Option<ClOrdId>,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let order_type = if args.limit.is_some() { OrderType::Limit } else { OrderType::Market };
    let request = Request::Submit(Submit {
        account: args.account,
        strategy: args.strategy,
        cl_ord_id: args.cl_ord_id.unwrap_or_else(made_up),
        symbol: args.symbol,
        side: args.side,
        order_type,
        time_in_force: args.tif,
        quantity: args.quantity,
        limit_price: args.limit,
    });
    answers::show(&args.socket.call(&request)?, args.json, out)
}

/// Two orders of one process, or of one nanosecond, differ.
fn made_up() -> ClOrdId {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    ClOrdId::cut(&format!("cli-{:x}-{:x}", since.as_nanos(), std::process::id()))
}
