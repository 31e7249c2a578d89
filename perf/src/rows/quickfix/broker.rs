//! The broker: acknowledges every order at once, on QuickFIX's own thread.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use engine::monotonic_ns;
use quickfix::{
    Acceptor, Application, ApplicationCallback, ConnectionHandler, Dictionary, FieldMap,
    FileMessageStoreFactory, FixSocketServerKind, LogFactory, MemoryMessageStoreFactory, Message,
    MsgFromAppError, NullLogger, QuickFixError, SessionId, send_to_target,
};

use super::stores::Store;
use crate::error::PerfError;

pub(super) const BROKER: &str = "PERF-BROKER";
pub(super) const FIRM: &str = "PERF-FIRM";

/// When one order passed which point at the broker.
#[derive(Debug, Default)]
pub(super) struct AtBroker {
    pub(super) received_ns: AtomicU64,
    pub(super) answered_ns: AtomicU64,
}

/// Runs the broker while `trade` runs.
pub(super) fn beside<T>(
    store: Store,
    dir: &Path,
    times: &Arc<AtBroker>,
    trade: impl FnOnce(u16) -> Result<T, PerfError>,
) -> Result<T, PerfError> {
    let port = free_port()?;
    let exchange = Exchange { times: Arc::clone(times), executions: AtomicU64::new(0) };
    let ends = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let broker = scope.spawn(|| serve(&exchange, port, store, &dir.join("broker"), &ends));
        let traded = trade(port);
        ends.store(true, Ordering::Release);
        let served = broker.join().map_err(|_| PerfError::Unexpected("the broker died".to_owned()))?;
        served.map_err(quickfix_failed)?;
        traded
    })
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(super) fn quickfix_failed(error: QuickFixError) -> PerfError {
    PerfError::Unexpected(format!("QuickFIX: {error}"))
}

struct Exchange {
    times: Arc<AtBroker>,
    executions: AtomicU64,
}

impl ApplicationCallback for Exchange {
    fn on_msg_from_app(&self, message: &Message, _: &SessionId) -> Result<(), MsgFromAppError> {
        if message.with_header(|header| header.get_field(35)).as_deref() != Some("D") {
            return Ok(());
        }
        self.times.received_ns.store(monotonic_ns(), Ordering::Release);
        let execution = self.executions.fetch_add(1, Ordering::Relaxed);
        let Some((answer, session)) = acknowledgement(message, execution) else {
            return Err(MsgFromAppError::FieldNotFound);
        };
        self.times.answered_ns.store(monotonic_ns(), Ordering::Release);
        // Where it fails the measuring side runs out of patience.
        let _ = send_to_target(answer, &session);
        Ok(())
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
fn serve(
    exchange: &Exchange,
    port: u16,
    store: Store,
    dir: &Path,
    ends: &AtomicBool,
) -> Result<(), QuickFixError> {
    let settings =
        settings(&[("ConnectionType", "acceptor")], ("SocketAcceptPort", port), dir, (BROKER, FIRM))?;
    let application = Application::try_new(exchange)?;
    let logs = LogFactory::try_new(&NullLogger)?;
    let kind = FixSocketServerKind::SingleThreaded;
    match store {
        Store::File => {
            let stores = FileMessageStoreFactory::try_new(&settings)?;
            poll(Acceptor::try_new(&settings, &application, &stores, &logs, kind)?, ends)
        }
        Store::Memory => {
            let stores = MemoryMessageStoreFactory::new();
            poll(Acceptor::try_new(&settings, &application, &stores, &logs, kind)?, ends)
        }
    }
}

fn poll(mut acceptor: impl ConnectionHandler, ends: &AtomicBool) -> Result<(), QuickFixError> {
    while !ends.load(Ordering::Acquire) {
        acceptor.poll()?;
        std::thread::yield_now();
    }
    acceptor.stop()
}

/// For one session of these `CompID`s.
pub(super) fn settings(
    texts: &[(&str, &str)],
    port: (&str, u16),
    store: &Path,
    (sender, target): (&str, &str),
) -> Result<quickfix::SessionSettings, QuickFixError> {
    let mut dictionary = Dictionary::new();
    let store = store.to_string_lossy();
    let usual = [
        ("FileStorePath", &*store),
        ("NonStopSession", "Y"),
        ("UseDataDictionary", "N"),
        ("SocketReuseAddress", "Y"),
        ("SocketNodelay", "Y"),
    ];
    for (key, value) in usual.iter().chain(texts) {
        dictionary.set(key, *value)?;
    }
    dictionary.set(port.0, i32::from(port.1))?;
    let mut settings = quickfix::SessionSettings::new();
    settings.set(None, dictionary)?;
    settings.set(Some(&SessionId::try_new("FIX.4.4", sender, target, "")?), Dictionary::new())?;
    Ok(settings)
}

fn free_port() -> Result<u16, PerfError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(PerfError::io("find a free port"))?;
    Ok(listener.local_addr().map_err(PerfError::io("find a free port"))?.port())
}
