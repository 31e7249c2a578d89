//! One order, and the arithmetic of its fills.

use rust_decimal::Decimal;

use crate::words::{ExecType, NewOrder, OrdStatus, OrdType, Report, Side, Tif};

/// Its place in a lane: price rank (best first), then arrival.
pub(crate) type LaneKey = (Decimal, u64);

/// An order the broker knows.
#[derive(Clone, Debug)]
#[expect(clippy::struct_field_names, reason = "OrderID is FIX's word")]
pub(crate) struct Order {
    pub(crate) session: String,
    pub(crate) order_id: String,
    /// The identifier in force: the last acknowledged one.
    pub(crate) cl_ord_id: String,
    /// The identifier before the last replace.
    pub(crate) orig_cl_ord_id: Option<String>,
    pub(crate) account: String,
    pub(crate) symbol: String,
    pub(crate) side: Side,
    pub(crate) ord_type: OrdType,
    pub(crate) tif: Tif,
    pub(crate) qty: Decimal,
    pub(crate) price: Option<Decimal>,
    pub(crate) cum_qty: Decimal,
    /// Sum of quantity times price, for the average only: it may round beyond 28 digits.
    pub(crate) notional: Decimal,
    pub(crate) status: OrdStatus,
    /// Where it stands in its symbol's lane, while it works.
    pub(crate) key: Option<LaneKey>,
    /// No request about it is carried out before this, so that requests stay in order.
    pub(crate) last_due_ns: i64,
    /// No report about it leaves before this, so that reports stay in order.
    pub(crate) last_leave_ns: i64,
    /// Counts its executions, for decisions about each.
    pub(crate) fills: u64,
}

impl Order {
    pub(crate) fn new(order_id: String, new: &NewOrder) -> Self {
        Self {
            session: new.received.session.clone(),
            order_id,
            cl_ord_id: new.cl_ord_id.clone(),
            orig_cl_ord_id: None,
            account: new.account.clone(),
            symbol: new.symbol.clone(),
            side: new.side,
            ord_type: new.ord_type,
            tif: new.tif,
            qty: new.qty,
            price: new.price,
            cum_qty: Decimal::ZERO,
            notional: Decimal::ZERO,
            status: OrdStatus::PendingNew,
            key: None,
            last_due_ns: 0,
            last_leave_ns: 0,
            fills: 0,
        }
    }

    /// What may still be executed: nothing once it is finished.
    pub(crate) fn leaves_qty(&self) -> Decimal {
        if self.status.is_final() { Decimal::ZERO } else { self.qty.saturating_sub(self.cum_qty) }
    }

    pub(crate) fn avg_px(&self) -> Decimal {
        self.notional.checked_div(self.cum_qty).unwrap_or_default().round_dp(12).normalize()
    }

    /// Working with what status: by how much is filled.
    pub(crate) fn working_status(&self) -> OrdStatus {
        if self.cum_qty.is_zero() { OrdStatus::New } else { OrdStatus::PartiallyFilled }
    }

    /// True where it may execute at `price`.
    pub(crate) fn accepts(&self, price: Decimal) -> bool {
        match (self.price, self.side) {
            (None, _) => true,
            (Some(limit), Side::Buy) => price <= limit,
            (Some(limit), Side::Sell) => price >= limit,
        }
    }

    pub(crate) fn apply_fill(&mut self, qty: Decimal, price: Decimal) {
        self.cum_qty = self.cum_qty.saturating_add(qty);
        self.notional = self.notional.saturating_add(qty.saturating_mul(price));
        self.fills = self.fills.saturating_add(1);
        self.status = if self.cum_qty >= self.qty { OrdStatus::Filled } else { OrdStatus::PartiallyFilled };
    }

    /// The order as a report says it; the caller adds what the report is about.
    pub(crate) fn report(&self, exec_type: ExecType, stamp: Stamp) -> Report {
        Report {
            session: self.session.clone(),
            exec_id: stamp.exec_id,
            order_id: self.order_id.clone(),
            cl_ord_id: self.cl_ord_id.clone(),
            orig_cl_ord_id: self.orig_cl_ord_id.clone(),
            exec_type,
            ord_status: self.status,
            account: self.account.clone(),
            symbol: self.symbol.clone(),
            side: Some(self.side),
            ord_type: Some(self.ord_type),
            tif: Some(self.tif),
            qty: self.qty,
            price: self.price,
            last_qty: Decimal::ZERO,
            last_px: Decimal::ZERO,
            cum_qty: self.cum_qty,
            leaves_qty: self.leaves_qty(),
            avg_px: self.avg_px(),
            transact_utc_ns: stamp.at_utc_ns,
            trade_date: crate::clock::trade_date(stamp.at_utc_ns),
            ord_rej_reason: None,
            ord_status_req_id: None,
            text: String::new(),
        }
    }
}

/// What makes a report unique: its identity and its moment.
pub(crate) struct Stamp {
    pub(crate) exec_id: String,
    pub(crate) at_utc_ns: i64,
}
