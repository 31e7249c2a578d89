//! Evidence about requests in doubt: the only thing, beside a broker's own word, that ends a doubt.

use model::{
    AlertKind, Certainty, Delivery, DeliveryEvidence, OrdStatus, PendingKind, Reference, SessionState,
};

use crate::apply::facts::is_order_halted;
use crate::apply::reject::refuse_request;
use crate::apply::{cancel_request, change_order, finish, missing, new_order_single};
use crate::{Core, Order, Outcome, Stamp};

/// A new order that never left is sent after all while it is at most this old: a restart takes less. Older ones
/// are cancelled here, since the market they were meant for is gone.
const SENDABLE_NS: i64 = 5_000_000_000;

pub(crate) fn apply(core: &mut Core, stamp: Stamp, evidence: DeliveryEvidence, out: &mut Outcome) {
    let Some(order) = core.order(evidence.request) else {
        return out.alert(AlertKind::UnknownOrder, None, Some(evidence.session), None);
    };
    match evidence.delivery {
        Delivery::Unanswered => {
            return out.alert(AlertKind::StillInDoubt, Some(order.id), Some(evidence.session), None);
        }
        Delivery::Overdue | Delivery::LongOverdue => return overdue(core, stamp, &order, evidence, out),
        // That the broker does not know it decides where it was asked for that, which is in doubt: before, it may have it
        // and not have come to it yet.
        Delivery::UnknownToBroker if order.certainty == Certainty::Certain => return,
        Delivery::UnknownToBroker | Delivery::NeverSent => {}
    }
    if order.pending.is_some_and(|pending| pending.request == evidence.request) {
        request_not_delivered(core, stamp, &order, evidence, out);
    } else if order.id == evidence.request && order.status == OrdStatus::PendingNew {
        order_not_delivered(core, stamp, &order, evidence, out);
    }
    // Anything else is answered already: late evidence about it changes nothing.
}

/// Sent, and not answered for long: the broker is asked.
///
/// What it says then decides about what is in doubt: a request that it does not mention had no effect. A cancel is in doubt
/// at once, since to take it for void costs nothing: the order is open, and all of it is reserved. A replace or a new order
/// that counts as void is no longer reserved for; so the broker is believed to have it until it was asked again and again.
fn overdue(core: &mut Core, stamp: Stamp, order: &Order, evidence: DeliveryEvidence, out: &mut Outcome) {
    let pending = order.pending.filter(|pending| pending.request == evidence.request);
    let is_order = order.id == evidence.request && order.status == OrdStatus::PendingNew;
    if pending.is_none() && !is_order {
        // A question about what is missing was not answered.
        if order.unexplained.is_some() && order.wire_id == evidence.request {
            missing::ask(core, stamp, order, order.wire_id, out);
        }
        return;
    }
    if !is_up(core, order) {
        return;
    }
    let is_last = evidence.delivery == Delivery::LongOverdue;
    let is_cancel = pending.is_some_and(|pending| pending.kind == PendingKind::Cancel);
    let mut after = *order;
    if is_last || (is_cancel && order.status != OrdStatus::PendingNew) {
        after.certainty = Certainty::InDoubt;
    }
    if is_last {
        out.alert(AlertKind::AnswerOverdue, Some(order.id), Some(evidence.session), None);
    }
    // A replace is asked about under its own id: see `Doubt::asks_about` of the gateway, whose sweep does the same.
    let asked = pending.filter(|_| !is_cancel).map_or(order.wire_id, |pending| pending.request);
    missing::ask(core, stamp, order, asked, out);
    change_order(core, order, after, stamp.time, out);
}

/// While the session is down nothing can be decided: what was held back stays in doubt until the sweep.
fn is_up(core: &Core, order: &Order) -> bool {
    core.session(order.session).is_some_and(|session| session.state != SessionState::Down)
}

fn order_not_delivered(
    core: &mut Core,
    stamp: Stamp,
    order: &Order,
    evidence: DeliveryEvidence,
    out: &mut Outcome,
) {
    let mut after = *order;
    let never_sent = evidence.delivery == Delivery::NeverSent;
    if never_sent && !is_up(core, order) {
        after.certainty = Certainty::InDoubt;
    } else if never_sent && is_still_wanted(core, stamp, order) {
        after.certainty = Certainty::Certain;
        out.outbound.push(new_order_single(core, order, stamp));
    } else {
        finish(&mut after, OrdStatus::Canceled);
    }
    change_order(core, order, after, stamp.time, out);
}

/// Fresh, not asked to be cancelled meanwhile, and not halted: a halt stops what has not left, too.
fn is_still_wanted(core: &Core, stamp: Stamp, order: &Order) -> bool {
    stamp.time.since(order.created) <= SENDABLE_NS && order.pending.is_none() && !is_order_halted(core, order)
}

fn request_not_delivered(
    core: &mut Core,
    stamp: Stamp,
    order: &Order,
    evidence: DeliveryEvidence,
    out: &mut Outcome,
) {
    let is_cancel = order.pending.is_some_and(|pending| pending.kind == PendingKind::Cancel);
    let never_sent = evidence.delivery == Delivery::NeverSent;
    if never_sent && !is_up(core, order) {
        let after = Order { certainty: Certainty::InDoubt, ..*order };
        return change_order(core, order, after, stamp.time, out);
    }
    if never_sent && is_cancel && order.status != OrdStatus::PendingNew {
        // A cancel lowers risk however late it is.
        let after = Order { certainty: Certainty::Certain, ..*order };
        out.outbound.push(cancel_request(core, order, stamp));
        return change_order(core, order, after, stamp.time, out);
    }
    let text = if never_sent { "never reached the broker" } else { "the broker does not know it" };
    let text = Reference::cut(text);
    refuse_request(core, stamp, order, evidence.request, 0, text, out);
}
