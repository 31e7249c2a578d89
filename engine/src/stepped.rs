//! A shard without threads: whoever has it does what each thread would do, one step at a time, in the order it likes. A
//! simulation makes that order, like the clock and the disk, part of its seed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use machine::{Hosted, Machine, Position, Timestamp};

use crate::client::Client;
use crate::clock::Clock;
use crate::digest::Digest;
use crate::error::EngineError;
use crate::fact_sender::FactSender;
use crate::lanes::attach::Attach;
use crate::lanes::peer::PeerPort;
use crate::lanes::{Intake, Lanes};
use crate::pipeline::Pipeline;
use crate::replica::{Reading, Replica};
use crate::session_port::{SessionOutlet, SessionPort};
use crate::shard::{Parts, RecoveredAt, ShardConfig, Standby, StopReport};

/// A shard whose owner takes its steps. The journal's background work is stepped where its options say so.
pub struct Stepped<M: Hosted, C: Clock> {
    pub(crate) lanes: Arc<Lanes<M>>,
    pipeline: Pipeline<M, C>,
    replica: SteppedReplica<M>,
    recovery: journal::Recovery,
    recovered: RecoveredAt,
    config: ShardConfig,
    clients: u32,
}

/// The read side of a [`Stepped`] shard. Clones are the same one.
pub struct SteppedReplica<M: Machine> {
    replica: Replica<M>,
    reading: Arc<Mutex<Reading<M>>>,
}

impl<M: Machine> Clone for SteppedReplica<M> {
    fn clone(&self) -> Self {
        Self { replica: self.replica.clone(), reading: Arc::clone(&self.reading) }
    }
}

impl<M: Machine> std::fmt::Debug for SteppedReplica<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SteppedReplica").field("position", &self.replica.position()).finish_non_exhaustive()
    }
}

impl<M: Machine> SteppedReplica<M> {
    /// Applies what is new and takes a snapshot where one is due; true where there was something new.
    pub fn step(&self) -> Result<bool, EngineError> {
        self.reading().step()
    }

    /// Applies what is there until the state is at or after `at`; false where the journal does not show that much yet.
    pub fn step_to(&self, at: Position) -> Result<bool, EngineError> {
        while self.replica.position().seq < at.seq {
            if !self.step()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// For reading.
    pub const fn replica(&self) -> &Replica<M> {
        &self.replica
    }

    fn reading(&self) -> MutexGuard<'_, Reading<M>> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: Hosted> Standby<M> {
    /// As [`Standby::start`], without threads. Records the opening.
    pub fn start_stepped<C: Clock>(self, clock: C) -> Result<Stepped<M, C>, EngineError> {
        let core = self.core().clone();
        let Parts { config, lanes, mut pipeline, replica, reading, recovery, recovered, .. } =
            self.assemble(clock, core)?;
        pipeline.begin()?;
        let replica = SteppedReplica { replica, reading: Arc::new(Mutex::new(reading)) };
        Ok(Stepped { lanes, pipeline, replica, recovery, recovered, config, clients: 0 })
    }
}

impl<M: Hosted, C: Clock> Stepped<M, C> {
    /// One look at every lane, as the shard's thread does again and again; true where there was something to do.
    pub fn turn(&mut self) -> Result<bool, EngineError> {
        self.pipeline.turn()
    }

    /// See [`journal::Writer::step_preparer`].
    pub fn step_preparer(&mut self) -> bool {
        self.pipeline.writer.step_preparer()
    }

    /// See [`journal::Writer::step_flusher`].
    pub fn step_flusher(&mut self) -> bool {
        self.pipeline.writer.step_flusher()
    }

    /// True where a command that was handed over is not taken yet.
    pub fn has_commands(&self) -> bool {
        self.lanes.has_commands() || self.pipeline.round.has_work()
    }

    /// False where the last turn found no room in the journal: nothing is taken until there is.
    pub fn takes_records(&self) -> bool {
        self.lanes.intake() == Intake::Open
    }

    /// The read side.
    pub const fn replica(&self) -> &SteppedReplica<M> {
        &self.replica
    }

    /// A connection for a strategy, with at most `capacity` commands unanswered. Numbered from 1 in each shard.
    pub fn client(&mut self, uid: u32, capacity: usize) -> Client<M> {
        self.clients += 1;
        let (client, inlet, sink) = Client::numbered(&self.lanes, self.clients, uid, capacity);
        let (attached, _) = flume::bounded(1);
        self.pipeline.attach(Attach::Client { inlet, sink, attached });
        client
    }

    /// The rings of a session that is homed here. Opening it again replaces the ring to it.
    pub fn open_session(&mut self, way: impl Into<u16>) -> (SessionPort<M>, SessionOutlet<M::Message>) {
        let way = way.into();
        let (ring, taken) = rtrb::RingBuffer::new(self.config.ring.max(1));
        let (attached, _) = flume::bounded(1);
        self.pipeline.attach(Attach::Session { way, ring, attached });
        let port = SessionPort {
            way,
            lanes: Arc::clone(&self.lanes),
            replica: self.replica.replica.clone(),
            inbound_high_water: self.pipeline.core.received(way),
        };
        (port, SessionOutlet { ring: taken })
    }

    /// See [`crate::Shard::peer_port`].
    pub fn peer_port(&self) -> PeerPort<M> {
        PeerPort { shard: self.position().shard, lanes: Arc::clone(&self.lanes) }
    }

    /// See [`crate::Shard::join_peer`].
    pub fn join_peer(&mut self, port: PeerPort<M>) {
        self.pipeline.attach(Attach::Peer { port });
    }

    /// See [`crate::Shard::facts`].
    pub fn facts(&self) -> FactSender<M> {
        FactSender { lanes: Arc::clone(&self.lanes) }
    }

    /// The live state.
    pub const fn core(&self) -> &M {
        &self.pipeline.core
    }

    /// The last record.
    pub fn position(&self) -> Position {
        Position { seq: self.pipeline.writer.next_seq() - 1, ..self.pipeline.last.position }
    }

    /// The time of the last record.
    pub const fn time(&self) -> Timestamp {
        self.pipeline.last.time
    }

    /// The digest there.
    pub const fn digest(&self) -> Digest {
        self.pipeline.digester.digest()
    }

    /// Every record up to this one is durable.
    pub fn durable_seq(&self) -> u64 {
        self.pipeline.writer.durable_seq()
    }

    /// What opening the journal found.
    pub const fn recovery(&self) -> &journal::Recovery {
        &self.recovery
    }

    /// Where it started from.
    pub const fn recovered(&self) -> RecoveredAt {
        self.recovered
    }

    /// Takes what was handed over, makes everything durable, and ends.
    pub fn stop(mut self) -> Result<StopReport, EngineError> {
        self.lanes.set_intake(Intake::Stopping);
        self.pipeline.round.wake_all();
        while self.pipeline.turn()? {}
        let stopped = self.pipeline.close()?;
        Ok(StopReport { position: stopped.position, digest: stopped.digest })
    }
}

impl<M: Hosted, C: Clock> std::fmt::Debug for Stepped<M, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stepped").field("position", &self.position()).finish_non_exhaustive()
    }
}
