//! A session engine without a wire: the test is the broker.

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use fix_gateway::{
    DownReason, Draft, EngineError, Inbox, Incident, Link, SendOutcome, SentMessage, SentRecord,
    SessionEngine,
};
use model::WireId;

use super::eventually;

/// One message that went out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    pub seq: u64,
    pub msg_type: String,
    pub id: WireId,
    /// `tag=value|...`
    pub text: String,
}

/// The test's hold on the engine.
#[derive(Default)]
pub struct FakeWire {
    inbox: Mutex<Option<Arc<dyn Inbox>>>,
    started: Condvar,
    up: AtomicBool,
    proves: AtomicBool,
    gone: Mutex<Vec<Gone>>,
    earlier: Mutex<BTreeSet<WireId>>,
    pub refuses_to_start: AtomicBool,
    /// The next message is numbered, but cannot be recorded.
    pub breaks: AtomicBool,
    pub is_unreadable: AtomicBool,
    pub stopped: AtomicBool,
}

impl FakeWire {
    pub fn new() -> Arc<Self> {
        let wire = Self::default();
        wire.proves.store(true, Ordering::SeqCst);
        Arc::new(wire)
    }

    pub fn engine(self: &Arc<Self>) -> Box<dyn SessionEngine> {
        Box::new(FakeEngine(Arc::clone(self)))
    }

    fn inbox(&self) -> Arc<dyn Inbox> {
        let mut inbox = self.inbox.lock().unwrap();
        loop {
            if let Some(inbox) = inbox.as_ref() {
                return Arc::clone(inbox);
            }
            inbox = self.started.wait(inbox).unwrap();
        }
    }

    pub fn log_on(&self) {
        self.up.store(true, Ordering::SeqCst);
        self.inbox().logged_on();
    }

    pub fn log_out(&self) {
        self.up.store(false, Ordering::SeqCst);
        self.inbox().logged_out(DownReason::ConnectionLost);
    }

    /// A message from the broker, `|` for SOH.
    pub fn receive(&self, text: &str) {
        self.inbox().received(text.replace('|', "\x01").as_bytes());
    }

    /// What an earlier process sent.
    pub fn sent_before(&self, id: WireId) {
        self.earlier.lock().unwrap().insert(id);
    }

    /// The engine notices something about the session.
    pub fn notice(&self, incident: Incident) {
        self.inbox().noticed(incident);
    }

    /// The machine crashed since the record was written.
    pub fn lose_proof(&self) {
        self.proves.store(false, Ordering::SeqCst);
    }

    pub fn proves(&self) -> bool {
        self.proves.load(Ordering::SeqCst)
    }

    pub fn gone(&self) -> Vec<Gone> {
        self.gone.lock().unwrap().clone()
    }

    /// Waits for the `nth` message of a type, counted from 1.
    pub fn wait_gone(&self, msg_type: &str, nth: usize) -> Gone {
        eventually(&format!("{msg_type} number {nth}"), || {
            self.gone().into_iter().filter(|gone| gone.msg_type == msg_type).nth(nth - 1)
        })
    }
}

struct FakeEngine(Arc<FakeWire>);

impl SessionEngine for FakeEngine {
    fn sent_record(&self) -> Arc<dyn SentRecord> {
        Arc::<FakeWire>::clone(&self.0)
    }

    fn run(
        self: Box<Self>,
        inbox: Arc<dyn Inbox>,
        work: &mut dyn FnMut(&mut dyn Link),
    ) -> Result<(), EngineError> {
        if self.0.refuses_to_start.load(Ordering::SeqCst) {
            return Err(EngineError { engine: "fake", problem: "refuses".to_owned() });
        }
        *self.0.inbox.lock().unwrap() = Some(Arc::clone(&inbox));
        self.0.started.notify_all();
        work(&mut FakeLink(&self.0));
        if self.0.up.swap(false, Ordering::SeqCst) {
            inbox.logged_out(DownReason::ConnectionLost);
        }
        self.0.stopped.store(true, Ordering::SeqCst);
        Ok(())
    }
}

struct FakeLink<'a>(&'a FakeWire);

impl Link for FakeLink<'_> {
    fn send(&mut self, draft: &Draft) -> SendOutcome {
        if !self.0.up.load(Ordering::SeqCst) {
            return SendOutcome::NotSent;
        }
        if self.0.breaks.load(Ordering::SeqCst) {
            return SendOutcome::Unclear;
        }
        let mut gone = self.0.gone.lock().unwrap();
        let seq = gone.len() as u64 + 1;
        let text = draft.fields().fold(String::new(), |text, (tag, value)| text + &format!("{tag}={value}|"));
        gone.push(Gone { seq, msg_type: draft.msg_type().to_owned(), id: draft.request().unwrap(), text });
        SendOutcome::Sent { seq }
    }
}

impl SentRecord for FakeWire {
    fn which_were_sent(&self, wanted: &BTreeSet<WireId>) -> io::Result<BTreeSet<WireId>> {
        if self.is_unreadable.load(Ordering::SeqCst) {
            return Err(io::Error::other("unreadable"));
        }
        let requests = self.gone().into_iter().filter(|gone| gone.msg_type != "H").map(|gone| gone.id);
        let sent: BTreeSet<_> = requests.chain(self.earlier.lock().unwrap().iter().copied()).collect();
        Ok(wanted.intersection(&sent).copied().collect())
    }

    fn by_seq(&self, seq: u64) -> io::Result<Option<SentMessage>> {
        let found = self.gone().into_iter().find(|gone| gone.seq == seq);
        Ok(found.map(|gone| SentMessage { msg_type: gone.msg_type.as_bytes()[0], cl_ord_id: Some(gone.id) }))
    }

    fn absence_proves(&self) -> bool {
        self.proves()
    }

    fn distrust(&self) -> io::Result<()> {
        self.lose_proof();
        Ok(())
    }

    fn trust(&self, known: &BTreeSet<WireId>) -> io::Result<()> {
        self.earlier.lock().unwrap().extend(known);
        self.proves.store(true, Ordering::SeqCst);
        Ok(())
    }
}
