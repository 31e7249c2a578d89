//! One run: shard, gateway, engine, broker, and orders one after the other.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actors::Core;
use engine::{
    Client, Idle, Lane, SessionOutlet, SessionPort, Shard, StageTimes, SystemClock, TraceReader,
    monotonic_ns, monotonic_ns_at,
};
use fix_gateway::{Doubt, RunningSession, Session, SessionSettings, ShardClosed, ShardPort, Stage};
use journal::Durability;
use model::{Command, Event, Input, InstrumentId, Name, Outbound, Position, SessionState, Timestamp};

use super::broker::{self, AtBroker, BROKER, FIRM};
use super::memory_engine::MemoryEngine;
use super::stores::Store;
use workload::{ACCOUNTS, INSTRUMENTS, Orders, SESSION, definitions, quote};

use crate::error::PerfError;
use crate::lab::Lab;
use crate::rig::{WINDOW, config};
use crate::samples::Samples;

/// Also where the disk is somebody else's for a while.
const PATIENCE: Duration = Duration::from_mins(1);

/// What shard and gateway do while there is nothing to do: which is better depends on the cores there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// A node's own settings.
    Sleeping,
    /// Giving the core away and asking for it again, without end.
    Yielding,
}

/// What a run is made of.
#[derive(Clone, Copy)]
pub(super) struct Configuration {
    pub(super) waiting: Waiting,
    pub(super) store: Store,
    pub(super) durability: Durability,
    pub(super) traced: bool,
}

/// A part of the way.
pub(super) struct Span {
    pub(super) name: &'static str,
    pub(super) samples: Samples,
}

/// When one order passed which point on our side.
#[derive(Debug, Default)]
#[expect(clippy::struct_field_names, reason = "the unit stands last in every name")]
struct AtGateway {
    taken_ns: AtomicU64,
    sent_ns: AtomicU64,
    posted_ns: AtomicU64,
}

/// All stamps of one order.
struct Stamps {
    submitted_ns: u64,
    shard: StageTimes,
    taken_ns: u64,
    sent_ns: u64,
    received_ns: u64,
    answered_ns: u64,
    posted_ns: u64,
}

type BetweenStamps = (&'static str, fn(&Stamps) -> u64, fn(&Stamps) -> u64);

const PARTS: [BetweenStamps; 3] = [
    ("round_trip", |at| at.submitted_ns, |at| at.posted_ns),
    ("out", |at| at.submitted_ns, |at| at.received_ns),
    ("in", |at| at.answered_ns, |at| at.posted_ns),
];
/// In order, without gaps: they add up to the round trip.
const STAGES: [BetweenStamps; 9] = [
    ("1_ring_in", |at| at.submitted_ns, |at| at.shard.taken_ns),
    ("2_journal", |at| at.shard.taken_ns, |at| at.shard.appended_ns),
    ("3_decide", |at| at.shard.appended_ns, |at| at.shard.applied_ns),
    ("4_release", |at| at.shard.applied_ns, |at| at.shard.released_ns),
    ("5_gateway_ring", |at| at.shard.released_ns, |at| at.taken_ns),
    ("6_translate_send", |at| at.taken_ns, |at| at.sent_ns.min(at.received_ns)),
    ("7_wire_to_broker", |at| at.sent_ns.min(at.received_ns), |at| at.received_ns),
    ("8_broker", |at| at.received_ns, |at| at.answered_ns),
    ("9_wire_back_booked", |at| at.answered_ns, |at| at.posted_ns),
];

pub(super) fn run(lab: &Lab, configuration: Configuration) -> Result<Vec<Span>, PerfError> {
    let dir = lab.fresh_dir()?;
    let times = Arc::new(AtBroker::default());
    broker::beside(configuration.store, dir.path(), &times, |port| {
        trade(lab, dir.path(), port, configuration, &times)
    })
}

fn trade(
    lab: &Lab,
    dir: &Path,
    port: u16,
    configuration: Configuration,
    broker: &AtBroker,
) -> Result<Vec<Span>, PerfError> {
    let mut settings = config(&dir.join("journal"), None);
    settings.idle = match configuration.waiting {
        Waiting::Sleeping => Idle::Park { spins: 2_000 },
        Waiting::Yielding => Idle::Yield,
    };
    settings.journal.durability = configuration.durability;
    settings.trace = if configuration.traced { 1 << 14 } else { 0 };
    let mut shard = Shard::<Core>::start(&settings, SystemClock)?;
    let mut client = shard.client(1000, WINDOW)?;
    for command in definitions(ACCOUNTS)? {
        client.call(command, PATIENCE)?;
    }
    for index in 0..INSTRUMENTS {
        shard.facts().send((InstrumentId::new(index), quote(Timestamp::default())))?;
    }
    let gateway = Arc::new(AtGateway::default());
    let session = connect(&shard, dir, port, configuration, &gateway)?;
    let trace = shard.take_trace();
    let mut trip = Trip { client: &mut client, gateway: &gateway, broker, trace };
    let count = match configuration.durability {
        Durability::Process => lab.sized(1_500, 20_000),
        Durability::Disk => lab.sized(300, 5_000),
    };
    let spans = trip.trips(count, if configuration.traced { &STAGES } else { &PARTS });
    session.stop().map_err(|error| PerfError::Unexpected(error.to_string()))?;
    drop(client);
    shard.stop()?;
    spans
}

fn connect(
    shard: &Shard<Core>,
    dir: &Path,
    port: u16,
    configuration: Configuration,
    gateway: &Arc<AtGateway>,
) -> Result<RunningSession, PerfError> {
    let name = Name::new("BROKER")?;
    let mut settings =
        SessionSettings::new(SESSION, name, FIRM, BROKER, ("127.0.0.1", port), dir.join("fix"));
    if configuration.waiting == Waiting::Yielding {
        settings.idle = fix_gateway::Idle::Park { spins: 200, yields: u32::MAX, park: Duration::ZERO };
    }
    if configuration.traced {
        let gateway = Arc::clone(gateway);
        settings.probe = Some(Arc::new(move |_, stage, at| {
            let point = if stage == Stage::Taken { &gateway.taken_ns } else { &gateway.sent_ns };
            point.store(monotonic_ns_at(at), Ordering::Release);
        }));
    }
    let (inner, outlet) = shard.open_session(SESSION)?;
    let to_shard = Arc::new(Port { inner, outlet: Mutex::new(outlet), times: Arc::clone(gateway) });
    let session = match configuration.store {
        Store::File => Session::start(settings, to_shard),
        Store::Memory => Session::start_with(settings, Box::new(MemoryEngine { port }), to_shard),
    };
    let session = session.map_err(|error| PerfError::Unexpected(error.to_string()))?;
    let deadline = Instant::now() + PATIENCE;
    let ready = |core: &actors::Core| {
        core.session(SESSION).is_some_and(|session| session.state == SessionState::Ready)
    };
    while !shard.replica().read(Position::new(shard.id(), 0), ready)? {
        if Instant::now() > deadline {
            return Err(PerfError::Late("the session's becoming ready"));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(session)
}

struct Trip<'a> {
    client: &'a mut Client<Core>,
    gateway: &'a AtGateway,
    broker: &'a AtBroker,
    trace: Option<TraceReader>,
}

impl Trip<'_> {
    fn trips(&mut self, count: u32, parts: &[BetweenStamps]) -> Result<Vec<Span>, PerfError> {
        let mut orders = Orders::default();
        let mut spans: Vec<Span> =
            parts.iter().map(|(name, ..)| Span { name, samples: Samples::new() }).collect();
        for turn in 0..count + count / 10 {
            let stamps = self.once(&mut orders)?;
            if turn < count / 10 {
                continue;
            }
            for ((_, from, to), span) in parts.iter().zip(&mut spans) {
                span.samples.record(to(&stamps).saturating_sub(from(&stamps)));
            }
        }
        Ok(spans)
    }

    fn once(&mut self, orders: &mut Orders) -> Result<Stamps, PerfError> {
        self.gateway.posted_ns.store(0, Ordering::Release);
        self.gateway.sent_ns.store(0, Ordering::Release);
        let submitted_ns = monotonic_ns();
        self.client.submit(Command::NewOrder(orders.next()))?;
        let posted_ns = wait_for(&self.gateway.posted_ns)?;
        while let Some(answer) = self.client.poll() {
            if !matches!(answer.event, Event::OrderAccepted { .. }) {
                return Err(PerfError::Unexpected(format!("an order was not accepted: {:?}", answer.event)));
            }
        }
        let mut shard = StageTimes::default();
        if let Some(trace) = &mut self.trace {
            while let Some(times) = trace.poll() {
                if times.lane == Lane::Command {
                    shard = times;
                }
            }
            // The answer may be back before the gateway's thread has said that it sent.
            wait_for(&self.gateway.sent_ns)?;
        }
        let at = |time: &AtomicU64| time.load(Ordering::Acquire);
        Ok(Stamps {
            submitted_ns,
            shard,
            taken_ns: at(&self.gateway.taken_ns),
            sent_ns: at(&self.gateway.sent_ns),
            received_ns: at(&self.broker.received_ns),
            answered_ns: at(&self.broker.answered_ns),
            posted_ns,
        })
    }
}

pub(super) fn wait_for(time_ns: &AtomicU64) -> Result<u64, PerfError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match time_ns.load(Ordering::Acquire) {
            0 if Instant::now() > deadline => return Err(PerfError::Late("a report of the broker")),
            0 => std::thread::yield_now(),
            at_ns => return Ok(at_ns),
        }
    }
}

/// The engine's own port; takes the time of each report.
struct Port {
    inner: SessionPort<Core>,
    outlet: Mutex<SessionOutlet<Outbound>>,
    times: Arc<AtGateway>,
}

impl ShardPort for Port {
    fn poll_outbound(&self) -> Option<Outbound> {
        self.outlet.lock().unwrap_or_else(PoisonError::into_inner).poll()
    }

    fn post(&self, input: Input) -> Result<(), ShardClosed> {
        let is_report = matches!(input, Input::ExecutionReport(_));
        self.inner.post(input).map_err(|_| ShardClosed)?;
        if is_report {
            self.times.posted_ns.store(monotonic_ns(), Ordering::Release);
        }
        Ok(())
    }

    fn doubts(&self, _: Position) -> Result<Vec<Doubt>, ShardClosed> {
        // The first logon of a new session: nothing was ever sent.
        Ok(Vec::new())
    }

    fn unanswered(&self, _at: Position) -> Result<std::collections::BTreeSet<model::WireId>, ShardClosed> {
        Ok(std::collections::BTreeSet::new())
    }

    fn acknowledged(&self, _at: Position) -> Result<std::collections::BTreeSet<model::WireId>, ShardClosed> {
        Ok(std::collections::BTreeSet::new())
    }

    fn inbound_high_water(&self) -> u64 {
        self.inner.inbound_high_water()
    }
}
