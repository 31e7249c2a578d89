//! The node: the real shard and the real gateway, stepped.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use actors::Core;
use engine::{Answer, Client, EngineError, FactSender, Refused, ShardConfig, Standby, Stepped};
use fix_gateway::{DownReason, Incident, SessionSettings, ShardPort, SteppedSession};
use model::{Command, Event, Name, WireId};

use crate::clock::SimClock;
use crate::firm::SESSION;
use crate::line::SimLine;
use crate::plant::Plant;
use crate::port::SimPort;

/// Commands that a client may have unanswered.
const IN_FLIGHT: usize = 64;

/// A node that runs.
pub(crate) struct Node {
    pub(crate) shard: Stepped<Core, SimClock>,
    pub(crate) session: SteppedSession,
    port: Arc<SimPort>,
    client: Client<Core>,
    quotes: FactSender<Core>,
    /// What was submitted and is not answered, by ticket.
    waiting: VecDeque<(u64, Command)>,
    line: SimLine,
    pub(crate) session_ended: bool,
    /// Of the journal that it started from: the time of the last record, and whether its clock was not trusted.
    pub(crate) started_behind: (i64, bool),
}

impl Node {
    /// As the program starts: open, replay, start, connect.
    pub(crate) fn start(
        config: &ShardConfig,
        clock: &SimClock,
        line: &SimLine,
        plant: Option<Plant>,
    ) -> Result<Self, EngineError> {
        let standby = Standby::<Core>::open(config)?;
        let started_behind = (standby.time().nanos, standby.core().clock().is_suspect());
        let mut shard = standby.start_stepped(clock.clone())?;
        let session_port = shard.open_session(SESSION);
        let port = Arc::new(SimPort::new(session_port, shard.replica().clone(), plant));
        line.wire().prepare(port.inbound_high_water());
        let address = ("127.0.0.1", 1);
        let mut settings = SessionSettings::new(SESSION, Name::cut("S1"), "US", "THEM", address, "unused");
        if plant == Some(Plant::SleepingVigil) {
            settings.answer_timeout = Duration::from_hours(1_000_000);
        }
        let record = Arc::new(line.clone());
        let patience = clock.clone();
        let for_session: Arc<dyn ShardPort> = Arc::<SimPort>::clone(&port);
        let session = SteppedSession::new(settings, for_session, record, move || patience.instant());
        let session =
            session.map_err(|error| EngineError::Failed { shard: 0, message: error.to_string() })?;
        let client = shard.client(1_000, IN_FLIGHT);
        let quotes = shard.facts();
        let waiting = VecDeque::new();
        Ok(Self {
            shard,
            session,
            port,
            client,
            quotes,
            waiting,
            line: line.clone(),
            session_ended: false,
            started_behind,
        })
    }

    /// Hands a command over.
    pub(crate) fn submit(&mut self, command: Command) -> Result<(), Refused> {
        let ticket = self.client.submit(command)?;
        self.waiting.push_back((ticket, command));
        Ok(())
    }

    /// The next answer, with its command.
    pub(crate) fn answer(&mut self) -> Result<Option<(Command, Answer<Event>)>, String> {
        let Some(answer) = self.client.poll() else { return Ok(None) };
        let at = self.waiting.iter().position(|(ticket, _)| *ticket == answer.ticket);
        let Some((_, command)) = at.and_then(|at| self.waiting.remove(at)) else {
            return Err(format!("an answer to a command that nobody gave: {answer:?}"));
        };
        Ok(Some((command, answer)))
    }

    /// Commands without an answer.
    pub(crate) fn unanswered(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn quote(&self, instrument: model::InstrumentId, quote: model::Quote) {
        // A full ring loses a quote, as it would live.
        let _ = self.quotes.send((instrument, quote));
    }

    /// One round of the gateway's thread; true where it did something.
    pub(crate) fn gateway(&mut self) -> bool {
        if self.session_ended || self.port.is_held_up() {
            return false;
        }
        let round = self.session.round(&mut self.line.clone());
        self.session_ended = round.is_err();
        round.unwrap_or(false)
    }

    /// What the gateway called never sent since this was asked.
    pub(crate) fn called_never_sent(&self) -> Vec<WireId> {
        self.port.called_never_sent()
    }

    /// What has arrived from the broker; true where it was something.
    pub(crate) fn deliver(&mut self) -> bool {
        !self.session_ended && !self.port.is_held_up() && self.line.deliver(self.session.inbox())
    }

    /// The connection has ended: the engine says so.
    pub(crate) fn logged_out(&self) {
        self.session.inbox().logged_out(DownReason::ConnectionLost);
    }

    /// The broker refuses the logon.
    pub(crate) fn refused(&self, incident: Incident) {
        self.session.inbox().noticed(incident);
        self.session.inbox().logged_out(DownReason::LogonUnanswered);
    }
}
