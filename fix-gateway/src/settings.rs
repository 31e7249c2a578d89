//! What an operator says about a session.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{Name, Position, SessionId};

use crate::error::GatewayError;

/// Which engine speaks FIX.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineKind {
    /// QuickFIX, C++. Built in with the cargo feature `quickfix`.
    #[default]
    QuickFix,
}

/// How the gateway thread waits while there is nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Spins without end: lowest latency, one core per session.
    Spin,
    /// Spins `spins` rounds, yields `yields` rounds, then sleeps `park` between looks.
    Park {
        /// Rounds of busy waiting.
        spins: u32,
        /// Rounds of giving the core away.
        yields: u32,
        /// How long a sleep is.
        park: Duration,
    },
}

impl Default for Idle {
    fn default() -> Self {
        Self::Park { spins: 200, yields: 50, park: Duration::from_micros(50) }
    }
}

/// Where an outbound message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The gateway took it from the shard.
    Taken,
    /// The engine took it: numbered, recorded, handed to the socket.
    Sent,
}

/// Called by the gateway thread at each stage of each outbound message; it must not block.
pub type Probe = Arc<dyn Fn(Position, Stage, Instant) + Send + Sync>;

/// A session's settings. [`new`](Self::new) gives the usual ones; change fields as needed.
#[derive(Clone)]
pub struct SessionSettings {
    /// Its identity in the node.
    pub id: SessionId,
    /// Its name, for logs and errors.
    pub name: Name,
    /// FIX tag 8. Only `FIX.4.4` is supported.
    pub begin_string: String,
    /// FIX tag 49 of what we send.
    pub sender_comp_id: String,
    /// FIX tag 56 of what we send.
    pub target_comp_id: String,
    /// The broker's host name or IPv4 address.
    pub host: String,
    /// The broker's TCP port.
    pub port: u16,
    /// FIX tag 108, in seconds.
    pub heartbeat_s: u16,
    /// Seconds between attempts to connect.
    pub reconnect_s: u16,
    /// Seconds to wait for the broker's answer to a logon.
    pub logon_timeout_s: u16,
    /// Where the engine keeps its files. The session's own: nobody else may write there.
    pub store_dir: PathBuf,
    /// How long the sweep waits for the next answer before it gives the rest up as unanswered.
    pub sweep_timeout: Duration,
    /// How long the broker may take to answer an order or a request before it is asked about it. It is asked again after
    /// twice and four times as long.
    pub answer_timeout: Duration,
    /// How the gateway thread waits.
    pub idle: Idle,
    /// FIX tag 21 for brokers that still ask for it.
    pub handl_inst: Option<char>,
    /// Which engine.
    pub engine: EngineKind,
    /// For measurements; costs nothing where absent.
    pub probe: Option<Probe>,
}

impl SessionSettings {
    /// The usual settings: FIX 4.4, heartbeat 30 s, reconnect after 1 s, sweep timeout 10 s, answers within 5 s.
    pub fn new(
        id: SessionId,
        name: Name,
        sender_comp_id: &str,
        target_comp_id: &str,
        address: (&str, u16),
        store_dir: impl Into<PathBuf>,
    ) -> Self {
        Self {
            id,
            name,
            begin_string: "FIX.4.4".to_owned(),
            sender_comp_id: sender_comp_id.to_owned(),
            target_comp_id: target_comp_id.to_owned(),
            host: address.0.to_owned(),
            port: address.1,
            heartbeat_s: 30,
            reconnect_s: 1,
            logon_timeout_s: 10,
            store_dir: store_dir.into(),
            sweep_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(5),
            idle: Idle::default(),
            handl_inst: None,
            engine: EngineKind::default(),
            probe: None,
        }
    }

    /// Checks what the engine would misunderstand.
    pub fn check(&self) -> Result<(), GatewayError> {
        if self.begin_string != "FIX.4.4" {
            return Err(
                self.refuse("begin_string", format!("is {:?}; only FIX.4.4 is supported", self.begin_string))
            );
        }
        self.check_comp_id("sender_comp_id", &self.sender_comp_id)?;
        self.check_comp_id("target_comp_id", &self.target_comp_id)?;
        if self.host.is_empty() || !self.host.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(self.refuse("host", "is not a host name or address".to_owned()));
        }
        for (name, value) in [
            ("port", self.port),
            ("heartbeat_s", self.heartbeat_s),
            ("reconnect_s", self.reconnect_s),
            ("logon_timeout_s", self.logon_timeout_s),
        ] {
            if value == 0 {
                return Err(self.refuse(name, "must be above zero".to_owned()));
            }
        }
        if self.answer_timeout.is_zero() {
            return Err(self.refuse("answer_timeout", "must be above zero".to_owned()));
        }
        if self.store_dir.as_os_str().is_empty() {
            return Err(self.refuse("store_dir", "is empty".to_owned()));
        }
        match self.handl_inst {
            None | Some('1'..='3') => Ok(()),
            Some(_) => Err(self.refuse("handl_inst", "must be 1, 2 or 3".to_owned())),
        }
    }

    /// A `CompID` stands in FIX fields and in file names.
    fn check_comp_id(&self, setting: &'static str, value: &str) -> Result<(), GatewayError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if value.is_empty() || value.len() > 64 || !value.bytes().all(plain) || value.starts_with('.') {
            let problem = format!("is {value:?}; it must be 1 to 64 letters, digits, '-', '_' or '.'");
            return Err(self.refuse(setting, problem));
        }
        Ok(())
    }

    fn refuse(&self, setting: &'static str, problem: String) -> GatewayError {
        GatewayError::Setting { session: self.name.to_string(), setting, problem }
    }
}

impl fmt::Debug for SessionSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionSettings")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("sender_comp_id", &self.sender_comp_id)
            .field("target_comp_id", &self.target_comp_id)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("store_dir", &self.store_dir)
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> SessionSettings {
        let name = Name::new("broker-a").unwrap();
        SessionSettings::new(SessionId::new(1), name, "US", "THEM", ("127.0.0.1", 9876), "/tmp/store")
    }

    #[test]
    fn the_usual_settings_are_accepted() {
        assert!(settings().check().is_ok());
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        type Spoil = fn(&mut SessionSettings);
        let refusals: [(&str, Spoil); 9] = [
            ("begin_string", |s| s.begin_string = "FIX.4.2".to_owned()),
            ("sender_comp_id", |s| s.sender_comp_id = String::new()),
            ("target_comp_id", |s| s.target_comp_id = "../x".to_owned()),
            ("host", |s| s.host = "a b".to_owned()),
            ("port", |s| s.port = 0),
            ("heartbeat_s", |s| s.heartbeat_s = 0),
            ("answer_timeout", |s| s.answer_timeout = Duration::ZERO),
            ("store_dir", |s| s.store_dir = PathBuf::new()),
            ("handl_inst", |s| s.handl_inst = Some('9')),
        ];
        for (name, spoil) in refusals {
            let mut settings = settings();
            spoil(&mut settings);
            let error = settings.check().unwrap_err().to_string();
            assert!(error.starts_with(&format!("session broker-a: {name} ")), "{error}");
        }
    }
}
