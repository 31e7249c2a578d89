//! What a broker says an order is (FIX `OrdStatus`, tag 39) against what it is here once the report is applied. Where one is
//! over and the other is not, somebody must look, and the broker is asked: its answer is what decides.

use model::{Alert, AlertKind, Event, ExecType, ExecutionReport, OrdStatus};

use crate::apply::missing;
use crate::{Core, Order, Outcome, Stamp};

/// An end is believed where both fields say so: the event (`ExecType`) and the state that it leads to (`OrdStatus`). What is
/// reserved for the order goes with it.
pub(crate) const fn is_end(report: &ExecutionReport) -> bool {
    let ends = matches!(report.exec_type, ExecType::Canceled | ExecType::Rejected | ExecType::Expired);
    ends && report.ord_status.is_terminal()
}

/// Tells of a contradiction and asks. An answer is not asked about again, and what is missing was asked about already.
#[inline]
pub(crate) fn tell(
    core: &Core,
    stamp: Stamp,
    report: &ExecutionReport,
    [before, after]: [&Order; 2],
    out: &mut Outcome,
) {
    if is_there(report, before, after) {
        alert_and_ask(core, stamp, report.exec_type == ExecType::OrderStatus, after, out);
    }
}

/// A refused request says where its order stands as well.
pub(crate) fn tell_refused(
    core: &Core,
    stamp: Stamp,
    ord_status: OrdStatus,
    order: &Order,
    out: &mut Outcome,
) {
    if ord_status.is_terminal() && !order.status.is_terminal() {
        alert_and_ask(core, stamp, false, order, out);
    }
}

#[inline]
fn is_there(report: &ExecutionReport, before: &Order, after: &Order) -> bool {
    match (report.ord_status.is_terminal(), after.status.is_terminal()) {
        (true, false) => after.unexplained.is_none(),
        // Reports that were overtaken say of an order that is over that it works. An answer is not overtaken, and an order
        // that was taken for lost is named by its broker for the first time.
        (false, true) => match report.exec_type {
            ExecType::OrderStatus => true,
            ExecType::Trade => false,
            _ => {
                before.status.is_terminal()
                    && before.broker_order_id.is_empty()
                    && !report.broker_order_id.is_empty()
            }
        },
        (false, false) => {
            matches!(report.exec_type, ExecType::Canceled | ExecType::Rejected | ExecType::Expired)
        }
        (true, true) => false,
    }
}

#[cold]
fn alert_and_ask(core: &Core, stamp: Stamp, is_answer: bool, order: &Order, out: &mut Outcome) {
    let kind = AlertKind::UnusualReport;
    if !out
        .events
        .iter()
        .any(|event| matches!(event, Event::Alert(Alert { kind: told, .. }) if *told == kind))
    {
        out.alert(kind, Some(order.id), Some(order.session), None);
    }
    if !is_answer && out.outbound.is_empty() {
        missing::ask(core, stamp, order, order.wire_id, out);
    }
}
