#![allow(
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::wildcard_imports,
    reason = "shared by tests"
)]
//! A QuickFIX initiator for tests: sends what it is told, keeps what it gets.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use quickfix::*;

/// A received message, by tag.
pub type Fields = BTreeMap<u32, String>;

struct Callbacks {
    events: Mutex<Sender<Fields>>,
}

impl Callbacks {
    fn put(&self, fields: Fields) {
        let _ = self.events.lock().unwrap().send(fields);
    }
}

impl ApplicationCallback for Callbacks {
    fn on_logon(&self, _: &SessionId) {
        self.put(Fields::from([(0, "logon".to_owned())]));
    }

    fn on_msg_from_app(&self, message: &Message, _: &SessionId) -> Result<(), MsgFromAppError> {
        let text = message.to_fix_string().unwrap();
        let pairs = text.split('\u{1}').filter_map(|field| field.split_once('='));
        self.put(pairs.map(|(tag, value)| (tag.parse().unwrap(), value.to_owned())).collect());
        Ok(())
    }
}

pub struct Client {
    name: String,
    events: Receiver<Fields>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

pub const DEADLINE: Duration = Duration::from_mins(1);

impl Client {
    /// Connects and waits for the logon. The FIX store in `dir` continues where it was.
    pub fn log_on(name: &str, port: u16, dir: PathBuf) -> Self {
        let (events_out, events) = channel();
        let (stop, stopped) = channel();
        let thread_name = name.to_owned();
        let thread = std::thread::spawn(move || run(&thread_name, port, &dir, events_out, &stopped));
        let client = Self { name: name.to_owned(), events, stop: Some(stop), thread: Some(thread) };
        client.get(|fields| fields.contains_key(&0));
        client
    }

    /// The next message that fits; those before it are dropped.
    pub fn get(&self, fits: impl Fn(&Fields) -> bool) -> Fields {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let fields = self.events.recv_timeout(left).expect("no such message in time");
            if fits(&fields) {
                return fields;
            }
        }
    }

    /// The next message.
    pub fn next(&self) -> Fields {
        self.get(|_| true)
    }

    /// The next report of this `ExecType`.
    pub fn report(&self, exec_type: &str) -> Fields {
        self.get(|fields| {
            fields.get(&35).is_some_and(|t| t == "8") && fields.get(&150).is_some_and(|t| t == exec_type)
        })
    }

    pub fn send(&self, msg_type: &str, fields: &[(i32, &str)]) {
        let mut message = Message::new();
        message.with_header_mut(|header| header.set_field(35, msg_type)).unwrap();
        for (tag, value) in fields {
            message.set_field(*tag, *value).unwrap();
        }
        let session = SessionId::try_new("FIX.4.4", &self.name, "BROKER", "").unwrap();
        send_to_target(message, &session).unwrap();
    }

    pub fn log_out(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.end();
    }
}

fn run(name: &str, port: u16, dir: &std::path::Path, events: Sender<Fields>, stopped: &Receiver<()>) {
    let port = port.to_string();
    let mut dictionary = Dictionary::new();
    for (key, value) in [
        ("ConnectionType", "initiator"),
        ("BeginString", "FIX.4.4"),
        ("SenderCompID", name),
        ("TargetCompID", "BROKER"),
        ("NonStopSession", "Y"),
        ("UseDataDictionary", "N"),
        ("FileStorePath", dir.to_str().unwrap()),
        ("SocketConnectHost", "127.0.0.1"),
        ("SocketConnectPort", &port),
        ("HeartBtInt", "30"),
        ("ReconnectInterval", "1"),
        ("CheckLatency", "N"),
    ] {
        dictionary.set(key, value).unwrap();
    }
    let mut settings = SessionSettings::new();
    let mut global = Dictionary::new();
    global.set("ConnectionType", "initiator").unwrap();
    settings.set(None, global).unwrap();
    settings.set(Some(&SessionId::try_new("FIX.4.4", name, "BROKER", "").unwrap()), dictionary).unwrap();
    let callbacks = Callbacks { events: Mutex::new(events) };
    let application = Application::try_new(&callbacks).unwrap();
    let store = FileMessageStoreFactory::try_new(&settings).unwrap();
    let log = LogFactory::try_new(&NullLogger).unwrap();
    let mut initiator =
        Initiator::try_new(&settings, &application, &store, &log, FixSocketServerKind::SingleThreaded)
            .unwrap();
    initiator.start().unwrap();
    let _ = stopped.recv();
    initiator.stop().unwrap();
}
