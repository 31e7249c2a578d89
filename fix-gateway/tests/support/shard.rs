//! A shard that notes what is posted, and answers a logon with a sweep like the core.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use fix_gateway::{Doubt, DoubtKind, ShardClosed, ShardPort};
use model::{
    Delivery, ExecType, ExecutionReport, Input, Name, OrderType, Outbound, OutboundKind, Position,
    QuarantineCause, SessionId, SessionState, ShardId, Side, Symbol, Text, TimeInForce, Timestamp, WireId,
};

use super::eventually;

pub const SESSION: SessionId = SessionId::new(1);

#[derive(Default)]
pub struct FakeShard {
    outbound: Mutex<VecDeque<Outbound>>,
    inputs: Mutex<Vec<Input>>,
    doubts: Mutex<Vec<Doubt>>,
    acknowledged: Mutex<BTreeSet<WireId>>,
    seq: AtomicU64,
    high_water: AtomicU64,
    closed: AtomicBool,
    /// Set to panic on the next report: code of ours fails inside a callback.
    pub panics: AtomicBool,
    /// No sweep is sent for a logon: the test sends it.
    pub sweeps_by_hand: AtomicBool,
}

impl ShardPort for FakeShard {
    fn poll_outbound(&self) -> Option<Outbound> {
        self.outbound.lock().unwrap().pop_front()
    }

    fn post(&self, input: Input) -> Result<(), ShardClosed> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(ShardClosed);
        }
        let breaks = matches!(input, Input::ExecutionReport(_)) && self.panics.swap(false, Ordering::SeqCst);
        assert!(!breaks, "the shard's port is broken");
        let is_up = matches!(input, Input::Session(change) if change.state == SessionState::Up);
        self.inputs.lock().unwrap().push(input);
        if is_up && !self.sweeps_by_hand.load(Ordering::SeqCst) {
            self.send(OutboundKind::Sweep);
        }
        Ok(())
    }

    fn doubts(&self, _: Position) -> Result<Vec<Doubt>, ShardClosed> {
        Ok(self.doubts.lock().unwrap().clone())
    }

    fn unanswered(&self, at: Position) -> Result<BTreeSet<WireId>, ShardClosed> {
        Ok(self.doubts(at)?.iter().map(|doubt| doubt.request).collect())
    }

    fn acknowledged(&self, _: Position) -> Result<BTreeSet<WireId>, ShardClosed> {
        Ok(self.acknowledged.lock().unwrap().clone())
    }

    fn inbound_high_water(&self) -> u64 {
        self.high_water.load(Ordering::SeqCst)
    }
}

impl FakeShard {
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    pub fn with_doubts(doubts: &[Doubt]) -> Arc<Self> {
        let shard = Self::new();
        *shard.doubts.lock().unwrap() = doubts.to_vec();
        shard
    }

    pub fn set_doubts(&self, doubts: &[Doubt]) {
        *self.doubts.lock().unwrap() = doubts.to_vec();
    }

    /// The broker has spoken of these, and their orders are open.
    pub fn set_acknowledged(&self, requests: &[WireId]) {
        *self.acknowledged.lock().unwrap() = requests.iter().copied().collect();
    }

    /// What was noticed about the session itself, and the number it is about.
    pub fn incidents(&self) -> Vec<(QuarantineCause, u64)> {
        let incident = |input: &Input| match input {
            Input::Quarantined(message) if message.cause.is_of_session() => {
                Some((message.cause, message.msg_seq_num))
            }
            _ => None,
        };
        self.inputs().iter().filter_map(incident).collect()
    }

    pub fn set_high_water(&self, seq: u64) {
        self.high_water.store(seq, Ordering::SeqCst);
    }

    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    pub fn send(&self, kind: OutboundKind) {
        let seq = self.seq.fetch_add(1, Ordering::SeqCst) + 1;
        self.outbound.lock().unwrap().push_back(Outbound {
            session: SESSION,
            position: Position::new(ShardId::new(0), seq),
            time: Timestamp::from_nanos(1_763_629_323_456_789_000),
            kind,
        });
    }

    pub fn inputs(&self) -> Vec<Input> {
        self.inputs.lock().unwrap().clone()
    }

    /// Waits for an input that `pick` takes.
    pub fn wait_for<T>(&self, what: &str, mut pick: impl FnMut(&Input) -> Option<T>) -> T {
        eventually(what, || self.inputs.lock().unwrap().iter().find_map(&mut pick))
    }

    pub fn states(&self) -> Vec<(SessionState, u32)> {
        let change = |input: &Input| match input {
            Input::Session(change) => Some((change.state, change.unresolved)),
            _ => None,
        };
        self.inputs().iter().filter_map(change).collect()
    }

    /// Waits until the session became ready `times` times; gives what is still unresolved.
    pub fn wait_ready(&self, times: usize) -> u32 {
        eventually("session ready", || {
            let states = self.states();
            let ready: Vec<_> = states.iter().filter(|(state, _)| *state == SessionState::Ready).collect();
            ready.get(times - 1).map(|(_, unresolved)| *unresolved)
        })
    }

    pub fn wait_down(&self, times: usize) {
        eventually("session down", || {
            let states = self.states();
            (states.iter().filter(|(state, _)| *state == SessionState::Down).count() >= times).then_some(())
        });
    }

    pub fn reports(&self) -> Vec<ExecutionReport> {
        let report = |input: &Input| match input {
            Input::ExecutionReport(report) => Some(*report),
            _ => None,
        };
        self.inputs().iter().filter_map(report).collect()
    }

    pub fn trades(&self) -> Vec<ExecutionReport> {
        self.reports().into_iter().filter(|report| report.exec_type == ExecType::Trade).collect()
    }

    pub fn evidence(&self) -> Vec<(WireId, Delivery)> {
        let evidence = |input: &Input| match input {
            Input::Evidence(evidence) => Some((evidence.request, evidence.delivery)),
            _ => None,
        };
        self.inputs().iter().filter_map(evidence).collect()
    }
}

pub fn id(seq: u64) -> WireId {
    WireId { seq, incarnation: 1, shard: 0 }
}

pub fn new_order(cl_ord_id: WireId, quantity: u32) -> OutboundKind {
    OutboundKind::NewOrderSingle {
        cl_ord_id,
        account: Name::new("ALPHA").unwrap(),
        symbol: Symbol::new("MSFT").unwrap(),
        side: Side::Buy,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Day,
        quantity: quantity.into(),
        limit_price: Some(33u32.into()),
    }
}

pub fn cancel(cl_ord_id: WireId, orig_cl_ord_id: WireId) -> OutboundKind {
    OutboundKind::OrderCancelRequest {
        cl_ord_id,
        orig_cl_ord_id,
        broker_order_id: Text::EMPTY,
        account: Name::new("ALPHA").unwrap(),
        symbol: Symbol::new("MSFT").unwrap(),
        side: Side::Buy,
        quantity: 100u32.into(),
    }
}

pub fn doubt(request: WireId, order: WireId, kind: DoubtKind) -> Doubt {
    Doubt {
        request,
        order,
        kind,
        symbol: Symbol::new("MSFT").unwrap(),
        side: Side::Buy,
        account: Name::new("ALPHA").unwrap(),
        broker_order_id: Text::EMPTY,
    }
}
