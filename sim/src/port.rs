//! The session's shard, as the node gives it to its gateway, for a world without threads.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use actors::Core;
use engine::{SessionOutlet, SessionPort, SteppedReplica};
use fix_gateway::{Doubt, ShardClosed, ShardPort};
use model::{
    Delivery, DeliveryEvidence, ExecId, ExecType, ExecutionReport, Input, Outbound, Position, Quantity,
    WireId,
};

use crate::node_port::Port;
use crate::plant::Plant;

/// The node's port; before it reads the read side, it lets it come that far.
pub(crate) struct SimPort {
    port: Port,
    replica: SteppedReplica<Core>,
    plant: Option<Plant>,
    heard: Mutex<BTreeSet<ExecId>>,
    /// What found the shard's ring full. Its thread would wait; here nobody would end the wait, so the gateway does
    /// nothing more until all of this is in the ring.
    waiting: Mutex<VecDeque<Input>>,
    /// What the gateway called never sent since that was looked at.
    never_sent: Mutex<Vec<WireId>>,
}

impl SimPort {
    pub(crate) fn new(
        port: (SessionPort<Core>, SessionOutlet<Outbound>),
        replica: SteppedReplica<Core>,
        plant: Option<Plant>,
    ) -> Self {
        Self {
            port: Port::new(port),
            replica,
            plant,
            heard: Mutex::default(),
            waiting: Mutex::default(),
            never_sent: Mutex::default(),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Input>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the gateway called never sent since this was asked.
    pub(crate) fn called_never_sent(&self) -> Vec<WireId> {
        std::mem::take(&mut *self.never_sent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts into the ring what waits for it; true where the gateway would still stand and wait.
    pub(crate) fn is_held_up(&self) -> bool {
        let mut waiting = self.waiting();
        while self.port.shard.room() > 0 {
            let Some(input) = waiting.pop_front() else { return false };
            if self.port.post(input).is_err() {
                return true;
            }
        }
        !waiting.is_empty()
    }

    /// What a gateway or core without duplicate detection makes of a repeated report.
    fn planted(&self, input: Input) -> Input {
        let Input::ExecutionReport(mut report) = input else { return input };
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if report.exec_type == ExecType::Trade && !heard.insert(report.exec_id) {
            report.exec_id = ExecId::cut(&format!("{}-again", report.exec_id));
        }
        Input::ExecutionReport(report)
    }
}

/// What a core that does not look at counts makes of a report.
fn uncounted(input: Input) -> Input {
    match input {
        Input::ExecutionReport(report) => {
            Input::ExecutionReport(ExecutionReport { cum_quantity: Quantity::ZERO, ..report })
        }
        other => other,
    }
}

impl ShardPort for SimPort {
    fn poll_outbound(&self) -> Option<Outbound> {
        self.port.poll_outbound()
    }

    fn post(&self, input: Input) -> Result<(), ShardClosed> {
        let input = match self.plant {
            Some(Plant::SkippedDedupe) => self.planted(input),
            Some(Plant::UnseenCount) => uncounted(input),
            _ => input,
        };
        if let Input::Evidence(DeliveryEvidence { request, delivery: Delivery::NeverSent, .. }) = &input {
            self.never_sent.lock().unwrap_or_else(PoisonError::into_inner).push(*request);
        }
        let mut waiting = self.waiting();
        if self.port.shard.room() == 0 || !waiting.is_empty() {
            waiting.push_back(input);
            return Ok(());
        }
        self.port.post(input)
    }

    fn doubts(&self, at: Position) -> Result<Vec<Doubt>, ShardClosed> {
        match self.replica.step_to(at) {
            Ok(true) => self.port.doubts(at),
            // What caused the sweep has left, so the read side can see it; else the node is dying.
            Ok(false) | Err(_) => Err(ShardClosed),
        }
    }

    fn unanswered(&self, at: Position) -> Result<BTreeSet<WireId>, ShardClosed> {
        match self.replica.step_to(at) {
            Ok(true) => self.port.unanswered(at),
            Ok(false) | Err(_) => Err(ShardClosed),
        }
    }

    fn acknowledged(&self, at: Position) -> Result<BTreeSet<WireId>, ShardClosed> {
        match self.replica.step_to(at) {
            Ok(true) => self.port.acknowledged(at),
            Ok(false) | Err(_) => Err(ShardClosed),
        }
    }

    fn inbound_high_water(&self) -> u64 {
        self.port.inbound_high_water()
    }
}
