//! QuickFIX on both sides, nothing of ours between: orders one after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use engine::monotonic_ns;
use quickfix::{
    Application, ApplicationCallback, ConnectionHandler, FieldMap, FileMessageStoreFactory,
    FixSocketServerKind, Initiator, LogFactory, MemoryMessageStoreFactory, Message, MsgFromAppError,
    NullLogger, QuickFixError, SessionId, send_to_target,
};

use super::broker::{self, AtBroker, BROKER, FIRM, quickfix_failed};
use super::memory_engine::initiator_settings;
use super::stores::Store;
use super::trip::wait_for;
use crate::error::PerfError;
use crate::lab::Lab;
use crate::samples::Samples;

const PATIENCE: Duration = Duration::from_secs(20);

/// The strategy's side.
#[derive(Default)]
struct BareFirm {
    logged_on: AtomicU64,
    answered_ns: AtomicU64,
}

impl ApplicationCallback for BareFirm {
    fn on_logon(&self, _: &SessionId) {
        self.logged_on.store(1, Ordering::Release);
    }

    fn on_msg_from_app(&self, message: &Message, _: &SessionId) -> Result<(), MsgFromAppError> {
        // As much as a user would read at least.
        if message.get_field(11).is_some() && message.get_field(39).is_some() {
            self.answered_ns.store(monotonic_ns(), Ordering::Release);
        }
        Ok(())
    }
}

pub(super) fn run(lab: &Lab, store: Store) -> Result<Samples, PerfError> {
    let dir = lab.fresh_dir()?;
    let times = Arc::new(AtBroker::default());
    broker::beside(store, dir.path(), &times, |port| {
        let firm = BareFirm::default();
        let settings = initiator_settings(port).map_err(quickfix_failed)?;
        let application = Application::try_new(&firm).map_err(quickfix_failed)?;
        let logs = LogFactory::try_new(&NullLogger).map_err(quickfix_failed)?;
        let kind = FixSocketServerKind::SingleThreaded;
        match store {
            Store::Memory => {
                let stores = MemoryMessageStoreFactory::new();
                let initiator = Initiator::try_new(&settings, &application, &stores, &logs, kind);
                trips(lab, initiator.map_err(quickfix_failed)?, &firm)
            }
            Store::File => {
                let texts = [
                    ("ConnectionType", "initiator"),
                    ("SocketConnectHost", "127.0.0.1"),
                    ("HeartBtInt", "30"),
                    // The acceptor may not listen yet.
                    ("ReconnectInterval", "1"),
                ];
                let port = ("SocketConnectPort", port);
                let settings = broker::settings(&texts, port, &dir.path().join("firm"), (FIRM, BROKER));
                let settings = settings.map_err(quickfix_failed)?;
                let stores = FileMessageStoreFactory::try_new(&settings).map_err(quickfix_failed)?;
                let initiator = Initiator::try_new(&settings, &application, &stores, &logs, kind);
                trips(lab, initiator.map_err(quickfix_failed)?, &firm)
            }
        }
    })
}

fn trips(lab: &Lab, mut initiator: impl ConnectionHandler, firm: &BareFirm) -> Result<Samples, PerfError> {
    initiator.start().map_err(quickfix_failed)?;
    let deadline = Instant::now() + PATIENCE;
    while firm.logged_on.load(Ordering::Acquire) == 0 {
        if Instant::now() > deadline {
            return Err(PerfError::Late("QuickFIX's logon"));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut samples = Samples::new();
    let count = lab.sized(1_500u32, 20_000);
    for turn in 0..count + count / 10 {
        firm.answered_ns.store(0, Ordering::Release);
        let start = monotonic_ns();
        let session = SessionId::try_new("FIX.4.4", FIRM, BROKER, "").map_err(quickfix_failed)?;
        send_to_target(order(turn).map_err(quickfix_failed)?, &session).map_err(quickfix_failed)?;
        let end = wait_for(&firm.answered_ns)?;
        if turn >= count / 10 {
            samples.record(end.saturating_sub(start));
        }
    }
    initiator.stop().map_err(quickfix_failed)?;
    Ok(samples)
}

/// With the fields that the gateway's orders have.
fn order(number: u32) -> Result<Message, QuickFixError> {
    let mut message = Message::new();
    message.with_header_mut(|header| header.set_field(35, "D"))?;
    let id = number.to_string();
    for (tag, value) in [
        (11, id.as_str()),
        (1, "ALPHA"),
        (55, "MSFT"),
        (54, "1"),
        (60, "20251120-09:02:03.456"),
        (38, "10"),
        (40, "2"),
        (44, "48.51"),
        (59, "0"),
    ] {
        message.set_field(tag, value)?;
    }
    Ok(message)
}
