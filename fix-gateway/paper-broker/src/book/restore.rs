//! Rebuilding the book from the broker's own log.

use std::collections::BTreeSet;

use super::order::Order;
use super::{Action, Book, Outgoing};
use crate::config::Personality;
use crate::log::Entry;
use crate::words::{ChangeRequest, NewOrder, OrdStatus, Report, Tif};

impl Book {
    /// The book as the entries leave it. What was received but not answered is answered now.
    pub(crate) fn restored(
        personality: &Personality,
        symbols: BTreeSet<String>,
        run: u64,
        now_ns: i64,
        entries: &[Entry],
        out: &mut Vec<Outgoing>,
    ) -> Self {
        let mut book = Self::new(personality, symbols, run, now_ns);
        let mut unanswered = Vec::new();
        for entry in entries {
            book.replay(entry, &mut unanswered);
        }
        for index in 0..book.orders.len() {
            book.resume(index, now_ns, out);
        }
        for change in unanswered {
            book.schedule(now_ns, Action::Change(change));
        }
        book
    }

    fn replay(&mut self, entry: &Entry, unanswered: &mut Vec<ChangeRequest>) {
        match entry {
            Entry::ReceivedNew(new) => self.replay_new(new),
            Entry::ReceivedCancel(change) | Entry::ReceivedReplace(change) => {
                unanswered.extend(self.replay_change(change));
            }
            Entry::Accepted(report) | Entry::Rejected(report) | Entry::Expired(report) => {
                self.replay_report(report, |order| order.status = report.ord_status);
            }
            Entry::Fill(report) => {
                self.replay_report(report, |order| order.apply_fill(report.last_qty, report.last_px));
            }
            Entry::Canceled(report) | Entry::Replaced(report) => {
                unanswered.retain(|change| change.cl_ord_id != report.cl_ord_id);
                self.replay_report(report, |order| order.take_terms(report));
            }
            Entry::CancelRejected(reject) => unanswered.retain(|change| change.cl_ord_id != reject.cl_ord_id),
            _ => {}
        }
        self.count(entry);
    }

    fn replay_new(&mut self, new: &NewOrder) {
        if self.is_first(&new.cl_ord_id, &new.received) {
            self.admit(new);
        }
    }

    /// The request, unless its identifier had been used.
    fn replay_change(&mut self, change: &ChangeRequest) -> Option<ChangeRequest> {
        if !self.is_first(&change.cl_ord_id, &change.received) {
            return None;
        }
        self.adopt(change);
        Some(change.clone())
    }

    fn replay_report(&mut self, report: &Report, change: impl FnOnce(&mut Order)) {
        if let Some(index) = self.ids.get(&report.cl_ord_id)
            && let Some(order) = self.orders.get_mut(*index)
        {
            order.order_id.clone_from(&report.order_id);
            change(order);
        }
    }

    fn count(&mut self, entry: &Entry) {
        let counts = &mut self.counts;
        let count = match entry {
            Entry::Accepted(_) => &mut counts.accepted,
            Entry::Rejected(_) => &mut counts.rejected,
            Entry::DuplicateOrder(_) => &mut counts.duplicate_orders,
            Entry::DuplicateRequest(_) => &mut counts.duplicate_requests,
            Entry::Fill(_) => &mut counts.fills,
            Entry::Canceled(_) => &mut counts.canceled,
            Entry::Replaced(_) => &mut counts.replaced,
            Entry::Expired(_) => &mut counts.expired,
            Entry::CancelRejected(_) => &mut counts.cancel_rejected,
            _ => return,
        };
        *count = count.saturating_add(1);
    }

    /// What an order does after a restart.
    fn resume(&mut self, index: usize, now_ns: i64, out: &mut Vec<Outgoing>) {
        let Some(order) = self.orders.get(index) else { return };
        match (order.status, order.tif) {
            (OrdStatus::PendingNew, _) => self.schedule(now_ns, Action::Activate(index)),
            (status, _) if status.is_final() => {}
            (_, Tif::Ioc | Tif::Fok) => {
                self.end(index, OrdStatus::Canceled, "immediate or cancel: remainder", now_ns, out);
            }
            (_, Tif::Day | Tif::Gtc) => {
                self.enter(index);
                self.plan_unasked_cancel(index, now_ns);
            }
        }
    }
}

impl Order {
    /// The identifiers, terms and status that a cancel or replace left.
    fn take_terms(&mut self, report: &Report) {
        self.cl_ord_id.clone_from(&report.cl_ord_id);
        self.orig_cl_ord_id.clone_from(&report.orig_cl_ord_id);
        (self.qty, self.price, self.status) = (report.qty, report.price, report.ord_status);
    }
}
