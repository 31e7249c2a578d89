//! A small trading firm to play scenarios in, and the words to play them with.

use actors::{Core, Holding, LOGIC_VERSION, Order, Outcome, Stamp};
use model::{
    AccountDefinition, AccountId, Actor, AlertKind, Amount, AssetClass, Backlog, BrokerId, CancelOrder,
    CancelReject, CashMove, CashMoveKind, ClOrdId, Command, Currency, Delivery, DeliveryEvidence, DenyReason,
    Event, ExecId, ExecType, ExecutionReport, FeeSchedule, Incarnation, Input, Instrument, InstrumentId,
    LimitKind, Money, Name, NewOrder, OrdStatus, OrderType, Origin, OutboundKind, PortfolioDefinition,
    PortfolioId, Position, Price, Quantity, Quote, Reference, ReplaceOrder, SessionChange, SessionDefinition,
    SessionId, SessionState, ShardId, Side, Stamped, StrategyId, Symbol, Text, TimeInForce, Timestamp,
    WireId,
};

use crate::invariants;

pub(crate) const ALPHA: AccountId = AccountId::new(1);
pub(crate) const BETA: AccountId = AccountId::new(2);
/// USD, multiplier 1, T+1, ticks of 0.01, lots of 1.
pub(crate) const ACME: InstrumentId = InstrumentId::new(1);
/// EUR, multiplier 10, T+2, ticks of 0.005, lots of 0.01.
pub(crate) const EURO: InstrumentId = InstrumentId::new(2);
pub(crate) const FUND: PortfolioId = PortfolioId::new(1);
pub(crate) const SESSION: SessionId = SessionId::new(1);
pub(crate) const OTHER_SESSION: SessionId = SessionId::new(2);
pub(crate) const BROKER: BrokerId = BrokerId::new(1);
/// 2026-11-20, a Friday, 14:00 UTC.
pub(crate) const START_NS: i64 = 1_795_183_200_000_000_000;
pub(crate) const SECOND_NS: i64 = 1_000_000_000;

pub(crate) fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

pub(crate) fn price(text: &str) -> Price {
    text.parse().unwrap()
}

pub(crate) fn units(count: i64) -> Quantity {
    Quantity::new(count.into())
}

pub(crate) fn usd() -> Currency {
    Currency::new("USD").unwrap()
}

pub(crate) fn eur() -> Currency {
    Currency::new("EUR").unwrap()
}

pub(crate) fn instrument(id: InstrumentId) -> Instrument {
    let (symbol, currency, tick, lot, multiplier, settlement_days) = match id {
        ACME => ("ACME", usd(), "0.01", "1", "1", 1),
        _ => ("EURO", eur(), "0.005", "0.01", "10", 2),
    };
    Instrument {
        id,
        symbol: Symbol::new(symbol).unwrap(),
        asset_class: AssetClass::Equity,
        currency,
        tick: price(tick),
        lot: lot.parse().unwrap(),
        multiplier: multiplier.parse().unwrap(),
        settlement_days,
    }
}

pub(crate) fn account(id: AccountId) -> AccountDefinition {
    let name = if id == ALPHA { "ALPHA" } else { "BETA" };
    let fees = if id == ALPHA {
        FeeSchedule::FREE
    } else {
        FeeSchedule { rate_bps: amount("10"), per_unit: amount("0.005") }
    };
    AccountDefinition { id, name: Name::new(name).unwrap(), portfolio: FUND, session: SESSION, fees }
}

/// The core, with a clock and a journal position that only rise.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) core: Core,
    pub(crate) now: i64,
    pub(crate) last: Outcome,
    pub(crate) journal: Vec<(Stamp, Input)>,
    /// The quote stamped into orders, as bid and ask.
    pub(crate) quote: Option<(Price, Price)>,
    /// What is stamped beside orders, replaces and cancels.
    pub(crate) backlog: Option<Backlog>,
    executions: u32,
}

impl World {
    /// Nothing defined.
    pub(crate) fn empty() -> Self {
        Self {
            core: Core::new(),
            now: START_NS,
            last: Outcome::default(),
            journal: Vec::new(),
            quote: Some((price("10"), price("10"))),
            backlog: None,
            executions: 0,
        }
    }

    /// One portfolio, ALPHA (no fees) and BETA (10 bps and 0.005 a unit), each with 100,000 USD and EUR; ready.
    pub(crate) fn ready() -> Self {
        let mut world = Self::empty();
        world.input(Input::Opened {
            incarnation: Incarnation { count: 1 },
            logic_version: LOGIC_VERSION,
            anchor: None,
        });
        world.done(Command::DefineInstrument(instrument(ACME)));
        world.done(Command::DefineInstrument(instrument(EURO)));
        for (id, name, broker) in [(SESSION, "S1", BROKER), (OTHER_SESSION, "S2", BrokerId::new(2))] {
            let name = Name::new(name).unwrap();
            world.done(Command::DefineSession(SessionDefinition { id, name, broker }));
        }
        let fund = PortfolioDefinition { id: FUND, name: Name::new("FUND").unwrap() };
        world.done(Command::DefinePortfolio(fund));
        for id in [ALPHA, BETA] {
            world.done(Command::DefineAccount(account(id)));
            for currency in [usd(), eur()] {
                world.cash(id, CashMoveKind::Deposit, "100000", currency, currency.as_str());
            }
        }
        world.session(SessionState::Up);
        world.session(SessionState::Ready);
        world
    }

    /// Stamps and applies one input, and checks everything that must hold whatever happens.
    pub(crate) fn input(&mut self, input: Input) -> &Outcome {
        self.now += 1000;
        let seq = self.journal.len() as u64 + 1;
        let position = Position::new(ShardId::new(0), seq);
        let stamp = Stamp { position, time: Timestamp::from_nanos(self.now) };
        self.last.clear();
        self.core.apply(stamp, &input, &mut self.last);
        invariants::of_outcome(&input, &self.last);
        self.core.verify().unwrap();
        self.journal.push((stamp, input));
        &self.last
    }

    pub(crate) fn command(&mut self, command: Command) -> Event {
        let input = Input::command(Origin::default(), self.stamped(&command), command);
        self.input(input).events[0]
    }

    pub(crate) fn done(&mut self, command: Command) {
        assert_eq!(self.command(command), Event::Done);
    }

    /// The refusal of a command that must be refused, and change nothing.
    pub(crate) fn refused(&mut self, command: Command) -> DenyReason {
        let before = self.encoded();
        let Event::Denied { denial, .. } = self.command(command) else {
            panic!("not refused: {:?}", self.last)
        };
        assert_eq!(before, self.encoded(), "a refusal changed something");
        assert!(self.last.outbound.is_empty());
        denial.reason
    }

    pub(crate) fn encoded(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.core.encode(&mut bytes).unwrap();
        bytes
    }

    pub(crate) fn wait_seconds(&mut self, seconds: i64) {
        self.now += seconds * SECOND_NS;
    }

    pub(crate) fn session(&mut self, state: SessionState) {
        self.input(Input::Session(SessionChange { session: SESSION, state, unresolved: 0 }));
    }

    pub(crate) fn limit(&mut self, actor: Actor, kind: LimitKind, value: &str) {
        let currency = (kind == LimitKind::MaxGrossExposure).then(usd);
        self.done(Command::SetLimit { actor, kind, currency, value: Some(amount(value)) });
    }

    pub(crate) fn cash(
        &mut self,
        account: AccountId,
        kind: CashMoveKind,
        value: &str,
        currency: Currency,
        reference: &str,
    ) -> Event {
        let money = Money { amount: amount(value), currency };
        let reference = Reference::new(reference).unwrap();
        self.command(Command::MoveCash(CashMove { account, kind, money, reference }))
    }

    /// A limit order of ALPHA's in ACME.
    #[expect(clippy::unused_self, reason = "reads as what the firm does")]
    pub(crate) fn order(&self, cl_ord_id: &str, side: Side, quantity: i64, limit: &str) -> NewOrder {
        NewOrder {
            account: ALPHA,
            strategy: StrategyId::new(0),
            cl_ord_id: ClOrdId::new(cl_ord_id).unwrap(),
            instrument: ACME,
            side,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Day,
            quantity: units(quantity),
            limit_price: Some(price(limit)),
        }
    }

    /// What a shard would stamp beside the command now.
    pub(crate) fn stamped(&self, command: &Command) -> Stamped {
        let is_judged = matches!(command, Command::NewOrder(_) | Command::ReplaceOrder(_));
        let quote = self.quote.filter(|_| is_judged).map(|(bid, ask)| {
            let some = units(1000);
            let received = Timestamp::from_nanos(self.now);
            Quote { bid, bid_quantity: some, ask, ask_quantity: some, received }
        });
        let goes_out = is_judged || matches!(command, Command::CancelOrder(_));
        Stamped { quote, backlog: self.backlog.filter(|_| goes_out) }
    }

    /// Submits an order that must be accepted; gives its identity.
    pub(crate) fn submit(&mut self, order: NewOrder) -> WireId {
        let Event::OrderAccepted { order: id, .. } = self.command(Command::NewOrder(order)) else {
            panic!("denied: {:?}", self.last.events)
        };
        assert!(matches!(self.last.outbound[0].kind, OutboundKind::NewOrderSingle { .. }));
        id
    }

    pub(crate) fn buy(&mut self, cl_ord_id: &str, quantity: i64, limit: &str) -> WireId {
        let order = self.order(cl_ord_id, Side::Buy, quantity, limit);
        self.submit(order)
    }

    /// A buy order that the broker works.
    pub(crate) fn working(&mut self, cl_ord_id: &str, quantity: i64, limit: &str) -> WireId {
        let id = self.buy(cl_ord_id, quantity, limit);
        self.report(id, ExecType::New);
        id
    }

    pub(crate) fn cancel_command(&self, id: WireId) -> Command {
        let account = self.at(id).account;
        Command::CancelOrder(CancelOrder { account, order: Some(id), cl_ord_id: ClOrdId::EMPTY })
    }

    /// Asks to cancel; gives the request.
    pub(crate) fn cancel(&mut self, id: WireId) -> WireId {
        let command = self.cancel_command(id);
        self.requested(command)
    }

    pub(crate) fn replace_command(&self, id: WireId, quantity: i64, limit: &str) -> Command {
        Command::ReplaceOrder(ReplaceOrder {
            account: self.at(id).account,
            order: Some(id),
            cl_ord_id: ClOrdId::EMPTY,
            quantity: units(quantity),
            limit_price: Some(price(limit)),
        })
    }

    /// Asks to replace; gives the request.
    pub(crate) fn replace(&mut self, id: WireId, quantity: i64, limit: &str) -> WireId {
        let command = self.replace_command(id, quantity, limit);
        self.requested(command)
    }

    fn requested(&mut self, command: Command) -> WireId {
        let Event::RequestAccepted { request, .. } = self.command(command) else {
            panic!("denied: {:?}", self.last.events)
        };
        assert_eq!(self.last.outbound.len(), 1);
        request
    }

    /// What a well-behaved broker would say of the order.
    pub(crate) fn said(&mut self, id: WireId, exec_type: ExecType) -> ExecutionReport {
        self.executions += 1;
        let order = self.at(id);
        let ord_status = match exec_type {
            ExecType::Canceled => OrdStatus::Canceled,
            ExecType::Rejected => OrdStatus::Rejected,
            ExecType::Expired => OrdStatus::Expired,
            _ => OrdStatus::New,
        };
        ExecutionReport {
            session: order.session,
            msg_seq_num: self.executions.into(),
            poss_dup: false,
            cl_ord_id: Some(id),
            orig_cl_ord_id: None,
            broker_order_id: Text::EMPTY,
            exec_id: ExecId::new(&format!("E{}", self.executions)).unwrap(),
            exec_type,
            ord_status,
            symbol: self.core.instrument(order.instrument).unwrap().definition.symbol,
            side: order.side,
            last_quantity: Quantity::ZERO,
            last_price: Price::ZERO,
            cum_quantity: order.cum_quantity,
            leaves_quantity: order.leaves_quantity(),
            commission: None,
            trade_date: None,
            settlement_date: None,
            reject_code: 0,
            text: Reference::EMPTY,
        }
    }

    pub(crate) fn execution(&mut self, id: WireId, quantity: i64, at: &str) -> ExecutionReport {
        let report = self.said(id, ExecType::Trade);
        let cum_quantity = report.cum_quantity.plus(units(quantity)).unwrap();
        let (last_quantity, last_price) = (units(quantity), price(at));
        ExecutionReport { last_quantity, last_price, cum_quantity, ..report }
    }

    pub(crate) fn hear(&mut self, report: ExecutionReport) -> Vec<AlertKind> {
        self.input(Input::ExecutionReport(report));
        self.alerts()
    }

    pub(crate) fn report(&mut self, id: WireId, exec_type: ExecType) -> Vec<AlertKind> {
        let report = self.said(id, exec_type);
        self.hear(report)
    }

    pub(crate) fn fill(&mut self, id: WireId, quantity: i64, at: &str) -> Vec<AlertKind> {
        let report = self.execution(id, quantity, at);
        self.hear(report)
    }

    /// The broker refuses a cancel or replace request.
    pub(crate) fn refuse(&mut self, id: WireId, request: WireId) {
        self.input(Input::CancelReject(CancelReject {
            session: SESSION,
            msg_seq_num: 1,
            poss_dup: false,
            cl_ord_id: Some(request),
            orig_cl_ord_id: Some(id),
            ord_status: OrdStatus::New,
            reject_code: 1,
            text: Reference::new("too late").unwrap(),
        }));
    }

    pub(crate) fn evidence(&mut self, request: WireId, delivery: Delivery) {
        self.input(Input::Evidence(DeliveryEvidence { session: SESSION, request, delivery }));
    }

    pub(crate) fn alerts(&self) -> Vec<AlertKind> {
        let kind = |event: &Event| match event {
            Event::Alert(alert) => Some(alert.kind),
            _ => None,
        };
        self.last.events.iter().filter_map(kind).collect()
    }

    /// True where the last input told that the request is over without effect.
    pub(crate) fn told_refused(&self, id: WireId) -> bool {
        let about = |event: &Event| matches!(event, Event::RequestRefused { request, .. } if *request == id);
        self.last.events.iter().filter(|event| about(event)).count() == 1
    }

    pub(crate) fn at(&self, id: WireId) -> Order {
        self.core.order(id).unwrap()
    }

    pub(crate) fn status(&self, id: WireId) -> OrdStatus {
        self.at(id).shown_status()
    }

    pub(crate) fn holding(&self, account: AccountId, instrument: InstrumentId) -> Holding {
        self.core.account(account).unwrap().holding(instrument)
    }

    pub(crate) fn position(&self) -> Quantity {
        self.holding(ALPHA, ACME).position
    }

    /// ALPHA's reserved US dollars.
    pub(crate) fn reserved(&self) -> Amount {
        let ledger = self.core.account(ALPHA).unwrap().ledger();
        ledger.book(actors::Asset::Cash(usd())).unwrap().reserved()
    }

    pub(crate) fn available(&self, account: AccountId, currency: Currency) -> Amount {
        let ledger = self.core.account(account).unwrap().ledger();
        ledger.available(actors::Asset::Cash(currency)).unwrap()
    }
}
