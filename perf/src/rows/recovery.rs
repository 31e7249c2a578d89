//! A start after a stop: from the journal alone, and from a snapshot with the records behind it.
//!
//! The journal is written directly, without a shard: definitions, then the lives of orders as a broker tells them
//! (order, acknowledgement, two fills). What a shard would have answered is worked out by the replay that is measured.

use std::path::Path;

use actors::Core;
use engine::{ShardConfig, Standby, replay_until, take_snapshot};
use journal::{Durability, Writer};
use model::{
    Command, ExecId, ExecType, ExecutionReport, Input, InstrumentId, OrdStatus, Outbound, OutboundKind,
    Position, Quantity, SessionChange, SessionState, ShardId, Symbol, Timestamp, WireId,
};
use workload::{Orders, SESSION};

use crate::error::PerfError;
use crate::goals::{RECOVERED, TAIL};
use crate::lab::Lab;
use crate::row::{Best, Row, per_second};
use crate::samples::Summary;
use crate::ticks::now_ns;

const FROM_JOURNAL: &str =
    "Standby::open: scan, replay of every record, read ahead on a second core, state ready to trade on";
const FROM_SNAPSHOT: &str = "Standby::open from a snapshot of the accounts before their first orders: read, hash, check, replay the tail";

const ALL_ORDERS: &str = "the same where the state holds every order of the large journal: finished orders stay in it, and are read again";

/// How large a journal.
#[derive(Clone, Copy)]
struct Size {
    accounts: u32,
    /// Records in all, and behind the snapshot.
    records: u64,
    tail: u64,
}

const QUICK: Size = Size { accounts: 1_000, records: 60_000, tail: 5_000 };
const FULL: Size = Size { accounts: 100_000, records: RECOVERED, tail: TAIL };

pub(crate) fn measure(lab: &mut Lab) -> Result<(), PerfError> {
    let size = lab.sized(QUICK, FULL);
    if size.records < RECOVERED {
        lab.not_run.push("recovery.* of 10 M records, which the goals are about: it takes --full".to_owned());
    }
    let whole = lab.fresh_dir()?;
    write(whole.path(), size)?;
    let from_journal = start(whole.path(), size.records)?;
    snapshot(whole.path(), size)?;
    let with_orders = start(whole.path(), size.tail)?;
    drop(whole);
    let defined = u64::try_from(workload::definitions(size.accounts)?.len()).unwrap_or(0);
    let fresh = Size { records: defined + size.tail, ..size };
    let dir = lab.fresh_dir()?;
    write(dir.path(), fresh)?;
    snapshot(dir.path(), fresh)?;
    let from_snapshot = start(dir.path(), fresh.tail)?;
    for (name, took_ns, records, note) in [
        ("recovery.from_journal", from_journal, size.records, FROM_JOURNAL),
        ("recovery.from_snapshot", from_snapshot, fresh.tail, FROM_SNAPSHOT),
        ("recovery.from_snapshot.all_orders", with_orders, size.tail, ALL_ORDERS),
    ] {
        let [p50, p90, p99, p999, max] = [took_ns; 5];
        let best = Best::only(Summary { p50, p90, p99, p999, max, count: records });
        lab.rows.push(Row::new(name, best, note).rate(per_second(records, took_ns)));
    }
    Ok(())
}

fn settings(dir: &Path) -> ShardConfig {
    let mut settings = ShardConfig::new(journal::Options::new(dir, ShardId::new(0)));
    settings.snapshots.every_records = 0;
    settings
}

/// What a start took.
fn start(dir: &Path, replayed: u64) -> Result<u64, PerfError> {
    // Not pinned: a start uses a second core where there is one.
    let begin = now_ns();
    let standby = Standby::<Core>::open(&settings(dir))?;
    let took_ns = now_ns() - begin;
    let accounts = standby.core().accounts().count();
    if accounts == 0 || took_ns == 0 {
        return Err(PerfError::Unexpected(format!("{replayed} records gave an empty state")));
    }
    Ok(took_ns)
}

/// As the read side would have taken it at that record.
fn snapshot(dir: &Path, size: Size) -> Result<(), PerfError> {
    let at = size.records - size.tail;
    let recovered = replay_until::<Core>(dir, |record| record.position.seq <= at)?;
    take_snapshot(dir, &engine::Replay::resume(recovered), 1).map_err(PerfError::io("take a snapshot"))?;
    Ok(())
}

/// Appends inputs as a shard would.
struct Author {
    writer: Writer,
    time: Timestamp,
}

impl Author {
    fn append(&mut self, input: &Input) -> Result<u64, PerfError> {
        self.time = Timestamp::from_nanos(self.time.nanos + 1_000);
        self.writer.ensure_room()?;
        Ok(self.writer.append(self.time, input)?.seq)
    }
}

fn write(dir: &Path, size: Size) -> Result<(), PerfError> {
    let options =
        journal::Options { durability: Durability::Process, ..journal::Options::new(dir, ShardId::new(0)) };
    let writer = journal::open(&options)?.writer;
    let incarnation = writer.incarnation();
    let mut author = Author { writer, time: Timestamp::from_nanos(1_763_629_323_000_000_000) };
    author.append(&Input::Opened { incarnation, logic_version: actors::LOGIC_VERSION, anchor: None })?;
    for command in workload::definitions(size.accounts)? {
        author.append(&workload::asked(command, author.time))?;
    }
    for state in [SessionState::Up, SessionState::Ready] {
        author.append(&Input::Session(SessionChange { session: SESSION, state, unresolved: 0 }))?;
    }
    let mut orders = Orders::over(size.accounts);
    loop {
        let last = life(&mut author, &mut orders, incarnation)?;
        if last >= size.records {
            break;
        }
    }
    author.writer.close()?;
    Ok(())
}

/// An order from its command to its end: four records.
fn life(author: &mut Author, orders: &mut Orders, incarnation: model::Incarnation) -> Result<u64, PerfError> {
    let order = orders.next();
    let command = Command::NewOrder(order);
    let seq = author.append(&workload::asked(command, author.time))?;
    let position = Position::new(ShardId::new(0), seq);
    let kind = OutboundKind::NewOrderSingle {
        cl_ord_id: WireId::at(position, incarnation),
        account: model::Name::EMPTY,
        symbol: symbol(order.instrument)?,
        side: order.side,
        order_type: order.order_type,
        time_in_force: order.time_in_force,
        quantity: order.quantity,
        limit_price: order.limit_price,
    };
    let message = Outbound { session: SESSION, position, time: author.time, kind };
    author.append(&Input::ExecutionReport(workload::acknowledged(&message)?))?;
    let whole = workload::filled(&message)?;
    author.append(&Input::ExecutionReport(part(&whole)?))?;
    author.append(&Input::ExecutionReport(ExecutionReport { last_quantity: Quantity::from(6), ..whole }))
}

/// Four of the ten, before the rest.
fn part(whole: &ExecutionReport) -> Result<ExecutionReport, PerfError> {
    Ok(ExecutionReport {
        exec_id: ExecId::new(&format!("P{}", whole.msg_seq_num))?,
        exec_type: ExecType::Trade,
        ord_status: OrdStatus::PartiallyFilled,
        last_quantity: Quantity::from(4),
        cum_quantity: Quantity::from(4),
        leaves_quantity: Quantity::from(6),
        ..*whole
    })
}

fn symbol(instrument: InstrumentId) -> Result<Symbol, PerfError> {
    Ok(Symbol::new(&format!("SYM{}", instrument.index))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lives_that_are_written_are_believed_by_the_core() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), Size { accounts: 3, records: 200, tail: 20 }).unwrap();
        let recovered = engine::replay::<Core>(dir.path()).unwrap();
        assert_eq!(recovered.alerts, 0);
        let core = &recovered.core;
        let orders: Vec<_> = core.accounts().flat_map(|account| core.orders(account.definition.id)).collect();
        assert!(orders.len() > 20, "{}", orders.len());
        assert!(orders.iter().all(|order| order.status == OrdStatus::Filled), "{:?}", orders.last());
    }
}
