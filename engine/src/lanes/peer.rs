//! The way from one shard of a process to another.

use std::sync::Arc;

use machine::{Ask, CausedBy, Hosted, ShardId};

use super::Lanes;

/// The way into another shard of this process.
#[derive(Debug)]
pub struct PeerPort<M: Hosted> {
    pub(crate) shard: ShardId,
    pub(crate) lanes: Arc<Lanes<M>>,
}

impl<M: Hosted> Clone for PeerPort<M> {
    fn clone(&self) -> Self {
        Self { shard: self.shard, lanes: Arc::clone(&self.lanes) }
    }
}

/// What one shard says to another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PeerWord<C> {
    /// Take this.
    Ask(Ask<C>),
    /// Everything you asked up to this is on record here.
    Taken { by: ShardId, cause: CausedBy },
}

impl<M: Hosted> PeerPort<M> {
    /// Puts a word into the lane; false where it is full.
    pub(crate) fn say(&self, word: PeerWord<M::Command>) -> bool {
        let is_said = self.lanes.peers.push(word).is_ok();
        if is_said {
            self.lanes.bell.ring();
        }
        is_said
    }
}
