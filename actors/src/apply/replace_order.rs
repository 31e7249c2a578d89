//! `ReplaceOrder`: judged by the whole gate; the worse of old and new stays reserved until the broker answers.

use model::{
    Certainty, Denial, DenyReason, Invariant, OrdStatus, Outbound, OutboundKind, PendingKind, ReplaceOrder,
    Stamped, WireId, there,
};

use risk_gate::Armed;

use crate::apply::cancel_order::{apply_request, check_open, find};
use crate::apply::facts::of_replace;
use crate::apply::names;
use crate::{Core, Order, Outcome, Pending, Stamp};

pub(crate) fn apply(
    core: &mut Core,
    stamp: Stamp,
    stamped: &Stamped,
    replace: &ReplaceOrder,
    out: &mut Outcome,
) {
    let requested = check(core, stamp, stamped, replace)
        .and_then(|(order, pending)| apply_request(core, stamp, &order, pending, out));
    match requested {
        Ok(order) => out.outbound.push(replace_request(core, &order, stamp)),
        Err(denial) => out.denied(replace.cl_ord_id, denial),
    }
}

fn check(
    core: &Core,
    stamp: Stamp,
    stamped: &Stamped,
    replace: &ReplaceOrder,
) -> Result<(Order, Pending), Denial> {
    let order = find(core, replace.account, replace.order, &replace.cl_ord_id)?;
    check_open(core, &order)?;
    if order.status == OrdStatus::PendingNew || order.certainty == Certainty::InDoubt {
        return Err(Denial::of(DenyReason::OrderInDoubt));
    }
    let approved = risk_gate::approve(&of_replace(core, &order, stamped, stamp.time, replace, Armed::NONE)?)?;
    let pending = Pending {
        request: WireId::at(stamp.position, core.incarnation()),
        kind: PendingKind::Replace,
        quantity: approved.terms().quantity,
        limit_price: approved.terms().limit_price,
        unit_price: approved.reservation().unit_price,
    };
    Ok((order, pending))
}

fn replace_request(core: &Core, order: &Order, stamp: Stamp) -> Outbound {
    let pending = there(order.pending, Invariant::RequestIsThere);
    let (account, symbol) = names(core, order);
    let kind = OutboundKind::OrderCancelReplaceRequest {
        cl_ord_id: pending.request,
        orig_cl_ord_id: order.wire_id,
        broker_order_id: order.broker_order_id,
        account,
        symbol,
        side: order.side,
        order_type: order.order_type,
        time_in_force: order.time_in_force,
        quantity: pending.quantity,
        limit_price: pending.limit_price,
    };
    Outbound { session: order.session, position: stamp.position, time: stamp.time, kind }
}
