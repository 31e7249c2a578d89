//! The rings into a shard. Reports and cancels have lanes of their own, so that new orders cannot hold them up.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crossbeam::queue::ArrayQueue;
use journal::Doorbell;
use model::{Command, Input, InstrumentId, Origin, Quote};

use crate::answers::Attach;
use crate::error::Refused;

/// A command on its way into the shard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope {
    pub(crate) asked: Asked,
    pub(crate) origin: Origin,
    pub(crate) command: Command,
}

/// Who waits for the answer to a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
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
    attach_sender: flume::Sender<Attach>,
    /// True where somebody came or went since the shard last looked: cheaper to look at than the channel.
    attaching: AtomicBool,
    pub(crate) bell: Doorbell,
    /// Why commands are refused: a set of the bits below, 0 where everything is taken.
    closed: AtomicU8,
}

const STALLED: u8 = 1;
const STOPPING: u8 = 2;
const DIVERGED: u8 = 4;

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
            attaching: AtomicBool::new(false),
            bell: Doorbell::default(),
            closed: AtomicU8::new(0),
        }
    }

    pub(crate) fn intake(&self) -> Intake {
        match self.closed.load(Ordering::Acquire) {
            closed if closed & STOPPING != 0 => Intake::Stopping,
            closed if closed & STALLED != 0 => Intake::Stalled,
            _ => Intake::Open,
        }
    }

    /// Stopping is for good; the others alternate.
    pub(crate) fn set_intake(&self, intake: Intake) {
        match intake {
            Intake::Open => self.closed.fetch_and(!STALLED, Ordering::AcqRel),
            Intake::Stalled => self.closed.fetch_or(STALLED, Ordering::AcqRel),
            Intake::Stopping => self.closed.fetch_or(STOPPING, Ordering::AcqRel),
        };
    }

    /// Tells the shard of a client or session that comes or goes.
    pub(crate) fn attach(&self, attach: Attach) -> Result<(), Refused> {
        self.attach_sender.send(attach).map_err(|_| Refused::Stopped)?;
        self.attaching.store(true, Ordering::Release);
        self.bell.ring();
        Ok(())
    }

    /// True where somebody came or went since this was last asked.
    #[inline]
    pub(crate) fn is_attaching(&self) -> bool {
        self.attaching.load(Ordering::Relaxed) && self.attaching.swap(false, Ordering::Acquire)
    }

    /// No new orders from here on, for good.
    pub(crate) fn set_diverged(&self) {
        self.closed.fetch_or(DIVERGED, Ordering::AcqRel);
    }

    #[inline]
    pub(crate) fn submit(&self, envelope: Envelope, urgent: bool) -> Result<(), Refused> {
        let closed = self.closed.load(Ordering::Acquire);
        if closed != 0 {
            refuse(closed, &envelope.command)?;
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

/// The next entry of a lane. An empty lane is only looked at: to try and take from it costs a fence.
#[inline]
pub(crate) fn next<T>(lane: &ArrayQueue<T>) -> Option<T> {
    if lane.is_empty() { None } else { lane.pop() }
}

/// A shard whose state is in question still takes what lowers risk.
#[cold]
fn refuse(closed: u8, command: &Command) -> Result<(), Refused> {
    if closed & STOPPING != 0 {
        return Err(Refused::Stopped);
    }
    if closed & STALLED != 0 {
        return Err(Refused::JournalStalled);
    }
    if matches!(command, Command::NewOrder(_) | Command::ReplaceOrder(_)) {
        return Err(Refused::Diverged);
    }
    Ok(())
}
