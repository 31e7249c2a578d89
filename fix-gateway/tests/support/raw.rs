//! A broker that speaks FIX by hand, for what a well-behaved engine does not do.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

pub struct RawBroker {
    listener: TcpListener,
    names: (String, String),
}

pub struct RawSession {
    stream: TcpStream,
    names: (String, String),
    buffer: Vec<u8>,
}

impl RawBroker {
    pub fn new(broker: &str, firm: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self { listener, names: (broker.to_owned(), firm.to_owned()) }
    }

    pub fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    /// The next connection, its logon read.
    pub fn accept(&self) -> RawSession {
        self.accept_logon().0
    }

    /// The next connection, and its logon.
    pub fn accept_logon(&self) -> (RawSession, String) {
        let (stream, _) = self.listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let mut session = RawSession { stream, names: self.names.clone(), buffer: Vec::new() };
        let logon = session.wait_for("A");
        (session, logon)
    }
}

impl RawSession {
    /// Sends a message; `body` with `|` for SOH.
    pub fn send(&mut self, msg_type: &str, seq: u64, body: &str) {
        let (broker, firm) = self.names.clone();
        let names = format!("49={broker}|56={firm}|");
        self.send_as("FIX.4.4", &names, msg_type, seq, body);
    }

    /// Sends a message in other names.
    pub fn send_as(&mut self, begin: &str, names: &str, msg_type: &str, seq: u64, body: &str) {
        let time = fix_time();
        let content = format!("35={msg_type}|34={seq}|{names}52={time}|{body}").replace('|', "\x01");
        let mut message = format!("8={begin}\x019={}\x01{content}", content.len()).into_bytes();
        let sum = message.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        message.extend(format!("10={sum:03}\x01").bytes());
        self.send_bytes(&message);
    }

    /// The next message; `None` once the other side has closed the connection.
    pub fn next_or_end(&mut self) -> Option<String> {
        let deadline = Instant::now() + Duration::from_mins(2);
        loop {
            if let Some(message) = self.next() {
                return Some(message);
            }
            assert!(Instant::now() < deadline, "neither a message nor an end in time");
            if !self.read_some() {
                return None;
            }
        }
    }

    /// Answers our logon and test requests with numbers from `next` on. Gives the next number to use.
    pub fn bring_up(&mut self, next: u64) -> u64 {
        self.send("A", next, "98=0|108=30|");
        let ping = self.wait_for("1");
        self.send("0", next + 1, &format!("112={}|", field(&ping, "112")));
        next + 2
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Behaves like an engine until `done`: answers test requests, and resend requests with `reports` (number and
    /// body) and gap fills. `next` is the next number to use.
    pub fn behave(&mut self, reports: &[(u64, &str)], mut next: u64, mut done: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_mins(2);
        while !done() {
            assert!(Instant::now() < deadline, "not done in time");
            assert!(self.read_some(), "the connection was closed");
            while let Some(message) = self.next() {
                let value =
                    |tag: &str| message.split('|').find_map(|field| field.strip_prefix(tag)).unwrap_or("");
                match value("35=") {
                    "1" => {
                        self.send("0", next, &format!("112={}|", value("112=")));
                        next += 1;
                    }
                    "2" => self.resend(reports, value("7=").parse().unwrap(), next),
                    _ => {}
                }
            }
        }
    }

    fn resend(&mut self, reports: &[(u64, &str)], begin: u64, next: u64) {
        let dup = format!("43=Y|122={}|", fix_time());
        let mut at = begin;
        for (seq, body) in reports.iter().filter(|(seq, _)| *seq >= begin) {
            if *seq > at {
                self.send("4", at, &format!("{dup}123=Y|36={seq}|"));
            }
            self.send("8", *seq, &format!("{dup}{body}"));
            at = seq + 1;
        }
        if at < next {
            self.send("4", at, &format!("{dup}123=Y|36={next}|"));
        }
    }

    /// Reads until a message of this type came; gives it with `|` for SOH.
    pub fn wait_for(&mut self, msg_type: &str) -> String {
        let deadline = Instant::now() + Duration::from_mins(2);
        loop {
            while let Some(message) = self.next() {
                if message.contains(&format!("|35={msg_type}|")) {
                    return message;
                }
            }
            assert!(Instant::now() < deadline, "no message of type {msg_type} in time");
            assert!(self.read_some(), "the connection was closed");
        }
    }

    /// False where the connection was closed.
    fn read_some(&mut self) -> bool {
        let mut chunk = [0; 4096];
        match self.stream.read(&mut chunk) {
            Ok(0) => return false,
            Ok(count) => self.buffer.extend_from_slice(&chunk[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return false,
            Err(error) => panic!("{error}"),
        }
        true
    }

    fn next(&mut self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.buffer).replace('\x01', "|");
        let trailer = text.find("|10=")?;
        let end = trailer + 8;
        if text.len() < end {
            return None;
        }
        self.buffer.drain(..end);
        Some(text[..end].to_owned())
    }
}

/// A field of a message that has `|` for SOH; empty where it has none.
pub fn field<'a>(message: &'a str, tag: &str) -> &'a str {
    let value = |field: &'a str| field.strip_prefix(tag)?.strip_prefix('=');
    message.split('|').find_map(value).unwrap_or("")
}

/// FIX tag 34 of a message.
pub fn seq(message: &str) -> u64 {
    field(message, "34").parse().unwrap()
}

/// Now, as FIX writes it.
pub fn fix_time() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let (year, month, day) =
        model::Timestamp::from_nanos(now.as_nanos().try_into().unwrap()).date().to_civil();
    let second = now.as_secs() % 86_400;
    format!("{year:04}{month:02}{day:02}-{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}
