//! What QuickFIX calls, and what it must not be left alone with.
//!
//! * A Rust panic in a callback is swallowed and the message counts as processed: panics are caught here and stop
//!   the session.
//! * It resends stored orders when the broker asks: here every resend is answered "do not send", which makes
//!   QuickFIX fill the gap.
//! * It rejects messages by itself, fills included, where a tag repeats (any repeating group, as there is no data
//!   dictionary) or is empty: such a message is taken from the log, delivered like any other, and the reject becomes
//!   a heartbeat. `rejects` lists which.
//! * It looks at the names in a message last: one that is not the session's is told here first, and never delivered.
//! * It answers each logon that resets the numbers with a logon: a broker that does the same would go on for ever.
//! * It says "logged on" while the broker may still miss messages of ours, for each attempt to connect uses up a
//!   number. What is sent then is in the gap that it fills, and lost. So the session is up only when the broker has
//!   answered a test request.
//! * It deletes its store when the broker's logon says so (`ResetSeqNumFlag`): what was sent is not known any more.
//! * It uses up a number for each logon that is refused, until one fits.
//! * It counts a `Reject` or a Logout that comes early (its number too high, a gap before it) as if it were the
//!   message it waits for, which is then lost: here such a message is refused, so that nothing is counted.

use std::cell::Cell;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use crash_point::{Point, reach};
use model::QuarantineCause;
use quickfix::{
    ApplicationCallback, FieldMap, LogCallback, Message, MsgFromAdminError, MsgFromAppError, MsgToAppError,
    SessionId,
};

use crate::draft::Draft;
use crate::engine::{Inbox, SentMessage, SentRecord};
use crate::error::{EngineError, Failure};
use crate::fields;
use crate::health::DownReason;
use crate::incident::Incident;
use crate::refusal::{self, LogonRefusal};
use crate::tags;

use super::adapt::{is_admin, raw_of, seq_of, tag, type_of, without_number};
use super::parties::Parties;
use super::record::BodyRecord;
use super::rejects;
use super::wire::Wire;

/// How our test requests begin.
pub(super) const PING: &str = "GANNET-";

thread_local! {
    /// Set while this thread sends a fresh message. Resends run on QuickFIX's own thread and never see it.
    static SENDING: Cell<Option<Slot>> = const { Cell::new(None) };
}

#[derive(Clone, Copy)]
struct Slot {
    numbered: Option<u64>,
}

/// One call of `send`, from before it until after it.
pub(super) struct Sending<'a> {
    message: SentMessage,
    record: &'a BodyRecord,
    /// Bound to its thread.
    _thread: PhantomData<*const ()>,
}

impl<'a> Sending<'a> {
    pub(super) fn begin(draft: &Draft, record: &'a BodyRecord) -> Self {
        SENDING.set(Some(Slot { numbered: None }));
        let msg_type = draft.msg_type().bytes().next().unwrap_or(0);
        Self { message: SentMessage { msg_type, cl_ord_id: draft.request() }, record, _thread: PhantomData }
    }

    /// The number the message got, if any.
    pub(super) fn finish(self) -> Option<u64> {
        let numbered = SENDING.take().and_then(|slot| slot.numbered);
        if let Some(seq) = numbered {
            self.record.remember(seq, self.message);
        }
        numbered
    }
}

/// The callbacks of one session.
pub(super) struct Callbacks {
    name: String,
    inbox: Arc<dyn Inbox>,
    wire: Arc<Wire>,
    record: Arc<BodyRecord>,
    parties: Parties,
}

impl Callbacks {
    pub(super) fn new(
        name: String,
        inbox: Arc<dyn Inbox>,
        wire: Arc<Wire>,
        record: Arc<BodyRecord>,
        parties: Parties,
    ) -> Self {
        Self { name, inbox, wire, record, parties }
    }

    /// Something is wrong with the session itself.
    pub(super) fn notice(&self, cause: QuarantineCause, number: u64, raw: Vec<u8>) {
        self.inbox.noticed(Incident { cause, number, raw });
    }

    /// A connection ended without QuickFIX's saying so.
    pub(super) fn ended(&self, reason: DownReason) {
        self.inbox.logged_out(reason);
    }

    pub(super) fn engine_failed(&self, error: &EngineError) {
        self.inbox.failed(Failure::Engine(error.to_string()));
    }

    /// Runs a callback; a panic in it stops the session.
    fn guarded<T>(&self, place: &'static str, otherwise: T, callback: impl FnOnce() -> T) -> T {
        catch_unwind(AssertUnwindSafe(callback)).unwrap_or_else(|panic| {
            self.inbox.failed(Failure::panicked(place, panic.as_ref()));
            otherwise
        })
    }

    /// Hands a message in sequence on, as it came.
    fn deliver(&self, message: &Message) {
        let logged = seq_of(message).and_then(|seq| self.wire.take(seq));
        if self.wire.is_deaf() {
            return;
        }
        match logged.map_or_else(|| raw_of(message), Ok) {
            Ok(raw) => self.inbox.received(&raw),
            Err(error) => self.inbox.failed(Failure::Engine(format!("a message cannot be read: {error}"))),
        }
    }

    /// True where messages before this one are missing yet.
    fn is_early(&self, message: &Message) -> bool {
        let expected = self.wire.files.seq_nums().map(|now| now.target);
        seq_of(message).zip(expected).is_some_and(|(seq, expected)| seq > expected)
    }

    /// Hands on a message that came early. It gets number 0: with its own it would move the journal's high-water
    /// mark beyond what is missing.
    fn deliver_uncounted(&self, message: &Message) {
        if let Some(seq) = seq_of(message) {
            self.wire.take(seq);
        }
        match raw_of(message) {
            Ok(raw) => self.inbox.received(&without_number(&raw)),
            Err(error) => tracing::error!(session = %self.name, %error, "a reject cannot be read"),
        }
    }

    /// The broker lost a message that went out on this very connection, and gets a gap for it. The connection ends,
    /// so that the message is in doubt and the next sweep clears it up.
    fn note_resend(&self, seq: u64) {
        if self.wire.is_live(seq) {
            tracing::warn!(session = %self.name, seq, "the broker lost a message; connecting anew");
            self.wire.end(DownReason::MessageLost);
        }
    }

    /// The broker begins at 1 again: QuickFIX is about to delete its store, and with it the record of what was sent.
    fn note_reset(&self, raw: &[u8]) {
        self.record.forget();
        if self.wire.note_reset(Instant::now()) {
            self.notice(QuarantineCause::SequenceReset, 0, raw.to_vec());
        }
    }

    /// The broker skips its own messages up to a number, without filling the gap.
    fn note_skip(&self, raw: &[u8]) {
        if fields::field(raw, tags::GAP_FILL_FLAG) != Some("Y") {
            let next = fields::field(raw, tags::NEW_SEQ_NO).and_then(|text| text.parse().ok()).unwrap_or(0);
            self.notice(QuarantineCause::SequenceReset, next, raw.to_vec());
        }
    }

    /// A message of, or for, somebody else: it is kept as evidence, and the session ends.
    fn note_foreign(&self, seq: u64, raw: &[u8]) {
        self.wire.note_foreign();
        self.notice(QuarantineCause::CompIdProblem, seq, raw.to_vec());
    }

    /// The broker answers our test request: what we sent before it, and what it sent before its answer, has
    /// arrived or is filled.
    fn note_heartbeat(&self, message: &Message) {
        if !self.wire.must_ping() {
            return;
        }
        let answers = message.get_field(tag(tags::TEST_REQ_ID)).is_some_and(|id| id.starts_with(PING));
        if answers {
            self.settle_record();
            self.wire.set_up();
            self.inbox.logged_on();
        }
    }

    /// The broker took a number of ours: does that show that the record is whole?
    fn settle_record(&self) {
        let first = self.wire.files.first_attempt();
        if !self.wire.note_up(first) && self.record.absence_proves() {
            // Attempts used up numbers, and one of them fitted: maybe by chance.
            self.notice(QuarantineCause::RecordIncomplete, first.unwrap_or(0), Vec::new());
        }
        if let Err(error) = self.wire.files.remove("attempt") {
            self.inbox.failed(Failure::Engine(format!("the store's state cannot be noted: {error}")));
        }
    }

    fn note_logout(&self, message: &Message) {
        let text = message.get_field(tag(tags::TEXT)).unwrap_or_default();
        let sent = self.wire.logon();
        match refusal::read(&text, sent) {
            LogonRefusal::TooLow(expected) => {
                tracing::error!(session = %self.name, text, sent, "the broker has more of ours than our record");
                self.wire.note_too_low(sent, expected);
                let raw = raw_of(message).unwrap_or_default();
                self.notice(QuarantineCause::NumberTooLow, expected.unwrap_or(0), raw);
            }
            LogonRefusal::Other => {
                tracing::warn!(session = %self.name, text, "the broker logs out, or refuses the logon");
                self.wire.note_refusal(text);
            }
        }
    }

    /// QuickFIX logs out by itself where the broker's number is too low: it has begun again without a word.
    fn note_our_logout(&self, message: &Message) {
        let text = message.get_field(tag(tags::TEXT)).unwrap_or_default();
        if text.starts_with("MsgSeqNum too low") {
            self.wire.give_reason(DownReason::BrokerNumberTooLow);
            self.notice(QuarantineCause::SequenceReset, self.wire.current(), text.into_bytes());
        }
    }

    /// QuickFIX refused a message without asking. True where the broker must not hear of it: the message is delivered,
    /// or comes again.
    fn overrule(&self, reject: &Message) -> bool {
        let refused_type = reject.get_field(tag(tags::REF_MSG_TYPE)).unwrap_or_default();
        let seq = reject.get_field(tag(tags::REF_SEQ_NUM)).and_then(|text| text.parse::<u64>().ok());
        if matches!(refused_type.as_str(), "3" | "5") {
            // Refused by us, in `on_msg_from_admin`.
            return true;
        }
        let Some(seq) = seq.filter(|_| !is_admin(&refused_type)) else { return false };
        let raw = self.wire.take(seq);
        // In sequence, QuickFIX has just counted it. One that is early comes again, one that is late is known.
        let in_sequence = self.wire.files.seq_nums().is_some_and(|now| now.target == seq + 1);
        match raw {
            _ if !in_sequence || self.wire.is_deaf() => rejects::may_overrule(reject),
            Some(raw) if rejects::may_overrule(reject) => {
                tracing::warn!(session = %self.name, seq, "message that QuickFIX would reject is taken");
                self.inbox.received(&raw);
                true
            }
            // It is counted, and would be lost: at the next start the broker is asked for it again.
            _ => {
                let problem = format!("QuickFIX rejects message {seq}, and that is not overruled");
                self.inbox.failed(Failure::Engine(problem));
                false
            }
        }
    }
}

impl ApplicationCallback for Callbacks {
    fn on_logon(&self, _: &SessionId) {
        self.guarded("on_logon", (), || self.wire.note_logged_on());
    }

    fn on_logout(&self, _: &SessionId) {
        self.guarded("on_logout", (), || {
            // Told before the gateway thread may begin to hang up, which keeps it for a while.
            self.inbox.logged_out(self.wire.note_logged_out());
            self.wire.hung_up();
        });
    }

    fn on_msg_to_admin(&self, message: &mut Message, _: &SessionId) {
        self.guarded("to_admin", (), || match type_of(message).as_deref() {
            Some("A") => self.wire.note_logon(seq_of(message).unwrap_or(0)),
            Some("2") => self.wire.note_gap(),
            Some("5") => self.note_our_logout(message),
            Some("3") if self.wire.is_foreign() => rejects::become_comp_id_problem(message),
            Some("3") if self.overrule(message) => rejects::become_heartbeat(message),
            _ => {}
        });
    }

    fn on_msg_to_app(&self, message: &mut Message, _: &SessionId) -> Result<(), MsgToAppError> {
        self.guarded("to_app", Err(MsgToAppError::DoNotSend), || {
            let seq = seq_of(message).ok_or(MsgToAppError::DoNotSend)?;
            let Some(mut slot) = SENDING.get() else {
                // A resend: the gap is filled instead. And what QuickFIX itself would answer is not ours to send.
                if !self.wire.is_foreign() {
                    self.note_resend(seq);
                }
                return Err(MsgToAppError::DoNotSend);
            };
            if !self.wire.is_up() {
                return Err(MsgToAppError::DoNotSend);
            }
            slot.numbered = Some(seq);
            SENDING.set(Some(slot));
            self.wire.note_live(seq);
            reach(Point::FixNumbered);
            Ok(())
        })
    }

    fn on_msg_from_admin(&self, message: &Message, _: &SessionId) -> Result<(), MsgFromAdminError> {
        self.guarded("from_admin", Ok(()), || match type_of(message).as_deref() {
            Some("3") if self.is_early(message) => {
                self.deliver_uncounted(message);
                Err(MsgFromAdminError::IncorrectTagValue)
            }
            Some("3") => {
                self.deliver(message);
                Ok(())
            }
            Some("0") => {
                self.note_heartbeat(message);
                Ok(())
            }
            Some("2") => {
                if let Some(from) =
                    message.get_field(tag(tags::BEGIN_SEQ_NO)).and_then(|text| text.parse().ok())
                {
                    self.wire.note_asked(from);
                }
                Ok(())
            }
            Some("A") if self.wire.is_storm() => {
                tracing::error!(session = %self.name, "the broker resets the numbers again and again");
                self.wire.end(DownReason::ResetStorm);
                Err(MsgFromAdminError::RejectLogon)
            }
            Some("5") => {
                self.note_logout(message);
                if self.is_early(message) { Err(MsgFromAdminError::IncorrectTagValue) } else { Ok(()) }
            }
            _ => Ok(()),
        })
    }

    fn on_msg_from_app(&self, message: &Message, _: &SessionId) -> Result<(), MsgFromAppError> {
        self.guarded("from_app", (), || self.deliver(message));
        Ok(())
    }
}

impl LogCallback for Callbacks {
    fn on_incoming(&self, _: Option<&SessionId>, raw: &str) {
        self.guarded("on_incoming", (), || {
            let raw = raw.as_bytes();
            let seq = fields::field(raw, tags::MSG_SEQ_NUM).and_then(|text| text.parse().ok());
            let is_foreign = self.parties.are_wrong_in(raw);
            self.wire.begin(seq.unwrap_or(0), is_foreign);
            if is_foreign {
                return self.note_foreign(seq.unwrap_or(0), raw);
            }
            match fields::field(raw, tags::MSG_TYPE) {
                Some("A") if fields::field(raw, tags::RESET_SEQ_NUM_FLAG) == Some("Y") => {
                    self.note_reset(raw);
                }
                Some("4") => self.note_skip(raw),
                None => {}
                Some(msg_type) if is_admin(msg_type) && msg_type != "3" => {}
                Some(_) => {
                    if let Some(seq) = seq {
                        self.wire.keep(seq, raw);
                    }
                }
            }
        });
    }

    /// QuickFIX has stored and counted a message and is about to write it to its socket.
    #[cfg(any(debug_assertions, feature = "crash-points"))]
    fn on_outgoing(&self, _: Option<&SessionId>, _: &str) {
        if let Some(Slot { numbered: Some(seq) }) = SENDING.get() {
            super::crash::when_stored(&self.wire.files, seq);
        }
    }

    fn on_event(&self, _: Option<&SessionId>, text: &str) {
        tracing::debug!(session = %self.name, text, "QuickFIX");
    }
}
