//! What the gateway of one broker session sees of its shard.

use std::sync::Arc;

use machine::{Hosted, Position};

use crate::error::Refused;
use crate::idle::give_way;
use crate::lanes::{Intake, Lanes};
use crate::outlet::Line;
use crate::replica::{Replica, ReplicaError};

/// How often a thread whose ring is full yields before it sleeps between two attempts.
const YIELDS: u32 = 100;

/// Where one session's messages come out. One thread polls: it has this to itself, and takes no lock.
#[derive(Debug)]
pub struct SessionOutlet<T> {
    pub(crate) ring: rtrb::Consumer<Line<T>>,
}

impl<T> SessionOutlet<T> {
    /// The next message for the broker, in order.
    #[inline]
    pub fn poll(&mut self) -> Option<T> {
        self.ring.pop().ok().map(|Line(message)| message)
    }
}

/// What goes into the shard from one session, and what it may read; shared by the session's threads.
#[derive(Debug)]
pub struct SessionPort<M: Hosted> {
    pub(crate) way: u16,
    pub(crate) lanes: Arc<Lanes<M>>,
    pub(crate) replica: Replica<M>,
    pub(crate) inbound_high_water: u64,
}

impl<M: Hosted> SessionPort<M> {
    /// Which session: the number of its way out.
    pub const fn way(&self) -> u16 {
        self.way
    }

    /// Hands an input to the shard and waits while its ring is full: what a broker said is never dropped.
    pub fn post(&self, input: M::Input) -> Result<(), Refused> {
        let mut input = input;
        let mut attempts = 0u32;
        loop {
            if self.lanes.intake() == Intake::Stopping {
                return Err(Refused::Stopped);
            }
            match self.lanes.reports.push(input) {
                Ok(()) => {
                    self.lanes.bell.ring();
                    return Ok(());
                }
                Err(back) => input = back,
            }
            give_way(&mut attempts, YIELDS);
        }
    }

    /// So many inputs can be posted now without waiting.
    pub fn room(&self) -> usize {
        self.lanes.reports.capacity() - self.lanes.reports.len()
    }

    /// Reads the state at or after a position.
    pub fn read<R>(&self, at: Position, read: impl FnOnce(&M) -> R) -> Result<R, ReplicaError> {
        self.replica.read(at, read)
    }

    /// The highest MsgSeqNum that the journal held for this session when the port was opened.
    pub const fn inbound_high_water(&self) -> u64 {
        self.inbound_high_water
    }
}
