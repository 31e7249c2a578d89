//! How an order stands behind one record.

use actors::Order;
use model::{Amount, Certainty, OrdStatus, PendingKind, Price, Quantity};
use serde::Serialize;

/// How the order stands behind a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Its FIX status, without what is pending.
    pub status: OrdStatus,
    /// A request that the broker has not answered.
    pub pending: Option<PendingKind>,
    /// True where it is not certain what the broker knows.
    pub in_doubt: bool,
    /// Units ordered, after replaces.
    pub quantity: Quantity,
    /// Of a limit order, after replaces.
    pub limit_price: Option<Price>,
    /// Units executed.
    pub cum_quantity: Quantity,
    /// Units that the broker counts as executed and has not told.
    pub missing_quantity: Option<Quantity>,
    /// Cash reserved for it.
    pub reserved_cash: Amount,
    /// The worst price of one unit that the reservation counts with.
    pub worst_price: Price,
}

impl Standing {
    pub(super) fn of(order: &Order) -> Self {
        Self {
            status: order.status,
            pending: order.pending.map(|pending| pending.kind),
            in_doubt: order.certainty == Certainty::InDoubt,
            quantity: order.quantity,
            limit_price: order.limit_price,
            cum_quantity: order.cum_quantity,
            missing_quantity: order.unexplained.map(|missing| missing.quantity),
            reserved_cash: order.reservation.cash,
            worst_price: order.unit_price,
        }
    }
}
