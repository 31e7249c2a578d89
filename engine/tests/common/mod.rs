//! A small shard for tests: one session, one portfolio, two accounts, two instruments.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code, missing_docs, unreachable_pub)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use actors::Core;
use engine::{Answer, Client, Clock, Idle, SessionOutlet, SessionPort, Shard, ShardConfig, SystemClock};
use model::*;

/// Longer than a disk that others keep busy stands still.
pub const PATIENCE: Duration = Duration::from_mins(2);
pub const SESSION: SessionId = SessionId::new(0);
pub const ACCOUNT: AccountId = AccountId::new(0);
pub const AIG: InstrumentId = InstrumentId::new(0);

pub fn config(dir: &Path) -> ShardConfig {
    let mut journal = journal::Options::new(dir.join("shard-0"), ShardId::new(0));
    journal.segment_bytes = journal::Options::MIN_SEGMENT_BYTES;
    let mut config = ShardConfig::new(journal);
    config.idle = Idle::Yield;
    config
}

pub fn usd() -> Currency {
    Currency::new("USD").unwrap()
}

pub fn definitions() -> Vec<Command> {
    let session =
        SessionDefinition { id: SESSION, name: Name::new("BROKER").unwrap(), broker: BrokerId::new(0) };
    let portfolio = PortfolioDefinition { id: PortfolioId::new(0), name: Name::new("GROWTH").unwrap() };
    let instrument = Instrument {
        id: AIG,
        symbol: Symbol::new("AIG").unwrap(),
        asset_class: AssetClass::Equity,
        currency: usd(),
        tick: "0.01".parse().unwrap(),
        lot: 1u32.into(),
        multiplier: 1u32.into(),
        settlement_days: 2,
    };
    let account = AccountDefinition {
        id: ACCOUNT,
        name: Name::new("G-1").unwrap(),
        portfolio: portfolio.id,
        session: SESSION,
        fees: FeeSchedule::FREE,
    };
    vec![
        Command::DefineSession(session),
        Command::DefinePortfolio(portfolio),
        Command::DefineInstrument(instrument),
        Command::DefineAccount(account),
        Command::MoveCash(CashMove {
            account: ACCOUNT,
            kind: CashMoveKind::Deposit,
            money: Money { amount: 1_000_000_000u32.into(), currency: usd() },
            reference: Reference::new("opening").unwrap(),
        }),
        // A test on a busy machine takes longer than a quote is good for.
        Command::SetLimit {
            actor: Actor::Account(ACCOUNT),
            kind: LimitKind::MaxQuoteAgeMs,
            currency: None,
            value: Some(86_400_000u32.into()),
        },
    ]
}

pub fn quote() -> Quote {
    Quote {
        bid: "48.50".parse().unwrap(),
        bid_quantity: 100u32.into(),
        ask: "48.52".parse().unwrap(),
        ask_quantity: 100u32.into(),
        received: Timestamp::default(),
    }
}

pub fn buy(cl_ord_id: &str) -> NewOrder {
    NewOrder {
        account: ACCOUNT,
        strategy: StrategyId::new(1),
        cl_ord_id: ClOrdId::new(cl_ord_id).unwrap(),
        instrument: AIG,
        side: Side::Buy,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Day,
        quantity: 10u32.into(),
        limit_price: Some("48.51".parse().unwrap()),
    }
}

/// A clock that stands still until it is turned.
#[derive(Clone)]
pub struct Turned(pub Arc<AtomicI64>);

impl Turned {
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_700_000_000_000_000_000)))
    }
}

impl Clock for Turned {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// Started, defined, funded, quoted, and its session ready.
pub struct Rig {
    pub shard: Shard<Core>,
    pub port: SessionPort<Core>,
    pub outlet: SessionOutlet<Outbound>,
    pub client: Client<Core>,
}

impl Rig {
    pub fn start(config: &ShardConfig) -> Self {
        Self::start_with(config, SystemClock)
    }

    pub fn start_with(config: &ShardConfig, clock: impl Clock) -> Self {
        let shard = Shard::<Core>::start(config, clock).unwrap();
        let (port, outlet) = shard.open_session(SESSION).unwrap();
        let client = shard.client(1000, 256).unwrap();
        Self { shard, port, outlet, client }
    }

    pub fn ready(config: &ShardConfig) -> Self {
        Self::ready_with(config, SystemClock)
    }

    pub fn ready_with(config: &ShardConfig, clock: impl Clock) -> Self {
        let mut rig = Self::start_with(config, clock);
        for command in definitions() {
            let answer = rig.call(command);
            assert!(!matches!(answer.event, Event::Denied { .. }), "{answer:?}");
        }
        rig.make_ready();
        rig
    }

    pub fn make_ready(&mut self) {
        self.shard.facts().send((AIG, quote())).unwrap();
        for state in [SessionState::Up, SessionState::Ready] {
            let change = SessionChange { session: SESSION, state, unresolved: 0 };
            self.port.post(Input::Session(change)).unwrap();
        }
        assert!(matches!(self.outbound().kind, OutboundKind::Sweep));
        // The lanes are separate: a command after this one sees the session ready.
        self.until(|core| core.session(SESSION).is_some_and(|session| session.state == SessionState::Ready));
    }

    pub fn call(&mut self, command: Command) -> Answer<Event> {
        self.client.call(command, PATIENCE).unwrap()
    }

    pub fn outbound(&mut self) -> Outbound {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(message) = self.outlet.poll() {
                return message;
            }
            assert!(Instant::now() < deadline, "nothing left the shard");
            std::thread::yield_now();
        }
    }

    pub fn until(&self, holds: impl Fn(&actors::Core) -> bool + Clone + Send + 'static) {
        let deadline = Instant::now() + PATIENCE;
        let start = Position::new(ShardId::new(0), 0);
        while !self.shard.replica().read(start, holds.clone()).unwrap() {
            assert!(Instant::now() < deadline, "it never held");
        }
    }
}

pub fn fill(order: OrderId, exec_id: &str, quantity: u32, cum: u32, seq: u64) -> Input {
    Input::ExecutionReport(ExecutionReport {
        session: SESSION,
        msg_seq_num: seq,
        poss_dup: false,
        cl_ord_id: Some(order),
        orig_cl_ord_id: None,
        broker_order_id: Text::new("B1").unwrap(),
        exec_id: ExecId::new(exec_id).unwrap(),
        exec_type: ExecType::Trade,
        ord_status: OrdStatus::PartiallyFilled,
        symbol: Symbol::new("AIG").unwrap(),
        side: Side::Buy,
        last_quantity: quantity.into(),
        last_price: "48.50".parse().unwrap(),
        cum_quantity: cum.into(),
        leaves_quantity: 0u32.into(),
        commission: None,
        trade_date: None,
        settlement_date: None,
        reject_code: 0,
        text: Reference::EMPTY,
    })
}

/// A day's trading of this program, stopped in order. Time stands still: digests are where they are counted to be, however
/// slow the machine is.
pub fn traded(dir: &Path, orders: u32) -> ShardConfig {
    let config = config(dir);
    let mut rig = Rig::ready_with(&config, Turned::new());
    for index in 0..orders {
        let answer = rig.call(Command::NewOrder(buy(&format!("A{index}"))));
        let Event::OrderAccepted { order, .. } = answer.event else { unreachable!("{answer:?}") };
        rig.outbound();
        rig.port.post(fill(order, &format!("E{index}"), 10, 10, 2 + u64::from(index))).unwrap();
    }
    drop(rig.client);
    rig.shard.stop().unwrap();
    config
}

/// Journals of two shards that ticked at these times, in nanoseconds.
pub fn ticked(folder: &Path, shards: [&[i64]; 2]) {
    for (shard, times) in (0..).zip(shards) {
        let mut options = journal::Options::new(folder.join(format!("shard-{shard}")), ShardId::new(shard));
        options.segment_bytes = journal::Options::MIN_SEGMENT_BYTES;
        let mut writer = journal::open(&options).unwrap().writer;
        for time in times {
            writer.append(Timestamp::from_nanos(*time), &Input::Tick).unwrap();
        }
        writer.close().unwrap();
    }
}
