//! A shard: starts from its journal, runs on a thread of its own, stops without losing anything.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use machine::{EventOf, Hosted, Machine, Origin, Position, ShardId, Stamp, Timestamp};

use crate::answers::{Answer, AnswerSink};
use crate::audit::Audit;
use crate::broken::OnBroken;
use crate::client::{ATTACH_PATIENCE, Client, Submitter, Ticket};
use crate::clock::Clock;
use crate::cores::Claim;
use crate::digest::{Digest, Digester};
use crate::error::{EngineError, Refused};
use crate::fact_sender::FactSender;
use crate::idle::{Idle, Patience};
use crate::lanes::attach::Attach;
use crate::lanes::peer::PeerPort;
use crate::lanes::{Capacities, Intake, Lanes};
use crate::pipeline::{ClockWatch, Peers};
use crate::pipeline::{Pipeline, Stopped};
use crate::records::Reads;
use crate::release::Release;
use crate::replay::{Recovered, Replay};
use crate::replica::{Reading, Replica, Snapshots};
use crate::round::Round;
use crate::session_port::{SessionOutlet, SessionPort};
use crate::snapshot::{SnapshotPolicy, take_snapshot};
use crate::supply::Supply;
use crate::timeline::{ClockBounds, Timeline};
use crate::trace::{TraceReader, Tracer};
use crate::upgrade::{UpgradePolicy, state_to_start_from};

/// How a shard is set up.
#[derive(Clone, Debug)]
pub struct ShardConfig {
    /// Its journal: directory, durability, segment size.
    pub journal: journal::Options,
    /// Entries of the ring for reports, of that to each session, and at most of each client's ring for commands.
    pub ring: usize,
    /// What its thread does while there is nothing to do.
    pub idle: Idle,
    /// The least time between two marks of one instrument, in milliseconds.
    pub mark_interval_ms: u32,
    /// A wall clock that is off the monotonic one by more than this has jumped: new orders stop until a person accepts it.
    pub clock_jump_bound: Duration,
    /// The longest time that a node is believed to have been down, where the machine was started anew since.
    pub clock_down_bound: Duration,
    /// The core to pin its thread to.
    pub core: Option<usize>,
    /// When snapshots are taken.
    pub snapshots: SnapshotPolicy,
    /// What may be relied on where another version of the logic wrote the journal.
    pub upgrade: UpgradePolicy,
    /// What it does where an invariant breaks.
    pub on_broken: OnBroken,
    /// Keep stage stamps of inputs in a ring of this many entries; 0 for none.
    pub trace: usize,
}

/// A running shard.
#[derive(Debug)]
pub struct Shard<M: Hosted> {
    lanes: Arc<Lanes<M>>,
    replica: Replica<M>,
    thread: Option<JoinHandle<Result<Stopped, EngineError>>>,
    replica_thread: Option<JoinHandle<Result<(), EngineError>>>,
    recovery: journal::Recovery,
    recovered: RecoveredAt,
    ring: usize,
    trace: Option<TraceReader>,
    id: ShardId,
    traced: bool,
}

/// Where a shard started from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveredAt {
    /// The last record that was replayed.
    pub position: Position,
    /// The digest there.
    pub digest: Digest,
    /// How many records were replayed.
    pub records: u64,
    /// How many recorded digests were met and equal.
    pub digests: u64,
    /// The record of the snapshot that the replay began at.
    pub snapshot: Option<u64>,
}

/// Where a shard stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopReport {
    /// The last record.
    pub position: Position,
    /// The digest there.
    pub digest: Digest,
}

impl ShardConfig {
    /// The usual sizes, for a journal.
    pub const fn new(journal: journal::Options) -> Self {
        Self {
            journal,
            ring: 16 * 1024,
            idle: Idle::Park { spins: 2_000 },
            mark_interval_ms: 1_000,
            clock_jump_bound: Duration::from_secs(5),
            clock_down_bound: Duration::from_hours(7 * 24),
            core: None,
            snapshots: SnapshotPolicy { every_records: 1_000_000, keep: 3 },
            upgrade: UpgradePolicy { from_snapshot: false, accept_unproven: false, accept_divergence: None },
            on_broken: OnBroken::SetAside,
            trace: 0,
        }
    }
}

impl<M: Hosted> Shard<M> {
    /// Opens the journal, replays it, and starts the threads. The state is the journal's, whatever happened to the
    /// process before; every digest on the way is compared.
    pub fn start<C: Clock>(config: &ShardConfig, clock: C) -> Result<Self, EngineError> {
        Standby::open(config)?.start(clock)
    }

    /// Which shard.
    pub const fn id(&self) -> ShardId {
        self.id
    }

    /// What opening the journal found: what was cut, which incarnation this is.
    pub const fn recovery(&self) -> &journal::Recovery {
        &self.recovery
    }

    /// Where it started from.
    pub const fn recovered(&self) -> RecoveredAt {
        self.recovered
    }

    /// A connection for a strategy in this process, with at most `capacity` commands unanswered.
    pub fn client(&self, uid: u32, capacity: usize) -> Result<Client<M>, Refused> {
        Client::attach(&self.lanes, uid, capacity, self.traced)
    }

    /// A connection for an async server: answers come through a channel.
    pub fn connect(&self) -> Result<Connect<M>, Refused> {
        let (sender, answers) = flume::unbounded();
        let submitter =
            Submitter::attach(&self.lanes, AnswerSink::Channel(sender), 0, self.lanes.commands, self.traced)?;
        Ok(Connect { lanes: Arc::clone(&self.lanes), submitter: Mutex::new(submitter), answers })
    }

    /// Opens the rings of a session that is homed here, for its gateway. Opening it again replaces the ring to it.
    pub fn open_session(
        &self,
        way: impl Into<u16>,
    ) -> Result<(SessionPort<M>, SessionOutlet<M::Message>), Refused> {
        let way = way.into();
        let (ring, taken) = rtrb::RingBuffer::new(self.ring.max(1));
        let (attached, wait) = flume::bounded(1);
        let attach = Attach::Session { way, ring, attached };
        self.lanes.attach(attach)?;
        wait.recv_timeout(ATTACH_PATIENCE).map_err(|_| Refused::Stopped)?;
        let inbound_high_water = self
            .replica
            .read(self.recovered.position, |machine| machine.received(way))
            .map_err(|_| Refused::Stopped)?;
        let port = SessionPort {
            way,
            lanes: Arc::clone(&self.lanes),
            replica: self.replica.clone(),
            inbound_high_water,
        };
        Ok((port, SessionOutlet { ring: taken }))
    }

    /// Where what the shard sees beside its journal goes in: market data.
    pub fn facts(&self) -> FactSender<M> {
        FactSender { lanes: Arc::clone(&self.lanes) }
    }

    /// The way for other shards of this process to ask this one.
    pub fn peer_port(&self) -> PeerPort<M> {
        PeerPort { shard: self.id, lanes: Arc::clone(&self.lanes) }
    }

    /// From here on this shard can ask that one. What it asked in an earlier life of the process, and is not known to be
    /// on record there, it asks again.
    pub fn join_peer(&self, port: PeerPort<M>) -> Result<(), Refused> {
        self.lanes.attach(Attach::Peer { port })
    }

    /// The read side.
    pub fn replica(&self) -> Replica<M> {
        self.replica.clone()
    }

    /// The stage stamps, where they are kept; `None` the second time.
    pub fn take_trace(&mut self) -> Option<TraceReader> {
        self.trace.take()
    }

    /// True while the shard's thread runs.
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Takes what was handed over, makes everything durable, and ends the threads.
    pub fn stop(mut self) -> Result<StopReport, EngineError> {
        self.end().map(|stopped| StopReport { position: stopped.position, digest: stopped.digest })
    }

    fn end(&mut self) -> Result<Stopped, EngineError> {
        self.lanes.set_intake(Intake::Stopping);
        self.lanes.bell.ring();
        let result = join(self.thread.take(), self.id);
        self.replica.stop();
        // A read side that could not follow has said so when it happened.
        if let Some(thread) = self.replica_thread.take() {
            drop(thread.join());
        }
        result
    }
}

/// A shard between recovery and start: its journal is open and locked, its state replayed, nothing runs yet.
#[derive(Debug)]
pub struct Standby<M: Machine> {
    config: ShardConfig,
    writer: journal::Writer,
    recovery: journal::Recovery,
    recovered: Recovered<M>,
}

impl<M: Hosted> Standby<M> {
    /// Replays the journal and opens it, in this order: where the replay is refused, the journal is as it was.
    pub fn open(config: &ShardConfig) -> Result<Self, EngineError> {
        let journal = &config.journal;
        let claim = journal::claim(journal)?;
        let reads = match journal.background {
            journal::Background::Threads => Reads::Ahead,
            journal::Background::Stepped => Reads::InTurn,
        };
        let recovered = state_to_start_from(&journal.folder(), journal.shard, reads, config.upgrade)?;
        let journal::Opened { writer, recovery } = claim.open()?;
        let other_logic = recovered.logic_version.is_some_and(|version| version != M::LOGIC_VERSION);
        if (other_logic || recovered.accepted > 0) && recovered.broken.is_none() {
            // The next start finds what was gone on from, and need not be told again.
            take_snapshot(journal.folder(), &Replay::resume(recovered.clone()), config.snapshots.keep)
                .map_err(|error| EngineError::Snapshot { dir: journal.dir.clone(), error })?;
        }
        Ok(Self { config: config.clone(), writer, recovery, recovered })
    }

    /// The state it will start from.
    pub const fn core(&self) -> &M {
        &self.recovered.core
    }

    /// The time of the last record.
    pub const fn time(&self) -> Timestamp {
        self.recovered.time
    }

    /// Starts the threads.
    pub fn start<C: Clock>(self, clock: C) -> Result<Shard<M>, EngineError> {
        let core = self.recovered.core.clone();
        self.start_with(clock, core)
    }

    /// `live` is the shard's state; tests give it another one than the read side's.
    pub(crate) fn start_with<C: Clock>(self, clock: C, live: M) -> Result<Shard<M>, EngineError> {
        let Parts { config, lanes, mut pipeline, replica, reading, recovery, recovered, trace } =
            self.assemble(clock, live)?;
        let id = config.journal.shard;
        pipeline.supply = Some(Supply::start(format!("supply-{id}"))?);
        let replica_thread = reading.start(format!("replica-{id}"))?;
        let thread = spawn(pipeline, id, config.core)?;
        Ok(Shard {
            lanes,
            replica,
            thread: Some(thread),
            replica_thread: Some(replica_thread),
            recovery,
            recovered,
            ring: config.ring,
            trace,
            id,
            traced: config.trace > 0,
        })
    }

    pub(crate) fn assemble<C: Clock>(self, clock: C, live: M) -> Result<Parts<M, C>, EngineError> {
        let Self { config, writer, recovery, mut recovered } = self;
        let shard = config.journal.shard;
        let at = RecoveredAt {
            position: recovered.position,
            digest: recovered.digest,
            records: recovered.position.seq - recovered.snapshot.unwrap_or(0),
            digests: recovered.digests,
            snapshot: recovered.snapshot,
        };
        let last = Stamp { position: Position::new(shard, recovered.position.seq), time: recovered.time };
        let lanes = Arc::new(Lanes::new(capacities(&config)));
        writer.durable_watch().ring(Arc::clone(&lanes.bell));
        let follower = writer.follower(recovered.position.seq + 1)?;
        let snapshots = Snapshots { journal: config.journal.folder(), policy: config.snapshots };
        let alarmed = Arc::clone(&lanes);
        let audit = Audit::new(move || alarmed.alarm());
        let found_broken = recovered.broken.take();
        let (replica, reading) =
            Replica::new(Replay::resume(recovered), follower, snapshots, audit, writer.durable_watch());
        let (tracer, trace_reader) = Tracer::ring(config.trace).unzip();
        let bounds = ClockBounds { jump: config.clock_jump_bound, down: config.clock_down_bound };
        let pipeline = Pipeline {
            lanes: Arc::clone(&lanes),
            clock: Timeline::behind(last.time, &live.clock(), clock, bounds),
            watch: ClockWatch::default(),
            release: Release::new(writer.durable_watch()),
            writer,
            last,
            digester: Digester::from(at.digest),
            core: live,
            supply: None,
            patience: Patience::new(config.idle),
            claim: Claim::default(),
            mark_interval_ns: i64::from(config.mark_interval_ms) * 1_000_000,
            tracer,
            outlook: M::Outlook::default(),
            round: Round::default(),
            peers: Peers::default(),
            outcome: M::Outcome::default(),
            on_broken: config.on_broken,
            journal: config.journal.folder(),
            found_broken,
            undigested: 0,
            next_mark: Timestamp::default(),
            next_digest: Timestamp::default(),
            turns: 0,
            is_spinning: false,
        };
        Ok(Parts { config, lanes, pipeline, replica, reading, recovery, recovered: at, trace: trace_reader })
    }
}

/// A shard put together, with nothing running yet.
pub(crate) struct Parts<M: Hosted, C> {
    pub(crate) config: ShardConfig,
    pub(crate) lanes: Arc<Lanes<M>>,
    pub(crate) pipeline: Pipeline<M, C>,
    pub(crate) replica: Replica<M>,
    pub(crate) reading: Reading<M>,
    pub(crate) recovery: journal::Recovery,
    pub(crate) recovered: RecoveredAt,
    trace: Option<TraceReader>,
}

#[cfg(test)]
impl<M: Hosted> Shard<M> {
    pub(crate) fn lanes(&self) -> Arc<Lanes<M>> {
        Arc::clone(&self.lanes)
    }
}

impl<M: Hosted> Drop for Shard<M> {
    fn drop(&mut self) {
        if self.thread.is_some()
            && let Err(error) = self.end()
        {
            tracing::error!(%error, "the shard did not stop cleanly");
        }
    }
}

fn join(
    thread: Option<JoinHandle<Result<Stopped, EngineError>>>,
    shard: ShardId,
) -> Result<Stopped, EngineError> {
    let failed = |message: String| EngineError::Failed { shard: shard.index, message };
    let Some(thread) = thread else { return Err(failed("it had ended before".to_owned())) };
    thread.join().unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(failed(message.unwrap_or_else(|| "a panic".to_owned())))
    })
}

fn capacities(config: &ShardConfig) -> Capacities {
    Capacities { commands: config.ring, urgent: config.ring, reports: config.ring, facts: config.ring }
}

fn spawn<M: Hosted, C: Clock>(
    mut pipeline: Pipeline<M, C>,
    shard: ShardId,
    core: Option<usize>,
) -> Result<JoinHandle<Result<Stopped, EngineError>>, EngineError> {
    let name = format!("shard-{shard}");
    std::thread::Builder::new()
        .name(name.clone())
        .spawn(move || {
            // Before it is pinned: which cores there are is asked here.
            pipeline.claim = Claim::of_shard(core);
            if let Some(id) = core
                && !core_affinity::set_for_current(core_affinity::CoreId { id })
            {
                tracing::warn!(core = id, "the shard's thread could not be pinned");
            }
            pipeline.run()
        })
        .map_err(|source| EngineError::Thread { name, source })
}

/// A server's connection: many users behind one submitter, answers through a channel that async code can await.
#[derive(Debug)]
pub struct Connect<M: Hosted> {
    lanes: Arc<Lanes<M>>,
    submitter: Mutex<Submitter<M::Command>>,
    answers: flume::Receiver<Answer<EventOf<M>>>,
}

impl<M: Hosted> Connect<M> {
    /// Hands over a command of somebody else: `origin` is journalled with it. The answer carries the ticket.
    #[expect(clippy::needless_pass_by_value, reason = "a command is handed over")]
    pub fn submit(&self, origin: Origin, command: M::Command) -> Result<Ticket, Refused> {
        let mut submitter = self.submitter.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        submitter.submit(&self.lanes, origin, &command)
    }

    /// The answers, in the order the shard took the commands.
    pub const fn answers(&self) -> &flume::Receiver<Answer<EventOf<M>>> {
        &self.answers
    }
}

impl<M: Hosted> Drop for Connect<M> {
    fn drop(&mut self) {
        let submitter = self.submitter.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        submitter.detach(&self.lanes);
    }
}
