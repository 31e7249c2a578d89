//! Days of trading through the core alone, on a clock of its own: what is traded settles, what is finished is retired, what
//! is old is forgotten.

use actors::{Core, Outcome, Provision, Stamp};
use model::{
    CancelOrder, CancelReject, CashMove, CashMoveKind, Command, Currency, ExecType, Incarnation, Input,
    Money, OrdStatus, Origin, Outbound, OutboundKind, Position, Quantity, Quote, Reference, Remember,
    ReplaceOrder, SessionChange, SessionState, ShardId, Stamped, Timestamp, WireId,
};

use crate::common::life::{quote, report};
use crate::common::{SESSION, definitions, limit, numbered};

pub(crate) struct Days {
    core: Core,
    outcome: Outcome,
    time: Timestamp,
    seq: u64,
    sent: u32,
    heard: u64,
    /// Says when the core begins and ends to work.
    works: fn(bool),
}

const NANOS_PER_DAY: i64 = 86_400_000_000_000;

impl Days {
    pub(crate) fn new(works: fn(bool)) -> Self {
        let time = Timestamp::from_nanos(1_763_629_323_456_789_000);
        let (core, outcome) = (Core::new(), Outcome::default());
        let mut days = Self { core, outcome, time, seq: 0, sent: 0, heard: 0, works };
        days.take(&Input::Opened {
            incarnation: Incarnation { count: 1 },
            logic_version: actors::LOGIC_VERSION,
            anchor: None,
        });
        for command in definitions() {
            days.command(command);
        }
        for state in [SessionState::Up, SessionState::Ready] {
            days.take(&Input::Session(SessionChange { session: SESSION, state, unresolved: 0 }));
        }
        days
    }

    /// One input a millisecond; memory is made ahead, as beside a shard.
    fn take(&mut self, input: &Input) {
        while let Some(want) = self.core.wants() {
            self.core.provide(Provision::new(want));
        }
        self.seq += 1;
        self.time.nanos += 1_000_000;
        let stamp = Stamp { position: Position::new(ShardId::new(0), self.seq), time: self.time };
        self.outcome.clear();
        (self.works)(true);
        self.core.apply(stamp, input, &mut self.outcome);
        (self.works)(false);
    }

    /// The message that leaves.
    fn command(&mut self, command: Command) -> Option<Outbound> {
        let stamped = Stamped::with(Quote { received: self.time, ..quote(0) });
        self.take(&Input::command(Origin::default(), stamped, command));
        let denied = matches!(self.outcome.events.first(), Some(model::Event::Denied { .. }) | None);
        assert!(!denied, "{:?}", self.outcome.events);
        self.outcome.outbound.first().copied()
    }

    /// So many orders, and the night after them.
    pub(crate) fn day(&mut self, orders: u32) {
        for number in 0..orders {
            self.order(number);
        }
        self.time.nanos = (self.time.nanos / NANOS_PER_DAY + 1) * NANOS_PER_DAY;
        while self.core.next_deadline().is_some_and(|deadline| deadline <= self.time) {
            self.take(&Input::Tick);
        }
    }

    /// For how long the firm remembers identifiers.
    pub(crate) fn remember(&mut self, orders_days: u16, cash_days: u16) {
        self.command(Command::Remember(Remember { orders_days, cash_days }));
    }

    /// So much cash comes in and goes out again, each under a reference of its own.
    pub(crate) fn cash(&mut self, moves: u32) {
        let account = numbered(0).account;
        let money = Money { amount: 1u32.into(), currency: Currency::new("USD").unwrap() };
        for number in 0..moves {
            let kind = if number % 2 == 0 { CashMoveKind::Deposit } else { CashMoveKind::Withdrawal };
            let reference = Reference::new(&format!("M{}", self.seq)).unwrap();
            self.command(Command::MoveCash(CashMove { account, kind, money, reference }));
        }
    }

    /// How many identifiers of retired orders are remembered.
    pub(crate) fn remembered_ids(&self) -> u64 {
        self.core.remembered_ids()
    }

    fn order(&mut self, number: u32) {
        self.sent += 1;
        let order = numbered(self.sent);
        let message = self.command(Command::NewOrder(order)).unwrap();
        let OutboundKind::NewOrderSingle { cl_ord_id, .. } = message.kind else { panic!("{message:?}") };
        self.say(&order, cl_ord_id, None, ExecType::New, Quantity::ZERO);
        let (account, name) = (order.account, order.cl_ord_id);
        let cancel = Command::CancelOrder(CancelOrder { account, order: None, cl_ord_id: name });
        match number % 4 {
            0 => {
                let refused = asked(self.command(cancel));
                self.refuse(refused, cl_ord_id);
                let request = asked(self.command(cancel));
                self.say(&order, request, Some(cl_ord_id), ExecType::Canceled, Quantity::ZERO);
            }
            1 => {
                let replace = ReplaceOrder {
                    account,
                    order: None,
                    cl_ord_id: name,
                    quantity: 20u32.into(),
                    limit_price: order.limit_price,
                };
                let request = asked(self.command(Command::ReplaceOrder(replace)));
                self.say(&order, request, Some(cl_ord_id), ExecType::Replaced, Quantity::ZERO);
                self.say(&order, request, None, ExecType::Trade, 20u32.into());
            }
            2 => self.say(&order, cl_ord_id, None, ExecType::Expired, Quantity::ZERO),
            _ => {
                for cum in [4u32, 10] {
                    self.say(&order, cl_ord_id, None, ExecType::Trade, cum.into());
                }
            }
        }
    }

    fn say(
        &mut self,
        order: &model::NewOrder,
        id: WireId,
        of: Option<WireId>,
        exec_type: ExecType,
        cum: Quantity,
    ) {
        self.heard += 1;
        let ord_status = match exec_type {
            ExecType::Canceled => OrdStatus::Canceled,
            ExecType::Expired => OrdStatus::Expired,
            ExecType::Trade if cum == 4u32.into() => OrdStatus::PartiallyFilled,
            ExecType::Trade => OrdStatus::Filled,
            _ => OrdStatus::New,
        };
        let mut report = report(order, id, self.heard, exec_type, ord_status);
        (report.orig_cl_ord_id, report.cum_quantity) = (of, cum);
        if exec_type == ExecType::Trade {
            let before = if cum == 10u32.into() { 4u32.into() } else { Quantity::ZERO };
            report.last_quantity = cum.minus(before).unwrap();
            report.last_price = limit();
        }
        self.take(&Input::ExecutionReport(report));
        let alerts = self.outcome.events.iter().filter(|event| matches!(event, model::Event::Alert(_)));
        assert_eq!(alerts.count(), 0, "{:?}", self.outcome.events);
    }

    fn refuse(&mut self, request: WireId, order: WireId) {
        self.heard += 1;
        self.take(&Input::CancelReject(CancelReject {
            session: SESSION,
            msg_seq_num: self.heard,
            poss_dup: false,
            cl_ord_id: Some(request),
            orig_cl_ord_id: Some(order),
            ord_status: OrdStatus::New,
            reject_code: 0,
            text: Reference::EMPTY,
        }));
    }
}

/// The identity of a request that leaves.
fn asked(message: Option<Outbound>) -> WireId {
    match message.map(|message| message.kind) {
        Some(
            OutboundKind::OrderCancelRequest { cl_ord_id, .. }
            | OutboundKind::OrderCancelReplaceRequest { cl_ord_id, .. },
        ) => cl_ord_id,
        other => panic!("{other:?}"),
    }
}
