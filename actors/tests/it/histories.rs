//! Random histories: people who ask for anything, a broker that says anything in any order, sessions that come
//! and go.

use model::{
    AccountId, Actor, Backlog, CashMoveKind, ClockAcceptance, ClockFinding, ClockJump, Command, Delivery,
    ExecId, ExecType, ExecutionReport, Incarnation, Input, InstrumentId, LimitKind, MessageReject, NewOrder,
    OrdStatus, OrderType, Price, Quantity, Quote, Reference, RejectLevel, Remember, Scope, SessionState,
    Side, TimeInForce, Timestamp, WireId,
};
use proptest::prelude::*;

use crate::world::{ALPHA, BETA, EURO, FUND, OTHER_SESSION, SESSION, World, eur, usd};

/// One thing that happens. `usize` picks among what there is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Order { account: u32, instrument: u32, buy: bool, market: bool, lots: i64, offset: i64 },
    Cancel(usize),
    Replace { order: usize, lots: i64, offset: i64 },
    Cash { account: u32, euros: bool, deposit: bool, cents: i64 },
    Report { id: usize, exec_type: usize, ord_status: usize, spoil: u8 },
    Fill { id: usize, lots: i64, offset: i64, spoil: u8 },
    Again(usize),
    Refuse { id: usize, message: bool },
    Session(u8),
    Opened,
    Evidence { id: usize, delivery: u8 },
    Mark { instrument: u32, offset: i64 },
    Tick { hours: i64 },
    Halt(bool),
    Backlog(bool),
    Wait { seconds: i64 },
    Clock { hours: i64, back: bool },
    AcceptClock { newest: bool },
    Reuse { order: usize, other: bool },
    Remember { days: u16 },
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let pick = any::<usize>;
    prop_oneof![
        12 => (1u32..3, 1u32..3, any::<bool>(), prop::bool::weighted(0.2), 0i64..300, -50i64..50).prop_map(
            |(account, instrument, buy, market, lots, offset)| Step::Order {
                account, instrument, buy, market, lots, offset
            }
        ),
        4 => pick().prop_map(Step::Cancel),
        5 => (pick(), 0i64..400, -50i64..50)
            .prop_map(|(order, lots, offset)| Step::Replace { order, lots, offset }),
        2 => (1u32..3, any::<bool>(), any::<bool>(), 0i64..9_000_000)
            .prop_map(|(account, euros, deposit, cents)| Step::Cash { account, euros, deposit, cents }),
        14 => (pick(), prop_oneof![2 => Just(0usize), 2 => Just(3), 1 => 0usize..17], 0usize..13, any::<u8>())
            .prop_map(|(id, exec_type, ord_status, spoil)| Step::Report { id, exec_type, ord_status, spoil }),
        16 => (pick(), 1i64..300, -30i64..30, any::<u8>())
            .prop_map(|(id, lots, offset, spoil)| Step::Fill { id, lots, offset, spoil }),
        5 => pick().prop_map(Step::Again),
        3 => (pick(), any::<bool>()).prop_map(|(id, message)| Step::Refuse { id, message }),
        5 => (0u8..6).prop_map(Step::Session),
        1 => Just(Step::Opened),
        6 => (pick(), 0u8..5).prop_map(|(id, delivery)| Step::Evidence { id, delivery }),
        3 => (1u32..3, -200i64..200).prop_map(|(instrument, offset)| Step::Mark { instrument, offset }),
        3 => (0i64..50).prop_map(|hours| Step::Tick { hours }),
        1 => any::<bool>().prop_map(Step::Halt),
        2 => prop::bool::weighted(0.2).prop_map(Step::Backlog),
        1 => (0i64..10).prop_map(|seconds| Step::Wait { seconds }),
        1 => (-60i64..60, any::<bool>()).prop_map(|(hours, back)| Step::Clock { hours, back }),
        3 => (pick(), any::<bool>()).prop_map(|(order, other)| Step::Reuse { order, other }),
        1 => (0u16..6).prop_map(|days| Step::Remember { days }),
        3 => prop::bool::weighted(0.8).prop_map(|newest| Step::AcceptClock { newest }),
    ]
}

pub(crate) fn history(longest: usize) -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 1..longest)
}

/// A world with limits, and what was sent and said in it.
pub(crate) struct Player {
    pub(crate) world: World,
    sent: Vec<WireId>,
    said: Vec<ExecutionReport>,
    submitted: Vec<NewOrder>,
    count: u32,
    incarnation: u32,
}

impl Player {
    pub(crate) fn new() -> Self {
        let mut world = World::ready();
        world.limit(Actor::Account(ALPHA), LimitKind::MaxPosition, "400");
        world.limit(Actor::Account(BETA), LimitKind::ShortSale, "1");
        world.limit(Actor::Portfolio(FUND), LimitKind::MaxGrossExposure, "60000");
        Self { world, sent: Vec::new(), said: Vec::new(), submitted: Vec::new(), count: 0, incarnation: 1 }
    }

    /// Turns a step into the inputs it stands for. What is picked where nothing is there gives none.
    pub(crate) fn play(&mut self, step: Step) -> Option<Input> {
        self.count += 1;
        Some(match step {
            Step::Order { account, instrument, buy, market, lots, offset } => {
                let order = self.order(account, instrument, buy, market, lots, offset);
                self.submitted.push(order);
                self.command(Command::NewOrder(order))
            }
            Step::Cancel(order) => self.command(self.world.cancel_command(self.order_at(order)?)),
            Step::Replace { order, lots, offset } => {
                self.command(self.replace(self.order_at(order)?, lots, offset))
            }
            Step::Cash { account, euros, deposit, cents } => {
                let kind = if deposit { CashMoveKind::Deposit } else { CashMoveKind::Withdrawal };
                let currency = if euros { eur() } else { usd() };
                let money =
                    model::Money { amount: model::Amount::new(model::Decimal::new(cents, 2)), currency };
                let reference = Reference::new(&format!("m{}", self.count / 2)).unwrap();
                let account = AccountId::new(account);
                self.command(Command::MoveCash(model::CashMove { account, kind, money, reference }))
            }
            Step::Report { id, exec_type, ord_status, spoil } => {
                let report = self.report(id, ExecType::ALL[exec_type])?;
                let report = ExecutionReport { ord_status: OrdStatus::ALL[ord_status], ..report };
                self.say(spoiled(report, spoil))
            }
            Step::Fill { id, lots, offset, spoil } => {
                let report = self.fill(id, lots, offset)?;
                self.say(spoiled(report, spoil))
            }
            Step::Again(index) => Input::ExecutionReport(*pick(&self.said, index)?),
            Step::Refuse { id, message } => refusal(*pick(&self.sent, id)?, message),
            Step::Session(state) => Input::Session(model::SessionChange {
                session: SESSION,
                state: match state {
                    0 => SessionState::Down,
                    1 => SessionState::Up,
                    _ => SessionState::Ready,
                },
                unresolved: 0,
            }),
            Step::Opened => {
                self.incarnation += 1;
                let incarnation = Incarnation { count: self.incarnation };
                Input::Opened { incarnation, logic_version: actors::LOGIC_VERSION, anchor: None }
            }
            Step::Evidence { id, delivery } => {
                let delivery = [
                    Delivery::NeverSent,
                    Delivery::UnknownToBroker,
                    Delivery::Unanswered,
                    Delivery::Overdue,
                    Delivery::LongOverdue,
                ][usize::from(delivery)];
                let request = *pick(&self.sent, id)?;
                Input::Evidence(model::DeliveryEvidence { session: SESSION, request, delivery })
            }
            Step::Mark { instrument, offset } => {
                let (bid, ask) = (near(offset), near(offset + 2));
                Input::Mark {
                    instrument: InstrumentId::new(instrument),
                    quote: Quote { bid, ask, ..Quote::default() },
                }
            }
            Step::Tick { hours } => {
                self.world.wait_seconds(hours * 3600);
                Input::Tick
            }
            Step::Halt(true) => self.command(Command::Halt(Scope::Firm)),
            Step::Halt(false) => self.command(Command::Resume(Scope::Firm)),
            Step::Backlog(is_there) => {
                self.world.backlog = is_there.then_some(Backlog { waiting: 12, most: 12 });
                return None;
            }
            Step::Reuse { order, other } => {
                let mut order = *pick(&self.submitted, order)?;
                if other {
                    order.quantity = quantity(order.instrument, 7);
                }
                self.command(Command::NewOrder(order))
            }
            Step::Remember { days } => {
                self.command(Command::Remember(Remember { orders_days: days, cash_days: 30 }))
            }
            Step::Clock { hours, back } => {
                let due = Timestamp::from_nanos(self.world.now);
                let shown = Timestamp::from_nanos(self.world.now + hours * 3_600_000_000_000);
                let finding = if back { ClockFinding::Returned } else { ClockFinding::Jumped };
                Input::ClockJumped(ClockJump { finding, due, shown })
            }
            Step::AcceptClock { newest } => {
                let mut found = self.world.core.clock().suspicion()?.found;
                found.seq -= u64::from(!newest);
                self.command(Command::AcceptClock(ClockAcceptance { found }))
            }
            Step::Wait { seconds } => {
                self.world.wait_seconds(seconds);
                return None;
            }
        })
    }

    /// Remembers the ids that the answer made.
    pub(crate) fn note(&mut self) {
        match self.world.last.events.first() {
            Some(model::Event::OrderAccepted { order, .. }) => self.sent.push(*order),
            Some(model::Event::RequestAccepted { request, .. }) => self.sent.push(*request),
            _ => {}
        }
    }

    fn command(&self, command: Command) -> Input {
        Input::command(model::Origin::default(), self.world.stamped(&command), command)
    }

    fn order(
        &self,
        account: u32,
        instrument: u32,
        buy: bool,
        market: bool,
        lots: i64,
        offset: i64,
    ) -> NewOrder {
        let side = if buy { Side::Buy } else { Side::Sell };
        let instrument = InstrumentId::new(instrument);
        NewOrder {
            account: AccountId::new(account),
            instrument,
            quantity: quantity(instrument, lots),
            order_type: if market { OrderType::Market } else { OrderType::Limit },
            limit_price: (!market).then(|| near(offset)),
            time_in_force: TimeInForce::ALL[usize::try_from(lots % 4).unwrap()],
            ..self.world.order(&format!("o{}", self.count), side, 1, "10")
        }
    }

    fn replace(&self, id: WireId, lots: i64, offset: i64) -> Command {
        let order = self.world.at(id);
        let Command::ReplaceOrder(replace) = self.world.replace_command(id, 1, "10") else { unreachable!() };
        Command::ReplaceOrder(model::ReplaceOrder {
            quantity: quantity(order.instrument, lots),
            limit_price: order.limit_price.map(|_| near(offset)),
            ..replace
        })
    }

    fn order_at(&self, index: usize) -> Option<WireId> {
        Some(self.world.core.order(*pick(&self.sent, index)?)?.id)
    }

    fn report(&mut self, id: usize, exec_type: ExecType) -> Option<ExecutionReport> {
        let named = *pick(&self.sent, id)?;
        // Retired orders are spoken of again by `Step::Again`.
        let order = self.world.core.order(named)?.id;
        let report = self.world.said(order, exec_type);
        Some(ExecutionReport { cl_ord_id: Some(named), orig_cl_ord_id: Some(order), ..report })
    }

    fn fill(&mut self, id: usize, lots: i64, offset: i64) -> Option<ExecutionReport> {
        let report = self.report(id, ExecType::Trade)?;
        let order = self.world.at(report.cl_ord_id?);
        // Mostly within what is open.
        let open = order.quantity.minus(order.cum_quantity).unwrap();
        let asked = quantity(order.instrument, lots);
        let last_quantity = if lots % 8 > 0 && open.is_positive() { asked.at_most(open) } else { asked };
        let cum_quantity = report.cum_quantity.plus(last_quantity).unwrap();
        Some(ExecutionReport { last_quantity, last_price: near(offset), cum_quantity, ..report })
    }

    fn say(&mut self, report: ExecutionReport) -> Input {
        self.said.push(report);
        Input::ExecutionReport(report)
    }
}

fn pick<T>(among: &[T], index: usize) -> Option<&T> {
    among.get(index.checked_rem(among.len())?)
}

/// 10, and this many ticks of 0.01 more.
fn near(offset: i64) -> Price {
    Price::new(model::Decimal::new(1_000 + offset, 2))
}

fn quantity(instrument: InstrumentId, lots: i64) -> Quantity {
    Quantity::new(model::Decimal::new(lots, if instrument == EURO { 2 } else { 0 }))
}

fn refusal(refused: WireId, message: bool) -> Input {
    let (session, msg_seq_num, text) = (SESSION, 1, Reference::EMPTY);
    if message {
        let (level, refused) = (RejectLevel::Session, Some(refused));
        let reject =
            MessageReject { session, msg_seq_num, poss_dup: false, level, refused, reject_code: 1, text };
        return Input::MessageReject(reject);
    }
    Input::CancelReject(model::CancelReject {
        session,
        msg_seq_num,
        poss_dup: false,
        cl_ord_id: Some(refused),
        orig_cl_ord_id: None,
        ord_status: OrdStatus::New,
        reject_code: 1,
        text,
    })
}

/// One report in five is wrong in some way.
fn spoiled(mut report: ExecutionReport, spoil: u8) -> ExecutionReport {
    match spoil {
        0..4 => report.cl_ord_id = None,
        4..8 => (report.cl_ord_id, report.orig_cl_ord_id) = (None, None),
        8..12 => report.side = report.side.opposite(),
        12..14 => report.symbol = model::Symbol::EMPTY,
        14..18 => report.exec_id = ExecId::EMPTY,
        18..22 => report.exec_id = ExecId::new("E1").unwrap(),
        22..26 => report.last_quantity = report.last_quantity.negated(),
        26..28 => report.last_price = report.last_price.negated(),
        28..32 => report.session = OTHER_SESSION,
        // Somebody has executed more than is told, or less.
        32..48 => {
            report.cum_quantity = report.cum_quantity.plus(Quantity::from(u32::from(spoil) - 31)).unwrap();
        }
        48..52 => report.cum_quantity = Quantity::ZERO,
        _ => {}
    }
    report
}
