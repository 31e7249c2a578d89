//! Asks on their way: what this shard asks of itself, what it asks of other shards, and what others ask of it.
//!
//! See `actors/src/asks.rs` for what an ask is. Here it travels. Between two shards of a process there is a lane each way:
//! an ask goes out once its cause is durable, and the word that it is on record goes back once that record is. Both may be
//! lost with the process. Then the ask still stands in the asking shard's state, it is made again after the next start,
//! and the other shard drops what it has seen and tells so once more.

use std::collections::VecDeque;

use machine::{Ask, CausedBy, Hosted, RoomClaim, ShardId};

use super::{LANE_SHARE, Pipeline};
use crate::clock::Clock;
use crate::error::EngineError;
use crate::lanes::next;
use crate::lanes::peer::{PeerPort, PeerWord};
use crate::trace::Lane;

/// The other shards, as one of them sees them.
#[derive(Debug)]
pub(crate) struct Peers<M: Hosted> {
    ways: Vec<PeerWay<M>>,
    /// On record here, and not told yet.
    told: VecDeque<OnRecord>,
}

#[derive(Debug)]
struct PeerWay<M: Hosted> {
    port: PeerPort<M>,
    /// What was handed over in this life of the process, up to here. What is not taken yet is asked again in the next.
    handed: Option<CausedBy>,
}

#[derive(Clone, Copy, Debug)]
struct OnRecord {
    /// Once this record is durable.
    seq: u64,
    cause: CausedBy,
}

impl<M: Hosted> Default for Peers<M> {
    fn default() -> Self {
        Self { ways: Vec::new(), told: VecDeque::new() }
    }
}

impl<M: Hosted> Peers<M> {
    /// From here on that shard can be asked.
    pub(crate) fn join(&mut self, port: PeerPort<M>) {
        self.ways.retain(|way| way.port.shard != port.shard);
        self.ways.push(PeerWay { port, handed: None });
    }

    /// Nothing is to be told.
    #[inline]
    pub(crate) fn is_quiet(&self) -> bool {
        self.told.is_empty()
    }

    /// Hands over what is asked of other shards and whose cause is durable; true where something went out.
    fn ask(&mut self, core: &M, durable: u64) -> bool {
        let mut worked = false;
        for way in &mut self.ways {
            for ask in core.asks_of(way.port.shard) {
                if way.handed.is_some_and(|handed| ask.cause <= handed) {
                    continue;
                }
                if ask.cause.position.seq > durable || !way.port.say(PeerWord::Ask(ask.clone())) {
                    break;
                }
                (way.handed, worked) = (Some(ask.cause), true);
            }
        }
        worked
    }

    /// Tells who asked what is on record and durable.
    fn tell(&mut self, by: ShardId, durable: u64) -> bool {
        let mut worked = false;
        while let Some(OnRecord { seq, cause }) = self.told.front().copied() {
            let way = self.ways.iter().find(|way| way.port.shard == cause.position.shard);
            // A shard that is not here now asks again when it is.
            let is_told = seq <= durable && way.is_none_or(|way| way.port.say(PeerWord::Taken { by, cause }));
            if !is_told {
                break;
            }
            self.told.pop_front();
            worked = true;
        }
        worked
    }
}

impl<M: Hosted, C: Clock> Pipeline<M, C> {
    /// What is asked comes before what anybody submits: it follows from what was decided already.
    #[inline]
    pub(crate) fn take_asks(&mut self) -> Result<bool, EngineError> {
        if !self.core.has_asks() && self.lanes.peers.is_empty() && self.peers.is_quiet() {
            return Ok(false);
        }
        self.take_what_is_asked()
    }

    #[cold]
    fn take_what_is_asked(&mut self) -> Result<bool, EngineError> {
        let mut worked = self.take_own_asks()?;
        worked |= self.take_peers()?;
        let (by, durable) = (self.last.position.shard, self.writer.durable_seq());
        worked |= self.peers.ask(&self.core, durable);
        worked |= self.peers.tell(by, durable);
        Ok(worked)
    }

    /// Asks of a session whose way out is full wait; those of others do not wait behind them.
    fn take_own_asks(&mut self) -> Result<bool, EngineError> {
        for taken in 0..LANE_SHARE {
            if self.release.admits_urgent(1) == 0 || !self.next_fits()? {
                return Ok(taken > 0);
            }
            let release = &mut self.release;
            let next = self.core.next_ask(|way| release.backlog(way, RoomClaim::Ends).is_none());
            let Some(ask) = next.cloned() else { return Ok(taken > 0) };
            self.take_ask(ask)?;
        }
        Ok(true)
    }

    fn take_ask(&mut self, Ask { cause, origin, command }: Ask<M::Command>) -> Result<(), EngineError> {
        let stamped = self.stamped_for(&command, false);
        self.process(&M::asked(origin, Some(cause), stamped, command), None, Lane::Own)
    }

    /// What other shards ask, and what they have on record of what was asked here.
    fn take_peers(&mut self) -> Result<bool, EngineError> {
        for taken in 0..LANE_SHARE {
            if self.lanes.peers.is_empty() || !self.next_fits()? {
                return Ok(taken > 0);
            }
            match next(&self.lanes.peers) {
                None => return Ok(taken > 0),
                Some(PeerWord::Ask(ask)) => {
                    let cause = ask.cause;
                    self.take_ask(ask)?;
                    self.peers.told.push_back(OnRecord { seq: self.last.position.seq, cause });
                }
                Some(PeerWord::Taken { by, cause }) => {
                    if let Some(taken) = M::asks_taken(by, cause) {
                        self.process(&taken, None, Lane::Own)?;
                    }
                }
            }
        }
        Ok(true)
    }
}
