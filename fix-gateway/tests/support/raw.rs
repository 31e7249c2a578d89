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
        let (stream, _) = self.listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let mut session = RawSession { stream, names: self.names.clone(), buffer: Vec::new() };
        session.wait_for("A");
        session
    }
}

impl RawSession {
    /// Sends a message; `body` with `|` for SOH.
    pub fn send(&mut self, msg_type: &str, seq: u64, body: &str) {
        let (broker, firm) = &self.names;
        let time = fix_time();
        let content =
            format!("35={msg_type}|34={seq}|49={broker}|52={time}|56={firm}|{body}").replace('|', "\x01");
        let mut message = format!("8=FIX.4.4\x019={}\x01{content}", content.len()).into_bytes();
        let sum = message.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        message.extend(format!("10={sum:03}\x01").bytes());
        self.send_bytes(&message);
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
            self.read_some();
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
            self.read_some();
        }
    }

    fn read_some(&mut self) {
        let mut chunk = [0; 4096];
        match self.stream.read(&mut chunk) {
            Ok(0) => panic!("the connection was closed"),
            Ok(count) => self.buffer.extend_from_slice(&chunk[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => panic!("{error}"),
        }
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

/// Now, as FIX writes it.
pub fn fix_time() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let (year, month, day) =
        model::Timestamp::from_nanos(now.as_nanos().try_into().unwrap()).date().to_civil();
    let second = now.as_secs() % 86_400;
    format!("{year:04}{month:02}{day:02}-{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}
