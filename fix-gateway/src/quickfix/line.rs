//! The line to the broker: one QuickFIX initiator for each connection.
//!
//! QuickFIX's `SocketInitiator` does not connect again once the *session* hung up (a logout from the broker, a missed
//! heartbeat): the closed socket is never reported to it (libquickfix `SocketConnector.cpp`, `onError`), and it goes
//! on numbering logons into the void. Its threaded twin does, but closes file descriptors twice. So an initiator
//! connects once, and when the session is down it is replaced.

use std::sync::Arc;
use std::time::{Duration, Instant};

use quickfix::{
    Application, ConnectionHandler, FieldMap, FileMessageStoreFactory, FixSocketServerKind, Initiator,
    LogFactory, Message, QuickFixError, Session, SessionContainer, SessionId,
};

use crate::engine::EngineError;
use crate::settings::SessionSettings;
use crate::tags;

use super::callbacks::{Callbacks, PING, Wire};
use super::store::Store;
use super::{failed, tag};

/// A connection attempt that neither succeeds nor fails is given up after this long, the logon timeout aside.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Between two test requests after a logon.
const PING_PAUSE: Duration = Duration::from_millis(250);

/// What every initiator of the session is made of.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    pub(super) settings: &'a SessionSettings,
    pub(super) configuration: &'a quickfix::SessionSettings,
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
    last_ping: Option<Instant>,
    pings: u64,
}

impl<'a> Line<'a> {
    pub(super) fn open(
        parts: Parts<'a>,
        session_id: SessionId,
        store: &'a Store,
        wire: &'a Arc<Wire>,
    ) -> Result<Self, EngineError> {
        let last_attempt = Instant::now();
        let mut line =
            Self { parts, session_id, store, wire, initiator: None, last_attempt, last_ping: None, pings: 0 };
        line.connect()?;
        Ok(line)
    }

    /// Replaces an initiator whose session is over, in the rhythm of `reconnect_s`.
    pub(super) fn tend(&mut self) -> Result<(), EngineError> {
        if self.initiator.is_some() && (self.wire.is_over() || self.hangs()) {
            // Joins QuickFIX's thread: up to a second.
            self.hang_up().map_err(failed)?;
        }
        let pause = Duration::from_secs(self.parts.settings.reconnect_s.into());
        if self.initiator.is_none() && self.last_attempt.elapsed() >= pause {
            self.connect()?;
        }
        if self.wire.must_ping() && self.last_ping.is_none_or(|last| last.elapsed() >= PING_PAUSE) {
            self.ping().map_err(failed)?;
        }
        Ok(())
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
        self.store
            .refresh()
            .map_err(|error| EngineError { engine: "QuickFIX", problem: error.to_string() })?;
        self.wire.reset();
        self.last_attempt = Instant::now();
        self.last_ping = None;
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
