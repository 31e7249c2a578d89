//! `CancelOrder`: at most one request about an order is out at a time.

use model::{CancelOrder, Denial, DenyReason, Event, PendingKind, SessionState, Stamped, WireId};

use crate::apply::cancel_request;
use crate::{Core, Order, Outcome, Pending, Stamp};

pub(crate) fn apply(
    core: &mut Core,
    stamp: Stamp,
    stamped: &Stamped,
    cancel: &CancelOrder,
    out: &mut Outcome,
) {
    let requested = check(core, stamp, stamped, cancel)
        .and_then(|(order, pending)| apply_request(core, stamp, &order, pending, out));
    match requested {
        Ok(order) => out.outbound.push(cancel_request(core, &order, stamp)),
        Err(denial) => out.denied(cancel.cl_ord_id, denial),
    }
}

fn check(
    core: &Core,
    stamp: Stamp,
    stamped: &Stamped,
    cancel: &CancelOrder,
) -> Result<(Order, Pending), Denial> {
    let order = find(core, cancel.account, cancel.order, &cancel.cl_ord_id)?;
    check_open(core, &order)?;
    if let Some(backlog) = stamped.backlog {
        return Err(risk_gate::backlogged(backlog));
    }
    let pending = Pending {
        request: WireId::at(stamp.position, core.incarnation()),
        kind: PendingKind::Cancel,
        quantity: order.quantity,
        limit_price: order.limit_price,
        unit_price: order.unit_price,
    };
    Ok((order, pending))
}

/// The order that a request names.
pub(crate) fn find(
    core: &Core,
    account: model::AccountId,
    order: Option<model::OrderId>,
    cl_ord_id: &model::ClOrdId,
) -> Result<Order, Denial> {
    core.account(account).ok_or(Denial::of(DenyReason::UnknownAccount))?;
    core.order_named(account, order, cl_ord_id).ok_or(Denial::of(DenyReason::UnknownOrder))
}

/// A request can go out: the order lives, nothing else is out, the session is ready.
pub(crate) fn check_open(core: &Core, order: &Order) -> Result<(), Denial> {
    if order.is_over() {
        return Err(Denial::of(DenyReason::TooLate));
    }
    if order.pending.is_some() {
        return Err(Denial::of(DenyReason::RequestPending));
    }
    match core.session(order.session) {
        Some(session) if session.state == SessionState::Ready => Ok(()),
        Some(_) => Err(Denial::of(DenyReason::SessionNotReady)),
        None => Err(Denial::of(DenyReason::UnknownSession)),
    }
}

/// Takes over a request that goes out now; the order as it is then. Changes nothing where it refuses.
pub(crate) fn apply_request(
    core: &mut Core,
    stamp: Stamp,
    before: &Order,
    pending: Pending,
    out: &mut Outcome,
) -> Result<Order, Denial> {
    let mut after = Order { pending: Some(pending), ..*before };
    core.book_change(before, &mut after, stamp.time).map_err(|_| Denial::of(DenyReason::Arithmetic))?;
    core.orders.note_request(&pending, after.id);
    out.event(Event::RequestAccepted { order: after.id, request: pending.request });
    Ok(after)
}
