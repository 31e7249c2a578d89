//! The QuickFIX engine: an initiator for one session (crate `quickfix`, C++ inside).
//!
//! QuickFIX drives a session on a thread of its own and calls back; see `callbacks` for what it must not be left
//! alone with, and `store` for what must be right before it starts.

mod adapt;
mod callbacks;
mod crash;
mod line;
mod parties;
mod progress;
mod proof;
mod record;
mod rejects;
mod store;
mod wire;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use model::QuarantineCause;
use quickfix::{
    Application, Dictionary, FieldMap, FileMessageStoreFactory, LogFactory, Message, QuickFixError, SessionId,
};

use crate::draft::Draft;
use crate::engine::{Inbox, Link, SendOutcome, SentRecord, SessionEngine};
use crate::error::{EngineError, GatewayError};
use crate::locked::locked;
use crate::settings::SessionSettings;
use crate::tags;

use adapt::{failed, tag};
use callbacks::Callbacks;
use line::{Line, Parts};
use parties::Parties;
use record::BodyRecord;
use store::Store;
use wire::Wire;

/// QuickFIX finds sessions by their CompIDs in a table of the whole process; a second one of the same name would be
/// missing from it, and take the first one out when it ends.
static IN_USE: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// A QuickFIX initiator with its store prepared.
pub struct QuickFixEngine {
    settings: SessionSettings,
    record: Arc<BodyRecord>,
    store: Store,
    _identity: Identity,
}

/// A session's entry in [`IN_USE`].
struct Identity(String);

impl Identity {
    fn claim(settings: &SessionSettings) -> Result<Self, GatewayError> {
        let identity =
            format!("{}:{}->{}", settings.begin_string, settings.sender_comp_id, settings.target_comp_id);
        if locked(&IN_USE).insert(identity.clone()) {
            Ok(Self(identity))
        } else {
            Err(GatewayError::InUse { session: settings.name.to_string(), what: identity })
        }
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        locked(&IN_USE).remove(&self.0);
    }
}

impl QuickFixEngine {
    /// Checks and prepares the store. `high_water` is the highest `MsgSeqNum` of an application message that the
    /// journal holds for the session.
    pub fn prepare(settings: &SessionSettings, high_water: u64) -> Result<Self, GatewayError> {
        settings.check()?;
        let identity = Identity::claim(settings)?;
        let store = store::prepare(settings, high_water)?;
        let record = Arc::new(BodyRecord::new(store.files.clone(), &settings.begin_string));
        Ok(Self { settings: settings.clone(), record, store, _identity: identity })
    }
}

impl SessionEngine for QuickFixEngine {
    fn sent_record(&self) -> Arc<dyn SentRecord> {
        Arc::<BodyRecord>::clone(&self.record)
    }

    fn run(
        self: Box<Self>,
        inbox: Arc<dyn Inbox>,
        work: &mut dyn FnMut(&mut dyn Link),
    ) -> Result<(), EngineError> {
        let wire = Arc::new(Wire::new(self.store.files.clone()));
        let callbacks = Callbacks::new(
            self.settings.name.to_string(),
            inbox,
            Arc::clone(&wire),
            Arc::clone(&self.record),
            Parties::of(&self.settings),
        );
        if self.store.is_incomplete {
            callbacks.notice(QuarantineCause::RecordIncomplete, 0, Vec::new());
        }
        let session_id = session_id(&self.settings)?;
        let configuration = configuration(&self.settings, &session_id)?;
        // Dropped in reverse order: the line hangs up before what it uses goes.
        let application = Application::try_new(&callbacks).map_err(failed)?;
        let stores = FileMessageStoreFactory::try_new(&configuration).map_err(failed)?;
        let logs = LogFactory::try_new(&callbacks).map_err(failed)?;
        let parts = Parts {
            settings: &self.settings,
            configuration: &configuration,
            callbacks: &callbacks,
            application: &application,
            stores: &stores,
            logs: &logs,
        };
        let mut line = Line::open(parts, session_id, &self.store, &wire)?;
        work(&mut QuickFixLink { line: &mut line, callbacks: &callbacks, record: &self.record });
        line.hang_up().map_err(failed)
    }
}

struct QuickFixLink<'a, 'b> {
    line: &'a mut Line<'b>,
    callbacks: &'a Callbacks,
    record: &'a BodyRecord,
}

impl Link for QuickFixLink<'_, '_> {
    fn tend(&mut self) {
        if let Err(error) = self.line.tend() {
            self.callbacks.engine_failed(&error);
        }
    }

    fn send(&mut self, draft: &Draft) -> SendOutcome {
        let Some(mut session) = self.line.session() else { return SendOutcome::NotSent };
        let message = match message_of(draft) {
            Ok(message) => message,
            Err(error) => {
                // "Not sent" would make the core try again and again.
                tracing::error!(%error, msg_type = draft.msg_type(), "message cannot be built");
                return SendOutcome::Unclear;
            }
        };
        // `send` says true as well for what was only stored; whether it was numbered only the callback knows.
        let sending = callbacks::Sending::begin(draft, self.record);
        let sent = session.send(message);
        match (sending.finish(), sent) {
            (Some(seq), Ok(true)) => SendOutcome::Sent { seq },
            (None, Ok(false) | Err(_)) => SendOutcome::NotSent,
            (Some(_), Ok(false) | Err(_)) | (None, Ok(true)) => SendOutcome::Unclear,
        }
    }
}

fn message_of(draft: &Draft) -> Result<Message, QuickFixError> {
    let mut message = Message::new();
    message.with_header_mut(|header| header.set_field(tag(tags::MSG_TYPE), draft.msg_type()))?;
    for (number, value) in draft.fields() {
        message.set_field(tag(number), value)?;
    }
    Ok(message)
}

fn session_id(settings: &SessionSettings) -> Result<SessionId, EngineError> {
    SessionId::try_new(&settings.begin_string, &settings.sender_comp_id, &settings.target_comp_id, "")
        .map_err(failed)
}

/// QuickFIX's configuration. No data dictionary: it would reject messages with tags it does not know, fills
/// included. What that leaves unchecked (required tags, codes, formats) the translation checks.
fn configuration(
    settings: &SessionSettings,
    session_id: &SessionId,
) -> Result<quickfix::SessionSettings, EngineError> {
    let Some(store_dir) = settings.store_dir.to_str() else {
        let problem = format!("the path {} is not UTF-8", settings.store_dir.display());
        return Err(EngineError { engine: "QuickFIX", problem });
    };
    let texts = [
        ("ConnectionType", "initiator"),
        ("FileStorePath", store_dir),
        ("SocketConnectHost", &settings.host),
        // The session runs around the clock; when numbers start again is agreed with the broker, not by the clock.
        ("NonStopSession", "Y"),
        ("SocketNodelay", "Y"),
        ("PersistMessages", "Y"),
        ("ResetOnLogon", "N"),
        ("ResetOnLogout", "N"),
        ("ResetOnDisconnect", "N"),
        ("UseDataDictionary", "N"),
        ("ValidateLengthAndChecksum", "Y"),
        ("CheckCompID", "Y"),
        // A clock that is off must not cost a fill.
        ("CheckLatency", "N"),
    ];
    let numbers = [
        ("SocketConnectPort", i32::from(settings.port)),
        ("HeartBtInt", i32::from(settings.heartbeat_s)),
        // Never by itself: see `line`. Compared with the seconds since 1970.
        ("ReconnectInterval", i32::MAX),
        ("LogonTimeout", i32::from(settings.logon_timeout_s)),
        ("LogoutTimeout", 2),
    ];
    let mut dictionary = Dictionary::new();
    for (key, value) in texts {
        dictionary.set(key, value).map_err(failed)?;
    }
    for (key, value) in numbers {
        dictionary.set(key, value).map_err(failed)?;
    }
    // SocketNodelay and ReconnectInterval are read from the defaults only, the rest from the session.
    let mut configuration = quickfix::SessionSettings::new();
    configuration.set(None, dictionary).map_err(failed)?;
    configuration.set(Some(session_id), Dictionary::new()).map_err(failed)?;
    Ok(configuration)
}
