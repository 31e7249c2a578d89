//! Inputs to count with: one session, one portfolio, accounts with every limit set, quoted instruments.

use actors::{Core, Outcome, Stamp};
use model::{
    AccountDefinition, AccountId, Actor, Amount, AssetClass, BrokerId, CashMove, CashMoveKind, ClOrdId,
    Command, Currency, Decimal, ExecId, ExecType, ExecutionReport, FeeSchedule, Input, Instrument,
    InstrumentId, LimitKind, Money, Name, NewOrder, OrdStatus, OrderType, Origin, Outbound, OutboundKind,
    PortfolioDefinition, PortfolioId, Position, Price, Quantity, Quote, Reference, SessionChange,
    SessionDefinition, SessionId, SessionState, ShardId, Side, StrategyId, Symbol, Text, TimeInForce,
    Timestamp,
};

pub(crate) const SESSION: SessionId = SessionId::new(0);
const PORTFOLIO: PortfolioId = PortfolioId::new(0);
const ACCOUNTS: u32 = 16;
pub(crate) const INSTRUMENTS: u32 = 10;
pub(crate) const START_NS: i64 = 1_763_629_323_456_789_000;

pub(crate) const LIMITS: [(LimitKind, i64); 6] = [
    (LimitKind::MaxOrderQuantity, 1_000_000),
    (LimitKind::MaxOrderNotional, 1_000_000_000),
    (LimitKind::PriceBandBps, 500),
    (LimitKind::MaxPosition, 1_000_000_000_000),
    (LimitKind::MaxQuoteAgeMs, 86_400_000),
    (LimitKind::ShortSale, 0),
];

pub(crate) fn price(cents: i64) -> Price {
    Price::new(Decimal::new(cents, 2))
}

pub(crate) fn amount(cents: i64) -> Amount {
    Amount::new(Decimal::new(cents, 2))
}

#[expect(clippy::expect_used, reason = "three capital letters are a currency: a constant")]
fn usd() -> Currency {
    Currency::new("USD").expect("a currency")
}

pub(crate) fn instrument(index: u32) -> Instrument {
    Instrument {
        id: InstrumentId::new(index),
        symbol: Symbol::cut(&format!("SYM{index}")),
        asset_class: AssetClass::Equity,
        currency: usd(),
        tick: price(1),
        lot: 1u32.into(),
        multiplier: 1u32.into(),
        settlement_days: 2,
    }
}

pub(crate) fn fees() -> FeeSchedule {
    FeeSchedule { rate_bps: Amount::new(Decimal::new(15, 1)), per_unit: Amount::new(Decimal::new(5, 3)) }
}

pub(crate) fn quote(received: Timestamp) -> Quote {
    let (bid, ask) = (price(4850), price(4852));
    Quote { bid, bid_quantity: 100u32.into(), ask, ask_quantity: 100u32.into(), received }
}

/// What must be defined before orders pass.
pub(crate) fn definitions() -> Vec<Command> {
    let mut commands = vec![
        Command::DefineSession(SessionDefinition {
            id: SESSION,
            name: Name::cut("BROKER"),
            broker: BrokerId::new(0),
        }),
        Command::DefinePortfolio(PortfolioDefinition { id: PORTFOLIO, name: Name::cut("GROWTH") }),
        Command::SetLimit {
            actor: Actor::Portfolio(PORTFOLIO),
            kind: LimitKind::MaxGrossExposure,
            currency: Some(usd()),
            value: Some(amount(1_000_000_000_000_000_000)),
        },
    ];
    commands.extend((0..INSTRUMENTS).map(|index| Command::DefineInstrument(instrument(index))));
    for index in 0..ACCOUNTS {
        let id = AccountId::new(index);
        let name = Name::cut(&format!("ACC-{index}"));
        commands.push(Command::DefineAccount(AccountDefinition {
            id,
            name,
            portfolio: PORTFOLIO,
            session: SESSION,
            fees: fees(),
        }));
        commands.extend(LIMITS.map(|(kind, value)| Command::SetLimit {
            actor: Actor::Account(id),
            kind,
            currency: None,
            value: Some(amount(value * 100)),
        }));
        let money = Money { amount: amount(100_000_000_000_000), currency: usd() };
        let (kind, reference) = (CashMoveKind::Deposit, Reference::cut("opening"));
        commands.push(Command::MoveCash(CashMove { account: id, kind, money, reference }));
    }
    commands
}

/// The n-th order.
pub(crate) fn order(number: u32, time: Timestamp) -> NewOrder {
    NewOrder {
        account: AccountId::new(number % ACCOUNTS),
        strategy: StrategyId::new(1),
        cl_ord_id: ClOrdId::cut(&format!("P{number:012}")),
        instrument: InstrumentId::new(number % INSTRUMENTS),
        side: Side::Buy,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Day,
        quantity: Quantity::from(10),
        limit_price: Some(price(4851)),
        quote: Some(quote(time)),
    }
}

pub(crate) fn command(command: Command) -> Input {
    Input::Command { origin: Origin { uid: 1000, client: 1 }, command }
}

/// The whole of an order was executed at its limit; `None` for what is no order.
pub(crate) fn fill(message: &Outbound) -> Option<Input> {
    let OutboundKind::NewOrderSingle { cl_ord_id, symbol, side, quantity, limit_price, .. } = message.kind
    else {
        return None;
    };
    Some(Input::ExecutionReport(ExecutionReport {
        session: SESSION,
        msg_seq_num: cl_ord_id.seq,
        poss_dup: false,
        cl_ord_id: Some(cl_ord_id),
        orig_cl_ord_id: None,
        broker_order_id: Text::cut(&format!("B{}", cl_ord_id.seq)),
        exec_id: ExecId::cut(&format!("E{}", cl_ord_id.seq)),
        exec_type: ExecType::Trade,
        ord_status: OrdStatus::Filled,
        symbol,
        side,
        last_quantity: quantity,
        last_price: limit_price.unwrap_or_default(),
        cum_quantity: quantity,
        leaves_quantity: Quantity::ZERO,
        commission: None,
        trade_date: None,
        settlement_date: None,
        reject_code: 0,
        text: Reference::EMPTY,
    }))
}

/// Everything before the first order, as a shard would record it.
pub(crate) fn opening() -> Vec<Input> {
    let opened =
        Input::Opened { incarnation: model::Incarnation { count: 1 }, logic_version: actors::LOGIC_VERSION };
    let states = [SessionState::Up, SessionState::Ready]
        .map(|state| Input::Session(SessionChange { session: SESSION, state, unresolved: 0 }));
    std::iter::once(opened).chain(definitions().into_iter().map(command)).chain(states).collect()
}

/// A core that is fed directly.
pub(crate) struct Feed {
    pub(crate) core: Core,
    pub(crate) outcome: Outcome,
    pub(crate) time: Timestamp,
    seq: u64,
}

impl Feed {
    pub(crate) fn ready() -> Self {
        let time = Timestamp::from_nanos(START_NS);
        let mut feed = Self { core: Core::new(), outcome: Outcome::default(), time, seq: 0 };
        for input in opening() {
            feed.take(&input);
        }
        feed
    }

    /// The next position, one microsecond later.
    pub(crate) fn stamp(&mut self) -> Stamp {
        self.seq += 1;
        self.time = Timestamp::from_nanos(self.time.nanos + 1_000);
        Stamp { position: Position::new(ShardId::new(0), self.seq), time: self.time }
    }

    pub(crate) fn take(&mut self, input: &Input) {
        let stamp = self.stamp();
        self.outcome.clear();
        self.core.apply(stamp, input, &mut self.outcome);
    }
}
