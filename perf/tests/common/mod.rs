//! A shard with one account, and orders pushed through it one at a time.

use std::time::{Duration, Instant};

use engine::{Client, Clock, Idle, SessionOutlet, SessionPort, Shard, ShardConfig};
use model::{
    AccountDefinition, AccountId, AssetClass, BrokerId, CashMove, CashMoveKind, ClOrdId, Command, Currency,
    Event, FeeSchedule, Input, Instrument, InstrumentId, Money, Name, NewOrder, OrderType,
    PortfolioDefinition, PortfolioId, Position, Quote, Reference, SessionChange, SessionDefinition,
    SessionId, SessionState, ShardId, Side, StrategyId, Symbol, TimeInForce, Timestamp,
};

const PATIENCE: Duration = Duration::from_mins(1);
const SESSION: SessionId = SessionId::new(0);

pub(crate) struct Rig {
    pub(crate) shard: Shard,
    port: SessionPort,
    outlet: SessionOutlet,
    client: Client,
    sent: u64,
}

pub(crate) fn rig(dir: &std::path::Path, idle: Idle, clock: impl Clock) -> Rig {
    let mut journal = journal::Options::new(dir, ShardId::new(0));
    journal.segment_bytes = 32 * 1024 * 1024;
    let config = ShardConfig { idle, ..ShardConfig::new(journal) };
    let shard = Shard::start(&config, clock).unwrap();
    let (port, outlet) = shard.open_session(SESSION).unwrap();
    let client = shard.client(1, 64).unwrap();
    let mut rig = Rig { shard, port, outlet, client, sent: 0 };
    for command in definitions() {
        let answer = rig.client.call(command, PATIENCE).unwrap();
        assert!(!matches!(answer.event, Event::Denied { .. }), "{answer:?}");
    }
    let quote = Quote {
        bid: "48.50".parse().unwrap(),
        bid_quantity: 100u32.into(),
        ask: "48.52".parse().unwrap(),
        ask_quantity: 100u32.into(),
        received: Timestamp::default(),
    };
    rig.shard.quotes().send(InstrumentId::new(0), quote).unwrap();
    for state in [SessionState::Up, SessionState::Ready] {
        rig.port.post(Input::Session(SessionChange { session: SESSION, state, unresolved: 0 })).unwrap();
    }
    let (deadline, start) = (Instant::now() + PATIENCE, Position::new(ShardId::new(0), 0));
    let ready = |core: &actors::Core| {
        core.session(SESSION).is_some_and(|session| session.state == SessionState::Ready)
    };
    while !rig.shard.replica().read(start, ready).unwrap() {
        assert!(Instant::now() < deadline, "the session never became ready");
    }
    rig
}

fn definitions() -> Vec<Command> {
    let usd = Currency::new("USD").unwrap();
    let (portfolio, account) = (PortfolioId::new(0), AccountId::new(0));
    let instrument = Instrument {
        id: InstrumentId::new(0),
        symbol: Symbol::new("AIG").unwrap(),
        asset_class: AssetClass::Equity,
        currency: usd,
        tick: "0.01".parse().unwrap(),
        lot: 1u32.into(),
        multiplier: 1u32.into(),
        settlement_days: 2,
    };
    let name = |text| Name::new(text).unwrap();
    let money = Money { amount: 4_000_000_000u32.into(), currency: usd };
    let (kind, reference) = (CashMoveKind::Deposit, Reference::new("opening").unwrap());
    vec![
        Command::DefineSession(SessionDefinition {
            id: SESSION,
            name: name("BROKER"),
            broker: BrokerId::new(0),
        }),
        Command::DefinePortfolio(PortfolioDefinition { id: portfolio, name: name("GROWTH") }),
        Command::DefineInstrument(instrument),
        Command::DefineAccount(AccountDefinition {
            id: account,
            name: name("G-1"),
            portfolio,
            session: SESSION,
            fees: FeeSchedule::FREE,
        }),
        Command::SetLimit {
            actor: model::Actor::Account(account),
            kind: model::LimitKind::MaxQuoteAgeMs,
            currency: None,
            value: Some(86_400_000u32.into()),
        },
        Command::MoveCash(CashMove { account, kind, money, reference }),
    ]
}

impl Rig {
    /// Sends orders one at a time and sees each leave and answered.
    pub(crate) fn trade(&mut self, count: u64) {
        for _ in 0..count {
            self.sent += 1;
            let order = NewOrder {
                account: AccountId::new(0),
                strategy: StrategyId::new(1),
                cl_ord_id: ClOrdId::new(&format!("A{}", self.sent)).unwrap(),
                instrument: InstrumentId::new(0),
                side: Side::Buy,
                order_type: OrderType::Limit,
                time_in_force: TimeInForce::Day,
                quantity: 10u32.into(),
                limit_price: Some("48.51".parse().unwrap()),
                quote: None,
            };
            let answer = self.client.call(Command::NewOrder(order), PATIENCE).unwrap();
            assert!(matches!(answer.event, Event::OrderAccepted { .. }), "{answer:?}");
            assert!(self.outlet.poll().is_some(), "a message leaves before its answer");
        }
    }
}
