//! Refusals by a broker, and messages kept raw.

use model::{
    AlertKind, Amount, CancelReject, Event, MessageReject, OrdStatus, QuarantineCause, QuarantinedMessage,
    Reference, WireId,
};

use crate::apply::{change_order, contradiction, finish, refresh_certainty, tell_ended_request};
use crate::{Core, Order, Outcome, Stamp};

/// A cancel or replace request was refused: the order goes on as it was.
pub(crate) fn cancel_reject(core: &mut Core, stamp: Stamp, reject: &CancelReject, out: &mut Outcome) {
    core.note_inbound(reject.session, reject.msg_seq_num);
    let found = [reject.cl_ord_id, reject.orig_cl_ord_id].into_iter().flatten().find_map(|id| core.order(id));
    let Some(order) = found else {
        return out.alert(AlertKind::UnknownOrder, None, Some(reject.session), None);
    };
    if let Some(request) = reject.cl_ord_id {
        refuse_request(core, stamp, &order, request, reject.reject_code, reject.text, out);
    }
    contradiction::tell_refused(core, stamp, reject.ord_status, &order, out);
}

/// Something we sent was refused as a message: it had no effect.
pub(crate) fn message_reject(core: &mut Core, stamp: Stamp, reject: &MessageReject, out: &mut Outcome) {
    core.note_inbound(reject.session, reject.msg_seq_num);
    let order = reject.refused.and_then(|id| core.order(id));
    out.alert(AlertKind::MessageRejected, order.map(|order| order.id), Some(reject.session), None);
    let (Some(order), Some(refused)) = (order, reject.refused) else { return };
    if refused == order.id && order.status == OrdStatus::PendingNew {
        let mut after = order;
        finish(&mut after, OrdStatus::Rejected);
        tell_ended_request(&order, &after, reject.text, out);
        change_order(core, &order, after, stamp.time, out);
    } else {
        refuse_request(core, stamp, &order, refused, reject.reject_code, reject.text, out);
    }
}

/// A message was kept raw: somebody must look.
// In line it would have every other input pay for its room on the stack.
#[inline(never)]
pub(crate) fn quarantined(core: &mut Core, message: &QuarantinedMessage, out: &mut Outcome) {
    if message.cause.is_of_session() {
        let number = u32::try_from(message.msg_seq_num).ok().filter(|number| *number > 0).map(Amount::from);
        return out.alert(alert_of_session(message.cause), None, Some(message.session), number);
    }
    core.note_inbound(message.session, message.msg_seq_num);
    let order = message.cl_ord_id.and_then(|id| core.order(id)).map(|order| order.id);
    out.alert(AlertKind::MessageQuarantined, order, Some(message.session), None);
}

const fn alert_of_session(cause: QuarantineCause) -> AlertKind {
    match cause {
        QuarantineCause::CompIdProblem => AlertKind::CompIdProblem,
        QuarantineCause::NumberTooLow | QuarantineCause::RecordIncomplete => AlertKind::RecordDistrusted,
        QuarantineCause::SequenceReset => AlertKind::SequenceReset,
        QuarantineCause::GapUnfilled => AlertKind::GapUnfilled,
        _ => AlertKind::MessageQuarantined,
    }
}

/// Ends a pending request without effect. A refusal of anything else is a repetition and changes nothing.
pub(crate) fn refuse_request(
    core: &mut Core,
    stamp: Stamp,
    order: &Order,
    request: WireId,
    reject_code: u16,
    text: Reference,
    out: &mut Outcome,
) {
    if order.pending.is_none_or(|pending| pending.request != request) {
        return;
    }
    let mut after = Order { pending: None, ..*order };
    refresh_certainty(&mut after);
    out.event(Event::RequestRefused { order: order.id, request, reject_code, text });
    change_order(core, order, after, stamp.time, out);
}
