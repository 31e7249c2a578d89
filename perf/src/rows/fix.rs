//! Translation, as the gateway does it: an execution report until it is handed to the shard, an order from the
//! shard until its fields are handed to the session's engine. Sockets and sequence numbers are the engine's.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use fix_gateway::{
    Doubt, Draft, EngineError, Idle, Inbox, Link, SendOutcome, SentMessage, SentRecord, Session,
    SessionEngine, SessionSettings, ShardClosed, ShardPort,
};
use model::{Command, Input, Name, Outbound, OutboundKind, Position, SessionId, WireId};
use workload::Orders;

use crate::error::PerfError;
use crate::lab::{Lab, Pinned};
use crate::row::{Best, Row};
use crate::rows::ring;
use crate::samples::Samples;
use crate::ticks::now_ns;

const PARSE: &str =
    "Inbox::received until ShardPort::post: 240 bytes of FIX 4.4 to a checked ExecutionReport";
const ENCODE: &str = "ShardPort::poll_outbound until Link::send: a NewOrderSingle to its FIX fields";
const PATIENCE: Duration = Duration::from_secs(20);

const REPORT: &str = "8=FIX.4.4|9=218|35=8|34=1234|49=BROKER|52=20251120-09:02:03.456|56=GANNET|37=B-20251120-77|\
    11=G1-0-123456|17=E-20251120-000077|150=F|39=1|1=ALPHA|55=MSFT|54=1|38=1000|44=48.51|32=100|31=48.5|14=300|\
    151=700|6=48.4975|60=20251120-09:02:03.455|75=20251120|64=20251124|10=123|";

/// Which way is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

pub(crate) fn parse(lab: &mut Lab) -> Result<(), PerfError> {
    measure(lab, "fix.parse.execution_report", PARSE, Way::In)
}

pub(crate) fn encode(lab: &mut Lab) -> Result<(), PerfError> {
    measure(lab, "fix.encode.new_order_single", ENCODE, Way::Out)
}

fn measure(lab: &mut Lab, name: &str, note: &'static str, way: Way) -> Result<(), PerfError> {
    let best: Best = lab.best_of(|| translations(lab, way))?;
    lab.rows.push(Row::new(name, best, note));
    Ok(())
}

/// Runs a session of the gateway with an engine and a shard that only take times.
fn translations(lab: &Lab, way: Way) -> Result<Samples, PerfError> {
    let (done, samples) = sync_channel(1);
    let count = lab.sized(100_000, 500_000);
    let port = Arc::new(Port {
        started_ns: AtomicU64::new(0),
        left: AtomicU64::new(0),
        posted_ns: AtomicU64::new(0),
    });
    if way == Way::Out {
        port.left.store(count, Ordering::Relaxed);
    }
    let engine =
        Engine { way, count, clock_ns: lab.clock_ns, core: lab.near_core(), port: Arc::clone(&port), done };
    let mut settings = SessionSettings::new(
        SessionId::new(0),
        Name::new("BROKER")?,
        "GANNET",
        "BROKER",
        ("127.0.0.1", 1),
        PathBuf::from("unused"),
    );
    settings.idle = Idle::Spin;
    let session = Session::start_with(settings, Box::new(engine), port);
    let session = session.map_err(|error| PerfError::Unexpected(error.to_string()))?;
    let samples = wait_for(&samples);
    session.stop().map_err(|error| PerfError::Unexpected(error.to_string()))?;
    samples
}

fn wait_for(samples: &Receiver<Samples>) -> Result<Samples, PerfError> {
    let samples = samples.recv_timeout(PATIENCE).map_err(|_| PerfError::Late("the last translation"))?;
    if samples.summary().count == 0 {
        return Err(PerfError::Unexpected("nothing was translated".to_owned()));
    }
    Ok(samples)
}

/// The shard's end: gives orders, takes reports, and notes when.
struct Port {
    /// When the last order was given.
    started_ns: AtomicU64,
    /// Orders still to give.
    left: AtomicU64,
    /// When the last report was taken; 0 for none.
    posted_ns: AtomicU64,
}

impl ShardPort for Port {
    fn poll_outbound(&self) -> Option<Outbound> {
        let left = self.left.load(Ordering::Relaxed);
        self.left.store(left.checked_sub(1)?, Ordering::Relaxed);
        let outbound = order(left);
        self.started_ns.store(now_ns(), Ordering::Relaxed);
        Some(outbound)
    }

    fn post(&self, input: Input) -> Result<(), ShardClosed> {
        if matches!(input, Input::ExecutionReport(_)) {
            self.posted_ns.store(now_ns(), Ordering::Relaxed);
        }
        Ok(())
    }

    fn doubts(&self, _at: Position) -> Result<Vec<Doubt>, ShardClosed> {
        Ok(Vec::new())
    }

    fn unanswered(&self, _at: Position) -> Result<BTreeSet<WireId>, ShardClosed> {
        Ok(BTreeSet::new())
    }

    fn acknowledged(&self, _at: Position) -> Result<BTreeSet<WireId>, ShardClosed> {
        Ok(BTreeSet::new())
    }

    fn inbound_high_water(&self) -> u64 {
        0
    }
}

fn order(number: u64) -> Outbound {
    let mut outbound = ring::answer(&Command::NewOrder(Orders::default().next()));
    if let OutboundKind::NewOrderSingle { cl_ord_id, account, symbol, .. } = &mut outbound.kind {
        *cl_ord_id = WireId { seq: number, incarnation: 1, shard: 0 };
        *account = Name::cut("ALPHA");
        *symbol = model::Symbol::cut("MSFT");
    }
    outbound.time = model::Timestamp::from_nanos(1_763_629_323_456_789_000);
    outbound
}

/// The engine's end.
struct Engine {
    way: Way,
    count: u64,
    clock_ns: u64,
    core: Option<usize>,
    port: Arc<Port>,
    done: SyncSender<Samples>,
}

impl SessionEngine for Engine {
    fn sent_record(&self) -> Arc<dyn SentRecord> {
        Arc::new(NothingSent)
    }

    fn run(
        self: Box<Self>,
        inbox: Arc<dyn Inbox>,
        work: &mut dyn FnMut(&mut dyn Link),
    ) -> Result<(), EngineError> {
        let _pinned = Pinned::to(self.core);
        inbox.logged_on();
        if self.way == Way::In {
            // The lab waits for what is sent here; where it gave up, nobody does.
            let _ = self.done.send(self.receive(inbox.as_ref()));
        }
        work(&mut Timing { engine: &self, seen: 0, samples: Samples::new() });
        Ok(())
    }
}

impl Engine {
    fn receive(&self, inbox: &dyn Inbox) -> Samples {
        let raw = REPORT.replace('|', "\u{1}").into_bytes();
        let mut samples = Samples::new();
        for turn in 0..self.count {
            self.port.posted_ns.store(0, Ordering::Relaxed);
            let start = now_ns();
            inbox.received(&raw);
            let posted = self.port.posted_ns.load(Ordering::Relaxed);
            // One that was not understood is no sample: without any the measurement fails.
            if turn >= self.count / 10 && posted >= start {
                samples.record((posted - start).saturating_sub(self.clock_ns));
            }
        }
        samples
    }
}

/// Takes the time of each message that would be sent.
struct Timing<'a> {
    engine: &'a Engine,
    seen: u64,
    samples: Samples,
}

impl Link for Timing<'_> {
    fn send(&mut self, draft: &Draft) -> SendOutcome {
        let elapsed = now_ns() - self.engine.port.started_ns.load(Ordering::Relaxed);
        self.seen += 1;
        if self.seen > self.engine.count / 10 && draft.msg_type() == "D" {
            self.samples.record(elapsed.saturating_sub(self.engine.clock_ns));
        }
        if self.seen == self.engine.count {
            let _ = self.engine.done.send(self.samples.clone());
        }
        SendOutcome::Sent { seq: self.seen }
    }
}

/// The record of an engine that never sent anything.
pub(crate) struct NothingSent;

impl SentRecord for NothingSent {
    fn which_were_sent(&self, _wanted: &BTreeSet<WireId>) -> io::Result<BTreeSet<WireId>> {
        Ok(BTreeSet::new())
    }

    fn by_seq(&self, _seq: u64) -> io::Result<Option<SentMessage>> {
        Ok(None)
    }

    fn absence_proves(&self) -> bool {
        true
    }

    fn distrust(&self) -> std::io::Result<()> {
        Ok(())
    }

    fn trust(&self, _: &BTreeSet<WireId>) -> io::Result<()> {
        Ok(())
    }
}
