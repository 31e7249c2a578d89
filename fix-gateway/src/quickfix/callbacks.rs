//! What QuickFIX calls, and what it must not be left alone with.
//!
//! * A Rust panic in a callback is swallowed and the message counts as processed: panics are caught here and stop
//!   the session.
//! * It resends stored orders when the broker asks: here every resend is answered "do not send", which makes
//!   QuickFIX fill the gap.
//! * It rejects messages by itself, fills included, where a tag repeats (any repeating group, as there is no data
//!   dictionary) or is empty: such a message is taken from the log, delivered like any other, and the reject becomes
//!   a heartbeat.
//! * It says "logged on" while the broker may still miss messages of ours, for each attempt to connect uses up a
//!   number. What is sent then is in the gap that it fills, and lost. So the session is up only when the broker has
//!   answered a test request.
//! * It deletes its store when the broker's logon says so (`ResetSeqNumFlag`): what was sent is not known any more.
//! * It counts a `Reject` or a Logout that comes early (its number too high, a gap before it) as if it were the
//!   message it waits for, which is then lost: here such a message is refused, so that nothing is counted.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crash_point::{Point, reach};
use quickfix::{
    ApplicationCallback, FieldMap, LogCallback, Message, MsgFromAdminError, MsgFromAppError, MsgToAppError,
    SessionId,
};

use crate::draft::Draft;
use crate::engine::{EngineError, Inbox, SentMessage};
use crate::error::Failure;
use crate::fields;
use crate::inbox::locked;
use crate::tags;

use super::record::BodyRecord;
use super::store::StoreFiles;
use super::tag;

/// How many raw messages may wait for their number: more only come when a broker floods us with numbers too high.
const UNDELIVERED: usize = 16_384;

/// How our test requests begin.
pub(super) const PING: &str = "GANNET-";

/// What the session's two threads share inside the engine.
pub(super) struct Wire {
    /// Logged on, as QuickFIX sees it.
    logged_on: AtomicBool,
    /// Logged on, and neither side misses anything: messages may go out.
    up: AtomicBool,
    /// The initiator is of no more use: its session hung up, or lost a message.
    over: AtomicBool,
    /// The first number given to an application message on this connection.
    first_live: AtomicU64,
    files: StoreFiles,
    /// Raw messages by number, from the log until QuickFIX delivers or rejects them.
    undelivered: Mutex<BTreeMap<u64, Vec<u8>>>,
}

impl Wire {
    pub(super) fn new(files: StoreFiles) -> Self {
        Self {
            logged_on: AtomicBool::new(false),
            up: AtomicBool::new(false),
            over: AtomicBool::new(false),
            first_live: AtomicU64::new(u64::MAX),
            files,
            undelivered: Mutex::default(),
        }
    }

    /// For a new connection.
    pub(super) fn reset(&self) {
        self.logged_on.store(false, Ordering::Release);
        self.up.store(false, Ordering::Release);
        self.over.store(false, Ordering::Release);
        self.first_live.store(u64::MAX, Ordering::Release);
        locked(&self.undelivered).clear();
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Logged on, but not known to be in step with the broker.
    pub(super) fn must_ping(&self) -> bool {
        self.is_logged_on() && !self.is_up()
    }

    pub(super) fn is_logged_on(&self) -> bool {
        self.logged_on.load(Ordering::Acquire)
    }

    pub(super) fn is_up(&self) -> bool {
        self.up.load(Ordering::Acquire)
    }
}

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
}

impl Callbacks {
    pub(super) fn new(name: String, inbox: Arc<dyn Inbox>, wire: Arc<Wire>, record: Arc<BodyRecord>) -> Self {
        Self { name, inbox, wire, record }
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
        let logged = seq_of(message).and_then(|seq| locked(&self.wire.undelivered).remove(&seq));
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
            locked(&self.wire.undelivered).remove(&seq);
        }
        match raw_of(message) {
            Ok(raw) => self.inbox.received(&without_number(&raw)),
            Err(error) => tracing::error!(session = %self.name, %error, "a reject cannot be read"),
        }
    }

    /// The broker lost a message that went out on this very connection, and gets a gap for it. The connection ends,
    /// so that the message is in doubt and the next sweep clears it up.
    fn note_gap(&self, seq: u64) {
        if seq >= self.wire.first_live.load(Ordering::Acquire) {
            tracing::warn!(session = %self.name, seq, "the broker lost a message; connecting anew");
            self.wire.over.store(true, Ordering::Release);
        }
    }

    /// The broker begins at 1 again: QuickFIX is about to delete its store, and with it the record of what was sent.
    fn note_reset(&self) {
        tracing::error!(session = %self.name, "the broker resets the sequence numbers; its word decides about all doubts");
        if let Err(error) = self.record.distrust() {
            self.inbox.failed(Failure::Engine(format!("the record cannot be marked as lost: {error}")));
        }
    }

    /// The broker answers our test request: what we sent before it, and what it sent before its answer, has
    /// arrived or is filled.
    fn note_heartbeat(&self, message: &Message) {
        if !self.wire.must_ping() {
            return;
        }
        let answers = message.get_field(tag(tags::TEST_REQ_ID)).is_some_and(|id| id.starts_with(PING));
        if answers {
            self.wire.up.store(true, Ordering::Release);
            self.inbox.logged_on();
        }
    }

    fn note_logout(&self, message: &Message) {
        let text = message.get_field(tag(tags::TEXT)).unwrap_or_default();
        if self.wire.is_logged_on() {
            tracing::info!(session = %self.name, text, "the broker logs out");
        } else {
            tracing::warn!(session = %self.name, text, "the broker refuses the logon");
        }
    }

    /// QuickFIX refused an application message without asking. True where the message was in sequence: it is
    /// delivered, and the broker must not hear of a reject.
    fn overrule(&self, reject: &Message) -> bool {
        let refused_type = reject.get_field(tag(tags::REF_MSG_TYPE)).unwrap_or_default();
        let seq = reject.get_field(tag(tags::REF_SEQ_NUM)).and_then(|text| text.parse::<u64>().ok());
        if matches!(refused_type.as_str(), "3" | "5") {
            // Refused by us, in `on_msg_from_admin`.
            return true;
        }
        let Some(seq) = seq.filter(|_| !is_admin(&refused_type)) else { return false };
        let raw = locked(&self.wire.undelivered).remove(&seq);
        // In sequence, QuickFIX has just counted it. One that is early comes again, one that is late is known.
        let in_sequence = self.wire.files.seq_nums().is_some_and(|now| now.target == seq + 1);
        match raw {
            Some(raw) if in_sequence => {
                tracing::warn!(session = %self.name, seq, "message that QuickFIX would reject is taken");
                self.inbox.received(&raw);
                true
            }
            Some(_) => true,
            None => {
                tracing::error!(session = %self.name, seq, "QuickFIX rejected a message that cannot be recovered");
                false
            }
        }
    }
}

impl ApplicationCallback for Callbacks {
    fn on_logon(&self, _: &SessionId) {
        self.guarded("on_logon", (), || {
            self.wire.logged_on.store(true, Ordering::Release);
        });
    }

    fn on_logout(&self, _: &SessionId) {
        self.guarded("on_logout", (), || {
            self.wire.logged_on.store(false, Ordering::Release);
            self.wire.up.store(false, Ordering::Release);
            // Told before the gateway thread may begin to hang up, which keeps it for a while.
            self.inbox.logged_out();
            self.wire.over.store(true, Ordering::Release);
        });
    }

    fn on_msg_to_admin(&self, message: &mut Message, _: &SessionId) {
        self.guarded("to_admin", (), || {
            if type_of(message).as_deref() == Some("3") && self.overrule(message) {
                become_heartbeat(message);
            }
        });
    }

    fn on_msg_to_app(&self, message: &mut Message, _: &SessionId) -> Result<(), MsgToAppError> {
        self.guarded("to_app", Err(MsgToAppError::DoNotSend), || {
            let seq = seq_of(message).ok_or(MsgToAppError::DoNotSend)?;
            let Some(mut slot) = SENDING.get() else {
                // A resend: the gap is filled instead. And what QuickFIX itself would answer is not ours to send.
                self.note_gap(seq);
                return Err(MsgToAppError::DoNotSend);
            };
            if !self.wire.is_up() {
                return Err(MsgToAppError::DoNotSend);
            }
            slot.numbered = Some(seq);
            SENDING.set(Some(slot));
            self.wire.first_live.fetch_min(seq, Ordering::AcqRel);
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
            let (raw, msg_type) = (raw.as_bytes(), fields::field(raw.as_bytes(), tags::MSG_TYPE));
            if msg_type == Some("A") && fields::field(raw, tags::RESET_SEQ_NUM_FLAG) == Some("Y") {
                self.note_reset();
            }
            if msg_type.is_none_or(|msg_type| is_admin(msg_type) && msg_type != "3") {
                return;
            }
            let Some(seq) = fields::field(raw, tags::MSG_SEQ_NUM).and_then(|text| text.parse().ok()) else {
                return;
            };
            let mut undelivered = locked(&self.wire.undelivered);
            if undelivered.len() >= UNDELIVERED {
                undelivered.pop_first();
            }
            undelivered.insert(seq, raw.to_vec());
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

/// Heartbeat, `TestRequest`, `ResendRequest`, `Reject`, `SequenceReset`, Logout, Logon.
fn is_admin(msg_type: &str) -> bool {
    matches!(msg_type, "0" | "1" | "2" | "3" | "4" | "5" | "A")
}

fn type_of(message: &Message) -> Option<String> {
    message.with_header(|header| header.get_field(tag(tags::MSG_TYPE)))
}

fn seq_of(message: &Message) -> Option<u64> {
    message.with_header(|header| header.get_field(tag(tags::MSG_SEQ_NUM)))?.parse().ok()
}

/// The message as QuickFIX prints it: with a NUL behind it.
fn raw_of(message: &Message) -> Result<Vec<u8>, quickfix::QuickFixError> {
    let mut raw = message.to_fix_raw_bytes()?;
    if raw.last() == Some(&0) {
        raw.pop();
    }
    Ok(raw)
}

/// The message with `34=0`.
fn without_number(raw: &[u8]) -> Vec<u8> {
    let fields = raw.split_inclusive(|&byte| byte == fields::SOH);
    fields
        .flat_map(|field| if field.starts_with(b"34=") { &b"34=0\x01"[..] } else { field })
        .copied()
        .collect()
}

/// The reject has a number by now, so something must go out with it.
fn become_heartbeat(message: &mut Message) {
    // Removing a field that is not there, or setting one, fails only where memory does.
    let _ = message.with_header_mut(|header| header.set_field(tag(tags::MSG_TYPE), "0"));
    for number in
        [tags::REF_SEQ_NUM, tags::REF_MSG_TYPE, tags::SESSION_REJECT_REASON, tags::REF_TAG_ID, tags::TEXT]
    {
        let _ = message.remove_field(tag(number));
    }
}
