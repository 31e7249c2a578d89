//! The book: every order the broker knows, and every decision about it.
//!
//! A state machine without I/O, threads or clock: requests, quotes and moments go in, log entries with the moment
//! they may leave come out. One thread owns it.

mod lane;
mod matching;
mod order;
mod requests;
mod restore;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

use crate::config::Personality;
use crate::dice::Dice;
use crate::log::Entry;
use crate::words::{ChangeRequest, OrdStatus, Report, Request, Tif};

use lane::Lane;
use order::{Order, Stamp};

/// Something the broker says: logged at once, sent at `leave_ns`.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) entry: Entry,
    pub(crate) leave_ns: i64,
}

/// What the book has seen, for printing.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// New orders received, duplicates not counted.
    pub orders: u64,
    /// Orders acknowledged.
    pub accepted: u64,
    /// Orders rejected, duplicates not counted.
    pub rejected: u64,
    /// Executions.
    pub fills: u64,
    /// Orders cancelled, for whatever reason.
    pub canceled: u64,
    /// Replaces carried out.
    pub replaced: u64,
    /// Orders expired.
    pub expired: u64,
    /// Cancel and replace requests refused.
    pub cancel_rejected: u64,
    /// New orders with a `ClOrdID` that was used before. Must stay 0.
    pub duplicate_orders: u64,
    /// Cancel and replace requests with a `ClOrdID` that was used before. Must stay 0.
    pub duplicate_requests: u64,
    /// Orders that work now.
    pub open: u64,
}

/// Something to do later.
#[derive(Debug)]
enum Action {
    Activate(usize),
    Change(ChangeRequest),
    CancelUnasked(usize),
}

/// Every order, and every decision.
#[derive(Debug)]
pub(crate) struct Book {
    personality: Personality,
    dice: Dice,
    lanes: BTreeMap<String, Lane>,
    orders: Vec<Order>,
    /// Every identifier ever received that leads to an order: its own, and those of requests about it.
    ids: HashMap<String, usize>,
    /// Every identifier ever received, with the session and `MsgSeqNum` it first came with.
    seen: HashMap<String, (String, u64)>,
    actions: BTreeMap<u64, Action>,
    due: BinaryHeap<Reverse<(i64, u64)>>,
    next_day_end_ns: Option<i64>,
    /// How often this directory was opened: part of every identity, so that none is issued twice.
    run: u64,
    issued: u64,
    counts: Counts,
}

impl Book {
    /// An empty book for the market's symbols.
    pub(crate) fn new(personality: &Personality, symbols: BTreeSet<String>, run: u64, now_ns: i64) -> Self {
        let mut book = Self {
            personality: personality.clone(),
            dice: Dice::new(personality.seed),
            lanes: symbols.into_iter().map(|symbol| (symbol, Lane::default())).collect(),
            orders: Vec::new(),
            ids: HashMap::new(),
            seen: HashMap::new(),
            actions: BTreeMap::new(),
            due: BinaryHeap::new(),
            next_day_end_ns: None,
            run,
            issued: 0,
            counts: Counts::default(),
        };
        book.next_day_end_ns = book.day_ns().map(|day_ns| now_ns.saturating_add(day_ns));
        book
    }

    /// A request arrived. It was logged already.
    pub(crate) fn receive(&mut self, request: Request, now_ns: i64, out: &mut Vec<Outgoing>) {
        match request {
            Request::New(new) => self.receive_new(&new, now_ns, out),
            Request::Change(change) => self.receive_change(change, now_ns, out),
            Request::Status(status) => self.answer_status(&status, now_ns, out),
        }
    }

    /// Does what is due.
    pub(crate) fn advance(&mut self, now_ns: i64, out: &mut Vec<Outgoing>) {
        while let Some(Reverse((due_ns, number))) = self.due.peek().copied() {
            if due_ns > now_ns {
                break;
            }
            self.due.pop();
            match self.actions.remove(&number) {
                Some(Action::Activate(index)) => self.activate(index, now_ns, out),
                Some(Action::Change(change)) => self.change(&change, now_ns, out),
                Some(Action::CancelUnasked(index)) => {
                    self.end(index, OrdStatus::Canceled, UNASKED, now_ns, out);
                }
                None => {}
            }
        }
        self.end_day(now_ns, out);
    }

    /// When there is something to do next.
    pub(crate) fn next_due_ns(&self) -> Option<i64> {
        let action = self.due.peek().map(|Reverse((due_ns, _))| *due_ns);
        action.into_iter().chain(self.next_day_end_ns).min()
    }

    pub(crate) fn counts(&self) -> Counts {
        let open = self.orders.iter().filter(|order| order.key.is_some()).count();
        Counts { open: open as u64, ..self.counts.clone() }
    }

    fn schedule(&mut self, due_ns: i64, action: Action) {
        self.issued = self.issued.saturating_add(1);
        self.due.push(Reverse((due_ns, self.issued)));
        self.actions.insert(self.issued, action);
    }

    fn stamp(&mut self, now_ns: i64) -> Stamp {
        self.issued = self.issued.saturating_add(1);
        Stamp { exec_id: format!("E{}-{}", self.run, self.issued), at_utc_ns: now_ns }
    }

    /// How long an answer to the message with this identifier takes.
    fn answer_latency_ns(&self, cl_ord_id: &str) -> i64 {
        let p = &self.personality;
        let latency_us =
            self.dice.between("ack latency", cl_ord_id, p.ack_latency_min_us, p.ack_latency_max_us);
        let slow = self.dice.chance("slow ack", cl_ord_id, p.slow_ack_probability);
        us_to_ns(latency_us.saturating_add(if slow { p.slow_ack_us } else { 0 }))
    }

    /// Says something about an order: behind what was said about it before, perhaps twice.
    fn say(&mut self, index: usize, delay_ns: i64, now_ns: i64, entry: Entry, out: &mut Vec<Outgoing>) {
        let mut leave_ns = now_ns.saturating_add(delay_ns);
        if let Some(order) = self.orders.get_mut(index) {
            leave_ns = leave_ns.max(order.last_leave_ns);
            order.last_leave_ns = leave_ns;
        }
        let repeated = entry.report().filter(|report| self.is_repeated(report)).cloned();
        out.push(Outgoing { entry, leave_ns });
        out.extend(repeated.map(|report| Outgoing { entry: Entry::Repeated(report), leave_ns }));
    }

    fn is_repeated(&self, report: &Report) -> bool {
        // Not by ExecID: those are issued in order of arrival, which depends on threads.
        let id = format!("{}/{}/{}", report.cl_ord_id, report.exec_type.code(), report.cum_qty.normalize());
        self.dice.chance("repeat", &id, self.personality.repeat_probability)
    }

    fn day_ns(&self) -> Option<i64> {
        self.personality.day_end_after_ms.map(|ms| us_to_ns(ms.saturating_mul(1_000)))
    }

    fn end_day(&mut self, now_ns: i64, out: &mut Vec<Outgoing>) {
        let (Some(end_ns), Some(day_ns)) = (self.next_day_end_ns, self.day_ns()) else { return };
        if now_ns < end_ns {
            return;
        }
        let days = now_ns.saturating_sub(end_ns).checked_div(day_ns).unwrap_or(0).saturating_add(1);
        self.next_day_end_ns = Some(end_ns.saturating_add(days.saturating_mul(day_ns)));
        let of_the_day = |order: &Order| order.tif == Tif::Day && order.key.is_some();
        let ending: Vec<usize> = self
            .orders
            .iter()
            .enumerate()
            .filter(|(_, order)| of_the_day(order))
            .map(|(index, _)| index)
            .collect();
        for index in ending {
            self.end(index, OrdStatus::Expired, "end of day", now_ns, out);
        }
    }
}

const UNASKED: &str = "cancelled by the broker, unasked";

fn us_to_ns(us: u64) -> i64 {
    i64::try_from(us.saturating_mul(1_000)).unwrap_or(i64::MAX)
}
