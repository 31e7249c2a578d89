//! What a journal grows by: hardly anything where nobody trades, and known bytes where somebody does.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use crate::common::{AIG, PATIENCE, Rig, SESSION, buy, config, fill, quote};
use actors::Core;
use engine::{Clock, Idle, Replay, SystemClock, replay, take_snapshot};
use journal::{Reader, Record};
use model::*;
use model::{RecordBody, RecordKind};

/// The time of day, which runs on by a step at each look once it is let go.
#[derive(Clone, Default)]
struct Running {
    ahead_ns: Arc<AtomicI64>,
    step_ns: Arc<AtomicI64>,
}

impl Clock for Running {
    fn now(&self) -> Timestamp {
        let ahead = self.ahead_ns.fetch_add(self.step_ns.load(Ordering::Relaxed), Ordering::Relaxed);
        Timestamp::from_nanos(SystemClock.now().nanos + ahead)
    }
}

impl Running {
    /// Lets so many days pass.
    fn pass(&self, days: i64) {
        const DAY_NS: i64 = 86_400_000_000_000;
        let end = self.ahead_ns.load(Ordering::Relaxed) + days * DAY_NS;
        self.step_ns.store(10_000_000_000, Ordering::Relaxed);
        let deadline = Instant::now() + PATIENCE;
        while self.ahead_ns.load(Ordering::Relaxed) < end {
            assert!(Instant::now() < deadline, "the shard does not look at the clock");
            std::thread::yield_now();
        }
        self.step_ns.store(0, Ordering::Relaxed);
    }
}

fn records(dir: &Path) -> Vec<Record<RecordBody>> {
    let mut reader = Reader::open(dir).unwrap();
    std::iter::from_fn(|| reader.next().unwrap()).collect()
}

fn count(records: &[Record<RecordBody>], kind: RecordKind) -> usize {
    records.iter().filter(|record| record.kind == kind.code()).count()
}

#[test]
fn a_month_without_trading_costs_some_records_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path());
    config.idle = Idle::Spin;
    let clock = Running::default();
    let mut rig = Rig::ready_with(&config, clock.clone());
    let answer = rig.call(Command::NewOrder(buy("held")));
    let Event::OrderAccepted { order, .. } = answer.event else { panic!("{answer:?}") };
    rig.outbound();
    rig.port.post(fill(order, "e", 10, 10, 1)).unwrap();
    rig.until(move |core| {
        core.account(crate::common::ACCOUNT).is_some_and(|account| !account.holding(AIG).position.is_zero())
    });
    let before = records(&config.journal.dir).len();
    // The session is up, the market is closed and its last quote comes again and again; every day nobody trades.
    for _ in 0..30 {
        clock.pass(1);
        rig.shard.facts().send((AIG, quote())).unwrap();
    }
    let month = records(&config.journal.dir).split_off(before);
    let kinds: Vec<RecordKind> =
        month.iter().filter_map(|record| RecordKind::from_code(record.kind)).collect();
    // What was bought settles; then the finished order leaves the memory; a digest behind each.
    assert!(month.len() <= 8, "{kinds:?}");
    assert!(
        kinds.iter().all(|kind| matches!(kind, RecordKind::Tick | RecordKind::Digest | RecordKind::Mark)),
        "{kinds:?}"
    );
    // A session that comes and goes costs its records, each of 48 bytes, and nothing else.
    let before = before + month.len();
    for _ in 0..10 {
        for state in [SessionState::Down, SessionState::Up, SessionState::Ready] {
            rig.port.post(Input::Session(SessionChange { session: SESSION, state, unresolved: 0 })).unwrap();
        }
    }
    drop(rig.client);
    let last = rig.shard.stop().unwrap().position.seq;
    let flaps = records(&config.journal.dir).split_off(before);
    assert_eq!(count(&flaps, RecordKind::Session), 30);
    assert!(
        flaps
            .iter()
            .filter(|record| record.kind == RecordKind::Session.code())
            .all(|record| record.len_bytes == 48)
    );
    assert!(flaps.len() <= 33, "{}", flaps.len());
    // A restart costs two records: that it was opened, and the digest at its end.
    for restarts in 1..=3 {
        engine::Shard::<Core>::start(&config, clock.clone()).unwrap().stop().unwrap();
        assert!(replay::<Core>(&config.journal.dir).unwrap().position.seq <= last + 2 * restarts);
    }
}

#[test]
fn an_order_that_is_accepted_by_the_broker_and_filled_takes_944_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    let mut rig = Rig::ready(&config);
    let mut from = 0;
    let mut orders = Vec::new();
    for index in 0..100u32 {
        let answer = rig.call(Command::NewOrder(buy(&format!("A{index}"))));
        let Event::OrderAccepted { order, .. } = answer.event else { panic!("{answer:?}") };
        from = if index == 0 { answer.position.seq } else { from };
        rig.outbound();
        let Input::ExecutionReport(filled) =
            fill(order, &format!("E{index}"), 10, 10, 2 + 2 * u64::from(index))
        else {
            panic!()
        };
        let acknowledged = ExecutionReport {
            exec_type: ExecType::New,
            ord_status: OrdStatus::New,
            exec_id: ExecId::new(&format!("N{index}")).unwrap(),
            msg_seq_num: 1 + 2 * u64::from(index),
            last_quantity: Quantity::default(),
            cum_quantity: Quantity::default(),
            leaves_quantity: 10u32.into(),
            ..filled
        };
        rig.port.post(Input::ExecutionReport(acknowledged)).unwrap();
        rig.port.post(Input::ExecutionReport(filled)).unwrap();
        orders.push(order);
    }
    drop(rig.client);
    rig.shard.stop().unwrap();
    let traded = records(&config.journal.dir);
    let bytes = |kind: RecordKind| {
        let of_kind =
            traded.iter().filter(|record| record.position.seq >= from && record.kind == kind.code());
        of_kind.map(|record| u64::from(record.len_bytes)).sum::<u64>()
    };
    assert_eq!((bytes(RecordKind::NewOrder), bytes(RecordKind::ExecutionReport)), (100 * 208, 200 * 368));
    assert_eq!(bytes(RecordKind::NewOrder) + bytes(RecordKind::ExecutionReport), 100 * 944);
}

/// A state with so many accounts that hold nothing, as a snapshot.
fn snapshot_bytes(accounts: u32) -> u64 {
    let dir = tempfile::tempdir().unwrap();
    let mut options = journal::Options::new(dir.path(), ShardId::new(0));
    options.segment_bytes = 1024 * 1024;
    let mut writer = journal::open(&options).unwrap().writer;
    let mut append = |command| {
        let input = Input::command(Origin::default(), Stamped::default(), command);
        writer.append(Timestamp::from_nanos(1), &input).unwrap();
    };
    for command in crate::common::definitions() {
        append(command);
    }
    for index in 1..=accounts {
        append(Command::DefineAccount(AccountDefinition {
            id: AccountId::new(index),
            name: Name::new(&format!("N-{index}")).unwrap(),
            portfolio: PortfolioId::new(0),
            session: SESSION,
            fees: FeeSchedule::FREE,
        }));
    }
    writer.close().unwrap();
    let state = Replay::resume(replay::<Core>(dir.path()).unwrap());
    take_snapshot(dir.path(), &state, 1).unwrap().len_bytes
}

#[test]
fn an_account_takes_less_than_half_a_kilobyte_of_a_snapshot() {
    let bytes = (snapshot_bytes(1100) - snapshot_bytes(100)) / 1000;
    eprintln!("{bytes} bytes of a snapshot for each account without orders and positions");
    assert!(bytes < 512, "{bytes}");
}
