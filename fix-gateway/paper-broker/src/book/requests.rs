//! What the book answers to new orders, cancels, replaces and status requests.

use rust_decimal::Decimal;

use super::order::Order;
use super::{Action, Book, Outgoing, us_to_ns};
use crate::config::Mode;
use crate::log::Entry;
use crate::market::fits;
use crate::words::{
    CancelReject, ChangeRequest, ExecType, NewOrder, OrdStatus, OrdType, Received, Report, StatusRequest,
    Terms,
};

/// FIX tag 103 or 102, and the words for it.
type Refusal = (u16, String);

impl Book {
    pub(super) fn receive_new(&mut self, new: &NewOrder, now_ns: i64, out: &mut Vec<Outgoing>) {
        if !self.is_first(&new.cl_ord_id, &new.received) {
            if !self.is_redelivery(&new.cl_ord_id, &new.received) {
                self.refuse_duplicate(new, now_ns, out);
            }
            return;
        }
        let index = self.admit(new);
        let due_ns = now_ns.saturating_add(self.answer_latency_ns(&new.cl_ord_id));
        if let Some(order) = self.orders.get_mut(index) {
            order.last_due_ns = due_ns;
        }
        self.schedule(due_ns, Action::Activate(index));
    }

    /// Takes an order in, not yet answered.
    pub(super) fn admit(&mut self, new: &NewOrder) -> usize {
        self.counts.orders = self.counts.orders.saturating_add(1);
        self.issued = self.issued.saturating_add(1);
        let index = self.orders.len();
        self.orders.push(Order::new(format!("O{}-{}", self.run, self.issued), new));
        self.ids.insert(new.cl_ord_id.clone(), index);
        index
    }

    /// Remembers an identifier; false where it was there before.
    pub(super) fn is_first(&mut self, cl_ord_id: &str, received: &Received) -> bool {
        if self.seen.contains_key(cl_ord_id) {
            return false;
        }
        self.seen.insert(cl_ord_id.to_owned(), (received.session.clone(), received.msg_seq_num));
        true
    }

    /// The FIX layer delivered the very same message again, because the broker was killed between logging it and
    /// counting it. That is not a second order.
    pub(super) fn is_redelivery(&self, cl_ord_id: &str, received: &Received) -> bool {
        received.poss_dup
            && self.seen.get(cl_ord_id).is_some_and(|(session, number)| {
                *session == received.session && *number == received.msg_seq_num
            })
    }

    fn refuse_duplicate(&mut self, new: &NewOrder, now_ns: i64, out: &mut Vec<Outgoing>) {
        tracing::error!(cl_ord_id = new.cl_ord_id, session = new.received.session, "duplicate_order");
        self.counts.duplicate_orders = self.counts.duplicate_orders.saturating_add(1);
        let stamp = self.stamp(now_ns);
        let mut order = Order::new("NONE".to_owned(), new);
        order.status = OrdStatus::Rejected;
        let mut report = order.report(ExecType::Rejected, stamp);
        report.ord_rej_reason = Some(6);
        "duplicate ClOrdID".clone_into(&mut report.text);
        out.push(Outgoing { entry: Entry::DuplicateOrder(report), leave_ns: now_ns });
    }

    /// The moment to answer a new order has come.
    pub(super) fn activate(&mut self, index: usize, now_ns: i64, out: &mut Vec<Outgoing>) {
        let stamp = self.stamp(now_ns);
        let refusal = self.orders.get(index).and_then(|order| self.refusal_of(order));
        let Some(order) = self.orders.get_mut(index) else { return };
        if let Some((reason, text)) = refusal {
            order.status = OrdStatus::Rejected;
            let mut report = order.report(ExecType::Rejected, stamp);
            report.ord_rej_reason = Some(reason);
            report.text = text;
            self.counts.rejected = self.counts.rejected.saturating_add(1);
            return self.say(index, 0, now_ns, Entry::Rejected(report), out);
        }
        order.status = OrdStatus::New;
        let report = order.report(ExecType::New, stamp);
        self.counts.accepted = self.counts.accepted.saturating_add(1);
        self.say(index, 0, now_ns, Entry::Accepted(report), out);
        self.plan_unasked_cancel(index, now_ns);
        self.work(index, now_ns, out);
    }

    pub(super) fn plan_unasked_cancel(&mut self, index: usize, now_ns: i64) {
        let Some(order) = self.orders.get(index) else { return };
        let p = self.personality.unsolicited_cancel_probability;
        if self.dice.chance("unsolicited cancel", &order.cl_ord_id, p) {
            let after_ns = us_to_ns(self.personality.unsolicited_cancel_after_us);
            self.schedule(now_ns.saturating_add(after_ns), Action::CancelUnasked(index));
        }
    }

    fn refusal_of(&self, order: &Order) -> Option<Refusal> {
        let broker_option = |text: &str| Some((0, text.to_owned()));
        if self.personality.mode == Mode::RejectEverything {
            return broker_option("this broker rejects everything");
        }
        if !self.lanes.contains_key(&order.symbol) {
            return Some((1, format!("unknown symbol {}", order.symbol)));
        }
        if let Some(problem) = problem_of_terms(order.ord_type, order.qty, order.price) {
            return Some(problem);
        }
        if self.dice.chance("reject", &order.cl_ord_id, self.personality.reject_probability) {
            return broker_option("rejected by chance");
        }
        None
    }

    pub(super) fn receive_change(&mut self, change: ChangeRequest, now_ns: i64, out: &mut Vec<Outgoing>) {
        if !self.is_first(&change.cl_ord_id, &change.received) {
            if !self.is_redelivery(&change.cl_ord_id, &change.received) {
                tracing::error!(cl_ord_id = change.cl_ord_id, "duplicate_request");
                self.counts.duplicate_requests = self.counts.duplicate_requests.saturating_add(1);
                let reject = self.cancel_reject(&change, (6, "duplicate ClOrdID".to_owned()), now_ns);
                out.push(Outgoing { entry: Entry::DuplicateRequest(reject), leave_ns: now_ns });
            }
            return;
        }
        let mut due_ns = now_ns.saturating_add(self.answer_latency_ns(&change.cl_ord_id));
        if let Some(index) = self.adopt(&change)
            && let Some(order) = self.orders.get_mut(index)
        {
            due_ns = due_ns.max(order.last_due_ns);
            order.last_due_ns = due_ns;
        }
        self.schedule(due_ns, Action::Change(change));
    }

    /// Lets the request's identifier lead to its order.
    pub(super) fn adopt(&mut self, change: &ChangeRequest) -> Option<usize> {
        let index = self.ids.get(&change.orig_cl_ord_id).copied()?;
        self.ids.insert(change.cl_ord_id.clone(), index);
        Some(index)
    }

    /// The moment to answer a cancel or replace has come.
    pub(super) fn change(&mut self, change: &ChangeRequest, now_ns: i64, out: &mut Vec<Outgoing>) {
        let index = self.ids.get(&change.orig_cl_ord_id).copied();
        let order = index.and_then(|index| self.orders.get(index));
        if let Some(refusal) = self.change_refusal(order, change) {
            self.counts.cancel_rejected = self.counts.cancel_rejected.saturating_add(1);
            let reject = self.cancel_reject(change, refusal, now_ns);
            let entry = Entry::CancelRejected(reject);
            return self.say(index.unwrap_or(usize::MAX), 0, now_ns, entry, out);
        }
        let Some(index) = index else { return };
        match &change.terms {
            None => self.cancel(index, change, now_ns, out),
            Some(terms) => self.replace(index, change, terms, now_ns, out),
        }
    }

    fn change_refusal(&self, order: Option<&Order>, change: &ChangeRequest) -> Option<Refusal> {
        let Some(order) = order else { return Some((1, format!("unknown order {}", change.orig_cl_ord_id))) };
        if self.personality.mode == Mode::RejectEverything {
            return Some((2, "this broker rejects everything".to_owned()));
        }
        if order.status.is_final() {
            return Some((0, "too late: the order is finished".to_owned()));
        }
        if order.cl_ord_id != change.orig_cl_ord_id {
            return Some((99, format!("OrigClOrdID is not {}, the order's current one", order.cl_ord_id)));
        }
        if order.symbol != change.symbol || order.side != change.side {
            return Some((99, "symbol and side must be the order's".to_owned()));
        }
        if let Some(terms) = &change.terms {
            if terms.ord_type != order.ord_type {
                return Some((99, "the order type cannot be changed".to_owned()));
            }
            if let Some((_, text)) = problem_of_terms(terms.ord_type, terms.qty, terms.price) {
                return Some((99, text));
            }
            if terms.qty <= order.cum_qty {
                return Some((99, format!("OrderQty must be above CumQty {}", order.cum_qty.normalize())));
            }
        }
        if self.dice.chance("cancel reject", &change.cl_ord_id, self.personality.cancel_reject_probability) {
            return Some((2, "refused by chance".to_owned()));
        }
        None
    }

    fn cancel(&mut self, index: usize, change: &ChangeRequest, now_ns: i64, out: &mut Vec<Outgoing>) {
        if let Some(order) = self.orders.get_mut(index) {
            let old = std::mem::replace(&mut order.cl_ord_id, change.cl_ord_id.clone());
            order.orig_cl_ord_id = Some(old);
        }
        self.end(index, OrdStatus::Canceled, "", now_ns, out);
    }

    fn replace(
        &mut self,
        index: usize,
        change: &ChangeRequest,
        terms: &Terms,
        now_ns: i64,
        out: &mut Vec<Outgoing>,
    ) {
        let stamp = self.stamp(now_ns);
        let Some(order) = self.orders.get_mut(index) else { return };
        if let Some(lane) = self.lanes.get_mut(&order.symbol) {
            lane.leave(order);
        }
        let old = std::mem::replace(&mut order.cl_ord_id, change.cl_ord_id.clone());
        order.orig_cl_ord_id = Some(old);
        (order.qty, order.price) = (terms.qty, terms.price);
        order.status = order.working_status();
        let report = order.report(ExecType::Replaced, stamp);
        self.counts.replaced = self.counts.replaced.saturating_add(1);
        self.say(index, 0, now_ns, Entry::Replaced(report), out);
        self.work(index, now_ns, out);
    }

    fn cancel_reject(&self, change: &ChangeRequest, refusal: Refusal, now_ns: i64) -> CancelReject {
        let order = self.ids.get(&change.orig_cl_ord_id).and_then(|index| self.orders.get(*index));
        CancelReject {
            session: change.received.session.clone(),
            order_id: order.map_or_else(|| "NONE".to_owned(), |order| order.order_id.clone()),
            cl_ord_id: change.cl_ord_id.clone(),
            orig_cl_ord_id: change.orig_cl_ord_id.clone(),
            ord_status: order.map_or(OrdStatus::Rejected, |order| order.status),
            response_to: if change.terms.is_none() { 1 } else { 2 },
            cxl_rej_reason: refusal.0,
            account: change.account.clone(),
            transact_utc_ns: now_ns,
            text: refusal.1,
        }
    }

    /// Where an order stands, asked by any identifier it ever had.
    pub(super) fn answer_status(&mut self, asked: &StatusRequest, now_ns: i64, out: &mut Vec<Outgoing>) {
        let stamp = self.stamp(now_ns);
        let index = self.ids.get(&asked.cl_ord_id).copied();
        let mut report = match index.and_then(|index| self.orders.get(index)) {
            Some(order) => order.report(ExecType::OrderStatus, stamp),
            None => unknown_order(asked, stamp.exec_id, now_ns),
        };
        // The answer goes to who asked, also where the order came on another session.
        report.session.clone_from(&asked.received.session);
        let id = &asked.ord_status_req_id;
        report.ord_status_req_id = Some(id.clone()).filter(|id| !id.is_empty());
        self.say(index.unwrap_or(usize::MAX), 0, now_ns, Entry::Status(report), out);
    }
}

fn problem_of_terms(ord_type: OrdType, qty: Decimal, price: Option<Decimal>) -> Option<Refusal> {
    if qty <= Decimal::ZERO || !fits(qty) {
        return Some((13, format!("OrderQty {qty} is not above zero, too large or too precise")));
    }
    match (ord_type, price) {
        (OrdType::Limit, None) => Some((99, "a limit order needs Price".to_owned())),
        (OrdType::Market, Some(_)) => Some((99, "a market order takes no Price".to_owned())),
        (OrdType::Limit, Some(price)) if price <= Decimal::ZERO || !fits(price) => {
            Some((99, format!("Price {price} is not above zero, too large or too precise")))
        }
        _ => None,
    }
}

fn unknown_order(asked: &StatusRequest, exec_id: String, now_ns: i64) -> Report {
    Report {
        session: asked.received.session.clone(),
        exec_id,
        order_id: "NONE".to_owned(),
        cl_ord_id: asked.cl_ord_id.clone(),
        orig_cl_ord_id: None,
        exec_type: ExecType::OrderStatus,
        ord_status: OrdStatus::Rejected,
        account: asked.account.clone(),
        symbol: asked.symbol.clone(),
        side: asked.side,
        ord_type: None,
        tif: None,
        qty: Decimal::ZERO,
        price: None,
        last_qty: Decimal::ZERO,
        last_px: Decimal::ZERO,
        cum_qty: Decimal::ZERO,
        leaves_qty: Decimal::ZERO,
        avg_px: Decimal::ZERO,
        transact_utc_ns: now_ns,
        trade_date: crate::clock::trade_date(now_ns),
        ord_rej_reason: Some(5),
        ord_status_req_id: None,
        text: "unknown order".to_owned(),
    }
}
