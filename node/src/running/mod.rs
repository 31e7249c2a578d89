//! A node: everything a configuration names, started in the order in which it needs each other.
//!
//! 1. open and replay the journals, and plan the difference from what they know to the configuration;
//! 2. start the shards and the office;
//! 3. carry the plan out: what is new always, what changes something only where that was asked for; tell the office;
//! 4. serve local clients;
//! 5. let quotes in, and connect to the brokers.
//!
//! Stopping goes the other way.

mod api;
mod descriptors;
pub mod feed;
mod line;
mod office;
mod outliers;
mod port;
mod sessions;
mod stages;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix::Supervisor;
use actors::Core;
use engine::{
    Clock, EngineError, Refused, ReplicaError, Shard, ShardConfig, Standby, StopReport, SystemClock,
    UpgradePolicy,
};
use fix_gateway::{GatewayError, SessionSettings};
use model::{Denial, Event, Position, SessionId, ShardId};

use crate::config::{Config, ConfigError, Durability, Idle, SessionEntry};
use crate::journals::{JournalsError, shard_dir, shards_of};
use crate::plan::{Plan, Step, StepKind};
use crate::server::{Admission, Chore, ControlPlane, ServerError};
use ::office::Office;
use api::{RunningNode, ShardLines};
pub use descriptors::TooFewDescriptors;
use feed::Feed;
pub use feed::parse_line;
use front::definitions::Definitions;
use front::live::LiveDirectory;
use line::Line;
use office::{HeardShard, OfficeDesk, StartChanges};
use port::Port;
use sessions::{SessionKeeper, Sessions};
pub use stages::STAGES;
use stages::Stages;

/// Why a node did not start. Nothing of it runs then.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The journals could not be read.
    #[error(transparent)]
    Journals(#[from] JournalsError),
    /// The configuration contradicts what the journals have.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There are journals of shards that the configuration does not have.
    #[error(
        "there are journals of {journals} shards, but node.shards is {configured}: a shard cannot be taken away"
    )]
    FewerShards {
        /// How many there are.
        journals: usize,
        /// How many are asked for.
        configured: u16,
    },
    /// A shard could not be started or stopped.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A shard took no command.
    #[error("shard {shard}: {refused}")]
    Refused {
        /// Which.
        shard: ShardId,
        /// Why.
        refused: Refused,
    },
    /// The core denied a definition.
    #[error("{step}: {denial}")]
    Denied {
        /// What was to be done.
        step: String,
        /// Why not.
        denial: Denial,
    },
    /// The office refused what the node told it.
    #[error("the office: {0}")]
    OfficeDenied(::office::OfficeDenial),
    /// A definition was not answered in time.
    #[error("shard {0} did not answer while the configuration was applied")]
    Unanswered(ShardId),
    /// A replica could not be read.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// What is configured needs more open files than the process may have.
    #[error(transparent)]
    Descriptors(#[from] TooFewDescriptors),
    /// The local socket could not be served.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A broker session could not be started.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// The operating system refused.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
}

/// What is decided at the start and is not in the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartOptions {
    /// Apply changes of what exists, too.
    pub apply_changes: bool,
    /// Where to write how long the stages of commands took; absent, they are not measured.
    pub stage_times: Option<PathBuf>,
    /// What may be relied on where another version of the logic wrote the journals.
    pub upgrade: UpgradePolicy,
}

/// A running node. Dropping it stops it.
pub struct Node {
    control: Option<ControlPlane>,
    sessions: Sessions,
    feed: Option<Feed>,
    shards: Vec<Shard<Core>>,
    /// None once the node stops.
    office: Option<Shard<Office>>,
    stages: Option<Stages>,
}

/// How long one definition may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Stage stamps that wait to be collected, for each shard.
const TRACE_ENTRIES: usize = 64 * 1024;
/// Definitions that are unanswered at a time.
const WINDOW: usize = 256;

impl Node {
    /// Starts a node. The state it starts from is that of its journals, whatever became of the process before.
    ///
    /// Where the configuration pins shards to cores, the calling thread and all that it starts later stay off those.
    pub fn start(config: &Config, options: &StartOptions) -> Result<Self, NodeError> {
        Self::start_by(config, options, SystemClock)
    }

    /// As [`Node::start`], by another clock than the machine's.
    pub fn start_by(
        config: &Config,
        options: &StartOptions,
        clock: impl Clock + Clone,
    ) -> Result<Self, NodeError> {
        let journals = shards_of(&config.node.journal)?;
        if journals.len() > usize::from(config.node.shards) {
            return Err(NodeError::FewerShards { journals: journals.len(), configured: config.node.shards });
        }
        let room = descriptors::room_for_clients(config)?;
        leave_cores_to_shards(config);
        let standbys = (0..config.node.shards)
            .map(|shard| Ok(Standby::<Core>::open(&shard_config(config, ShardId::new(shard), options))?))
            .collect::<Result<Vec<_>, NodeError>>()?;
        let plan = {
            let cores = (0..).map(ShardId::new).zip(standbys.iter().map(Standby::core));
            Plan::new(config, &Definitions::of(cores, &config.currencies))?
        };
        let mut shards = standbys
            .into_iter()
            .map(|standby| start_shard(standby, clock.clone()))
            .collect::<Result<Vec<_>, _>>()?;
        join_peers(&shards).map_err(|(shard, refused)| NodeError::Refused { shard, refused })?;
        let office = office::start(config, options.upgrade, clock.clone())?;
        let at = carry_out(&shards, &plan, options)?;
        caught_up(&shards, &at)?;
        let lines = lines(&shards)?;
        let names = Arc::new(LiveDirectory::new(&ShardLines(&lines)));
        let changed = changed(&plan, options, shards.len());
        let mut desk = OfficeDesk::open(&office, config, changed, options.apply_changes)?;

        let sessions = Sessions::default();
        let keeper: Chore = {
            let sessions = sessions.clone();
            Box::new(move || drop(Supervisor::start(move |_| SessionKeeper(sessions))))
        };
        let feed = start_feed(config, &names, &shards)?;
        let keep = usize::try_from(config.node.trace).unwrap_or(0);
        let stages = Stages::start(&mut shards, options.stage_times.as_deref(), keep)?;
        let kept = stages.as_ref().and_then(Stages::kept);
        desk.attend(Arc::clone(&names), sources(config, &shards), lines.clone())?;
        let api = RunningNode::new(names, Some(desk), lines, sessions.clone(), kept, clock);
        let first_request = Duration::from_secs(config.node.first_request_s.into());
        let admission = Admission { room, first_request, access: config.node.socket_access };
        let control = ControlPlane::start(Arc::new(api), &config.node.socket, admission, vec![keeper])?;
        let node = Self { control: Some(control), sessions, feed, shards, office: Some(office), stages };
        for entry in &config.sessions {
            if let (Some(id), Some(shard)) =
                (plan.sessions.get(&entry.name), node.shards.get(entry.shard.slot()))
            {
                node.start_session(entry, *id, shard)?;
            }
        }
        Ok(node)
    }

    fn start_session(
        &self,
        entry: &SessionEntry,
        id: SessionId,
        shard: &Shard<Core>,
    ) -> Result<(), NodeError> {
        let port =
            shard.open_session(id).map_err(|refused| NodeError::Refused { shard: shard.id(), refused })?;
        let address = (entry.host.as_str(), entry.port);
        let (sender, target) = (&entry.sender_comp_id, &entry.target_comp_id);
        let mut settings = SessionSettings::new(id, entry.name, sender, target, address, &entry.store);
        settings.heartbeat_s = entry.heartbeat_s;
        settings.answer_timeout = Duration::from_secs(entry.answer_timeout_s.into());
        settings.probe = self.stages.as_ref().map(Stages::probe);
        Ok(self.sessions.start(settings, Arc::new(Port::new(port)))?)
    }

    /// The shards, by number: for strategies in this process, replicas and measurements.
    pub fn shards(&self) -> &[Shard<Core>] {
        &self.shards
    }

    /// Quotes taken in so far.
    pub fn quotes(&self) -> u64 {
        self.feed.as_ref().map_or(0, Feed::quotes)
    }

    /// True while every shard and the office run. A node of which one has ended must be stopped.
    pub fn is_running(&self) -> bool {
        self.shards.iter().all(Shard::is_running) && self.office.as_ref().is_some_and(Shard::is_running)
    }

    /// Takes no more from anybody, answers what is in flight, logs out, makes everything durable and ends.
    pub fn stop(mut self) -> Result<Vec<StopReport>, NodeError> {
        self.close();
        let shards = std::mem::take(&mut self.shards);
        drop(self.stages.take());
        let reports = shards.into_iter().map(Shard::stop).collect::<Result<_, _>>()?;
        if let Some(office) = self.office.take() {
            let report = office.stop()?;
            tracing::info!(position = %report.position, digest = %report.digest, "the office stopped");
        }
        Ok(reports)
    }

    fn close(&mut self) {
        drop(self.feed.take());
        if let Some(control) = self.control.take() {
            control.stop();
        }
        self.sessions.stop();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // The shards stop as they are dropped.
        self.close();
    }
}

/// Before any thread is started.
fn leave_cores_to_shards(config: &Config) {
    let cores: Vec<usize> = config.node.cores.iter().map(|core| usize::from(*core)).collect();
    if !cores.is_empty() && !engine::leave_to_shards(&cores) {
        tracing::warn!("no core is left beside the shards': what works beside them takes turns from them");
    }
}

fn shard_config(config: &Config, shard: ShardId, options: &StartOptions) -> ShardConfig {
    let mut journal = journal::Options::new(shard_dir(&config.node.journal, shard), shard);
    journal.segment_bytes = u64::from(config.node.segment_kib) * 1024;
    journal.durability = durability(config);
    let mut settings = ShardConfig::new(journal);
    settings.trace = if options.stage_times.is_some() || config.node.trace > 0 { TRACE_ENTRIES } else { 0 };
    settings.upgrade = options.upgrade;
    settings.clock_jump_bound = Duration::from_secs(config.node.clock_jump_bound_s.into());
    settings.clock_down_bound = Duration::from_hours(config.node.clock_down_bound_h.into());
    settings.snapshots.every_records = config.node.snapshot_records.into();
    settings.core = config.node.cores.get(usize::from(shard.index)).map(|core| usize::from(*core));
    settings.idle = match config.node.idle {
        Idle::Spin => engine::Idle::Spin,
        Idle::Yield => engine::Idle::Yield,
        Idle::Park => engine::Idle::Park { spins: 2_000 },
    };
    settings
}

const fn durability(config: &Config) -> journal::Durability {
    match config.node.durability {
        Durability::Process => journal::Durability::Process,
        Durability::Disk => journal::Durability::Disk,
    }
}

fn start_shard(standby: Standby<Core>, clock: impl Clock) -> Result<Shard<Core>, NodeError> {
    let shard = standby.start(clock)?;
    let (recovery, recovered) = (shard.recovery(), shard.recovered());
    tracing::info!(
        shard = %shard.id(),
        records = recovered.records,
        digests_equal = recovered.digests,
        incarnation = recovery.incarnation.count,
        "the journal was replayed"
    );
    if let Some(cut) = &recovery.cut {
        tracing::warn!(shard = %shard.id(), bytes = cut.bytes, records = cut.records, "a torn tail was cut off");
    }
    Ok(shard)
}

/// Each shard can ask each other one.
fn join_peers(shards: &[Shard<Core>]) -> Result<(), (ShardId, Refused)> {
    for shard in shards {
        for other in shards.iter().filter(|other| other.id() != shard.id()) {
            shard.join_peer(other.peer_port()).map_err(|refused| (shard.id(), refused))?;
        }
    }
    Ok(())
}

/// Says what differs, and does what may be done. Gives where each shard stands afterwards.
fn carry_out(
    shards: &[Shard<Core>],
    plan: &Plan,
    options: &StartOptions,
) -> Result<Vec<Position>, NodeError> {
    for unlisted in &plan.unlisted {
        tracing::warn!("the journal has what the configuration has not: {unlisted}; it stays");
    }
    let allowed = |step: &&Step| step.kind == StepKind::New || options.apply_changes;
    for step in plan.steps.iter().filter(|step| !allowed(step)) {
        tracing::warn!("not applied: {step}; `gannet run --apply` applies it");
    }
    let on = |shard: &Shard<Core>| {
        let steps = plan.steps.iter().filter(allowed).filter(|step| step.shard == shard.id());
        carry_out_on(shard, &steps.collect::<Vec<_>>())
    };
    shards.iter().map(on).collect()
}

/// The same in words, for the office.
fn changed(plan: &Plan, options: &StartOptions, shards: usize) -> StartChanges {
    let is_applied = |step: &&Step| step.kind == StepKind::New || options.apply_changes;
    let text = |step: &Step| {
        if shards == 1 { step.to_string() } else { format!("{step} (shard {})", step.shard) }
    };
    let (applied, left): (Vec<&Step>, Vec<&Step>) = plan.steps.iter().partition(is_applied);
    StartChanges {
        applied: applied.into_iter().map(text).collect(),
        left: left.into_iter().map(text).collect(),
    }
}

/// A connection to each shard.
fn lines(shards: &[Shard<Core>]) -> Result<Vec<Arc<Line<Core>>>, NodeError> {
    let line = |shard: &Shard<Core>| {
        let refused = |refused| NodeError::Refused { shard: shard.id(), refused };
        Line::new(shard).map(Arc::new).map_err(refused)
    };
    shards.iter().map(line).collect()
}

/// What the office listens to.
fn sources(config: &Config, shards: &[Shard<Core>]) -> Vec<HeardShard> {
    let source = |shard: &Shard<Core>| HeardShard {
        shard: shard.id(),
        replica: shard.replica(),
        journal: shard_dir(&config.node.journal, shard.id()).into(),
        is_diverged: false,
    };
    shards.iter().map(source).collect()
}

fn carry_out_on(shard: &Shard<Core>, steps: &[&Step]) -> Result<Position, NodeError> {
    let mut at = shard.recovered().position;
    if steps.is_empty() {
        return Ok(at);
    }
    let refused = |refused| NodeError::Refused { shard: shard.id(), refused };
    let uid = rustix::process::getuid().as_raw();
    let mut client = shard.client(uid, WINDOW).map_err(refused)?;
    let mut answered = steps.iter();
    let mut next = |client: &mut engine::Client<Core>| -> Result<(), NodeError> {
        let answer = client.wait(PATIENCE).ok_or(NodeError::Unanswered(shard.id()))?;
        at = answer.position;
        match (answer.event, answered.next()) {
            (Event::Denied { denial, .. }, Some(step)) => {
                Err(NodeError::Denied { step: step.to_string(), denial })
            }
            _ => Ok(()),
        }
    };
    for step in steps {
        if client.in_flight() == WINDOW {
            next(&mut client)?;
        }
        client.submit(step.command).map_err(refused)?;
        tracing::info!(shard = %shard.id(), "{step}");
    }
    while client.in_flight() > 0 {
        next(&mut client)?;
    }
    Ok(at)
}

/// Waits until the replicas have what the plan did, so that everything which is configured has its name.
fn caught_up(shards: &[Shard<Core>], at: &[Position]) -> Result<(), NodeError> {
    for (shard, at) in shards.iter().zip(at) {
        shard.replica().read(*at, |_| ())?;
    }
    Ok(())
}

fn start_feed(
    config: &Config,
    names: &Arc<LiveDirectory>,
    shards: &[Shard<Core>],
) -> Result<Option<Feed>, NodeError> {
    let Some(market) = &config.market_data else { return Ok(None) };
    let senders = shards.iter().map(Shard::facts).collect();
    Feed::start(market.address, Arc::clone(names), senders)
        .map(Some)
        .map_err(|source| NodeError::Io { what: "cannot start the quotes".to_owned(), source })
}
