//! The rings into a shard. Reports and cancels have lanes of their own, so that new orders cannot hold them up.

use std::sync::atomic::{AtomicU8, Ordering};

use crossbeam::queue::ArrayQueue;
use model::{Command, Input, InstrumentId, Origin, Quote};

use crate::answers::Attach;
use crate::doorbell::Doorbell;
use crate::error::Refused;

/// A command on its way into the shard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope {
    pub(crate) origin: Origin,
    pub(crate) command: Command,
    /// Which client's answer ring.
    pub(crate) client: u32,
    /// The client's number for it.
    pub(crate) ticket: u64,
    /// Monotonic nanoseconds when it was submitted; 0 while nobody traces.
    pub(crate) submitted_ns: u64,
}

/// Sizes of the rings into one shard, in entries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capacities {
    pub(crate) commands: usize,
    pub(crate) urgent: usize,
    pub(crate) reports: usize,
    pub(crate) quotes: usize,
}

/// Every way into one shard.
#[derive(Debug)]
pub(crate) struct Lanes {
    /// New orders, replaces, cash, definitions.
    pub(crate) commands: ArrayQueue<Envelope>,
    /// Cancels and halts.
    pub(crate) urgent: ArrayQueue<Envelope>,
    /// What brokers say, and what the gateway finds out.
    pub(crate) reports: ArrayQueue<Input>,
    pub(crate) quotes: ArrayQueue<(InstrumentId, Quote)>,
    /// Clients that come and go.
    pub(crate) attach: flume::Receiver<Attach>,
    pub(crate) attach_sender: flume::Sender<Attach>,
    pub(crate) bell: Doorbell,
    state: AtomicU8,
}

/// Whether a shard takes inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intake {
    Open,
    Stalled,
    Stopping,
}

impl Lanes {
    pub(crate) fn new(capacities: Capacities) -> Self {
        let (attach_sender, attach) = flume::unbounded();
        Self {
            commands: ArrayQueue::new(capacities.commands.max(1)),
            urgent: ArrayQueue::new(capacities.urgent.max(1)),
            reports: ArrayQueue::new(capacities.reports.max(1)),
            quotes: ArrayQueue::new(capacities.quotes.max(1)),
            attach,
            attach_sender,
            bell: Doorbell::default(),
            state: AtomicU8::new(0),
        }
    }

    pub(crate) fn intake(&self) -> Intake {
        match self.state.load(Ordering::Acquire) {
            0 => Intake::Open,
            1 => Intake::Stalled,
            _ => Intake::Stopping,
        }
    }

    /// Stopping is for good; the others alternate.
    pub(crate) fn set_intake(&self, intake: Intake) {
        let code = match intake {
            Intake::Open => 0,
            Intake::Stalled => 1,
            Intake::Stopping => 2,
        };
        self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, |old| (old != 2).then_some(code)).ok();
    }

    pub(crate) fn submit(&self, envelope: Envelope, urgent: bool) -> Result<(), Refused> {
        match self.intake() {
            Intake::Open => {}
            Intake::Stalled => return Err(Refused::JournalStalled),
            Intake::Stopping => return Err(Refused::Stopped),
        }
        let lane = if urgent { &self.urgent } else { &self.commands };
        lane.push(envelope).map_err(|_| Refused::RingFull { capacity: lane.capacity() })?;
        self.bell.ring();
        Ok(())
    }

    pub(crate) fn has_work(&self) -> bool {
        !self.reports.is_empty()
            || !self.urgent.is_empty()
            || !self.commands.is_empty()
            || !self.quotes.is_empty()
            || !self.attach.is_empty()
            || self.intake() == Intake::Stopping
    }
}
