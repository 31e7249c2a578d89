//! One file for each input or family of inputs: check, then apply.

pub(crate) mod asks;
pub(crate) mod broken;
pub(crate) mod cancel_order;
pub(crate) mod clock;
pub(crate) mod contradiction;
pub(crate) mod define;
pub(crate) mod evidence;
pub(crate) mod execution_report;
pub(crate) mod facts;
pub(crate) mod halt;
pub(crate) mod limit;
pub(crate) mod mark;
pub(crate) mod missing;
pub(crate) mod new_order;
pub(crate) mod reject;
pub(crate) mod remember;
pub(crate) mod replace_order;
pub(crate) mod retire;
pub(crate) mod session;

use model::{
    Event, Invariant, Name, OrdStatus, Outbound, OutboundKind, PendingKind, Reference, Symbol, Timestamp,
    there,
};

use crate::{Core, Order, Outcome, Stamp};

/// The event that tells where an order stands now.
pub(crate) fn order_changed(order: &Order) -> Event {
    Event::OrderChanged {
        order: order.id,
        account: order.account,
        status: order.shown_status(),
        quantity: order.quantity,
        cum_quantity: order.cum_quantity,
        limit_price: order.limit_price,
    }
}

/// Commits a change of an order that books no fill, and tells of it if anything a reader sees is different. What a broker
/// counts and has not told is left out where it cannot be computed exactly: it must not keep the rest from being believed.
/// Another change that cannot be is left undone, with an alert: it can only be a number of the broker's.
pub(crate) fn change_order(
    core: &mut Core,
    before: &Order,
    mut after: Order,
    now: Timestamp,
    out: &mut Outcome,
) {
    if after == *before {
        return;
    }
    let uncounted = Order { unexplained: None, ..after };
    let mut booked = core.book_change(before, &mut after, now);
    if booked.is_err() && after.unexplained.is_some() {
        after = uncounted;
        booked = core.book_change(before, &mut after, now);
    }
    match booked {
        Ok(()) => out.event(order_changed(&after)),
        Err(_) => out.alert(model::AlertKind::BookingFailed, Some(before.id), Some(before.session), None),
    }
}

/// A request that ended without its own answer is told of.
pub(crate) fn tell_ended_request(before: &Order, after: &Order, text: Reference, out: &mut Outcome) {
    let Some(pending) = before.pending else { return };
    let took_effect = after.wire_id == pending.request
        || (pending.kind == PendingKind::Cancel && after.status == OrdStatus::Canceled);
    if after.pending.is_none() && !took_effect {
        out.event(Event::RequestRefused { order: after.id, request: pending.request, reject_code: 0, text });
    }
}

/// Once nothing is unanswered any more, nothing is in doubt.
pub(crate) fn refresh_certainty(order: &mut Order) {
    if !order.is_awaiting() {
        order.certainty = model::Certainty::Certain;
    }
}

/// The order's own `NewOrderSingle`.
pub(crate) fn new_order_single(core: &Core, order: &Order, stamp: Stamp) -> Outbound {
    let (account, symbol) = names(core, order);
    order_message(order, account, symbol, stamp)
}

/// What the broker calls the account and the instrument of an order.
pub(crate) fn names(core: &Core, order: &Order) -> (Name, Symbol) {
    let account = there(core.account(order.account), Invariant::AccountIsThere);
    let instrument = there(core.instrument(order.instrument), Invariant::InstrumentIsThere);
    (account.definition.name, instrument.definition.symbol)
}

/// The same with the names at hand.
#[inline]
pub(crate) fn order_message(order: &Order, account: Name, symbol: Symbol, stamp: Stamp) -> Outbound {
    let kind = OutboundKind::NewOrderSingle {
        cl_ord_id: order.id,
        account,
        symbol,
        side: order.side,
        order_type: order.order_type,
        time_in_force: order.time_in_force,
        quantity: order.quantity,
        limit_price: order.limit_price,
    };
    Outbound { session: order.session, position: stamp.position, time: stamp.time, kind }
}

/// The cancel request that is pending on the order.
pub(crate) fn cancel_request(core: &Core, order: &Order, stamp: Stamp) -> Outbound {
    let (account, symbol) = names(core, order);
    let kind = OutboundKind::OrderCancelRequest {
        cl_ord_id: there(order.pending, Invariant::RequestIsThere).request,
        orig_cl_ord_id: order.wire_id,
        broker_order_id: order.broker_order_id,
        account,
        symbol,
        side: order.side,
        quantity: order.quantity,
    };
    Outbound { session: order.session, position: stamp.position, time: stamp.time, kind }
}

/// Ends an order on our side with nothing more to come.
pub(crate) fn finish(order: &mut Order, status: OrdStatus) {
    order.status = status;
    order.pending = None;
    refresh_certainty(order);
}
