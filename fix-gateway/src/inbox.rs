//! What both threads of a session share, and the engine's side of it: events in, inputs out.
//!
//! The engine's thread posts reports directly, in the order of the wire, so that the journal holds a gapless
//! beginning of what the broker sent. Session changes go to the gateway thread, which alone posts them: so "ready"
//! and "down" cannot overtake each other.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use crash_point::{Point, reach};
use model::{
    CancelReject, Delivery, DeliveryEvidence, Input, MessageReject, QuarantineCause, SessionId, WireId,
};

use crate::engine::{Inbox, SentMessage, SentRecord};
use crate::error::Failure;
use crate::health::{DownReason, Health, HealthSince};
use crate::inbound::{self, Inbound};
use crate::incident::Incident;
use crate::locked::locked;
use crate::port::{ShardClosed, ShardPort};
use crate::sweep::{Answered, Book, Meaning};
use crate::vigil::Vigil;

/// A change that the engine reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    LoggedOn,
    LoggedOut,
}

/// Shared by the gateway thread and the engine's thread.
pub(crate) struct Common {
    pub(crate) session: SessionId,
    pub(crate) name: String,
    pub(crate) port: Arc<dyn ShardPort>,
    pub(crate) record: Arc<dyn SentRecord>,
    turns: Mutex<VecDeque<Turn>>,
    has_turns: AtomicBool,
    book: Mutex<Book>,
    vigil: Mutex<Vigil>,
    stop: AtomicBool,
    /// Nothing more may be posted: after a lost message, a later one would move the high-water mark beyond it.
    deaf: AtomicBool,
    standing: Mutex<HealthSince>,
    /// What was told since the session was last ready: an attempt each minute is not an alert each minute.
    told: Mutex<BTreeSet<QuarantineCause>>,
}

impl Common {
    pub(crate) fn new(
        session: SessionId,
        name: String,
        port: Arc<dyn ShardPort>,
        record: Arc<dyn SentRecord>,
    ) -> Self {
        Self {
            session,
            name,
            port,
            record,
            turns: Mutex::default(),
            has_turns: AtomicBool::new(false),
            book: Mutex::default(),
            vigil: Mutex::default(),
            stop: AtomicBool::new(false),
            deaf: AtomicBool::new(false),
            standing: Mutex::new(HealthSince::down(DownReason::Starting, SystemTime::now())),
            told: Mutex::default(),
        }
    }

    /// The sweep's questions. Never held while posting.
    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        locked(&self.book)
    }

    /// What is sent and not answered. Never held while posting, nor with the book.
    pub(crate) fn vigil(&self) -> MutexGuard<'_, Vigil> {
        locked(&self.vigil)
    }

    /// The next change the engine reported.
    pub(crate) fn next_turn(&self) -> Option<Turn> {
        if !self.has_turns.load(Ordering::Acquire) {
            return None;
        }
        let mut turns = locked(&self.turns);
        let turn = turns.pop_front();
        self.has_turns.store(!turns.is_empty(), Ordering::Release);
        turn
    }

    fn push_turn(&self, turn: Turn) {
        let mut turns = locked(&self.turns);
        turns.push_back(turn);
        self.has_turns.store(true, Ordering::Release);
    }

    /// The gateway thread shall leave its loop.
    pub(crate) fn ask_to_stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    pub(crate) fn must_stop(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    pub(crate) fn health(&self) -> Health {
        locked(&self.standing).health.clone()
    }

    pub(crate) fn standing(&self) -> HealthSince {
        locked(&self.standing).clone()
    }

    /// A failure stands: nothing else replaces it.
    pub(crate) fn set_health(&self, health: Health) {
        if health == Health::Ready {
            locked(&self.told).clear();
        }
        locked(&self.standing).become_health(health, SystemTime::now());
    }

    /// Hands an input to the shard. When the node stops, so does the session.
    pub(crate) fn post(&self, input: Input) -> Result<(), ShardClosed> {
        self.port.post(input).inspect_err(|ShardClosed| {
            self.deaf.store(true, Ordering::Release);
            self.ask_to_stop();
        })
    }

    pub(crate) fn post_evidence(&self, request: WireId, delivery: Delivery) -> Result<(), ShardClosed> {
        self.post(Input::Evidence(DeliveryEvidence { session: self.session, request, delivery }))
    }

    fn post_inbound(&self, inbound: Inbound) -> Result<(), ShardClosed> {
        match inbound {
            Inbound::Input(input) => {
                match &input {
                    Input::CancelReject(CancelReject { cl_ord_id: Some(request), .. })
                    | Input::MessageReject(MessageReject { refused: Some(request), .. }) => {
                        self.vigil().end(*request);
                    }
                    _ => {}
                }
                self.post(input)
            }
            Inbound::Report { report, status_request } => {
                let meaning = self.book().meaning(&report, status_request);
                match meaning {
                    Meaning::Plain => {
                        self.vigil().heard(&report);
                        self.post(Input::ExecutionReport(report))
                    }
                    Meaning::Known(answered) => {
                        self.vigil().heard_about(&answered.requests, &report);
                        self.post(Input::ExecutionReport(report))?;
                        self.book().settle(&answered);
                        Ok(())
                    }
                    Meaning::Unknown(answered, named) => self.post_unknown(answered, named),
                }
            }
            Inbound::StatusRequestRefused { reject, about } => {
                self.post(Input::MessageReject(reject))?;
                let answered = self.book().refused(about);
                answered.map_or(Ok(()), |answered| self.give_up(&answered))
            }
        }
    }

    fn post_unknown(&self, answered: Option<Answered>, named: Option<WireId>) -> Result<(), ShardClosed> {
        let Some(answered) = answered else {
            return named.map_or(Ok(()), |request| self.post_evidence(request, Delivery::UnknownToBroker));
        };
        for request in &answered.requests {
            self.vigil().end(*request);
            self.post_evidence(*request, Delivery::UnknownToBroker)?;
        }
        self.book().settle(&answered);
        Ok(())
    }

    /// The broker did not, or will not, answer this question.
    pub(crate) fn give_up(&self, answered: &Answered) -> Result<(), ShardClosed> {
        if !self.book().give_up(answered) {
            return Ok(());
        }
        answered.requests.iter().try_for_each(|request| self.post_evidence(*request, Delivery::Unanswered))
    }

    fn find_sent(&self, seq: u64) -> Option<SentMessage> {
        self.record.by_seq(seq).unwrap_or_else(|error| {
            tracing::error!(session = %self.name, seq, %error, "the record of sent messages cannot be read");
            None
        })
    }
}

impl Inbox for Common {
    fn logged_on(&self) {
        self.push_turn(Turn::LoggedOn);
    }

    fn logged_out(&self, reason: DownReason) {
        locked(&self.standing).become_down(reason);
        self.push_turn(Turn::LoggedOut);
    }

    fn noticed(&self, incident: Incident) {
        tracing::error!(session = %self.name, cause = ?incident.cause, number = incident.number, "the session needs a person");
        if incident.accuses_record()
            && let Err(error) = self.record.distrust()
        {
            return self.failed(Failure::Engine(format!("the record cannot be marked as lost: {error}")));
        }
        let is_new = locked(&self.told).insert(incident.cause);
        if is_new && !self.deaf.load(Ordering::Acquire) {
            // The node stops: at the next start it is found again, or cleared up.
            let _ = self.post(incident.into_input(self.session));
        }
    }

    fn received(&self, raw: &[u8]) {
        if self.deaf.load(Ordering::Acquire) {
            return;
        }
        reach(Point::ReportReceived);
        let inbound = inbound::translate(self.session, raw, |seq| self.find_sent(seq));
        if let Inbound::Input(Input::Quarantined(message)) = &inbound {
            tracing::warn!(session = %self.name, seq = message.msg_seq_num, cause = ?message.cause, "message kept raw");
        }
        // The node stops: what is not posted now, the broker is asked for again at the next start.
        let _ = self.post_inbound(inbound);
        reach(Point::ReportPosted);
    }

    fn failed(&self, failure: Failure) {
        tracing::error!(session = %self.name, %failure, "session failed");
        self.deaf.store(true, Ordering::Release);
        self.set_health(Health::Failed(failure));
        self.ask_to_stop();
    }
}
