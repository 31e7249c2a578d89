//! The book, alone: what it says to every kind of order, cancel and replace.

mod histories;
mod life_cycle;
mod personality;

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::{Book, Outgoing};
use crate::config::Personality;
use crate::log::{Entry, Log};
use crate::market::Quote;
use crate::words::{
    CancelReject, ChangeRequest, NewOrder, OrdType, Received, Report, Request, Side, StatusRequest, Terms,
    Tif,
};

/// A book with its time, and everything it said.
struct Bench {
    book: Book,
    now_ns: i64,
    said: Vec<Outgoing>,
    /// What the log would hold: requests and answers, in order.
    log: Vec<Entry>,
    seq: u64,
}

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

impl Bench {
    fn new(personality: &Personality) -> Self {
        let book = Book::new(personality, symbols(), 1, 0);
        Self { book, now_ns: 0, said: Vec::new(), log: Vec::new(), seq: 0 }
    }

    fn normal() -> Self {
        Self::new(&Personality::default())
    }

    fn quote(&mut self, bid: &str, bid_qty: &str, ask: &str, ask_qty: &str) {
        let quote = Quote::from_line(&format!("1,IBM,{bid},{bid_qty},{ask},{ask_qty}")).unwrap();
        self.book.quote(&quote, self.now_ns, &mut self.said);
        self.settle(0);
    }

    /// Lets time pass, and keeps what was said.
    fn settle(&mut self, ns: i64) {
        self.now_ns += ns;
        self.book.advance(self.now_ns, &mut self.said);
        let known = self.log.iter().filter(|entry| !is_request(entry)).count();
        self.log.extend(self.said.iter().skip(known).map(|outgoing| outgoing.entry.clone()));
    }

    fn send(&mut self, request: Request) {
        self.log.push(match request.clone() {
            Request::New(new) => Entry::ReceivedNew(new),
            Request::Change(change) if change.terms.is_some() => Entry::ReceivedReplace(change),
            Request::Change(change) => Entry::ReceivedCancel(change),
            Request::Status(status) => Entry::ReceivedStatus(status),
        });
        self.book.receive(request, self.now_ns, &mut self.said);
        self.settle(0);
    }

    fn order(&mut self, id: &str, side: Side, tif: Tif, qty: &str, price: Option<&str>) {
        let received = self.received();
        self.send(Request::New(NewOrder {
            received,
            cl_ord_id: id.to_owned(),
            account: "ACC".to_owned(),
            symbol: "IBM".to_owned(),
            side,
            ord_type: if price.is_some() { OrdType::Limit } else { OrdType::Market },
            tif,
            qty: dec(qty),
            price: price.map(dec),
        }));
    }

    fn change(&mut self, id: &str, orig: &str, side: Side, terms: Option<(&str, Option<&str>)>) {
        let received = self.received();
        self.send(Request::Change(ChangeRequest {
            received,
            cl_ord_id: id.to_owned(),
            orig_cl_ord_id: orig.to_owned(),
            account: "ACC".to_owned(),
            symbol: "IBM".to_owned(),
            side,
            terms: terms.map(|(qty, price)| Terms {
                ord_type: if price.is_some() { OrdType::Limit } else { OrdType::Market },
                qty: dec(qty),
                price: price.map(dec),
            }),
        }));
    }

    fn status(&mut self, id: &str) -> Report {
        let received = self.received();
        self.send(Request::Status(StatusRequest {
            received,
            cl_ord_id: id.to_owned(),
            ord_status_req_id: String::new(),
            account: String::new(),
            symbol: "IBM".to_owned(),
            side: None,
        }));
        self.said.last().unwrap().entry.report().unwrap().clone()
    }

    fn received(&mut self) -> Received {
        self.seq += 1;
        Received { session: "T".to_owned(), msg_seq_num: self.seq, poss_dup: false, poss_resend: false }
    }

    /// What was said, shortly, from the `from`-th on.
    fn story(&self) -> Vec<String> {
        self.said.iter().map(|outgoing| tell(&outgoing.entry)).collect()
    }

    /// The log read back into a new book.
    fn restarted(&self, personality: &Personality) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("broker.log");
        let (mut log, _) = Log::open(&path).unwrap();
        for entry in &self.log {
            log.write(0, entry).unwrap();
        }
        drop(log);
        let (_, history) = Log::open(&path).unwrap();
        let mut said = Vec::new();
        let book = Book::restored(personality, symbols(), 2, self.now_ns, &history.entries, &mut said);
        let mut bench = Self { book, now_ns: self.now_ns, said, log: Vec::new(), seq: self.seq };
        bench.settle(0);
        bench
    }
}

fn symbols() -> BTreeSet<String> {
    BTreeSet::from(["IBM".to_owned()])
}

fn is_request(entry: &Entry) -> bool {
    matches!(
        entry,
        Entry::ReceivedNew(_)
            | Entry::ReceivedCancel(_)
            | Entry::ReceivedReplace(_)
            | Entry::ReceivedStatus(_)
    )
}

fn tell(entry: &Entry) -> String {
    let state = |r: &Report| format!("{} {}/{} {:?}", r.cl_ord_id, r.cum_qty, r.qty, r.ord_status);
    match entry {
        Entry::Accepted(r) => format!("accepted {}", state(r)),
        Entry::Rejected(r) => format!("rejected {} {}", r.cl_ord_id, r.ord_rej_reason.unwrap()),
        Entry::DuplicateOrder(r) => format!("duplicate {} {}", r.cl_ord_id, r.ord_rej_reason.unwrap()),
        Entry::Fill(r) => format!("fill {}@{} {}", r.last_qty, r.last_px, state(r)),
        Entry::Canceled(r) => format!("canceled {}", state(r)),
        Entry::Replaced(r) => format!("replaced {}", state(r)),
        Entry::Expired(r) => format!("expired {}", state(r)),
        Entry::Status(r) => format!("status {}", state(r)),
        Entry::Repeated(r) => format!("repeated {}", r.exec_id),
        Entry::CancelRejected(CancelReject { cl_ord_id, cxl_rej_reason, .. }) => {
            format!("refused {cl_ord_id} {cxl_rej_reason}")
        }
        Entry::DuplicateRequest(reject) => format!("duplicate request {}", reject.cl_ord_id),
        other => format!("{other:?}"),
    }
}
