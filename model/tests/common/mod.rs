//! What the tests share.
#![allow(dead_code, unreachable_pub, reason = "each test program uses its part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may fail")]

use std::path::Path;

use journal::{Durability, JournalError, Opened, Options, Reader, Record};
use model::{
    AccountDefinition, AccountId, Actor, Aside, AssetClass, BootId, Broken, BrokerDefinition, BrokerId,
    CancelAll, CancelOrder, CancelReject, CashMove, CashMoveKind, CausedBy, ClOrdId, ClockAcceptance,
    ClockAnchor, ClockFinding, ClockJump, Command, Currency, Date, Delivery, DeliveryEvidence, Door,
    ExecType, ExecutionReport, FeeSchedule, Incarnation, Input, Instrument, InstrumentId, Invariant,
    LimitKind, MessageReject, Money, Name, NewOrder, OrdStatus, OrderType, Origin, PortfolioDefinition,
    PortfolioId, Position, QuarantineCause, QuarantinedMessage, Quote, RecordBody, Reference, RejectLevel,
    Remember, ReplaceOrder, Scope, SessionChange, SessionDefinition, SessionId, SessionState, ShardId, Side,
    Stamped, StrategyDefinition, StrategyId, Symbol, Text, TimeInForce, Timestamp, WireId,
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

/// A different input for each number, of every kind in turn.
pub fn input(n: u64) -> Input {
    let account = AccountId::new(u32::try_from(n % 1_000_000).unwrap());
    let session = SessionId::new(1);
    let request = WireId { seq: n, incarnation: 1, shard: SHARD.index };
    match n % 32 {
        0 | 24 => Input::Opened {
            incarnation: Incarnation { count: 9 },
            logic_version: account.index,
            anchor: None,
        },
        25 => Input::Opened {
            incarnation: Incarnation { count: 9 },
            logic_version: account.index,
            anchor: Some(anchor(n)),
        },
        26 => Input::ClockJumped(ClockJump {
            finding: ClockFinding::JumpedWhileDown,
            due: time(n),
            shown: Timestamp::from_nanos(5),
        }),
        27 => Input::ClockAnchored(anchor(n)),
        4 => Input::Quarantined(quarantined(usize::try_from(n % 500).unwrap())),
        5 => Input::Tick,
        20 => Input::AsksTaken { by: ShardId::new(2), cause: caused_by(n) },
        22 => Input::Broken(Broken {
            position: Position::new(SHARD, n),
            invariant: Invariant::BooksBalance,
            text: Reference::cut("invariant 9"),
            aside: Aside::Account(account),
            cause: Some(caused_by(n)),
        }),
        6 => Input::Mark { instrument: InstrumentId::new(5), quote: quote() },
        7 => Input::Session(SessionChange { session, state: SessionState::Ready, unresolved: account.index }),
        8 => Input::Evidence(DeliveryEvidence { session, request, delivery: Delivery::UnknownToBroker }),
        9 => Input::ExecutionReport(report(n, request)),
        10 => Input::CancelReject(CancelReject {
            session,
            msg_seq_num: n,
            poss_dup: true,
            cl_ord_id: Some(request),
            orig_cl_ord_id: None,
            ord_status: OrdStatus::Filled,
            reject_code: 1,
            text: Reference::cut("too late"),
        }),
        11 => Input::MessageReject(MessageReject {
            session,
            msg_seq_num: n,
            poss_dup: false,
            level: RejectLevel::Business,
            refused: Some(request),
            reject_code: 3,
            text: Reference::cut("unsupported message type"),
        }),
        kind => {
            let door = Door::ALL[usize::try_from(n).unwrap() % Door::ALL.len()];
            let origin = Origin { principal: 12, uid: 1000, client: 7, door };
            let command = command(kind, n, account);
            let judged = matches!(command, Command::NewOrder(_) | Command::ReplaceOrder(_));
            Input::command(origin, Stamped { quote: judged.then(quote), backlog: None }, command)
        }
    }
}

fn anchor(n: u64) -> ClockAnchor {
    ClockAnchor {
        boot: BootId { bytes: *b"sixteen bytes ok" },
        since_boot_ns: i64::try_from(n).unwrap(),
        time: time(n),
        ahead_ns: 3,
    }
}

fn caused_by(n: u64) -> CausedBy {
    CausedBy { position: Position::new(SHARD, n), index: 7 }
}

fn quote() -> Quote {
    Quote { bid: "99.98".parse().unwrap(), ask: "100.02".parse().unwrap(), ..Quote::default() }
}

fn command(kind: u64, n: u64, account: AccountId) -> Command {
    let portfolio = PortfolioId::new(4);
    let name = Name::new(&format!("name-{n}")).unwrap();
    let currency = Currency::new("USD").unwrap();
    match kind {
        1 => Command::NewOrder(NewOrder {
            account,
            strategy: StrategyId::new(2),
            cl_ord_id: ClOrdId::new(&format!("order-{n}")).unwrap(),
            instrument: InstrumentId::new(5),
            side: Side::Sell,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::GoodTillCancel,
            quantity: "0.000000000000000001".parse().unwrap(),
            limit_price: Some("100.01".parse().unwrap()),
        }),
        2 => Command::CancelOrder(CancelOrder { account, order: None, cl_ord_id: ClOrdId::EMPTY }),
        3 => Command::MoveCash(CashMove {
            account,
            kind: CashMoveKind::Deposit,
            money: Money { amount: "1000000.50".parse().unwrap(), currency },
            reference: Reference::cut("initial cash"),
        }),
        12 => Command::ReplaceOrder(ReplaceOrder {
            account,
            order: None,
            cl_ord_id: ClOrdId::new(&format!("order-{n}")).unwrap(),
            quantity: "250".parse().unwrap(),
            limit_price: None,
        }),
        13 => Command::Halt(Scope::Strategy(portfolio, StrategyId::new(2))),
        14 => Command::Resume(Scope::Firm),
        15 => Command::SetLimit {
            actor: Actor::Portfolio(portfolio),
            kind: LimitKind::MaxGrossExposure,
            currency: Some(currency),
            value: Some("5000000".parse().unwrap()),
        },
        16 => Command::DefineInstrument(Instrument {
            id: InstrumentId::new(5),
            symbol: Symbol::new("AAPL").unwrap(),
            asset_class: AssetClass::Equity,
            currency,
            tick: "0.01".parse().unwrap(),
            lot: "1".parse().unwrap(),
            multiplier: "1".parse().unwrap(),
            settlement_days: 2,
        }),
        17 => Command::DefinePortfolio(PortfolioDefinition { id: portfolio, name }),
        18 => Command::DefineAccount(AccountDefinition {
            id: account,
            name,
            portfolio,
            session: SessionId::new(1),
            fees: FeeSchedule { rate_bps: "0.5".parse().unwrap(), per_unit: "0.01".parse().unwrap() },
        }),
        21 => Command::CancelAll(CancelAll { scope: Scope::Account(account), shards: 3 }),
        23 => Command::Release(Aside::Account(account)),
        29 => Command::DefineStrategy(StrategyDefinition { portfolio, id: StrategyId::new(4), name }),
        30 => Command::DefineBroker(BrokerDefinition { id: BrokerId::new(1), name }),
        31 => Command::Remember(Remember { orders_days: 30, cash_days: 365 }),
        28 => Command::AcceptClock(ClockAcceptance { found: Position::new(SHARD, n) }),
        _ => Command::DefineSession(SessionDefinition {
            id: SessionId::new(1),
            name,
            broker: BrokerId::new(1),
        }),
    }
}

fn report(n: u64, request: WireId) -> ExecutionReport {
    ExecutionReport {
        session: SessionId::new(1),
        msg_seq_num: n,
        poss_dup: false,
        cl_ord_id: Some(request),
        orig_cl_ord_id: None,
        broker_order_id: Text::cut("broker-17"),
        exec_id: Text::cut("exec-18"),
        exec_type: ExecType::Trade,
        ord_status: OrdStatus::PartiallyFilled,
        symbol: Text::cut("AAPL"),
        side: Side::Buy,
        last_quantity: "100".parse().unwrap(),
        last_price: "99.98".parse().unwrap(),
        cum_quantity: "100".parse().unwrap(),
        leaves_quantity: "200".parse().unwrap(),
        commission: Some("1.25".parse().unwrap()),
        trade_date: Some(Date { days: 15_985 }),
        settlement_date: None,
        reject_code: 0,
        text: Text::EMPTY,
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
pub fn read_all(dir: &Path) -> Result<Vec<Record<RecordBody>>, JournalError> {
    let mut reader = Reader::open(dir)?;
    let mut records = Vec::new();
    while let Some(record) = reader.next()? {
        records.push(record);
    }
    Ok(records)
}

/// Records 1 to `count` hold the inputs of their numbers.
pub fn check_inputs(records: &[Record<RecordBody>], count: u64) {
    assert_eq!(records.len() as u64, count);
    for (record, seq) in records.iter().zip(1..) {
        assert_eq!((record.position.seq, record.position.shard, record.time), (seq, SHARD, time(seq)));
        assert_eq!(record.body, RecordBody::Input(input(seq)));
    }
}
