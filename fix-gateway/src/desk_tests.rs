//! Any history of logons, logouts, lost messages, restarts and crashes: each order reaches the broker at most once,
//! and in the end core and broker agree on each.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use model::{Name, OrderType, SessionId, ShardId, Side, Symbol, Text, TimeInForce, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::engine::{SentMessage, SentRecord};
use crate::health::DownReason;
use crate::locked::locked;
use crate::port::{DoubtKind, ShardPort};

const SESSION: SessionId = SessionId::new(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Open,
    InDoubt,
    AtBroker,
    Gone,
}

/// As much of the core as a session can see, with inputs and outputs on queues.
#[derive(Default)]
struct Core {
    state: Option<SessionState>,
    orders: BTreeMap<WireId, Fate>,
    inputs: VecDeque<Input>,
    outbound: VecDeque<Outbound>,
    seq: u64,
}

impl Core {
    fn emit(&mut self, kind: OutboundKind) {
        self.seq += 1;
        let position = Position::new(ShardId::new(0), self.seq);
        self.outbound.push_back(Outbound { session: SESSION, position, time: Timestamp::default(), kind });
    }

    fn emit_order(&mut self, cl_ord_id: WireId) {
        self.orders.insert(cl_ord_id, Fate::Open);
        self.emit(OutboundKind::NewOrderSingle {
            cl_ord_id,
            account: Name::EMPTY,
            symbol: Symbol::EMPTY,
            side: Side::Buy,
            order_type: OrderType::Market,
            time_in_force: TimeInForce::Day,
            quantity: 1u32.into(),
            limit_price: None,
        });
    }

    fn doubt_open(&mut self) {
        for fate in self.orders.values_mut().filter(|fate| **fate == Fate::Open) {
            *fate = Fate::InDoubt;
        }
    }

    fn step(&mut self) {
        match self.inputs.pop_front() {
            Some(Input::Session(change)) => self.change(change.state),
            Some(Input::Evidence(evidence)) => self.evidence(evidence.request, evidence.delivery),
            Some(Input::ExecutionReport(report)) => {
                self.orders.insert(report.cl_ord_id.unwrap(), Fate::AtBroker);
            }
            Some(other) => panic!("{other:?}"),
            None => {}
        }
    }

    fn change(&mut self, state: SessionState) {
        let before = self.state.replace(state);
        match state {
            SessionState::Down => self.doubt_open(),
            SessionState::Up => {
                assert!(
                    !matches!(before, Some(SessionState::Up | SessionState::Ready)),
                    "up from {before:?}"
                );
                self.emit(OutboundKind::Sweep);
            }
            // Twice where the sweep of an earlier gateway was still on its way.
            SessionState::Ready => assert_ne!(before, Some(SessionState::Down)),
        }
    }

    /// As the account actor decides: what never left goes out again while the session is up.
    fn evidence(&mut self, request: WireId, delivery: Delivery) {
        let up = matches!(self.state, Some(SessionState::Up | SessionState::Ready));
        match (self.orders[&request], delivery) {
            (Fate::AtBroker | Fate::Gone, _)
            | (_, Delivery::Unanswered | Delivery::Overdue | Delivery::LongOverdue) => {}
            (_, Delivery::NeverSent) if up => self.emit_order(request),
            (_, Delivery::NeverSent) => {
                self.orders.insert(request, Fate::InDoubt);
            }
            (_, Delivery::UnknownToBroker) => {
                self.orders.insert(request, Fate::Gone);
            }
        }
    }
}

/// The engine's record, which outlives the process, and the broker.
#[derive(Default)]
struct World {
    core: Mutex<Core>,
    recorded: Mutex<Vec<WireId>>,
    broker: Mutex<Broker>,
}

#[derive(Default)]
struct Broker {
    up: bool,
    /// On the way to it: `true` for a question.
    wire: VecDeque<(WireId, bool)>,
    received: BTreeMap<WireId, u32>,
    answers: VecDeque<String>,
}

impl Broker {
    fn take_one(&mut self) {
        let Some((id, is_question)) = self.wire.pop_front() else { return };
        if is_question {
            let known = self.received.contains_key(&id);
            let rest = if known { "39=0|14=0|151=1|" } else { "39=8|103=5|14=0|151=0|" };
            self.answers.push_back(format!("35=8|34=1|11={id}|790={id}|37=B|17=S|150=I|54=1|{rest}"));
        } else {
            *self.received.entry(id).or_default() += 1;
            self.answers.push_back(format!("35=8|34=1|11={id}|37=B|17=N|150=0|39=0|54=1|14=0|151=1|"));
        }
    }
}

impl ShardPort for World {
    fn poll_outbound(&self) -> Option<Outbound> {
        locked(&self.core).outbound.pop_front()
    }

    fn post(&self, input: Input) -> Result<(), ShardClosed> {
        locked(&self.core).inputs.push_back(input);
        Ok(())
    }

    fn doubts(&self, _: Position) -> Result<Vec<Doubt>, ShardClosed> {
        let core = locked(&self.core);
        let in_doubt = core.orders.iter().filter(|(_, fate)| **fate == Fate::InDoubt);
        let doubt = |(id, _): (&WireId, _)| Doubt {
            request: *id,
            order: *id,
            kind: DoubtKind::NewOrder,
            symbol: Symbol::EMPTY,
            side: Side::Buy,
            account: Name::EMPTY,
            broker_order_id: Text::EMPTY,
        };
        Ok(in_doubt.map(doubt).collect())
    }

    fn unanswered(&self, at: Position) -> Result<BTreeSet<WireId>, ShardClosed> {
        Ok(self.doubts(at)?.iter().map(|doubt| doubt.request).collect())
    }

    fn acknowledged(&self, _: Position) -> Result<BTreeSet<WireId>, ShardClosed> {
        Ok(BTreeSet::new())
    }

    fn inbound_high_water(&self) -> u64 {
        0
    }
}

impl SentRecord for World {
    fn which_were_sent(&self, wanted: &BTreeSet<WireId>) -> io::Result<BTreeSet<WireId>> {
        Ok(locked(&self.recorded).iter().filter(|id| wanted.contains(id)).copied().collect())
    }

    fn by_seq(&self, _: u64) -> io::Result<Option<SentMessage>> {
        Ok(None)
    }

    fn absence_proves(&self) -> bool {
        true
    }

    fn distrust(&self) -> io::Result<()> {
        Ok(())
    }

    fn trust(&self, _: &BTreeSet<WireId>) -> io::Result<()> {
        Ok(())
    }
}

struct Wire<'a>(&'a World);

impl Link for Wire<'_> {
    fn send(&mut self, draft: &Draft) -> SendOutcome {
        let mut broker = locked(&self.0.broker);
        if !broker.up {
            return SendOutcome::NotSent;
        }
        let (id, is_question) = (draft.request().unwrap(), draft.msg_type() == "H");
        if !is_question {
            locked(&self.0.recorded).push(id);
        }
        broker.wire.push_back((id, is_question));
        SendOutcome::Sent { seq: 1 }
    }
}

#[derive(Clone, Debug)]
enum Step {
    LogOn,
    /// What is on the wire is lost from here on.
    LogOut {
        arrives: usize,
    },
    Order,
    Core,
    Gateway,
    Broker,
    Answer,
    RestartGateway,
    CrashProcess,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => Just(Step::LogOn),
        1 => (0usize..4).prop_map(|arrives| Step::LogOut { arrives }),
        4 => Just(Step::Order),
        8 => Just(Step::Core),
        8 => Just(Step::Gateway),
        5 => Just(Step::Broker),
        5 => Just(Step::Answer),
        1 => Just(Step::RestartGateway),
        1 => Just(Step::CrashProcess),
    ];
    proptest::collection::vec(step, 1..250)
}

struct History {
    world: Arc<World>,
    common: Arc<Common>,
    desk: Desk,
    orders: u64,
}

impl History {
    fn new() -> Self {
        let world = Arc::new(World::default());
        let (common, desk) = gateway(&world);
        Self { world, common, desk, orders: 0 }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::LogOn => self.log_on(),
            Step::LogOut { arrives } => self.log_out(*arrives),
            Step::Order => self.order(),
            Step::Core => locked(&self.world.core).step(),
            Step::Gateway => {
                self.desk.round(&mut Wire(&self.world)).unwrap();
            }
            Step::Broker => locked(&self.world.broker).take_one(),
            Step::Answer => self.answer(),
            Step::RestartGateway => {
                self.log_out(0);
                self.desk.close();
                (self.common, self.desk) = gateway(&self.world);
            }
            Step::CrashProcess => self.crash(),
        }
    }

    fn log_on(&self) {
        let mut broker = locked(&self.world.broker);
        if !broker.up {
            broker.up = true;
            self.common.logged_on();
        }
    }

    fn log_out(&self, arrives: usize) {
        let mut broker = locked(&self.world.broker);
        if !broker.up {
            return;
        }
        for _ in 0..arrives {
            broker.take_one();
        }
        broker.up = false;
        broker.wire.clear();
        // Its answers are kept for the next connection, as FIX asks.
        self.common.logged_out(DownReason::ConnectionLost);
    }

    fn order(&mut self) {
        let mut core = locked(&self.world.core);
        if core.state == Some(SessionState::Ready) {
            self.orders += 1;
            core.emit_order(WireId { seq: self.orders, incarnation: 1, shard: 0 });
        }
    }

    fn answer(&self) {
        let answer = {
            let mut broker = locked(&self.world.broker);
            if broker.up { broker.answers.pop_front() } else { None }
        };
        if let Some(answer) = answer {
            self.common.received(answer.replace('|', "\x01").as_bytes());
        }
    }

    /// What was not journalled is gone, and so is what was on the rings. The broker sends its reports again.
    fn crash(&mut self) {
        self.log_out(1);
        {
            let mut core = locked(&self.world.core);
            let mut broker = locked(&self.world.broker);
            broker.answers.clear();
            core.inputs.clear();
            core.outbound.clear();
            core.state = Some(SessionState::Down);
            core.doubt_open();
        }
        (self.common, self.desk) = gateway(&self.world);
    }

    /// Everything gets its turn until nothing is left to do.
    fn settle(&mut self) {
        self.log_on();
        for _ in 0..2_000 {
            for step in [Step::Gateway, Step::Broker, Step::Answer, Step::Core] {
                self.take(&step);
            }
        }
    }
}

fn gateway(world: &Arc<World>) -> (Arc<Common>, Desk) {
    let name = Name::new("broker-a").unwrap();
    let settings =
        SessionSettings::new(SESSION, name, "US", "THEM", ("127.0.0.1", 1), PathBuf::from("unused"));
    let port: Arc<dyn crate::port::ShardPort> = Arc::<World>::clone(world);
    let common = Arc::new(Common::new(SESSION, "broker-a".to_owned(), port, Arc::<World>::clone(world)));
    (Arc::clone(&common), Desk::new(common, settings))
}

/// A session that is ready, by a clock that the test turns.
fn by_a_clock() -> (History, Arc<Mutex<Instant>>) {
    let mut history = History::new();
    let clock = Arc::new(Mutex::new(Instant::now()));
    let (settings, turned) = (history.desk.settings.clone(), Arc::clone(&clock));
    history.desk =
        Desk::with_clock(Arc::clone(&history.common), settings, Arc::new(move || *locked(&turned)));
    history.settle();
    (history, clock)
}

fn evidence(history: &History) -> Vec<(WireId, Delivery)> {
    let inputs = &mut locked(&history.world.core).inputs;
    let evidence = |input| match input {
        Input::Evidence(evidence) => (evidence.request, evidence.delivery),
        other => panic!("{other:?}"),
    };
    inputs.drain(..).map(evidence).collect()
}

#[test]
fn what_the_broker_does_not_answer_is_told_while_the_session_is_up() {
    let (mut history, clock) = by_a_clock();
    history.order();
    history.take(&Step::Gateway);
    locked(&history.world.broker).wire.clear();
    let id = WireId { seq: 1, incarnation: 1, shard: 0 };
    let mut told = Vec::new();
    for _ in 0..30 {
        history.take(&Step::Gateway);
        told.push(evidence(&history));
        *locked(&clock) += Duration::from_secs(1);
    }
    let expected = [(5, Delivery::Overdue), (10, Delivery::Overdue), (20, Delivery::LongOverdue)];
    for (second, delivery) in expected {
        assert_eq!(told[second], [(id, delivery)], "{second} s");
    }
    assert_eq!(told.iter().flatten().count(), expected.len());
}

#[test]
fn what_is_answered_or_left_to_the_sweep_is_not_told() {
    for is_answered in [true, false] {
        let (mut history, clock) = by_a_clock();
        history.order();
        history.take(&Step::Gateway);
        if is_answered {
            history.take(&Step::Broker);
            history.take(&Step::Answer);
        } else {
            history.log_out(0);
        }
        *locked(&clock) += Duration::from_mins(1);
        history.take(&Step::Gateway);
        let is_evidence = |input: &Input| matches!(input, Input::Evidence(_));
        assert!(!locked(&history.world.core).inputs.iter().any(is_evidence), "{is_answered}");
    }
}

/// Tending an engine whose session is over hangs up, and keeps the gateway thread for up to a second.
struct HangingUp<'a>(&'a World);

impl Link for HangingUp<'_> {
    fn tend(&mut self) {
        let core = locked(&self.0.core);
        let down =
            |input: &Input| matches!(input, Input::Session(change) if change.state == SessionState::Down);
        assert!(core.inputs.back().is_some_and(down), "the core is not told before: {:?}", core.inputs);
    }

    fn send(&mut self, _: &Draft) -> SendOutcome {
        SendOutcome::NotSent
    }
}

#[test]
fn the_core_learns_of_a_lost_session_before_the_engine_hangs_up() {
    let mut history = History::new();
    history.log_on();
    history.take(&Step::Gateway);
    history.log_out(0);
    history.desk.round(&mut HangingUp(&history.world)).unwrap();
}

proptest! {
    #![proptest_config(crate::seeded(1024))]

    #[test]
    fn each_order_reaches_the_broker_at_most_once_and_has_a_fate(steps in steps()) {
        let mut history = History::new();
        for step in &steps {
            history.take(step);
            let broker = locked(&history.world.broker);
            prop_assert!(broker.received.values().all(|count| *count == 1), "{:?}", broker.received);
        }
        history.settle();
        let core = locked(&history.world.core);
        let broker = locked(&history.world.broker);
        prop_assert_eq!(core.state, Some(SessionState::Ready));
        for (id, fate) in &core.orders {
            let expected = if broker.received.contains_key(id) { Fate::AtBroker } else { Fate::Gone };
            prop_assert_eq!(*fate, expected, "order {}", id);
        }
        prop_assert!(broker.received.values().all(|count| *count == 1), "{:?}", broker.received);
    }
}
