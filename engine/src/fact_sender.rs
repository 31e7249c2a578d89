//! What comes into a shard beside its journal.

use std::sync::Arc;

use machine::{FactOf, Hosted};

use crate::error::Refused;
use crate::lanes::{Intake, Lanes};

/// The end of whoever tells a shard what it sees: a market's feed.
#[derive(Debug)]
pub struct FactSender<M: Hosted> {
    pub(crate) lanes: Arc<Lanes<M>>,
}

impl<M: Hosted> Clone for FactSender<M> {
    fn clone(&self) -> Self {
        Self { lanes: Arc::clone(&self.lanes) }
    }
}

impl<M: Hosted> FactSender<M> {
    /// Hands over one fact; the shard stamps when it was received.
    pub fn send(&self, fact: FactOf<M>) -> Result<(), Refused> {
        if self.lanes.intake() == Intake::Stopping {
            return Err(Refused::Stopped);
        }
        let capacity = self.lanes.facts.capacity();
        self.lanes.facts.push(fact).map_err(|_| Refused::RingFull { capacity })?;
        self.lanes.bell.ring();
        Ok(())
    }
}
