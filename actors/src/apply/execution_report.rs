//! `ExecutionReport`: what a broker says of an order, in any order, any number of times.

use model::{
    AlertKind, Amount, BrokerId, Certainty, Event, ExecType, ExecutionReport, Instrument, Invariant,
    OrdStatus, PendingKind, TimeInForce, there,
};

use crate::apply::{
    change_order, contradiction, finish, missing, order_changed, refresh_certainty, tell_ended_request,
};
use crate::executions::{Execution, Key, Seen};
use crate::fingerprint::Changed;
use crate::staging::Fill;
use crate::{Core, LedgerError, Order, Outcome, Pending, Stamp, Suspense};

// In line it would have every other input pay for its room on the stack.
#[inline(never)]
pub(crate) fn apply(core: &mut Core, stamp: Stamp, report: &ExecutionReport, out: &mut Outcome) {
    core.note_inbound(report.session, report.msg_seq_num);
    let ids = [report.cl_ord_id, report.orig_cl_ord_id];
    let place = ids.into_iter().flatten().find_map(|id| core.orders.place_about(id));
    let Some(order) = place.and_then(|place| core.orders.at(place)) else {
        return put_in_suspense(core, stamp, report, AlertKind::UnknownOrder, None, out);
    };
    if !is_about(core, report, &order) {
        return put_in_suspense(core, stamp, report, AlertKind::ReportMismatch, Some(&order), out);
    }
    if report.exec_type == ExecType::Trade {
        if !trade(core, stamp, report, &order, out) {
            missing::count_alone(core, stamp, report, &order, out);
        }
        return;
    }
    let mut after = named_by_broker(&order, report);
    alert_on_final_quantity(report, &order, out);
    let named = Named {
        terms: report.cl_ord_id.and_then(|id| core.orders.asked_by(id)),
        is_cancel: report.exec_type == ExecType::Canceled
            && report.cl_ord_id.is_some_and(|id| core.orders.is_cancel(id)),
    };
    transition(report, &mut after, named, out);
    refresh_certainty(&mut after);
    missing::recount(report, &order, &mut after);
    missing::tell(core, stamp, report, [&order, &after], out);
    contradiction::tell(core, stamp, report, [&order, &after], out);
    tell_ended_request(&order, &after, report.text, out);
    change_order(core, &order, after, stamp.time, out);
}

impl Core {
    /// Keeps the highest number journalled for a session: where its broker must go on after a crash.
    pub(crate) fn note_inbound(&mut self, session: model::SessionId, msg_seq_num: u64) {
        if let Some(book) = self.sessions.get_mut(session.slot()) {
            book.inbound_high_water = book.inbound_high_water.max(msg_seq_num);
            self.changes.note(Changed::Inbound, session.index.into(), msg_seq_num);
        }
    }

    pub(crate) fn broker_of(&self, session: model::SessionId) -> BrokerId {
        self.session(session).map_or_else(BrokerId::default, |book| book.definition.broker)
    }
}

/// The order under the name that the broker gives it.
#[inline]
fn named_by_broker(order: &Order, report: &ExecutionReport) -> Order {
    let mut named = *order;
    if !report.broker_order_id.is_empty() {
        named.broker_order_id = report.broker_order_id;
    }
    named
}

/// From a session we know, same broker, symbol and side as the order.
fn is_about(core: &Core, report: &ExecutionReport, order: &Order) -> bool {
    let symbol = there(core.instrument(order.instrument), Invariant::InstrumentIsThere).definition.symbol;
    core.session(report.session).is_some()
        && core.broker_of(report.session) == core.broker_of(order.session)
        && report.side == order.side
        && symbol == report.symbol
}

/// Nothing is lost: a fill that cannot be booked is kept once, with an alert.
fn put_in_suspense(
    core: &mut Core,
    stamp: Stamp,
    report: &ExecutionReport,
    alert: AlertKind,
    order: Option<&Order>,
    out: &mut Outcome,
) {
    if report.exec_type == ExecType::Trade {
        let execution = Execution {
            order: order.map(|order| order.id),
            quantity: report.last_quantity,
            price: report.last_price,
        };
        if let Some(booked) = booked_before(core, stamp, report, order) {
            return out.event(Event::ExecutionRepeated { order: booked, exec_id: report.exec_id });
        }
        if is_kept(core, stamp, report, execution) {
            let order = order.map(|order| order.id).unwrap_or_default();
            return out.event(Event::ExecutionRepeated { order, exec_id: report.exec_id });
        }
        core.suspense.push(Suspense { position: stamp.position, report: *report });
        core.changes.note(Changed::Suspense, stamp.position.seq, 0);
    }
    let value = Amount::from(report.last_quantity);
    out.alert(alert, order.map(|order| order.id), Some(report.session), Some(value));
}

/// A broker may send a fill again after its order was retired: it is the one that is booked, not one to be looked into.
fn booked_before(
    core: &Core,
    stamp: Stamp,
    report: &ExecutionReport,
    order: Option<&Order>,
) -> Option<model::OrderId> {
    if order.is_some() || report.exec_id.is_empty() {
        return None;
    }
    let economics = (report.last_quantity, report.last_price);
    core.executions.booked(&key_of(core, report), report.trade_date, stamp.time.date(), economics)
}

/// True where the execution is booked or in suspense already; else it is remembered from here on. Without an ExecID
/// nothing can be told: each is kept.
fn is_kept(core: &mut Core, stamp: Stamp, report: &ExecutionReport, execution: Execution) -> bool {
    if report.exec_id.is_empty() {
        return false;
    }
    let key = key_of(core, report);
    match core.executions.seen(&key, report.trade_date, stamp.time.date(), &execution) {
        Seen::Same => true,
        Seen::Never => {
            core.executions.remember(&key, report.trade_date, stamp.time.date(), execution);
            false
        }
        // The name stands for another execution, or is no longer remembered: look at what is kept.
        Seen::Otherwise | Seen::TooOld => core.suspense.iter().any(|kept| {
            let ids = |report: &ExecutionReport| (report.exec_id, report.trade_date, report.cl_ord_id);
            core.broker_of(kept.report.session) == core.broker_of(report.session)
                && ids(&kept.report) == ids(report)
                && kept.report.last_quantity == report.last_quantity
                && kept.report.last_price == report.last_price
        }),
    }
}

/// ExecIDs are unique for a broker.
fn key_of(core: &Core, report: &ExecutionReport) -> Key {
    Key::new(core.broker_of(report.session), report.exec_id)
}

/// Books an execution, exactly once, whatever state the order is in. True unless all that is left of the report is what
/// it counts.
fn trade(core: &mut Core, stamp: Stamp, report: &ExecutionReport, before: &Order, out: &mut Outcome) -> bool {
    let execution =
        Execution { order: Some(before.id), quantity: report.last_quantity, price: report.last_price };
    let key = key_of(core, report);
    let account = there(core.account(before.account), Invariant::AccountIsThere);
    let is_set_aside = core.is_set_aside(account, Some(before.instrument));
    let mut after = named_by_broker(before, report);
    let seen = core.executions.seen(&key, report.trade_date, stamp.time.date(), &execution);
    let alert = match seen {
        _ if report.exec_id.is_empty() => AlertKind::MissingExecId,
        Seen::Same => {
            out.event(Event::ExecutionRepeated { order: before.id, exec_id: report.exec_id });
            return is_set_aside;
        }
        Seen::Otherwise => AlertKind::ExecutionConflict,
        Seen::TooOld => AlertKind::ExecutionTooOld,
        Seen::Never if is_set_aside => AlertKind::SetAside,
        Seen::Never => match book(core, stamp, report, before, &mut after) {
            Ok((fill, realised)) => {
                core.executions.remember(&key, report.trade_date, stamp.time.date(), execution);
                out.event(executed(core, report, before, &fill, realised));
                alert_on_fill(report, before, &after, out);
                missing::tell(core, stamp, report, [before, &after], out);
                contradiction::tell(core, stamp, report, [before, &after], out);
                tell_ended_request(before, &after, report.text, out);
                out.event(order_changed(&after));
                return true;
            }
            Err(_) => AlertKind::BookingFailed,
        },
    };
    put_in_suspense(core, stamp, report, alert, Some(before), out);
    // Nothing of who is set aside is moved.
    is_set_aside
}

/// Books what a report tells: the fill, and what it realised. Changes nothing of the state where it fails. What the report
/// counts beyond that goes with it if it can be held, and never keeps the execution itself from being booked.
#[inline]
fn book(
    core: &mut Core,
    stamp: Stamp,
    report: &ExecutionReport,
    before: &Order,
    after: &mut Order,
) -> Result<(Fill, Amount), LedgerError> {
    let instrument = there(core.instrument(before.instrument), Invariant::InstrumentIsThere);
    let fill = fill_of(core, stamp, report, before, &instrument.definition)?;
    apply_quantities(after, &fill)?;
    missing::recount(report, before, after);
    match core.book_fill(&before.reservation, after, &fill, stamp.time) {
        Err(_) if after.unexplained.is_some() => {
            let counted = after.unexplained.take();
            let realised = core.book_fill(&before.reservation, after, &fill, stamp.time)?;
            // To be told of, at least.
            after.unexplained = counted;
            Ok((fill, realised))
        }
        booked => Ok((fill, booked?)),
    }
}

fn executed(core: &Core, report: &ExecutionReport, order: &Order, fill: &Fill, realised: Amount) -> Event {
    let instrument = there(core.instrument(order.instrument), Invariant::InstrumentIsThere);
    Event::Executed {
        order: order.id,
        account: order.account,
        instrument: order.instrument,
        side: order.side,
        broker: core.broker_of(report.session),
        exec_id: report.exec_id,
        quantity: fill.quantity,
        price: fill.price,
        fee: fill.fee,
        realised,
        currency: instrument.definition.currency,
        settles: fill.settles,
    }
}

/// The broker's commission where it states one, else our schedule; its settlement date, else the cycle's.
fn fill_of(
    core: &Core,
    stamp: Stamp,
    report: &ExecutionReport,
    order: &Order,
    instrument: &Instrument,
) -> Result<Fill, model::ArithmeticError> {
    let (quantity, price) = (report.last_quantity, report.last_price);
    if !quantity.is_positive() || price.is_negative() {
        return Err(model::ArithmeticError::Syntax);
    }
    let notional = price.notional(quantity, instrument.factor())?;
    let fees = there(core.account(order.account), Invariant::AccountIsThere).definition.fees;
    let fee = match report.commission {
        Some(commission) => commission,
        None => fees.charged(notional, quantity)?,
    };
    let trade_date = report.trade_date.unwrap_or_else(|| stamp.time.date());
    let settles =
        report.settlement_date.unwrap_or_else(|| trade_date.plus_weekdays(instrument.settlement_days));
    Ok(Fill { quantity, price, notional, fee, settles })
}

fn apply_quantities(after: &mut Order, fill: &Fill) -> Result<(), model::ArithmeticError> {
    after.cum_quantity = after.cum_quantity.plus(fill.quantity)?;
    after.cum_notional = after.cum_notional.plus(fill.notional)?;
    if !after.status.is_terminal() {
        after.status = after.status_by_executions();
        if after.is_over() {
            after.pending = None;
        }
    }
    refresh_certainty(after);
    Ok(())
}

fn alert_on_fill(report: &ExecutionReport, before: &Order, after: &Order, out: &mut Outcome) {
    let (order, session) = (Some(after.id), Some(report.session));
    if after.cum_quantity > after.quantity && before.cum_quantity <= before.quantity {
        let excess = after.cum_quantity.minus(after.quantity).unwrap_or_default();
        out.alert(AlertKind::Overfill, order, session, Some(Amount::from(excess)));
    } else if before.is_over() && before.unexplained.is_none() {
        out.alert(AlertKind::FillAfterTerminal, order, session, Some(Amount::from(report.last_quantity)));
    }
    // One that others overtook counts less than we do by now.
    if report.cum_quantity < after.cum_quantity && before.unexplained.is_none() {
        out.alert(AlertKind::CumQuantityMismatch, order, session, Some(Amount::from(report.cum_quantity)));
    }
}

/// A broker that ends an order states what it executed in all: where that is less than what we booked, we have a fill that
/// it has not. (Where it is more: see [`missing`].)
fn alert_on_final_quantity(report: &ExecutionReport, order: &Order, out: &mut Outcome) {
    let ends = matches!(report.exec_type, ExecType::Canceled | ExecType::Expired | ExecType::DoneForDay);
    if ends && !order.status.is_terminal() && report.cum_quantity < order.cum_quantity {
        let value = Some(Amount::from(report.cum_quantity));
        out.alert(AlertKind::CumQuantityMismatch, Some(order.id), Some(report.session), value);
    }
}

/// The request that a report names, pending or given up.
#[derive(Clone, Copy)]
struct Named {
    /// What a replace asked for.
    terms: Option<Pending>,
    is_cancel: bool,
}

/// FIX 4.4 volume 4, appendix D, "order state change matrices": what a report without an execution does.
fn transition(report: &ExecutionReport, order: &mut Order, named: Named, out: &mut Outcome) {
    match report.exec_type {
        // Says nothing of a cancel request that is out as well.
        ExecType::PendingNew if order.pending.is_some() => {}
        ExecType::PendingNew | ExecType::PendingCancel | ExecType::PendingReplace => {
            order.certainty = Certainty::Certain;
        }
        ExecType::New => acknowledge(order),
        // An end that the broker itself contradicts ends nothing; see `contradiction`.
        ExecType::Canceled | ExecType::Rejected | ExecType::Expired if !contradiction::is_end(report) => {}
        ExecType::Canceled => canceled(report, order, named.is_cancel, out),
        ExecType::Replaced => replaced(report, order, named.terms, out),
        ExecType::Rejected => {
            if !order.status.is_terminal() {
                finish(order, OrdStatus::Rejected);
            }
        }
        ExecType::Expired => {
            if !order.status.is_terminal() {
                finish(order, OrdStatus::Expired);
            }
        }
        ExecType::DoneForDay => {
            if !order.status.is_terminal() {
                order.status = OrdStatus::DoneForDay;
            }
        }
        ExecType::OrderStatus => status_answer(report, order, out),
        ExecType::Stopped | ExecType::Suspended | ExecType::Calculated | ExecType::Restated => {
            acknowledge(order);
            unusual(report, order, out);
        }
        // Booked as executions elsewhere (`Trade`), or kept raw by the gateway.
        ExecType::Trade | ExecType::TradeCorrect | ExecType::TradeCancel => unusual(report, order, out),
    }
}

fn unusual(report: &ExecutionReport, order: &Order, out: &mut Outcome) {
    out.alert(AlertKind::UnusualReport, Some(order.id), Some(report.session), None);
}

fn acknowledge(order: &mut Order) {
    if order.status == OrdStatus::PendingNew {
        order.status = order.status_by_executions();
    }
}

/// `by_request`: it names a cancel request of ours, pending or given up.
fn canceled(report: &ExecutionReport, order: &mut Order, by_request: bool, out: &mut Outcome) {
    if order.status.is_terminal() {
        // A repetition is nothing new; a cancel of a filled order is a contradiction.
        if order.status == OrdStatus::Filled {
            unusual(report, order, out);
        }
        return;
    }
    let asked = order.pending.is_some_and(|pending| pending.kind == PendingKind::Cancel);
    let immediate = matches!(order.time_in_force, TimeInForce::ImmediateOrCancel | TimeInForce::FillOrKill);
    if !asked && !immediate && !by_request {
        out.alert(AlertKind::UnsolicitedCancel, Some(order.id), Some(report.session), None);
    }
    finish(order, OrdStatus::Canceled);
}

fn is_pending_replace(report: &ExecutionReport, order: &Order) -> bool {
    order.pending.is_some_and(|pending| {
        pending.kind == PendingKind::Replace && report.cl_ord_id == Some(pending.request)
    })
}

fn end_undelivered_request(order: &mut Order) {
    if order.certainty == Certainty::InDoubt {
        order.pending = None;
    }
}

/// `asked` is what the request named by the report once asked for, pending or not.
fn replaced(report: &ExecutionReport, order: &mut Order, asked: Option<Pending>, out: &mut Outcome) {
    match order.pending {
        Some(pending) if is_pending_replace(report, order) => {
            order.pending = None;
            take_terms(order, &pending);
        }
        // The same answer again.
        _ if report.cl_ord_id == Some(order.wire_id) => {}
        _ => {
            unusual(report, order, out);
            // A request that was given up here: the broker carried it out after it had told the old terms when asked.
            // It works under these now, whatever it said before, and would know no other name in a cancel.
            if let Some(asked) = asked.filter(|_| report.orig_cl_ord_id == Some(order.wire_id))
                && may_take_terms(order)
            {
                take_terms(order, &asked);
            }
        }
    }
}

fn may_take_terms(order: &Order) -> bool {
    !order.status.is_terminal() || order.status == OrdStatus::Filled
}

fn take_terms(order: &mut Order, terms: &Pending) {
    order.quantity = terms.quantity;
    order.limit_price = terms.limit_price;
    order.unit_price = terms.unit_price;
    order.wire_id = terms.request;
    if may_take_terms(order) {
        order.status = order.status_by_executions();
        // With fewer units it can be filled: then nobody waits for an answer any more, to a cancel either.
        if order.is_over() {
            order.pending = None;
        }
    }
}

/// An answer to our order status request. It comes after everything the broker sent before, so a request it does
/// not mention never arrived.
fn status_answer(report: &ExecutionReport, order: &mut Order, out: &mut Outcome) {
    if report.cum_quantity < order.cum_quantity {
        let value = Some(Amount::from(report.cum_quantity));
        out.alert(AlertKind::CumQuantityMismatch, Some(order.id), Some(report.session), value);
    }
    match report.ord_status {
        OrdStatus::Canceled | OrdStatus::Rejected | OrdStatus::Expired => {
            if !order.status.is_terminal() {
                finish(order, report.ord_status);
            }
        }
        OrdStatus::PendingCancel | OrdStatus::PendingReplace => {
            acknowledge(order);
            order.certainty = Certainty::Certain;
        }
        // The broker holds it but does not work it yet: as good as an acknowledgement of delivery.
        OrdStatus::PendingNew => {
            end_undelivered_request(order);
            order.certainty = Certainty::Certain;
        }
        _ => {
            acknowledge(order);
            if is_pending_replace(report, order) {
                // The broker knows the order by the request's id: the replace took effect, its answer was lost.
                replaced(report, order, None, out);
            }
            end_undelivered_request(order);
        }
    }
}
