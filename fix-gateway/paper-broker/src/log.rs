//! The broker's own log: what it received and what it said, one JSON object per line.
//!
//! A line is written, whole, by one `write(2)` before what it says leaves the process: SIGKILL takes back nothing
//! the broker said. The page cache survives the process; a loss of power is not covered, it is a paper broker.

use std::collections::HashSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crash_point::{Point, is_due};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::words::{CancelReject, ChangeRequest, NewOrder, Report, StatusRequest};

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When it was written, nanoseconds since 1970 UTC.
    pub at_utc_ns: i64,
    /// What it says.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What a line says; the variant's name in `snake_case` is the key `kind`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// The broker started.
    Opened {
        /// How often it did in this directory; part of every `ExecID` and `OrderID`.
        run: u64,
    },
    /// 35=D arrived.
    ReceivedNew(NewOrder),
    /// 35=F arrived.
    ReceivedCancel(ChangeRequest),
    /// 35=G arrived.
    ReceivedReplace(ChangeRequest),
    /// 35=H arrived.
    ReceivedStatus(StatusRequest),
    /// Something arrived that cannot be understood; 35=j answers it.
    Misunderstood(Misunderstood),
    /// An order was acknowledged.
    Accepted(Report),
    /// An order was rejected.
    Rejected(Report),
    /// An order came with a `ClOrdID` that was used before. There must be none.
    DuplicateOrder(Report),
    /// A cancel or replace request came with a `ClOrdID` that was used before. There must be none.
    DuplicateRequest(CancelReject),
    /// An execution: the only line that moves positions and cash.
    Fill(Report),
    /// An order was cancelled: on request, immediate-or-cancel and fill-or-kill remainders, or unasked.
    Canceled(Report),
    /// An order was replaced.
    Replaced(Report),
    /// An order expired.
    Expired(Report),
    /// A status request was answered.
    Status(Report),
    /// A cancel or replace request was refused.
    CancelRejected(CancelReject),
    /// A report goes out a second time with the same `ExecID` and `PossResend=Y`.
    Repeated(Report),
    /// After a restart: a report that was logged but had not left goes out, with `PossResend=Y`.
    SentLate {
        /// Its `ExecID`, or `9:` and the `ClOrdID` for a refusal.
        key: String,
    },
    /// A malformed message goes out on purpose.
    Garbage {
        /// The session it goes to.
        session: String,
        /// Which malformation.
        variant: String,
    },
}

/// A message that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misunderstood {
    /// The session it came from.
    pub session: String,
    /// FIX tag 34 of it.
    pub msg_seq_num: u64,
    /// FIX tag 35 of it.
    pub msg_type: String,
    /// FIX tag 11 of it, or empty.
    pub cl_ord_id: String,
    /// FIX tag 380: 3 unsupported message type, 5 required field missing, 0 other.
    pub reason: u16,
    /// What is wrong with it.
    pub text: String,
}

impl Entry {
    /// The execution report it is about, if it goes out as one.
    pub(crate) fn report(&self) -> Option<&Report> {
        match self {
            Self::Accepted(report)
            | Self::Rejected(report)
            | Self::DuplicateOrder(report)
            | Self::Fill(report)
            | Self::Canceled(report)
            | Self::Replaced(report)
            | Self::Expired(report)
            | Self::Status(report)
            | Self::Repeated(report) => Some(report),
            _ => None,
        }
    }

    /// By what the message is found again among those that left; nothing for what need not be told twice.
    pub(crate) fn delivery_key(&self) -> Option<String> {
        match self {
            Self::Status(_) | Self::Repeated(_) => None,
            Self::CancelRejected(reject) => Some(format!("9:{}", reject.cl_ord_id)),
            _ => self.report().map(|report| report.exec_id.clone()),
        }
    }
}

/// The log, open for appending and locked.
#[derive(Debug)]
pub(crate) struct Log {
    file: File,
    buffer: Vec<u8>,
}

/// What stood in the log.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) entries: Vec<Entry>,
}

impl History {
    /// How often the log was opened.
    pub(crate) fn runs(&self) -> u64 {
        self.entries.iter().filter(|entry| matches!(entry, Entry::Opened { .. })).count() as u64
    }

    /// What was logged but is not among the messages that left.
    pub(crate) fn unsent(&self, sent: &HashSet<String>) -> Vec<Entry> {
        let missing = |entry: &&Entry| entry.delivery_key().is_some_and(|key| !sent.contains(&key));
        self.entries.iter().filter(missing).cloned().collect()
    }
}

impl Log {
    /// Opens the log, made if missing; reads it and cuts a torn last line, which cannot have been acted on.
    pub(crate) fn open(path: &Path) -> Result<(Self, History), Error> {
        let failed = |source| Error::file(path, source);
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let torn_bytes = bytes.len() - whole;
        if torn_bytes > 0 {
            file.set_len(whole as u64).map_err(failed)?;
            file.seek(SeekFrom::End(0)).map_err(failed)?;
            tracing::warn!(torn_bytes, "a torn last line was cut from the log");
        }
        bytes.truncate(whole);
        let entries = parse(path, &bytes)?.into_iter().map(|line| line.entry).collect();
        Ok((Self { file, buffer: Vec::new() }, History { entries }))
    }

    /// Writes one line.
    pub(crate) fn write(&mut self, at_utc_ns: i64, entry: &Entry) -> Result<(), Error> {
        /// As [`LogLine`], without giving the entry away.
        #[derive(Serialize)]
        struct LineRef<'a> {
            at_utc_ns: i64,
            #[serde(flatten)]
            entry: &'a Entry,
        }
        self.buffer.clear();
        serde_json::to_writer(&mut self.buffer, &LineRef { at_utc_ns, entry })
            .map_err(|error| Error::Log(error.into()))?;
        self.buffer.push(b'\n');
        if is_due(Point::BrokerHalfLine) {
            let (half, _) = self.buffer.split_at(self.buffer.len() / 2);
            self.file.write_all(half).map_err(Error::Log)?;
            crash_point::die();
        }
        self.file.write_all(&self.buffer).map_err(Error::Log)
    }
}

/// Reads a broker's log, as the broker's own restart does; a torn last line is left out.
pub fn read_log(path: &Path) -> Result<Vec<LogLine>, Error> {
    let mut bytes = std::fs::read(path).map_err(|source| Error::file(path, source))?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    bytes.truncate(whole);
    parse(path, &bytes)
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Vec<LogLine>, Error> {
    let mut lines = Vec::new();
    for (index, text) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if text.is_empty() {
            continue;
        }
        let line = serde_json::from_slice(text).map_err(|error| Error::LogLine {
            path: PathBuf::from(path),
            line: index as u64 + 1,
            problem: error.to_string(),
        })?;
        lines.push(line);
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::words::{ExecType, OrdStatus, OrdType, Received, Side, Tif};

    fn path() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("broker.log");
        (dir, path)
    }

    fn report(exec_id: &str) -> Report {
        Report {
            session: "GANNET-0".to_owned(),
            exec_id: exec_id.to_owned(),
            order_id: "O1-1".to_owned(),
            cl_ord_id: "G1-0-7".to_owned(),
            orig_cl_ord_id: None,
            exec_type: ExecType::Trade,
            ord_status: OrdStatus::PartiallyFilled,
            account: "ACC".to_owned(),
            symbol: "IBM".to_owned(),
            side: Some(Side::Sell),
            ord_type: Some(OrdType::Limit),
            tif: Some(Tif::Gtc),
            qty: Decimal::new(100, 0),
            price: Some(Decimal::new(18_125, 2)),
            last_qty: Decimal::new(25, 1),
            last_px: Decimal::new(1_813, 1),
            cum_qty: Decimal::new(25, 1),
            leaves_qty: Decimal::new(975, 1),
            avg_px: Decimal::new(1_813, 1),
            transact_utc_ns: 1_381_132_801_000_000_000,
            trade_date: "20131007".to_owned(),
            ord_rej_reason: None,
            ord_status_req_id: None,
            text: "say \"x\"\n".to_owned(),
        }
    }

    fn entries() -> Vec<Entry> {
        let received =
            Received { session: "GANNET-0".to_owned(), msg_seq_num: 2, poss_dup: false, poss_resend: false };
        vec![
            Entry::Opened { run: 1 },
            Entry::ReceivedCancel(ChangeRequest {
                received,
                cl_ord_id: "G1-0-8".to_owned(),
                orig_cl_ord_id: "G1-0-7".to_owned(),
                account: String::new(),
                symbol: "IBM".to_owned(),
                side: Side::Sell,
                terms: None,
            }),
            Entry::Fill(report("E1-2")),
            Entry::SentLate { key: "9:x".to_owned() },
        ]
    }

    fn write(path: &Path, entries: &[Entry]) {
        let (mut log, _) = Log::open(path).unwrap();
        for entry in entries {
            log.write(5, entry).unwrap();
        }
    }

    /// Other programs read the log: this line changes only by hand.
    #[test]
    fn a_line_looks_like_this() {
        let (_dir, path) = path();
        write(&path, &entries()[2..3]);
        let golden = concat!(
            r#"{"at_utc_ns":5,"kind":"fill","session":"GANNET-0","exec_id":"E1-2","order_id":"O1-1","#,
            r#""cl_ord_id":"G1-0-7","orig_cl_ord_id":null,"exec_type":"trade","ord_status":"partially_filled","#,
            r#""account":"ACC","symbol":"IBM","side":"sell","ord_type":"limit","tif":"gtc","qty":"100","#,
            r#""price":"181.25","last_qty":"2.5","last_px":"181.3","cum_qty":"2.5","leaves_qty":"97.5","#,
            r#""avg_px":"181.3","transact_utc_ns":1381132801000000000,"trade_date":"20131007","#,
            r#""ord_rej_reason":null,"ord_status_req_id":null,"text":"say \"x\"\n"}"#,
            "\n"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), golden);
    }

    #[test]
    fn what_was_written_reads_back() {
        let (_dir, path) = path();
        write(&path, &entries());
        let (_log, history) = Log::open(&path).unwrap();
        assert_eq!(history.entries, entries());
        assert_eq!(history.runs(), 1);
        let lines: Vec<Entry> = read_log(&path).unwrap().into_iter().map(|line| line.entry).collect();
        assert_eq!(lines, entries());
    }

    #[test]
    fn a_torn_last_line_is_cut_wherever_it_is_torn() {
        let (_dir, path) = path();
        write(&path, &entries());
        let whole = std::fs::read(&path).unwrap();
        for len in 0..whole.len() {
            std::fs::write(&path, &whole[..len]).unwrap();
            let complete = whole[..len].split(|byte| *byte == b'\n').count() - 1;
            assert_eq!(read_log(&path).unwrap().len(), complete);
            let (mut log, history) = Log::open(&path).unwrap();
            assert_eq!(history.entries, entries()[..complete]);
            log.write(6, &entries()[0]).unwrap();
            assert_eq!(read_log(&path).unwrap().len(), complete + 1);
        }
    }

    #[test]
    fn a_foreign_line_is_refused_by_its_number() {
        let (_dir, path) = path();
        write(&path, &entries());
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend_from_slice(b"{\"kind\":\"other\"}\n");
        std::fs::write(&path, bytes).unwrap();
        assert!(matches!(Log::open(&path), Err(Error::LogLine { line: 5, .. })));
    }

    #[test]
    fn two_brokers_cannot_share_a_log() {
        let (_dir, path) = path();
        let _first = Log::open(&path).unwrap();
        assert!(matches!(Log::open(&path), Err(Error::InUse { .. })));
    }

    #[test]
    fn what_had_not_left_is_found() {
        let history = History { entries: vec![Entry::Fill(report("E1-2")), Entry::Accepted(report("E1-1"))] };
        let unsent = history.unsent(&HashSet::from(["E1-2".to_owned()]));
        assert_eq!(unsent, [Entry::Accepted(report("E1-1"))]);
    }
}
