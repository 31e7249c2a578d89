//! A shard with some accounts, and orders pushed through it one at a time.

use std::time::{Duration, Instant};

use actors::Core;
use engine::{Client, Clock, Idle, SessionOutlet, SessionPort, Shard, ShardConfig};
use model::{
    AccountDefinition, AccountId, AssetClass, BrokerId, CashMove, CashMoveKind, ClOrdId, Command, Currency,
    Event, FeeSchedule, Input, Instrument, InstrumentId, Money, Name, NewOrder, OrderType, Outbound,
    PortfolioDefinition, PortfolioId, Position, Price, Quote, Reference, SessionChange, SessionDefinition,
    SessionId, SessionState, ShardId, Side, StrategyId, Symbol, TimeInForce, Timestamp,
};

pub(crate) mod life;

/// Longer than a disk that others keep busy stands still.
const PATIENCE: Duration = Duration::from_mins(2);
pub(crate) const SESSION: SessionId = SessionId::new(0);
const ACCOUNTS: u32 = 4;
const INSTRUMENTS: u32 = 8;

pub(crate) struct Rig {
    pub(crate) shard: Shard<Core>,
    port: SessionPort<Core>,
    outlet: SessionOutlet<Outbound>,
    client: Client<Core>,
    /// Orders, and messages of the broker.
    sent: u32,
    heard: u64,
}

fn symbol(instrument: InstrumentId) -> Symbol {
    Symbol::new(&format!("SYM{instrument}")).unwrap()
}

/// What every order may cost.
pub(crate) fn limit() -> Price {
    Price::new(model::Decimal::new(4_851, 2))
}

pub(crate) fn rig(dir: &std::path::Path, idle: Idle, clock: impl Clock) -> Rig {
    let mut journal = journal::Options::new(dir, ShardId::new(0));
    journal.segment_bytes = 32 * 1024 * 1024;
    let config = ShardConfig { idle, mark_interval_ms: 1, ..ShardConfig::new(journal) };
    let shard = Shard::<Core>::start(&config, clock).unwrap();
    let (port, outlet) = shard.open_session(SESSION).unwrap();
    let client = shard.client(1, 64).unwrap();
    let mut rig = Rig { shard, port, outlet, client, sent: 0, heard: 0 };
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
    for instrument in 0..INSTRUMENTS {
        rig.shard.facts().send((InstrumentId::new(instrument), quote)).unwrap();
    }
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
    assert!(rig.outlet.poll().is_some(), "the sweep of the session");
    rig
}

pub(crate) fn definitions() -> Vec<Command> {
    let usd = Currency::new("USD").unwrap();
    let portfolio = PortfolioId::new(0);
    let name = |text: &str| Name::new(text).unwrap();
    let money = Money { amount: 4_000_000_000u32.into(), currency: usd };
    let mut commands = vec![
        Command::DefineSession(SessionDefinition {
            id: SESSION,
            name: name("BROKER"),
            broker: BrokerId::new(0),
        }),
        Command::DefinePortfolio(PortfolioDefinition { id: portfolio, name: name("GROWTH") }),
    ];
    commands.extend((0..INSTRUMENTS).map(|index| {
        Command::DefineInstrument(Instrument {
            id: InstrumentId::new(index),
            symbol: symbol(InstrumentId::new(index)),
            asset_class: AssetClass::Equity,
            currency: usd,
            tick: "0.01".parse().unwrap(),
            lot: 1u32.into(),
            multiplier: 1u32.into(),
            settlement_days: 2,
        })
    }));
    for account in (0..ACCOUNTS).map(AccountId::new) {
        let (kind, reference) = (CashMoveKind::Deposit, Reference::new("opening").unwrap());
        commands.extend([
            Command::DefineAccount(AccountDefinition {
                id: account,
                name: name(&format!("G-{account}")),
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
        ]);
    }
    commands
}

/// The order of that number: of one account and instrument after another.
pub(crate) fn numbered(number: u32) -> NewOrder {
    NewOrder {
        account: AccountId::new(number % ACCOUNTS),
        strategy: StrategyId::new(1),
        cl_ord_id: ClOrdId::new(&format!("A{number}")).unwrap(),
        instrument: InstrumentId::new(number / ACCOUNTS % INSTRUMENTS),
        side: Side::Buy,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Day,
        quantity: 10u32.into(),
        limit_price: Some(limit()),
    }
}

impl Rig {
    fn next_order(&mut self) -> NewOrder {
        self.sent += 1;
        numbered(self.sent)
    }

    /// Sends orders one at a time and sees each leave and answered.
    pub(crate) fn trade(&mut self, count: u64) {
        for _ in 0..count {
            let order = self.next_order();
            let answer = self.client.call(Command::NewOrder(order), PATIENCE).unwrap();
            assert!(matches!(answer.event, Event::OrderAccepted { .. }), "{answer:?}");
            assert!(self.outlet.poll().is_some(), "a message leaves before its answer");
        }
    }
}
