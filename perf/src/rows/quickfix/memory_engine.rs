//! QuickFIX with a memory store as an engine of the gateway: fast, and without a memory of what it sent. Only for
//! comparison: after a crash nobody could say what went out.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;

use fix_gateway::{Draft, EngineError, Failure, Inbox, Link, SendOutcome, SentRecord, SessionEngine};
use quickfix::{
    Application, ApplicationCallback, ConnectionHandler, FieldMap, FixSocketServerKind, Initiator,
    LogFactory, MemoryMessageStoreFactory, Message, MsgFromAppError, MsgToAppError, NullLogger,
    QuickFixError, SessionContainer, SessionId,
};

use super::broker::{BROKER, FIRM, settings};
use crate::rows::fix::NothingSent;

/// Connects once, to a broker on this machine.
pub(super) struct MemoryEngine {
    pub(super) port: u16,
}

thread_local! {
    /// The number that the message sent right now on this thread got.
    static NUMBERED: Cell<u64> = const { Cell::new(0) };
}

impl SessionEngine for MemoryEngine {
    fn sent_record(&self) -> Arc<dyn SentRecord> {
        Arc::new(NothingSent)
    }

    fn run(
        self: Box<Self>,
        inbox: Arc<dyn Inbox>,
        work: &mut dyn FnMut(&mut dyn Link),
    ) -> Result<(), EngineError> {
        let callbacks = Callbacks { inbox };
        let settings = initiator_settings(self.port).map_err(failed)?;
        let application = Application::try_new(&callbacks).map_err(failed)?;
        let (stores, logs) =
            (MemoryMessageStoreFactory::new(), LogFactory::try_new(&NullLogger).map_err(failed)?);
        let kind = FixSocketServerKind::SingleThreaded;
        let mut initiator =
            Initiator::try_new(&settings, &application, &stores, &logs, kind).map_err(failed)?;
        initiator.start().map_err(failed)?;
        work(&mut MemoryLink { initiator: &initiator });
        initiator.stop().map_err(failed)
    }
}

pub(super) fn initiator_settings(port: u16) -> Result<quickfix::SessionSettings, QuickFixError> {
    let texts = [
        ("ConnectionType", "initiator"),
        ("SocketConnectHost", "127.0.0.1"),
        ("HeartBtInt", "30"),
        ("ReconnectInterval", "1"),
        ("LogoutTimeout", "2"),
    ];
    settings(&texts, ("SocketConnectPort", port), &PathBuf::from("unused"), (FIRM, BROKER))
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: QuickFixError) -> EngineError {
    EngineError { engine: "QuickFIX with a memory store", problem: error.to_string() }
}

struct MemoryLink<'a, S> {
    initiator: &'a S,
}

impl<S: SessionContainer> Link for MemoryLink<'_, S> {
    fn send(&mut self, draft: &Draft) -> SendOutcome {
        NUMBERED.set(0);
        let sent = SessionId::try_new("FIX.4.4", FIRM, BROKER, "").and_then(|id| {
            let mut session = self.initiator.session(id)?;
            session.send(message_of(draft)?)
        });
        match (NUMBERED.get(), sent) {
            (0, _) => SendOutcome::NotSent,
            (seq, Ok(true)) => SendOutcome::Sent { seq },
            _ => SendOutcome::Unclear,
        }
    }
}

fn message_of(draft: &Draft) -> Result<Message, QuickFixError> {
    let mut message = Message::new();
    message.with_header_mut(|header| header.set_field(35, draft.msg_type()))?;
    for (number, value) in draft.fields() {
        message.set_field(number.cast_signed(), value)?;
    }
    Ok(message)
}

struct Callbacks {
    inbox: Arc<dyn Inbox>,
}

impl ApplicationCallback for Callbacks {
    fn on_logon(&self, _: &SessionId) {
        self.inbox.logged_on();
    }

    fn on_logout(&self, _: &SessionId) {
        self.inbox.logged_out(fix_gateway::DownReason::ConnectionLost);
    }

    fn on_msg_to_app(&self, message: &mut Message, _: &SessionId) -> Result<(), MsgToAppError> {
        let seq = message.with_header(|header| header.get_field(34)).and_then(|seq| seq.parse().ok());
        NUMBERED.set(seq.ok_or(MsgToAppError::DoNotSend)?);
        Ok(())
    }

    fn on_msg_from_app(&self, message: &Message, _: &SessionId) -> Result<(), MsgFromAppError> {
        match message.to_fix_raw_bytes() {
            // QuickFIX ends what it prints with a NUL.
            Ok(raw) => self.inbox.received(raw.strip_suffix(b"\0").unwrap_or(&raw)),
            Err(error) => self.inbox.failed(Failure::Engine(error.to_string())),
        }
        Ok(())
    }
}
