//! The FIX side: a QuickFIX acceptor. Its callbacks log, hand over and return; sending is the desk's.

use std::collections::HashMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crash_point::{Point, reach};
use crossbeam::channel::{Receiver, Sender, bounded};
use quickfix::{
    Acceptor, Application, ApplicationCallback, ConnectionHandler, Dictionary, FileMessageStoreFactory,
    FixSocketServerKind, LogCallback, LogFactory, Message, MsgFromAppError, MsgToAppError, SessionContainer,
    SessionId, SessionSettings, send_to_target,
};

use crate::config::{Config, SessionConfig};
use crate::log::{Entry, Log};
use crate::to_desk::ToDesk;
use crate::words::Request;
use crate::{Error, clock, store_day, wire};

/// What QuickFIX calls.
struct Callbacks {
    log: Arc<Mutex<Log>>,
    desk: Sender<ToDesk>,
    /// Counts messages in both directions.
    activity: Arc<AtomicU64>,
}

impl Callbacks {
    /// Logs a message and hands it over, in one order for both: QuickFIX counts it as received only after this.
    fn take_in(&self, entry: &Entry, message: ToDesk) -> Result<(), MsgFromAppError> {
        reach(Point::BrokerReceived);
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = log.write(clock::now_utc_ns(), entry) {
            // What cannot be recorded is refused, and the broker stops.
            let _ = self.desk.send(ToDesk::Failed(error));
            return Err(MsgFromAppError::IncorrectTagValue);
        }
        reach(Point::BrokerLogged);
        // The desk is gone only while the broker stops; the log has the message and the restart answers it.
        let _ = self.desk.send(message);
        Ok(())
    }
}

impl ApplicationCallback for Callbacks {
    fn on_msg_to_admin(&self, _: &mut Message, _: &SessionId) {
        self.activity.fetch_add(1, Ordering::Relaxed);
    }

    fn on_msg_to_app(&self, _: &mut Message, _: &SessionId) -> Result<(), MsgToAppError> {
        self.activity.fetch_add(1, Ordering::Relaxed);
        reach(Point::BrokerNumbered);
        Ok(())
    }

    fn on_logon(&self, session: &SessionId) {
        tracing::info!(session = session.to_repr(), "logged on");
    }

    fn on_logout(&self, session: &SessionId) {
        tracing::info!(session = session.to_repr(), "logged out");
    }

    fn on_msg_from_app(&self, message: &Message, session: &SessionId) -> Result<(), MsgFromAppError> {
        self.activity.fetch_add(1, Ordering::Relaxed);
        let target = session.get_target_comp_id().unwrap_or_default();
        match wire::decode(message, &target) {
            Ok(request) => {
                let entry = match request.clone() {
                    Request::New(new) => Entry::ReceivedNew(new),
                    Request::Change(change) if change.terms.is_some() => Entry::ReceivedReplace(change),
                    Request::Change(change) => Entry::ReceivedCancel(change),
                    Request::Status(status) => Entry::ReceivedStatus(status),
                };
                self.take_in(&entry, ToDesk::Request(request))
            }
            Err(what) => {
                tracing::warn!(text = what.text, msg_type = what.msg_type, "a message cannot be understood");
                self.take_in(&Entry::Misunderstood(what.clone()), ToDesk::Misunderstood(what))
            }
        }
    }
}

/// QuickFIX's own log lines, to tracing.
struct FixLog;

impl LogCallback for FixLog {
    fn on_incoming(&self, _: Option<&SessionId>, msg: &str) {
        tracing::trace!(msg, "in");
    }

    fn on_outgoing(&self, _: Option<&SessionId>, msg: &str) {
        tracing::trace!(msg, "out");
        if msg.contains("\u{1}35=8\u{1}") {
            reach(Point::BrokerStored);
        }
    }

    fn on_event(&self, session: Option<&SessionId>, msg: &str) {
        tracing::debug!(session = session.map(SessionId::to_repr), msg, "QuickFIX");
    }
}

/// The running acceptor.
pub(crate) struct FixSide {
    port: u16,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

impl FixSide {
    /// Starts it; returns once the port is bound.
    pub(crate) fn start(
        config: &Config,
        log: &Arc<Mutex<Log>>,
        desk: &Sender<ToDesk>,
    ) -> Result<Self, Error> {
        let mut last = Err(Error::Thread("broker-fix"));
        // Between finding a free port and binding it, somebody else may take it: then another one.
        for _ in 0..if config.port == 0 { 5 } else { 1 } {
            last = Self::start_on(free_port(config.port)?, config, Arc::clone(log), desk.clone());
            if last.is_ok() {
                break;
            }
        }
        last
    }

    fn start_on(
        port: u16,
        config: &Config,
        log: Arc<Mutex<Log>>,
        desk: Sender<ToDesk>,
    ) -> Result<Self, Error> {
        let (sessions, fix_dir) = (config.sessions.clone(), fix_dir(&config.dir));
        let (ready, is_ready) = bounded::<()>(1);
        let (stop, stopped) = bounded::<()>(1);
        let thread = thread::Builder::new()
            .name("broker-fix".to_owned())
            .spawn(move || {
                run(
                    &sessions,
                    &fix_dir,
                    port,
                    &Callbacks { log, desk, activity: Arc::default() },
                    &ready,
                    &stopped,
                )
            })
            .map_err(|_| Error::Thread("broker-fix"))?;
        let mut side = Self { port, stop: Some(stop), thread: Some(thread) };
        match is_ready.recv() {
            Ok(()) => Ok(side),
            // It ended before it was ready: it says why.
            Err(_) => Err(side.stop().err().unwrap_or(Error::Thread("broker-fix"))),
        }
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Logs out and ends. Nothing may be sent afterwards.
    pub(crate) fn stop(&mut self) -> Result<(), Error> {
        drop(self.stop.take());
        match self.thread.take() {
            Some(thread) => thread.join().map_err(|_| Error::Thread("broker-fix"))?,
            None => Ok(()),
        }
    }
}

/// QuickFIX objects borrow each other, so one stack holds them all until the end.
fn run(
    sessions: &[SessionConfig],
    fix_dir: &Path,
    port: u16,
    callbacks: &Callbacks,
    ready: &Sender<()>,
    stopped: &Receiver<()>,
) -> Result<(), Error> {
    let settings = settings(sessions, fix_dir, port)?;
    for session in sessions {
        store_day::date_today(fix_dir, session)?;
    }
    let application = Application::try_new(callbacks)?;
    let store = FileMessageStoreFactory::try_new(&settings)?;
    let log = LogFactory::try_new(&FixLog)?;
    let mut acceptor =
        Acceptor::try_new(&settings, &application, &store, &log, FixSocketServerKind::SingleThreaded)?;
    // The first poll binds the port.
    acceptor.poll()?;
    let _ = ready.send(());
    let mut pump =
        Pump { acceptor: &mut acceptor, activity: &callbacks.activity, seen: 0, idle_since: Instant::now() };
    pump.run_until(|_| Ok(is_stopped(stopped)))?;
    pump.log_out(sessions)?;
    acceptor.stop()?;
    Ok(())
}

fn is_stopped(stopped: &Receiver<()>) -> bool {
    stopped.try_recv().is_err_and(|error| error.is_disconnected())
}

/// Drives the acceptor on our own thread.
///
/// Not by `Acceptor::start`: `stop` then closes the server's sockets while QuickFIX's thread deletes the server, and
/// the process dies of it (seen with 0.2.2, in `SocketServer::close`).
struct Pump<'a, A> {
    acceptor: &'a mut A,
    activity: &'a AtomicU64,
    seen: u64,
    idle_since: Instant,
}

impl<A: ConnectionHandler + SessionContainer> Pump<'_, A> {
    fn run_until(&mut self, mut is_over: impl FnMut(&mut Self) -> Result<bool, Error>) -> Result<(), Error> {
        while !is_over(self)? {
            self.acceptor.poll()?;
            self.rest();
        }
        Ok(())
    }

    /// A poll does not wait, so this does: the longer the longer nothing happens.
    fn rest(&mut self) {
        let activity = self.activity.load(Ordering::Relaxed);
        if activity != self.seen {
            (self.seen, self.idle_since) = (activity, Instant::now());
            return;
        }
        match self.idle_since.elapsed() {
            // The answer to what we just sent may be on its way: a sleep would cost more than the way does.
            idle if idle < Duration::from_micros(300) => thread::yield_now(),
            idle if idle < Duration::from_secs(1) => thread::sleep(Duration::from_micros(50)),
            _ => thread::sleep(Duration::from_millis(1)),
        }
    }

    /// Says goodbye on every session, and waits for the answers for a while.
    fn log_out(&mut self, sessions: &[SessionConfig]) -> Result<(), Error> {
        for session in sessions {
            self.acceptor.session(session_id(session)?)?.logout()?;
        }
        let deadline = Instant::now() + LOGOUT_WAIT;
        self.run_until(|pump| Ok(!pump.acceptor.is_logged_on()? || Instant::now() > deadline))?;
        // Once more, for QuickFIX to close what it has dropped.
        self.acceptor.poll()?;
        self.acceptor.poll()?;
        Ok(())
    }
}

const LOGOUT_WAIT: Duration = Duration::from_secs(3);

fn settings(sessions: &[SessionConfig], fix_dir: &Path, port: u16) -> Result<SessionSettings, Error> {
    let path = fix_dir.to_str().ok_or_else(|| Error::value("dir", "it is not UTF-8"))?;
    let port = port.to_string();
    let common: &[(&str, &str)] = &[
        ("ConnectionType", "acceptor"),
        ("BeginString", "FIX.4.4"),
        ("NonStopSession", "Y"),
        ("UseDataDictionary", "N"),
        ("FileStorePath", path),
        ("SocketAcceptPort", &port),
        ("SocketReuseAddress", "Y"),
        ("SocketNodelay", "Y"),
        // QuickFIX binds every interface; this turns away who does not come from this machine.
        ("AllowedRemoteAddresses", "127.0.0.1"),
        // A stalled machine is not a reason to refuse an order.
        ("CheckLatency", "N"),
    ];
    let mut settings = SessionSettings::new();
    settings.set(None, dictionary(common)?)?;
    for session in sessions {
        settings.set(Some(&session_id(session)?), dictionary(common)?)?;
    }
    Ok(settings)
}

fn dictionary(items: &[(&str, &str)]) -> Result<Dictionary, Error> {
    let mut dictionary = Dictionary::new();
    for (key, value) in items {
        dictionary.set(key, *value)?;
    }
    Ok(dictionary)
}

fn session_id(session: &SessionConfig) -> Result<SessionId, Error> {
    Ok(SessionId::try_new("FIX.4.4", &session.sender, &session.target, "")?)
}

/// Where QuickFIX keeps its numbers and messages.
pub(crate) fn fix_dir(dir: &Path) -> PathBuf {
    dir.join("fix")
}

/// QuickFIX cannot bind port 0: finds a free one. Also tells early, and clearly, that a port is taken.
fn free_port(port: u16) -> Result<u16, Error> {
    let failed = |source| Error::Port { port, source };
    let probe = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(failed)?;
    Ok(probe.local_addr().map_err(failed)?.port())
}

/// Sends messages; lives on the desk's thread.
pub(crate) struct Post {
    sessions: HashMap<String, SessionId>,
}

impl Post {
    pub(crate) fn new(sessions: &[SessionConfig]) -> Result<Self, Error> {
        let ids = sessions.iter().map(|session| Ok((session.target.clone(), session_id(session)?)));
        Ok(Self { sessions: ids.collect::<Result<_, Error>>()? })
    }

    /// Sends a message on the session of `target`. While that is logged off, QuickFIX numbers and stores the
    /// message, and the initiator gets it by a resend after its next logon.
    pub(crate) fn send(&self, target: &str, message: Message) -> Result<(), Error> {
        let Some(session) = self.sessions.get(target) else {
            // An order from before the configuration changed: there is nobody to tell.
            tracing::warn!(target, "no such session any more");
            return Ok(());
        };
        send_to_target(message, session)?;
        reach(Point::BrokerSent);
        Ok(())
    }
}
