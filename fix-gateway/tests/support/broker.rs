//! A minimal broker: a QuickFIX acceptor that acknowledges and fills, or does what the test tells it.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use quickfix::{
    Acceptor, Application, ApplicationCallback, ConnectionHandler, Dictionary, FieldMap,
    FileMessageStoreFactory, FixSocketServerKind, Group, LogFactory, Message, MsgFromAdminError,
    MsgFromAppError, NullLogger, SessionContainer, SessionId, SessionSettings, send_to_target,
};

/// What the broker does with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Acknowledges and fills at once.
    Fills,
    /// Takes it and says nothing.
    Silent,
    /// Refuses each message with a business message reject.
    RejectsAll,
}

#[derive(Default)]
struct Book {
    /// Messages by type and `ClOrdID`, in order of arrival.
    received: Vec<(String, String)>,
    orders: BTreeMap<String, String>,
}

/// The broker's side of the session.
pub struct BrokerApp {
    pub session: (String, String),
    mood: Mutex<Mood>,
    book: Mutex<Book>,
    execs: AtomicU64,
    answers_status: AtomicBool,
    pub logons: AtomicU64,
    /// Session-level rejects from us.
    pub rejects: AtomicU64,
}

impl BrokerApp {
    pub fn new(broker: &str, firm: &str) -> Self {
        Self {
            session: (broker.to_owned(), firm.to_owned()),
            mood: Mutex::new(Mood::Fills),
            book: Mutex::default(),
            execs: AtomicU64::new(0),
            answers_status: AtomicBool::new(true),
            logons: AtomicU64::new(0),
            rejects: AtomicU64::new(0),
        }
    }

    pub fn set_mood(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub fn set_answers_status(&self, answers: bool) {
        self.answers_status.store(answers, Ordering::SeqCst);
    }

    pub fn id(&self) -> SessionId {
        SessionId::try_new("FIX.4.4", &self.session.0, &self.session.1, "").unwrap()
    }

    /// How often a message of this type came with this `ClOrdID`.
    pub fn count(&self, msg_type: &str, cl_ord_id: &str) -> usize {
        let book = self.book.lock().unwrap();
        book.received.iter().filter(|(kind, id)| kind == msg_type && id == cl_ord_id).count()
    }

    pub fn received(&self) -> Vec<(String, String)> {
        self.book.lock().unwrap().received.clone()
    }

    pub fn send(&self, msg_type: &str, fields: &[(i32, &str)]) {
        send_to_target(message_of(msg_type, fields), &self.id()).unwrap();
    }

    /// A fill with two parties: a repeating group, which QuickFIX rejects without a data dictionary.
    pub fn send_fill_with_parties(&self, cl_ord_id: &str) {
        let fields = [(11, cl_ord_id), (37, "O"), (17, "P1"), (150, "F"), (39, "2"), (55, "MSFT"), (54, "1")];
        let mut message = message_of("8", &fields);
        for (tag, value) in [(14, "100"), (151, "0"), (6, "33"), (32, "100"), (31, "33")] {
            message.set_field(tag, value).unwrap();
        }
        for party in ["ONE", "TWO"] {
            let mut group = Group::try_with_orders(453, 448, &[448, 447, 452]).unwrap();
            group.set_field(448, party).unwrap();
            group.set_field(447, "D").unwrap();
            message.add_group(&group).unwrap();
        }
        send_to_target(message, &self.id()).unwrap();
    }

    /// An execution report about `cl_ord_id` for 100 MSFT bought at 33.
    pub fn report(&self, cl_ord_id: &str, exec_type: &str, ord_status: &str, more: &[(i32, &str)]) {
        let exec_id = format!("E{}", self.execs.fetch_add(1, Ordering::SeqCst) + 1);
        let order_id = format!("O-{cl_ord_id}");
        let mut fields = vec![
            (11, cl_ord_id),
            (37, order_id.as_str()),
            (17, exec_id.as_str()),
            (150, exec_type),
            (39, ord_status),
            (55, "MSFT"),
            (54, "1"),
            (38, "100"),
        ];
        let filled = ord_status == "2";
        fields.extend([
            (14, if filled { "100" } else { "0" }),
            (151, if filled { "0" } else { "100" }),
            (6, "33"),
        ]);
        if exec_type == "F" {
            fields.extend([(32, "100"), (31, "33")]);
        }
        fields.extend(more);
        self.send("8", &fields);
    }

    fn take(&self, msg_type: &str, message: &Message) {
        let cl_ord_id = message.get_field(11).unwrap_or_default();
        let mood = *self.mood.lock().unwrap();
        self.book.lock().unwrap().received.push((msg_type.to_owned(), cl_ord_id.clone()));
        if msg_type == "H" {
            return self.answer_status(&cl_ord_id, &message.get_field(790).unwrap_or_default());
        }
        if mood == Mood::RejectsAll {
            let seq = message.with_header(|header| header.get_field(34)).unwrap_or_default();
            return self.send("j", &[(45, &seq), (372, msg_type), (379, &cl_ord_id), (380, "0"), (58, "no")]);
        }
        if msg_type != "D" {
            return;
        }
        let status = if mood == Mood::Fills { "2" } else { "0" };
        self.book.lock().unwrap().orders.insert(cl_ord_id.clone(), status.to_owned());
        if mood == Mood::Fills {
            self.report(&cl_ord_id, "0", "0", &[]);
            self.report(&cl_ord_id, "F", "2", &[]);
        }
    }

    fn answer_status(&self, cl_ord_id: &str, request: &str) {
        if !self.answers_status.load(Ordering::SeqCst) {
            return;
        }
        let status = self.book.lock().unwrap().orders.get(cl_ord_id).cloned();
        match status {
            Some(status) => self.report(cl_ord_id, "I", &status, &[(790, request)]),
            None => self.report(cl_ord_id, "I", "8", &[(790, request), (103, "5")]),
        }
    }
}

fn message_of(msg_type: &str, fields: &[(i32, &str)]) -> Message {
    let mut message = Message::new();
    message.with_header_mut(|header| header.set_field(35, msg_type)).unwrap();
    for (tag, value) in fields {
        message.set_field(*tag, *value).unwrap();
    }
    message
}

impl ApplicationCallback for BrokerApp {
    fn on_msg_from_admin(&self, message: &Message, _: &SessionId) -> Result<(), MsgFromAdminError> {
        if message.with_header(|header| header.get_field(35)).as_deref() == Some("3") {
            self.rejects.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }

    fn on_logon(&self, _: &SessionId) {
        self.logons.fetch_add(1, Ordering::SeqCst);
    }

    fn on_msg_from_app(&self, message: &Message, _: &SessionId) -> Result<(), MsgFromAppError> {
        let msg_type = message.with_header(|header| header.get_field(35)).unwrap_or_default();
        self.take(&msg_type, message);
        Ok(())
    }
}

/// A port nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Runs the broker while `body` runs; it logs out at the end.
pub fn with_broker<T>(app: &BrokerApp, port: u16, store: &Path, body: impl FnOnce() -> T) -> T {
    struct AtEnd<'a>(&'a AtomicBool);
    impl Drop for AtEnd<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let ends = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _at_end = AtEnd(&ends);
        scope.spawn(|| serve(app, port, store, &ends));
        body()
    })
}

/// Polls the acceptor on one thread. With a thread of its own, QuickFIX's `SocketAcceptor` uses its server on the
/// stopping thread while its own deletes it.
fn serve(app: &BrokerApp, port: u16, store: &Path, ends: &AtomicBool) {
    let settings = configuration(app, port, store);
    let application = Application::try_new(app).unwrap();
    let stores = FileMessageStoreFactory::try_new(&settings).unwrap();
    let logs = LogFactory::try_new(&NullLogger).unwrap();
    let mut acceptor =
        Acceptor::try_new(&settings, &application, &stores, &logs, FixSocketServerKind::SingleThreaded)
            .unwrap();
    while !ends.load(Ordering::SeqCst) {
        acceptor.poll().unwrap();
        std::thread::sleep(Duration::from_micros(200));
    }
    acceptor.session(app.id()).unwrap().logout().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while acceptor.is_logged_on().unwrap() && Instant::now() < deadline {
        acceptor.poll().unwrap();
        std::thread::sleep(Duration::from_micros(200));
    }
    acceptor.stop().unwrap();
}

fn configuration(app: &BrokerApp, port: u16, store: &Path) -> SessionSettings {
    let mut settings = SessionSettings::new();
    let mut dictionary = Dictionary::new();
    for (key, value) in [
        ("ConnectionType", "acceptor"),
        ("FileStorePath", store.to_str().unwrap()),
        ("NonStopSession", "Y"),
        ("UseDataDictionary", "N"),
        ("SocketReuseAddress", "Y"),
        ("SocketNodelay", "Y"),
    ] {
        dictionary.set(key, value).unwrap();
    }
    dictionary.set("SocketAcceptPort", i32::from(port)).unwrap();
    settings.set(None, dictionary).unwrap();
    settings.set(Some(&app.id()), Dictionary::new()).unwrap();
    settings
}
