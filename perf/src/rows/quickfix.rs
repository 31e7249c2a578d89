//! The whole way to a broker and back through QuickFIX: in process submit, risk, journal, gateway, QuickFIX, loopback
//! TCP, QuickFIX at the broker's side, and the report's way back to the shard's ring. One order at a time.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use engine::{Client, Idle, SessionPort, Shard, SystemClock};
use fix_gateway::{Doubt, RunningSession, Session, SessionSettings, ShardClosed, ShardPort};
use model::{Command, Event, Input, InstrumentId, Name, Outbound, Position, SessionState, Timestamp};
use quickfix::{
    Acceptor, Application, ApplicationCallback, ConnectionHandler, Dictionary, FieldMap,
    FileMessageStoreFactory, FixSocketServerKind, LogFactory, Message, MsgFromAppError, NullLogger,
    QuickFixError, SessionId, send_to_target,
};

use crate::error::PerfError;
use crate::lab::Lab;
use crate::rig::{ACCOUNTS, INSTRUMENTS, Orders, SESSION, WINDOW, config, definitions, quote};
use crate::row::{Best, Floor, Row};
use crate::samples::{Samples, Summary};
use crate::ticks::now_ns;

const ROUND_TRIP: &str = "Client::submit until the broker's acknowledgement is on the shard's ring; QuickFIX with its file \
                          store and NODELAY on both sides, five threads on the cores there are";
const OUT: &str = "Client::submit until the broker's QuickFIX hands the order to its application";
const IN: &str = "the broker's send until the report is translated and on the shard's ring";
const PATIENCE: Duration = Duration::from_secs(20);
const BROKER: &str = "PERF-BROKER";
const FIRM: &str = "PERF-FIRM";

/// When one order passed which point.
#[derive(Debug, Default)]
#[expect(clippy::struct_field_names, reason = "the unit stands last in every name")]
struct Times {
    received_ns: AtomicU64,
    answered_ns: AtomicU64,
    posted_ns: AtomicU64,
}

pub(crate) fn session(lab: &mut Lab) -> Result<(), PerfError> {
    let dir = lab.fresh_dir()?;
    let port = free_port()?;
    let times = Arc::new(Times::default());
    let exchange = Exchange { times: Arc::clone(&times), executions: AtomicU64::new(0) };
    let ends = AtomicBool::new(false);
    let [round_trip, out, back] = std::thread::scope(|scope| {
        let broker = scope.spawn(|| serve(&exchange, port, &dir.path().join("broker"), &ends));
        let samples = trade(lab, dir.path(), port, &times);
        ends.store(true, Ordering::Release);
        let served = broker.join().map_err(|_| PerfError::Unexpected("the broker died".to_owned()))?;
        served.map_err(|error| PerfError::Unexpected(error.to_string()))?;
        samples
    })?;
    let floor = lab.rows.iter().find(|row| row.name == "wire.echo").map(|row| Floor {
        name: "wire.echo",
        summary: Summary { p50: row.p50, p999: row.p999, ..Summary::default() },
    });
    for (name, samples, note) in [
        ("wire.quickfix.round_trip", round_trip, ROUND_TRIP),
        ("wire.quickfix.out", out, OUT),
        ("wire.quickfix.in", back, IN),
    ] {
        let row = Row::new(name, Best::only(samples.summary()), note);
        lab.rows.push(match floor {
            Some(floor) => row.beside(floor),
            None => row,
        });
    }
    Ok(())
}

fn trade(lab: &Lab, dir: &Path, port: u16, times: &Arc<Times>) -> Result<[Samples; 3], PerfError> {
    let mut settings = config(&dir.join("journal"), None);
    settings.idle = Idle::Park { spins: 2_000 };
    let shard = Shard::start(&settings, SystemClock)?;
    let mut client = shard.client(1000, WINDOW)?;
    for command in definitions(ACCOUNTS)? {
        client.call(command, PATIENCE)?;
    }
    for index in 0..INSTRUMENTS {
        shard.quotes().send(InstrumentId::new(index), quote(Timestamp::default()))?;
    }
    let session = connect(&shard, dir, port, times)?;
    let samples = round_trips(lab, &mut client, times);
    session.stop().map_err(|error| PerfError::Unexpected(error.to_string()))?;
    drop(client);
    shard.stop()?;
    samples
}

fn connect(shard: &Shard, dir: &Path, port: u16, times: &Arc<Times>) -> Result<RunningSession, PerfError> {
    let name = Name::new("BROKER")?;
    let address = ("127.0.0.1", port);
    let settings = SessionSettings::new(SESSION, name, FIRM, BROKER, address, dir.join("fix"));
    let port = Arc::new(Port { inner: shard.open_session(SESSION)?, times: Arc::clone(times) });
    let session = Session::start(settings, port).map_err(|error| PerfError::Unexpected(error.to_string()))?;
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

fn round_trips(lab: &Lab, client: &mut Client, times: &Times) -> Result<[Samples; 3], PerfError> {
    let (mut orders, mut samples) = (Orders::default(), [Samples::new(), Samples::new(), Samples::new()]);
    let count = lab.sized(3_000, 30_000);
    for turn in 0..count + count / 10 {
        times.posted_ns.store(0, Ordering::Release);
        let submitted_ns = now_ns();
        client.submit(Command::NewOrder(orders.next()))?;
        let posted_ns = wait_for(&times.posted_ns)?;
        while let Some(answer) = client.poll() {
            if !matches!(answer.event, Event::OrderAccepted { .. }) {
                return Err(PerfError::Unexpected(format!("an order was not accepted: {:?}", answer.event)));
            }
        }
        if turn < count / 10 {
            continue;
        }
        let (received_ns, answered_ns) =
            (times.received_ns.load(Ordering::Acquire), times.answered_ns.load(Ordering::Acquire));
        let spans =
            [posted_ns - submitted_ns, received_ns - submitted_ns, posted_ns.saturating_sub(answered_ns)];
        for (samples, span_ns) in samples.iter_mut().zip(spans) {
            samples.record(span_ns);
        }
    }
    Ok(samples)
}

fn wait_for(time_ns: &AtomicU64) -> Result<u64, PerfError> {
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
    inner: SessionPort,
    times: Arc<Times>,
}

impl ShardPort for Port {
    fn poll_outbound(&self) -> Option<Outbound> {
        self.inner.poll_outbound()
    }

    fn post(&self, input: Input) -> Result<(), ShardClosed> {
        let is_report = matches!(input, Input::ExecutionReport(_));
        self.inner.post(input).map_err(|_| ShardClosed)?;
        if is_report {
            self.times.posted_ns.store(now_ns(), Ordering::Release);
        }
        Ok(())
    }

    fn doubts(&self, _: Position) -> Result<Vec<Doubt>, ShardClosed> {
        // The first logon of a new session: nothing was ever sent.
        Ok(Vec::new())
    }

    fn inbound_high_water(&self) -> u64 {
        self.inner.inbound_high_water()
    }
}

/// The broker: acknowledges every order at once, on QuickFIX's own thread.
struct Exchange {
    times: Arc<Times>,
    executions: AtomicU64,
}

impl ApplicationCallback for Exchange {
    fn on_msg_from_app(&self, message: &Message, _: &SessionId) -> Result<(), MsgFromAppError> {
        if message.with_header(|header| header.get_field(35)).as_deref() != Some("D") {
            return Ok(());
        }
        self.times.received_ns.store(now_ns(), Ordering::Release);
        let execution = self.executions.fetch_add(1, Ordering::Relaxed);
        match acknowledgement(message, execution) {
            Some((answer, session)) => {
                self.times.answered_ns.store(now_ns(), Ordering::Release);
                // Where it fails the measuring side runs out of patience.
                let _ = send_to_target(answer, &session);
                Ok(())
            }
            None => Err(MsgFromAppError::FieldNotFound),
        }
    }
}

fn acknowledgement(order: &Message, execution: u64) -> Option<(Message, SessionId)> {
    let mut answer = Message::new();
    answer.with_header_mut(|header| header.set_field(35, "8")).ok()?;
    let id = execution.to_string();
    let (quantity, cl_ord_id) = (order.get_field(38)?, order.get_field(11)?);
    let (symbol, side) = (order.get_field(55)?, order.get_field(54)?);
    for (tag, value) in [
        (37, id.as_str()),
        (11, &cl_ord_id),
        (17, &id),
        (150, "0"),
        (39, "0"),
        (55, &symbol),
        (54, &side),
        (38, &quantity),
        (14, "0"),
        (151, &quantity),
        (6, "0"),
    ] {
        answer.set_field(tag, value).ok()?;
    }
    Some((answer, SessionId::try_new("FIX.4.4", BROKER, FIRM, "").ok()?))
}

/// Polls on one thread: stopping an acceptor that has a thread of its own frees its server under it.
fn serve(exchange: &Exchange, port: u16, store: &Path, ends: &AtomicBool) -> Result<(), QuickFixError> {
    let settings = settings(port, store)?;
    let application = Application::try_new(exchange)?;
    let stores = FileMessageStoreFactory::try_new(&settings)?;
    let logs = LogFactory::try_new(&NullLogger)?;
    let mut acceptor =
        Acceptor::try_new(&settings, &application, &stores, &logs, FixSocketServerKind::SingleThreaded)?;
    while !ends.load(Ordering::Acquire) {
        acceptor.poll()?;
        std::thread::yield_now();
    }
    acceptor.stop()
}

fn settings(port: u16, store: &Path) -> Result<quickfix::SessionSettings, QuickFixError> {
    let mut dictionary = Dictionary::new();
    for (key, value) in [
        ("ConnectionType", "acceptor"),
        ("FileStorePath", &*store.to_string_lossy()),
        ("NonStopSession", "Y"),
        ("UseDataDictionary", "N"),
        ("SocketReuseAddress", "Y"),
        ("SocketNodelay", "Y"),
    ] {
        dictionary.set(key, value)?;
    }
    dictionary.set("SocketAcceptPort", i32::from(port))?;
    let mut settings = quickfix::SessionSettings::new();
    settings.set(None, dictionary)?;
    settings.set(Some(&SessionId::try_new("FIX.4.4", BROKER, FIRM, "")?), Dictionary::new())?;
    Ok(settings)
}

fn free_port() -> Result<u16, PerfError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(PerfError::io("find a free port"))?;
    Ok(listener.local_addr().map_err(PerfError::io("find a free port"))?.port())
}
