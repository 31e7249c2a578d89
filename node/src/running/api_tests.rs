//! Many clients that list while orders flow: the replica must not stand still for them.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actors::Core;
use engine::{Client as Lane, Idle, SessionOutlet, SessionPort, Shard, ShardConfig, SystemClock};
use model::{
    AccountDefinition, AccountId, Actor, AssetClass, BrokerId, CashMove, CashMoveKind, ClOrdId, Command,
    Event, ExecId, ExecType, ExecutionReport, FeeSchedule, Input, Instrument, InstrumentId, LimitKind, Money,
    Name, NewOrder, OrdStatus, OrderId, OrderType, Outbound, OutboundKind, PortfolioDefinition, PortfolioId,
    Quote, Reference, SessionChange, SessionDefinition, SessionId, SessionState, Side, StrategyId, Symbol,
    Text, TimeInForce,
};
use wire::client::Client;
use wire::{Answer as Said, Filter, PositionRow, Request};

use super::*;
use crate::server::{Admission, ControlPlane, Room};

const ACCOUNTS: u32 = 20;
const INSTRUMENTS: u32 = 50;
const CLIENTS: usize = 20;
const PATIENCE: Duration = Duration::from_mins(2);
const SESSION: SessionId = SessionId::new(0);

/// A shard whose broker is this test.
struct World {
    shard: Shard<Core>,
    lane: Lane<Core>,
    port: SessionPort<Core>,
    outlet: SessionOutlet<Outbound>,
    seq: u64,
}

fn usd() -> model::Currency {
    "USD".parse().unwrap()
}

fn symbol(instrument: u32) -> Symbol {
    Symbol::new(&format!("S{instrument:03}")).unwrap()
}

fn definitions() -> Vec<Command> {
    let portfolio = PortfolioId::new(0);
    let session = SessionDefinition { id: SESSION, name: Name::new("B").unwrap(), broker: BrokerId::new(0) };
    let mut commands = vec![
        Command::DefineSession(session),
        Command::DefinePortfolio(PortfolioDefinition { id: portfolio, name: Name::new("P").unwrap() }),
    ];
    commands.extend((0..INSTRUMENTS).map(|id| {
        Command::DefineInstrument(Instrument {
            id: InstrumentId::new(id),
            symbol: symbol(id),
            asset_class: AssetClass::Equity,
            currency: usd(),
            tick: "0.01".parse().unwrap(),
            lot: 1.into(),
            multiplier: 1.into(),
            settlement_days: 2,
        })
    }));
    for id in (0..ACCOUNTS).map(AccountId::new) {
        commands.push(Command::DefineAccount(AccountDefinition {
            id,
            name: Name::new(&format!("A{:03}", id.index)).unwrap(),
            portfolio,
            session: SESSION,
            fees: FeeSchedule::FREE,
        }));
        commands.push(Command::MoveCash(CashMove {
            account: id,
            kind: CashMoveKind::Deposit,
            money: Money { amount: 1_000_000_000.into(), currency: usd() },
            reference: Reference::new("opening").unwrap(),
        }));
        // A test on a busy machine takes longer than a quote is good for.
        commands.push(Command::SetLimit {
            actor: Actor::Account(id),
            kind: LimitKind::MaxQuoteAgeMs,
            currency: None,
            value: Some(86_400_000.into()),
        });
    }
    commands
}

impl World {
    fn start(folder: &Path) -> Self {
        let mut config = ShardConfig::new(journal::Options::new(folder.join("shard-0"), ShardId::new(0)));
        config.idle = Idle::Park { spins: 100 };
        let shard = Shard::<Core>::start(&config, SystemClock).unwrap();
        let (port, outlet) = shard.open_session(SESSION).unwrap();
        let lane = shard.client(0, 64).unwrap();
        let mut world = Self { shard, lane, port, outlet, seq: 0 };
        for command in definitions() {
            let answer = world.lane.call(command, PATIENCE).unwrap();
            assert!(!matches!(answer.event, Event::Denied { .. }), "{answer:?}");
        }
        for id in (0..INSTRUMENTS).map(InstrumentId::new) {
            let (bid, ask) = ("9.99".parse().unwrap(), "10.01".parse().unwrap());
            let quote =
                Quote { bid, bid_quantity: 100.into(), ask, ask_quantity: 100.into(), ..Quote::default() };
            world.shard.facts().send((id, quote)).unwrap();
        }
        for state in [SessionState::Up, SessionState::Ready] {
            let change = SessionChange { session: SESSION, state, unresolved: 0 };
            world.port.post(Input::Session(change)).unwrap();
        }
        assert!(matches!(world.leaves().kind, OutboundKind::Sweep));
        let ready = |core: &actors::Core| {
            core.session(SESSION).is_some_and(|session| session.state == SessionState::Ready)
        };
        let deadline = Instant::now() + PATIENCE;
        while !world.shard.replica().read(Position::default(), ready).unwrap() {
            assert!(Instant::now() < deadline, "the session is not ready");
        }
        world
    }

    fn leaves(&mut self) -> model::Outbound {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(message) = self.outlet.poll() {
                return message;
            }
            assert!(Instant::now() < deadline, "nothing left the shard");
            std::thread::yield_now();
        }
    }

    /// Buys one unit, and fills it. Gives where the order stands in the journal.
    fn trade(&mut self, account: u32, instrument: u32) -> Position {
        self.seq += 1;
        let order = NewOrder {
            account: AccountId::new(account),
            strategy: StrategyId::default(),
            cl_ord_id: ClOrdId::new(&format!("o{}", self.seq)).unwrap(),
            instrument: InstrumentId::new(instrument),
            side: Side::Buy,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Day,
            quantity: 1.into(),
            limit_price: Some("10".parse().unwrap()),
        };
        let answer = self.lane.call(Command::NewOrder(order), PATIENCE).unwrap();
        let Event::OrderAccepted { order, .. } = answer.event else { panic!("{answer:?}") };
        self.leaves();
        self.port.post(self.fill(order, instrument)).unwrap();
        answer.position
    }

    fn fill(&self, order: OrderId, instrument: u32) -> Input {
        Input::ExecutionReport(ExecutionReport {
            session: SESSION,
            msg_seq_num: self.seq,
            poss_dup: false,
            cl_ord_id: Some(order),
            orig_cl_ord_id: None,
            broker_order_id: Text::new("B").unwrap(),
            exec_id: ExecId::new(&format!("e{}", self.seq)).unwrap(),
            exec_type: ExecType::Trade,
            ord_status: OrdStatus::Filled,
            symbol: symbol(instrument),
            side: Side::Buy,
            last_quantity: 1.into(),
            last_price: "10".parse().unwrap(),
            cum_quantity: 1.into(),
            leaves_quantity: 0.into(),
            commission: None,
            trade_date: None,
            settlement_date: None,
            reject_code: 0,
            text: Reference::EMPTY,
        })
    }
}

/// Every page of positions, and how long each took.
fn list(client: &mut Client, limit: u32) -> (Vec<PositionRow>, Vec<Duration>) {
    let (mut rows, mut took) = (Vec::new(), Vec::new());
    let mut filter = Filter { limit: Some(limit), ..Filter::default() };
    loop {
        let asked = Instant::now();
        let Said::Positions(page) = client.call(&Request::Positions(filter)).unwrap() else { panic!() };
        took.push(asked.elapsed());
        assert!(page.rows.len() <= usize::try_from(limit).unwrap());
        assert_eq!(page.at.len(), 1, "a page is of one instant");
        rows.extend(page.rows);
        filter.after = page.next;
        if filter.after.is_none() {
            return (rows, took);
        }
    }
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() - 1) * percent / 100]
}

#[test]
fn readers_without_number_leave_the_replica_with_its_shard() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::start(folder.path());
    let mut last = Position::default();
    for account in 0..ACCOUNTS {
        for instrument in 0..INSTRUMENTS {
            last = world.trade(account, instrument);
        }
    }
    world.shard.replica().read(last, |_| ()).unwrap();
    let lines = vec![Arc::new(Line::new(&world.shard).unwrap())];
    let names = Arc::new(LiveDirectory::new(&ShardLines(&lines)));
    let api = Arc::new(RunningNode::new(names, None, lines, Sessions::default(), None, SystemClock));
    let socket = folder.path().join("s");
    let room = Room { ordinary: CLIENTS + 1, urgent: 4, waiting: CLIENTS + 1, leaving: 4 };
    let admission = Admission { room, first_request: PATIENCE, access: crate::config::SocketAccess::User };
    let plane = ControlPlane::start(api, &socket, admission, Vec::new()).unwrap();

    let over = AtomicBool::new(false);
    let (mut took, mut lags) = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = Client::connect(&socket).unwrap();
                    client.set_timeout(PATIENCE).unwrap();
                    let (rows, took) = list(&mut client, 200);
                    let listed = rows.iter().map(|row| (row.account, row.symbol));
                    assert!(listed.clone().is_sorted(), "by account and instrument");
                    let every = usize::try_from(ACCOUNTS * INSTRUMENTS).unwrap();
                    assert_eq!(listed.collect::<std::collections::BTreeSet<_>>().len(), every);
                    took
                })
            })
            .collect();
        let flow = scope.spawn(|| {
            let mut lags = Vec::new();
            while !over.load(Ordering::Acquire) {
                let at = world.trade(0, 0);
                let answered = Instant::now();
                world.shard.replica().read(at, |_| ()).unwrap();
                lags.push(answered.elapsed());
            }
            lags
        });
        let took: Vec<Duration> = readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect();
        over.store(true, Ordering::Release);
        (took, flow.join().unwrap())
    });
    plane.stop();
    took.sort_unstable();
    lags.sort_unstable();
    println!(
        "{CLIENTS} clients, {} positions each: a query {:?} at p50, {:?} at p99; the replica behind by {:?} at p50, \
         {:?} at p99, {:?} at most, of {} orders",
        ACCOUNTS * INSTRUMENTS,
        percentile(&took, 50),
        percentile(&took, 99),
        percentile(&lags, 50),
        percentile(&lags, 99),
        lags.last().unwrap(),
        lags.len()
    );
    // Generous: this is a machine with other things to do. A listing under one lock, of 20 clients, takes longer.
    assert!(percentile(&lags, 90) < Duration::from_millis(250), "{lags:?}");
}
