//! The line to the broker: one QuickFIX initiator for each connection.
//!
//! QuickFIX's `SocketInitiator` does not connect again once the *session* hung up (a logout from the broker, a missed
//! heartbeat): the closed socket is never reported to it (libquickfix `SocketConnector.cpp`, `onError`), and it goes
//! on numbering logons into the void. Its threaded twin does, but closes file descriptors twice. So an initiator
//! connects once, and when the session is down it is replaced.

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::QuarantineCause;
use quickfix::{
    Application, ConnectionHandler, FieldMap, FileMessageStoreFactory, FixSocketServerKind, Initiator,
    LogFactory, Message, QuickFixError, Session, SessionContainer, SessionId,
};

use crate::backoff::Backoff;
use crate::error::EngineError;
use crate::health::DownReason;
use crate::settings::SessionSettings;
use crate::tags;

use super::adapt::{failed, tag};
use super::callbacks::{Callbacks, PING};
use super::progress::{GapWatch, Overdue};
use super::store::Store;
use super::wire::Wire;

/// A connection attempt that neither succeeds nor fails is given up after this long, the logon timeout aside.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Between two test requests after a logon.
const PING_PAUSE: Duration = Duration::from_millis(250);

/// A broker that refuses is tried again after the reconnect pause, then after twice as long each time, up to this.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The same for a broker that is not there: it shall be found soon when it comes, and an attempt costs nobody anything.
const LONGEST_UNANSWERED: Duration = Duration::from_secs(5);

/// Between two looks at whether what is missing comes.
const LOOK_PAUSE: Duration = Duration::from_millis(100);

/// What is missing may take this long without anything coming, or one heartbeat if that is less.
const PATIENCE: Duration = Duration::from_secs(30);

/// What every initiator of the session is made of.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    pub(super) settings: &'a SessionSettings,
    pub(super) configuration: &'a quickfix::SessionSettings,
    pub(super) callbacks: &'a Callbacks,
    pub(super) application: &'a Application<'a, Callbacks>,
    pub(super) stores: &'a FileMessageStoreFactory,
    pub(super) logs: &'a LogFactory<'a, Callbacks>,
}

/// The current connection, or the wait for the next.
pub(super) struct Line<'a> {
    parts: Parts<'a>,
    session_id: SessionId,
    store: &'a Store,
    wire: &'a Arc<Wire>,
    initiator: Option<Initiator<'a, Callbacks, Callbacks, FileMessageStoreFactory>>,
    last_attempt: Instant,
    backoff: Backoff,
    pause: Duration,
    last_ping: Option<Instant>,
    pings: u64,
    last_look: Instant,
    progress: GapWatch,
}

impl<'a> Line<'a> {
    pub(super) fn open(
        parts: Parts<'a>,
        session_id: SessionId,
        store: &'a Store,
        wire: &'a Arc<Wire>,
    ) -> Result<Self, EngineError> {
        let now = Instant::now();
        let pause = Duration::from_secs(parts.settings.reconnect_s.into());
        let mut line = Self {
            parts,
            session_id,
            store,
            wire,
            initiator: None,
            last_attempt: now,
            backoff: Backoff::new(pause, LONGEST_PAUSE),
            pause,
            last_ping: None,
            pings: 0,
            last_look: now,
            progress: GapWatch::default(),
        };
        line.connect()?;
        Ok(line)
    }

    /// Replaces an initiator whose session is over, after a pause that grows while the broker refuses.
    pub(super) fn tend(&mut self) -> Result<(), EngineError> {
        if self.initiator.is_some() && (self.wire.is_over() || self.hangs()) {
            self.end()?;
        }
        if self.initiator.is_none() && self.last_attempt.elapsed() >= self.pause {
            self.connect()?;
        }
        if self.wire.must_ping() && self.last_ping.is_none_or(|last| last.elapsed() >= PING_PAUSE) {
            self.ping().map_err(failed)?;
        }
        self.watch();
        Ok(())
    }

    /// The connection is over.
    fn end(&mut self) -> Result<(), EngineError> {
        let hung = !self.wire.is_over();
        // Joins QuickFIX's thread: up to a second.
        self.hang_up().map_err(failed)?;
        let end = self.wire.ended();
        self.pause = match &end.reason {
            reason if reason.is_refusal() => self.backoff.failed(),
            _ if end.was_up => {
                self.backoff.succeeded();
                Duration::from_secs(self.parts.settings.reconnect_s.into())
            }
            _ => self.backoff.failed_within(LONGEST_UNANSWERED),
        };
        tracing::info!(session = %self.parts.settings.name, reason = %end.reason, pause = ?self.pause, "the connection is over");
        if hung {
            self.parts.callbacks.ended(end.reason);
        }
        Ok(())
    }

    /// Ends the connection where what is missing does not come: the session would look logged on and be deaf.
    fn watch(&mut self) {
        if self.last_look.elapsed() < LOOK_PAUSE {
            return;
        }
        self.last_look = Instant::now();
        let (wait, patience) =
            (self.wire.waits(), PATIENCE.min(Duration::from_secs(self.parts.settings.heartbeat_s.into())));
        let next = if wait.is_idle() { 0 } else { self.store.files.seq_nums().map_or(0, |now| now.target) };
        match self.progress.look(wait, next, self.last_look, patience) {
            None => {}
            Some(Overdue::Answer) => self.wire.end(DownReason::TestRequestUnanswered),
            Some(Overdue::Gap { missing }) => {
                self.wire.end(DownReason::GapUnfilled { missing });
                self.parts.callbacks.notice(QuarantineCause::GapUnfilled, missing, Vec::new());
            }
        }
    }

    /// A test request (35=1). One that falls into a gap is filled over like anything else, so there may be several.
    fn ping(&mut self) -> Result<(), QuickFixError> {
        let Some(initiator) = &self.initiator else { return Ok(()) };
        self.pings += 1;
        self.last_ping = Some(Instant::now());
        let mut message = Message::new();
        message.with_header_mut(|header| header.set_field(tag(tags::MSG_TYPE), "1"))?;
        message.set_field(tag(tags::TEST_REQ_ID), format!("{PING}{}", self.pings))?;
        // Not sent where the session went down meanwhile.
        initiator.session(self.session_id.clone())?.send(message).map(|_| ())
    }

    fn hangs(&self) -> bool {
        let patience = CONNECT_TIMEOUT + Duration::from_secs(self.parts.settings.logon_timeout_s.into());
        !self.wire.is_logged_on() && self.last_attempt.elapsed() >= patience
    }

    fn connect(&mut self) -> Result<(), EngineError> {
        let Parts { configuration, application, stores, logs, .. } = self.parts;
        let correction = self.wire.reset();
        self.store
            .refresh(correction)
            .map_err(|error| EngineError { engine: "QuickFIX", problem: error.to_string() })?;
        self.last_attempt = Instant::now();
        self.last_ping = None;
        self.progress = GapWatch::default();
        let mut initiator =
            Initiator::try_new(configuration, application, stores, logs, FixSocketServerKind::SingleThreaded)
                .map_err(failed)?;
        initiator.start().map_err(failed)?;
        self.initiator = Some(initiator);
        Ok(())
    }

    /// Logs out where logged on, and ends the connection.
    pub(super) fn hang_up(&mut self) -> Result<(), QuickFixError> {
        match self.initiator.take() {
            Some(mut initiator) => initiator.stop(),
            None => Ok(()),
        }
    }

    /// The session, while it is logged on.
    pub(super) fn session(&self) -> Option<Session<'_>> {
        if !self.wire.is_up() {
            return None;
        }
        self.initiator.as_ref()?.session(self.session_id.clone()).ok()
    }
}
