//! Executions that a broker counts (FIX `CumQty`, tag 14) and has not told: found, asked about, reserved until told.
//!
//! Only a report of an execution is booked (`ExecType` F with `ExecID`, `LastQty` and `LastPx`): a count has no price and
//! no name that it could be told apart by, and the execution itself may still come. So a count above ours moves nothing. It
//! stays with the order, reserved at the worst price, until
//!
//! * the execution is told, whatever order it comes in; or
//! * the broker, asked (`OrderStatusRequest`), counts no more than we do. Messages come in order, so it says so of a time
//!   after the count. What any other report counts less than an earlier one proves nothing: it may be an old one.

use model::{
    AlertKind, Amount, ExecType, ExecutionReport, Outbound, OutboundKind, Quantity, SessionState, WireId,
};

use crate::apply::{change_order, names};
use crate::{Core, Order, Outcome, Stamp, Unexplained};

/// Sets what is unexplained of an order once a report is applied, `after` being the order then.
#[inline]
pub(crate) fn recount(report: &ExecutionReport, before: &Order, after: &mut Order) {
    if before.unexplained.is_some() || report.cum_quantity > after.cum_quantity {
        after.unexplained = unexplained(report, before, after);
    }
}

#[cold]
fn unexplained(report: &ExecutionReport, before: &Order, after: &Order) -> Option<Unexplained> {
    let known = before.unexplained.map_or(Quantity::ZERO, |known| known.quantity);
    let counted = match report.exec_type {
        ExecType::OrderStatus => Some(report.cum_quantity),
        _ => before.cum_quantity.plus(known).ok().map(|counted| counted.at_least(report.cum_quantity)),
    };
    let Some(quantity) = counted.and_then(|counted| counted.minus(after.cum_quantity).ok()) else {
        return before.unexplained;
    };
    let asked = before.pending.map_or(before.unit_price, |pending| pending.unit_price);
    let known = before.unexplained.map_or(before.unit_price, |known| known.unit_price);
    let unit_price =
        [before.unit_price, asked, known].into_iter().fold(after.unit_price, model::Price::at_least);
    quantity.is_positive().then_some(Unexplained { quantity, unit_price })
}

/// Takes from a report nothing but its count.
pub(crate) fn count_alone(
    core: &mut Core,
    stamp: Stamp,
    report: &ExecutionReport,
    before: &Order,
    out: &mut Outcome,
) {
    let mut after = *before;
    recount(report, before, &mut after);
    tell(core, stamp, report, [before, &after], out);
    change_order(core, before, after, stamp.time, out);
}

/// Tells of a count above every one before it, and asks the broker. An answer is told of as long as it counts more than we
/// do, and is not asked about again.
#[inline]
pub(crate) fn tell(
    core: &Core,
    stamp: Stamp,
    report: &ExecutionReport,
    [before, after]: [&Order; 2],
    out: &mut Outcome,
) {
    let Some(Unexplained { quantity, .. }) = after.unexplained else { return };
    let is_answer = report.exec_type == ExecType::OrderStatus;
    if !is_answer && before.unexplained.is_some_and(|known| known.quantity >= quantity) {
        return;
    }
    let missing = Some(Amount::from(quantity));
    out.alert(AlertKind::ExecutionMissing, Some(after.id), Some(report.session), missing);
    if !is_answer {
        ask(core, stamp, after, after.wire_id, out);
    }
}

/// Asks the broker where an order stands, under one of its ids. While its session is down nothing goes out: the sweep asks
/// at the next logon.
pub(crate) fn ask(core: &Core, stamp: Stamp, order: &Order, cl_ord_id: WireId, out: &mut Outcome) {
    if core.session(order.session).is_none_or(|session| session.state == SessionState::Down) {
        return;
    }
    let (account, symbol) = names(core, order);
    let broker_order_id = order.broker_order_id;
    let kind =
        OutboundKind::OrderStatusRequest { cl_ord_id, broker_order_id, account, symbol, side: order.side };
    out.outbound.push(Outbound { session: order.session, position: stamp.position, time: stamp.time, kind });
}
