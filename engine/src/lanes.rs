//! The rings into a shard that several share. Reports, cancels and halts have lanes of their own, so that new orders, for
//! which each client has its own (`round.rs`), cannot hold them up, nor cancels a halt.

pub(crate) mod attach;
pub(crate) mod peer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crossbeam::queue::ArrayQueue;
use journal::Doorbell;
use machine::{FactOf, Hosted, Urgency};

use attach::Attach;
use peer::PeerWord;

use crate::envelope::Urgent;
use crate::error::Refused;

/// Sizes of the rings into one shard, in entries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capacities {
    /// Of each client's own lane.
    pub(crate) commands: usize,
    pub(crate) urgent: usize,
    pub(crate) reports: usize,
    pub(crate) facts: usize,
}

/// Every way into one shard.
pub(crate) struct Lanes<M: Hosted> {
    /// Entries of a client's own lane: new orders, replaces, cash, definitions.
    pub(crate) commands: usize,
    /// Halts, and their ends: in one lane, so that the last word counts.
    pub(crate) halts: ArrayQueue<Urgent<M::Command>>,
    /// Cancels.
    pub(crate) urgent: ArrayQueue<Urgent<M::Command>>,
    /// What brokers say, and what the gateway finds out.
    pub(crate) reports: ArrayQueue<M::Input>,
    /// What the shard sees beside its journal: quotes.
    pub(crate) facts: ArrayQueue<FactOf<M>>,
    /// What other shards ask, and what they have on record.
    pub(crate) peers: ArrayQueue<PeerWord<M::Command>>,
    /// Clients that come and go.
    pub(crate) attach: flume::Receiver<Attach<M>>,
    attach_sender: flume::Sender<Attach<M>>,
    /// True where somebody came or went since the shard last looked: cheaper to look at than the channel.
    attaching: AtomicBool,
    /// The audit wants the firm halted. No lane can be too full for it, and the audit never waits.
    halt_wanted: AtomicBool,
    /// The shard's. The journal's flusher has it too.
    pub(crate) bell: Arc<Doorbell>,
    /// Why commands are refused: a set of the bits below, 0 where everything is taken.
    closed: AtomicU8,
}

/// Halts that may wait: the shard takes them first, so a few are many.
const HALT_PLACES: usize = 256;

/// Words of other shards that may wait. One that finds no place stays where it is asked, and comes with a later turn.
const PEER_PLACES: usize = 256;

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

impl<M: Hosted> std::fmt::Debug for Lanes<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lanes").field("intake", &self.intake()).finish_non_exhaustive()
    }
}

impl<M: Hosted> Lanes<M> {
    pub(crate) fn new(capacities: Capacities) -> Self {
        let (attach_sender, attach) = flume::unbounded();
        Self {
            commands: capacities.commands.max(1),
            halts: ArrayQueue::new(HALT_PLACES),
            urgent: ArrayQueue::new(capacities.urgent.max(1)),
            reports: ArrayQueue::new(capacities.reports.max(1)),
            facts: ArrayQueue::new(capacities.facts.max(1)),
            peers: ArrayQueue::new(PEER_PLACES),
            attach,
            attach_sender,
            attaching: AtomicBool::new(false),
            halt_wanted: AtomicBool::new(false),
            bell: Arc::default(),
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
    pub(crate) fn attach(&self, attach: Attach<M>) -> Result<(), Refused> {
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

    /// The state is in question: no new orders from here on, for good, and the firm is halted before anything else is taken.
    pub(crate) fn alarm(&self) {
        self.closed.fetch_or(DIVERGED, Ordering::AcqRel);
        self.want_halt();
    }

    /// Whether a command may be handed over now.
    #[inline]
    pub(crate) fn admit(&self, command: &M::Command) -> Result<(), Refused> {
        match self.closed.load(Ordering::Acquire) {
            0 => Ok(()),
            closed => refuse::<M>(closed, command),
        }
    }

    /// Puts a command that may overtake others into the lane for those of its kind.
    pub(crate) fn overtake(&self, urgency: Urgency, urgent: Urgent<M::Command>) -> Result<(), Refused> {
        let lane = if urgency == Urgency::First { &self.halts } else { &self.urgent };
        lane.push(urgent).map_err(|_| Refused::RingFull { capacity: lane.capacity() })
    }

    /// Has the firm halted before anything else is taken.
    fn want_halt(&self) {
        self.halt_wanted.store(true, Ordering::Release);
        self.bell.ring();
    }

    /// True where the firm is to be halted.
    #[inline]
    pub(crate) fn is_halt_wanted(&self) -> bool {
        self.halt_wanted.load(Ordering::Acquire)
    }

    /// The shard halts it now.
    pub(crate) fn take_wanted_halt(&self) {
        self.halt_wanted.store(false, Ordering::Release);
    }

    pub(crate) fn has_commands(&self) -> bool {
        !self.urgent.is_empty() || !self.halts.is_empty() || self.is_halt_wanted()
    }

    /// True where something waits that a shard may have to leave there: for want of space, or of a way out.
    #[inline]
    pub(crate) fn has_inputs(&self) -> bool {
        !self.reports.is_empty() || self.has_commands()
    }

    pub(crate) fn has_work(&self) -> bool {
        self.has_inputs()
            || !self.facts.is_empty()
            || !self.peers.is_empty()
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
fn refuse<M: Hosted>(closed: u8, command: &M::Command) -> Result<(), Refused> {
    if closed & STOPPING != 0 {
        return Err(Refused::Stopped);
    }
    if closed & STALLED != 0 {
        return Err(Refused::JournalStalled);
    }
    if M::raises_risk(command) {
        return Err(Refused::Diverged);
    }
    Ok(())
}
