//! What an account takes, by the allocator's own count: at rest, on a day it trades, and before its first order.

use actors::Core;
use model::{AccountId, Command, Input, InstrumentId};
use workload::{Feed, INSTRUMENTS, Orders};

use crate::counting::in_use_bytes;
use crate::error::PerfError;
use crate::lab::Lab;
use crate::row::{Best, Row, Unit};
use crate::samples::Summary;

const IDLE: &str = "heap of the core for each account at rest: ten positions, settled, its orders retired; as a restart reads it";
const TRADING: &str =
    "the same on the day itself: ten positions, the ten filled orders behind them and their executions";
const EMPTY: &str = "the same before the first order: definition, limits, cash";
/// So many that what the tables have ready for all of them is small beside it.
const ACCOUNTS: u32 = 10_000;
const NANOS_PER_DAY: i64 = 86_400_000_000_000;
/// Longer than executions are remembered.
const REST_DAYS: i64 = 20;

pub(crate) fn account(lab: &mut Lab) -> Result<(), PerfError> {
    let accounts = ACCOUNTS;
    let before = in_use_bytes();
    let mut feed = Feed::ready(accounts)?;
    let defined = in_use_bytes() - before;
    let mut orders = Orders::default();
    for account in 0..accounts {
        for instrument in 0..INSTRUMENTS {
            position(&mut feed, &mut orders, AccountId::new(account), InstrumentId::new(instrument))?;
        }
    }
    let trading = in_use_bytes() - before;
    rest(&mut feed, &mut orders)?;
    let state = borsh_of(&feed.core)?;
    drop(feed);
    let before = in_use_bytes();
    let core = Core::decode(&mut state.as_slice()).map_err(unreadable)?;
    let idle = in_use_bytes() - before;
    drop(core);
    for (name, bytes, note) in [
        ("memory.account_bytes", idle, IDLE),
        ("memory.account_bytes.trading_day", trading, TRADING),
        ("memory.account_bytes.untraded", defined, EMPTY),
    ] {
        let each = u64::try_from(bytes).unwrap_or(0) / u64::from(accounts);
        let [p50, p90, p99, p999, max] = [each; 5];
        let summary = Summary { p50, p90, p99, p999, max, count: u64::from(accounts) };
        lab.rows.push(Row::new(name, Best::only(summary), note).unit(Unit::Bytes));
    }
    Ok(())
}

/// Lets everything settle and be retired; one more execution lets those of before be forgotten.
fn rest(feed: &mut Feed, orders: &mut Orders) -> Result<(), PerfError> {
    feed.time.nanos += REST_DAYS * NANOS_PER_DAY;
    while feed.core.next_deadline().is_some_and(|deadline| deadline <= feed.time) {
        feed.take(&Input::Tick);
    }
    position(feed, orders, AccountId::new(0), InstrumentId::new(0))
}

fn borsh_of(core: &Core) -> Result<Vec<u8>, PerfError> {
    let mut state = Vec::new();
    core.encode(&mut state).map_err(unreadable)?;
    Ok(state)
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
fn unreadable(error: std::io::Error) -> PerfError {
    PerfError::Unexpected(format!("the core's state: {error}"))
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
    feed.take(&workload::asked(Command::NewOrder(order), feed.time));
    let Some(message) = feed.outcome.outbound.first().copied() else {
        return Err(PerfError::Unexpected(format!("denied: {:?}", feed.outcome.events)));
    };
    let report = workload::filled(&message)?;
    feed.take(&Input::ExecutionReport(report));
    let booked = feed.outcome.events.iter().any(|event| matches!(event, model::Event::Executed { .. }));
    if booked { Ok(()) } else { Err(PerfError::Unexpected(format!("not booked: {:?}", feed.outcome.events))) }
}
