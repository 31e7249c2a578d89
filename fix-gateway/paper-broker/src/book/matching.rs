//! Executing orders against the displayed size of the current quote.

use rust_decimal::{Decimal, RoundingStrategy};

use super::{Book, Outgoing, us_to_ns};
use crate::log::Entry;
use crate::market::Quote;
use crate::words::{ExecType, OrdStatus, Side, Tif};

impl Book {
    /// A new quote: orders that cross it execute, first in line first, as far as the displayed size reaches.
    pub(crate) fn quote(&mut self, quote: &Quote, now_ns: i64, out: &mut Vec<Outgoing>) {
        match self.lanes.get_mut(&quote.symbol) {
            Some(lane) => lane.set_quote(quote),
            None => return,
        }
        for side in [Side::Buy, Side::Sell] {
            while let Some(index) = self.lanes.get(&quote.symbol).and_then(|lane| lane.first(side)) {
                if self.execute(index, now_ns, out).is_zero() {
                    break;
                }
            }
        }
    }

    /// What a just acknowledged or replaced order does.
    pub(super) fn work(&mut self, index: usize, now_ns: i64, out: &mut Vec<Outgoing>) {
        let Some(order) = self.orders.get(index) else { return };
        let (tif, leaves) = (order.tif, order.leaves_qty());
        let available =
            self.lanes.get(&order.symbol).map(|lane| lane.available_to(order)).unwrap_or_default();
        if tif == Tif::Fok && available < leaves {
            return self.end(index, OrdStatus::Canceled, "fill or kill: not all at once", now_ns, out);
        }
        self.execute(index, now_ns, out);
        let open = self.orders.get(index).is_some_and(|order| !order.status.is_final());
        match tif {
            Tif::Ioc | Tif::Fok if open => {
                self.end(index, OrdStatus::Canceled, "immediate or cancel: remainder", now_ns, out);
            }
            Tif::Day | Tif::Gtc if open => self.enter(index),
            _ => {}
        }
    }

    /// Puts a working order in line, behind those of its price.
    pub(super) fn enter(&mut self, index: usize) {
        self.issued = self.issued.saturating_add(1);
        if let Some(order) = self.orders.get_mut(index)
            && let Some(lane) = self.lanes.get_mut(&order.symbol)
        {
            lane.leave(order);
            lane.enter(order, index, self.issued);
        }
    }

    /// Executes what the displayed size allows; answers how much.
    fn execute(&mut self, index: usize, now_ns: i64, out: &mut Vec<Outgoing>) -> Decimal {
        let Some(order) = self.orders.get_mut(index) else { return Decimal::ZERO };
        let Some(lane) = self.lanes.get_mut(&order.symbol) else { return Decimal::ZERO };
        let qty = lane.available_to(order);
        if qty <= Decimal::ZERO {
            return Decimal::ZERO;
        }
        let (price, _) = lane.opposite(order.side);
        lane.take(order.side, qty);
        if qty == order.leaves_qty() {
            lane.leave(order);
        }
        for part in self.split(index, qty) {
            self.fill(index, part, price, now_ns, out);
        }
        qty
    }

    /// One execution, or sometimes two that make one.
    fn split(&self, index: usize, qty: Decimal) -> Vec<Decimal> {
        let Some(order) = self.orders.get(index) else { return Vec::new() };
        let id = format!("{}/{}", order.cl_ord_id, order.fills);
        if !self.dice.chance("split", &id, self.personality.split_probability) {
            return vec![qty];
        }
        // Whole units stay whole, fractions keep their places.
        let places = qty.normalize().scale();
        let half = qty.checked_div(Decimal::TWO).unwrap_or_default();
        let half = half.round_dp_with_strategy(places, RoundingStrategy::ToZero);
        if half.is_zero() { vec![qty] } else { vec![half, qty.saturating_sub(half)] }
    }

    fn fill(&mut self, index: usize, qty: Decimal, price: Decimal, now_ns: i64, out: &mut Vec<Outgoing>) {
        let stamp = self.stamp(now_ns);
        let Some(order) = self.orders.get_mut(index) else { return };
        let id = format!("{}/{}", order.cl_ord_id, order.fills);
        order.apply_fill(qty, price);
        let mut report = order.report(ExecType::Trade, stamp);
        (report.last_qty, report.last_px) = (qty, price);
        let p = &self.personality;
        let latency_us = self.dice.between("fill latency", &id, p.fill_latency_min_us, p.fill_latency_max_us);
        self.counts.fills = self.counts.fills.saturating_add(1);
        self.say(index, us_to_ns(latency_us), now_ns, Entry::Fill(report), out);
    }

    /// Ends an order that still works, without a request: nothing happens to one that is finished.
    pub(super) fn end(
        &mut self,
        index: usize,
        status: OrdStatus,
        text: &str,
        now_ns: i64,
        out: &mut Vec<Outgoing>,
    ) {
        if self.orders.get(index).is_none_or(|order| order.status.is_final()) {
            return;
        }
        let stamp = self.stamp(now_ns);
        let Some(order) = self.orders.get_mut(index) else { return };
        if let Some(lane) = self.lanes.get_mut(&order.symbol) {
            lane.leave(order);
        }
        order.status = status;
        let expired = status == OrdStatus::Expired;
        let mut report = order.report(if expired { ExecType::Expired } else { ExecType::Canceled }, stamp);
        text.clone_into(&mut report.text);
        let (count, entry) = if expired {
            (&mut self.counts.expired, Entry::Expired(report))
        } else {
            (&mut self.counts.canceled, Entry::Canceled(report))
        };
        *count = count.saturating_add(1);
        self.say(index, 0, now_ns, entry, out);
    }
}
