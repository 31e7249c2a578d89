//! What the shard's thread allocates for an order: nothing, but for the growth of the order tables.
//!
//! Every order stays in the state, so its tables must grow. They double, so growth comes ever more rarely: what is
//! shown is that whole stretches of orders allocate nothing, and that what is allocated is no more than tables
//! that double.
#![allow(unsafe_code, reason = "a counting allocator must implement an unsafe trait")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use engine::{Client, Clock, Idle, SessionPort, Shard, ShardConfig, SystemClock};
use model::{
    AccountDefinition, AccountId, AssetClass, BrokerId, CashMove, CashMoveKind, ClOrdId, Command, Currency,
    Event, FeeSchedule, Input, Instrument, InstrumentId, Money, Name, NewOrder, OrderType,
    PortfolioDefinition, PortfolioId, Position, Quote, Reference, SessionChange, SessionDefinition,
    SessionId, SessionState, ShardId, Side, StrategyId, Symbol, TimeInForce, Timestamp,
};

const PATIENCE: Duration = Duration::from_mins(1);
const SESSION: SessionId = SessionId::new(0);

thread_local! {
    static IS_SHARD: Cell<bool> = const { Cell::new(false) };
}
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: hands everything to the system's allocator unchanged. Counting reads a constant-initialised thread-local
// and adds to atomics, none of which allocates. Fails: any test of this program.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(ptr, layout, new_size) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn count(bytes: usize) {
    if IS_SHARD.try_with(Cell::get).unwrap_or(false) {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// Only the shard's thread reads the clock: that is how its allocations are told from those of others.
struct MarkingClock;

impl Clock for MarkingClock {
    fn now(&self) -> Timestamp {
        IS_SHARD.set(true);
        SystemClock.now()
    }
}

struct Rig {
    shard: Shard,
    port: SessionPort,
    client: Client,
    sent: u64,
}

fn rig(dir: &std::path::Path) -> Rig {
    let mut journal = journal::Options::new(dir, ShardId::new(0));
    journal.segment_bytes = 32 * 1024 * 1024;
    let config = ShardConfig { idle: Idle::Yield, ..ShardConfig::new(journal) };
    let shard = Shard::start(&config, MarkingClock).unwrap();
    let (port, client) = (shard.open_session(SESSION).unwrap(), shard.client(1, 64).unwrap());
    let mut rig = Rig { shard, port, client, sent: 0 };
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
    fn trade(&mut self, count: u64) {
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
            assert!(self.port.poll_outbound().is_some(), "a message leaves before its answer");
        }
    }
}

#[test]
fn an_order_allocates_nothing_but_the_growth_of_tables() {
    const WARM_UP: u64 = 5_000;
    const STRETCH: u64 = 500;
    const STRETCHES: u64 = 50;
    let dir = tempfile::tempdir().unwrap();
    let mut rig = rig(dir.path());
    rig.trade(WARM_UP);
    let (mut quiet, mut allocations, mut bytes) = (0, 0, 0);
    for _ in 0..STRETCHES {
        let before = (ALLOCATIONS.load(Ordering::Relaxed), BYTES.load(Ordering::Relaxed));
        rig.trade(STRETCH);
        let grown = ALLOCATIONS.load(Ordering::Relaxed) - before.0;
        quiet += u64::from(grown == 0);
        allocations += grown;
        bytes += BYTES.load(Ordering::Relaxed) - before.1;
    }
    let orders = STRETCHES * STRETCH;
    println!(
        "{orders} orders: {allocations} allocations of {bytes} bytes; {quiet} of {STRETCHES} stretches without"
    );
    assert!(IS_SHARD.try_with(|is| !is.get()).unwrap(), "the test's own thread is not counted");
    // Three tables (orders of the account, identifiers, routes), each a list and an index, double at most three
    // times between 5,000 and 30,000; a segment of the journal that begins sends two jobs to its preparer.
    assert!(allocations <= 3 * 2 * 3 + 4, "{allocations} allocations");
    assert!(quiet >= STRETCHES - 12, "only {quiet} stretches of {STRETCHES} allocated nothing");
    assert!(allocations > 0, "growth must have been seen, or nothing was counted");
    rig.shard.stop().unwrap();
}
