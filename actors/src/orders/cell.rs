//! An order as it stands on its shelf. What only replaced and cancelled orders have stands elsewhere, so that the
//! others, which are most, take three cache lines less.

use model::{
    AccountId, Amount, Certainty, ClOrdId, InstrumentId, OrdStatus, OrderId, OrderType, Price, Quantity,
    SessionId, Side, StrategyId, Text, TimeInForce, Timestamp, WireId,
};
use risk_gate::Reservation;

use super::links::Links;
use crate::order::{self, Order, Pending, Unexplained};
use crate::store::shelves::NOWHERE;

/// One place on a shelf.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    /// Of sequence number 0 where the place is vacant: no order has that.
    pub(super) id: OrderId,
    pub(super) account: AccountId,
    strategy: StrategyId,
    instrument: InstrumentId,
    pub(super) session: SessionId,
    side: Side,
    order_type: OrderType,
    time_in_force: TimeInForce,
    status: OrdStatus,
    pub(super) certainty: Certainty,
    /// Where [`Amended`] stands.
    pub(super) amended: u32,
    pub(super) links: Links,
    quantity: Quantity,
    limit_price: Option<Price>,
    cum_quantity: Quantity,
    cum_notional: Amount,
    reservation: Reservation,
    unit_price: Price,
    created: Timestamp,
    updated: Timestamp,
    pub(super) cl_ord_id: ClOrdId,
    broker_order_id: Text<40>,
}

/// What an order has beside, once somebody wanted it changed or its broker counted more than it told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amended {
    submitted_quantity: Quantity,
    submitted_price: Option<Price>,
    wire_id: WireId,
    pending: Option<Pending>,
    unexplained: Option<Unexplained>,
    /// The last request about it; the ones before are chained behind.
    pub(super) last_request: Option<WireId>,
}

impl Cell {
    #[inline]
    pub(super) fn of(order: &Order) -> Self {
        Self {
            id: order.id,
            account: order.account,
            strategy: order.strategy,
            instrument: order.instrument,
            session: order.session,
            side: order.side,
            order_type: order.order_type,
            time_in_force: order.time_in_force,
            status: order.status,
            certainty: order.certainty,
            amended: NOWHERE,
            links: Links::default(),
            quantity: order.quantity,
            limit_price: order.limit_price,
            cum_quantity: order.cum_quantity,
            cum_notional: order.cum_notional,
            reservation: order.reservation,
            unit_price: order.unit_price,
            created: order.created,
            updated: order.updated,
            cl_ord_id: order.cl_ord_id,
            broker_order_id: order.broker_order_id,
        }
    }

    /// Takes over what can change of an order; its [`Amended`] and its lists are the caller's.
    #[inline]
    pub(super) fn change(&mut self, order: &Order) {
        (self.status, self.certainty) = (order.status, order.certainty);
        (self.quantity, self.limit_price) = (order.quantity, order.limit_price);
        (self.cum_quantity, self.cum_notional) = (order.cum_quantity, order.cum_notional);
        (self.reservation, self.unit_price) = (order.reservation, order.unit_price);
        (self.updated, self.broker_order_id) = (order.updated, order.broker_order_id);
    }

    /// What the broker knows of it is not certain any more.
    pub(super) const fn doubt(&mut self) {
        self.certainty = Certainty::InDoubt;
    }

    /// See [`Order::is_finished`].
    #[inline]
    pub(super) fn is_finished(&self, amended: Option<&Amended>) -> bool {
        order::is_over(self.status, amended.and_then(|amended| amended.pending.as_ref()))
            && amended.is_none_or(|amended| amended.unexplained.is_none())
    }

    /// What was held back for it is free again.
    pub(super) fn reserves_nothing(&self) -> bool {
        let Reservation { open, cash, notional, .. } = self.reservation;
        open.is_zero() && cash.is_zero() && notional.is_zero()
    }

    /// The order, put together again.
    #[inline]
    pub(super) fn order(&self, amended: Option<&Amended>) -> Order {
        let Amended { submitted_quantity, submitted_price, wire_id, pending, unexplained, .. } =
            amended.copied().unwrap_or(self.plain());
        Order {
            id: self.id,
            account: self.account,
            strategy: self.strategy,
            cl_ord_id: self.cl_ord_id,
            instrument: self.instrument,
            session: self.session,
            side: self.side,
            order_type: self.order_type,
            time_in_force: self.time_in_force,
            submitted_quantity,
            submitted_price,
            quantity: self.quantity,
            limit_price: self.limit_price,
            cum_quantity: self.cum_quantity,
            cum_notional: self.cum_notional,
            status: self.status,
            pending,
            certainty: self.certainty,
            wire_id,
            broker_order_id: self.broker_order_id,
            reservation: self.reservation,
            unit_price: self.unit_price,
            created: self.created,
            updated: self.updated,
            unexplained,
        }
    }

    /// Of an order that stands as it was submitted.
    const fn plain(&self) -> Amended {
        Amended {
            submitted_quantity: self.quantity,
            submitted_price: self.limit_price,
            wire_id: self.id,
            pending: None,
            unexplained: None,
            last_request: None,
        }
    }
}

impl Amended {
    pub(super) const fn of(order: &Order, last_request: Option<WireId>) -> Self {
        Self {
            submitted_quantity: order.submitted_quantity,
            submitted_price: order.submitted_price,
            wire_id: order.wire_id,
            pending: order.pending,
            unexplained: order.unexplained,
            last_request,
        }
    }

    /// True where the order stands as it was submitted, number for number and digit for digit.
    #[inline]
    pub(super) fn is_plain(order: &Order) -> bool {
        order.pending.is_none()
            && order.unexplained.is_none()
            && order.wire_id == order.id
            && order.submitted_quantity.is_same(order.quantity)
            && match (order.submitted_price, order.limit_price) {
                (Some(submitted), Some(price)) => submitted.is_same(price),
                (submitted, price) => submitted.is_none() && price.is_none(),
            }
    }
}
