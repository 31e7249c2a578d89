//! `CancelOrder`: at most one request about an order is out at a time.

use model::{CancelOrder, Denial, DenyReason, Event, PendingKind, SessionState, WireId};

use crate::apply::cancel_request;
use crate::staging::Staged;
use crate::{Core, Order, Outcome, Pending, Stamp};

pub(crate) fn apply(core: &mut Core, stamp: Stamp, cancel: &CancelOrder, out: &mut Outcome) {
    match check(core, stamp, cancel) {
        Ok((staged, order)) => {
            apply_request(core, &staged, &order, out);
            out.outbound.extend(cancel_request(core, &order, stamp));
        }
        Err(denial) => out.denied(cancel.cl_ord_id, denial),
    }
}

fn check(core: &Core, stamp: Stamp, cancel: &CancelOrder) -> Result<(Staged, Order), Denial> {
    let order = find(core, cancel.account, cancel.order, &cancel.cl_ord_id)?;
    check_open(core, order)?;
    let pending = Pending {
        request: WireId::at(stamp.position, core.incarnation()),
        kind: PendingKind::Cancel,
        quantity: order.quantity,
        limit_price: order.limit_price,
        unit_price: order.unit_price,
    };
    staged_request(core, order, pending, stamp)
}

/// The order with a request pending, and what follows.
pub(crate) fn staged_request(
    core: &Core,
    order: &Order,
    pending: Pending,
    stamp: Stamp,
) -> Result<(Staged, Order), Denial> {
    let mut after = Order { pending: Some(pending), ..*order };
    let staged = core.stage(Some(order), &mut after, None, stamp.time);
    staged.map(|staged| (staged, after)).map_err(|_| Denial::of(DenyReason::Arithmetic))
}

/// The order that a request names.
pub(crate) fn find<'a>(
    core: &'a Core,
    account: model::AccountId,
    order: Option<model::OrderId>,
    cl_ord_id: &model::ClOrdId,
) -> Result<&'a Order, Denial> {
    core.account(account).ok_or(Denial::of(DenyReason::UnknownAccount))?;
    match order {
        Some(id) => core.order_of(account, id),
        None => core.order_by_cl_ord_id(account, cl_ord_id),
    }
    .ok_or(Denial::of(DenyReason::UnknownOrder))
}

/// A request can go out: the order lives, nothing else is out, the session is ready.
pub(crate) fn check_open(core: &Core, order: &Order) -> Result<(), Denial> {
    if order.is_finished() {
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

/// Commits an order with a request that goes out now.
pub(crate) fn apply_request(core: &mut Core, staged: &Staged, order: &Order, out: &mut Outcome) {
    core.commit_change(staged, order);
    if let Some(pending) = order.pending {
        core.orders.note_request(pending.request, order.id);
        out.event(Event::RequestAccepted { order: order.id, request: pending.request });
    }
}
