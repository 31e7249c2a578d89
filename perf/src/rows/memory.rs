//! What an idle account with ten positions takes, by the allocator's own count.

use model::{AccountId, Command, Input, InstrumentId, Origin};

use crate::counting::in_use_bytes;
use crate::error::PerfError;
use crate::lab::Lab;
use crate::reports;
use crate::rig::{self, INSTRUMENTS, Orders};
use crate::row::{Best, Row, Unit};
use crate::rows::parts::Feed;
use crate::samples::Summary;

const NOTE: &str =
    "heap of the core for each account: ten positions, and the ten finished orders behind them";
const EMPTY: &str = "the same before the first order: definition, limits, cash";

pub(crate) fn account(lab: &mut Lab) -> Result<(), PerfError> {
    let accounts = lab.sized(1_000u32, 10_000);
    let before = in_use_bytes();
    let mut feed = Feed::ready(accounts)?;
    let defined = in_use_bytes();
    let mut orders = Orders::default();
    for account in 0..accounts {
        for instrument in 0..INSTRUMENTS {
            position(&mut feed, &mut orders, AccountId::new(account), InstrumentId::new(instrument))?;
        }
    }
    let traded = in_use_bytes();
    let each = |bytes: usize| u64::try_from(bytes).unwrap_or(0) / u64::from(accounts);
    for (name, bytes, note) in [
        ("memory.account_bytes", each(traded - before), NOTE),
        ("memory.account_bytes.untraded", each(defined - before), EMPTY),
    ] {
        let [p50, p90, p99, p999, max] = [bytes; 5];
        let summary = Summary { p50, p90, p99, p999, max, count: u64::from(accounts) };
        lab.rows.push(Row::new(name, Best::only(summary), note).unit(Unit::Bytes));
    }
    drop(feed);
    Ok(())
}

/// One order, filled at once.
fn position(
    feed: &mut Feed,
    orders: &mut Orders,
    account: AccountId,
    instrument: InstrumentId,
) -> Result<(), PerfError> {
    let mut order = orders.next();
    (order.account, order.instrument) = (account, instrument);
    order.quote = Some(rig::quote(feed.time));
    feed.take(&Input::Command { origin: Origin::default(), command: Command::NewOrder(order) });
    let Some(message) = feed.outcome.outbound.first().copied() else {
        return Err(PerfError::Unexpected(format!("denied: {:?}", feed.outcome.events)));
    };
    let report = reports::filled(&message)?;
    feed.take(&Input::ExecutionReport(report));
    let booked = feed.outcome.events.iter().any(|event| matches!(event, model::Event::Executed { .. }));
    if booked { Ok(()) } else { Err(PerfError::Unexpected(format!("not booked: {:?}", feed.outcome.events))) }
}
