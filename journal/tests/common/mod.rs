//! What the tests share.
#![allow(dead_code, unreachable_pub, reason = "each test program uses its part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may fail")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use journal::{Durability, JournalError, Opened, Options, Reader, Record, RecordBody};
use model::{
    AccountId, CancelOrder, CashMove, CashMoveKind, ClOrdId, Command, Currency, Incarnation, Input,
    InstrumentId, Money, NewOrder, OrderType, Origin, QuarantineCause, QuarantinedMessage, Quote, Reference,
    SessionId, ShardId, Side, StrategyId, TimeInForce, Timestamp,
};

/// The shard of the test journals.
pub const SHARD: ShardId = ShardId::new(3);

/// A small journal's options.
pub fn options(dir: &Path, durability: Durability) -> Options {
    Options { segment_bytes: Options::MIN_SEGMENT_BYTES, durability, ..Options::new(dir, SHARD) }
}

/// Opens a small journal that must open.
pub fn open(dir: &Path, durability: Durability) -> Opened {
    journal::open(&options(dir, durability)).expect("the journal opens")
}

/// A stamp that tells the record's number.
pub fn time(n: u64) -> Timestamp {
    Timestamp::from_nanos(1_000_000_000 + i64::try_from(n).unwrap())
}

/// A different input for each number, of every size and kind in turn.
pub fn input(n: u64) -> Input {
    let account = AccountId::new(u32::try_from(n % 1_000_000).unwrap());
    let quote = Quote { bid: "99.98".parse().unwrap(), ask: "100.02".parse().unwrap(), ..Quote::default() };
    let command = |command| Input::Command { origin: Origin { uid: 1000, client: 7 }, command };
    match n % 6 {
        0 => Input::Opened { incarnation: Incarnation { count: 9 }, logic_version: account.index },
        1 => command(Command::NewOrder(NewOrder {
            account,
            strategy: StrategyId::new(2),
            cl_ord_id: ClOrdId::new(&format!("order-{n}")).unwrap(),
            instrument: InstrumentId::new(5),
            side: Side::Sell,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::GoodTillCancel,
            quantity: "0.000000000000000001".parse().unwrap(),
            limit_price: Some("100.01".parse().unwrap()),
            quote: Some(quote),
        })),
        2 => command(Command::CancelOrder(CancelOrder { account, order: None, cl_ord_id: ClOrdId::EMPTY })),
        3 => command(Command::MoveCash(CashMove {
            account,
            kind: CashMoveKind::Deposit,
            money: Money { amount: "1000000.50".parse().unwrap(), currency: Currency::new("USD").unwrap() },
            reference: Reference::cut("initial cash"),
        })),
        4 => Input::Quarantined(quarantined(usize::try_from(n % 500).unwrap())),
        _ => Input::Tick,
    }
}

/// A raw message of this length.
pub fn quarantined(len: usize) -> QuarantinedMessage {
    QuarantinedMessage {
        session: SessionId::new(1),
        msg_seq_num: 77,
        cause: QuarantineCause::BadField,
        cl_ord_id: None,
        len_bytes: u32::try_from(len).unwrap(),
        raw: (0..len).map(|i| u8::try_from(i % 251).unwrap() + 1).collect(),
    }
}

/// Every record from the start.
pub fn read_all(dir: &Path) -> Result<Vec<Record>, JournalError> {
    let mut reader = Reader::open(dir)?;
    let mut records = Vec::new();
    while let Some(record) = reader.next()? {
        records.push(record);
    }
    Ok(records)
}

/// Records 1 to `count` hold the inputs of their numbers.
pub fn check_inputs(records: &[Record], count: u64) {
    assert_eq!(records.len() as u64, count);
    for (record, seq) in records.iter().zip(1..) {
        assert_eq!((record.position.seq, record.position.shard, record.time), (seq, SHARD, time(seq)));
        assert_eq!(record.body, RecordBody::Input(input(seq)));
    }
}

/// Copies a journal's files, as a backup of a running node does: the control file first, then the segments.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::copy(from.join("control"), to.join("control")).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "segment") {
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

/// Waits until `done`, for at most a minute.
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_mins(1), "waited a minute until {what}");
        std::thread::yield_now();
    }
}
