//! `NewOrder`: looked up, judged by the gate, reserved, sent.

use model::{Denial, DenyReason, Event, NewOrder, Stamped, WireId};

use risk_gate::Armed;

use crate::apply::facts::of_new_order;
use crate::apply::order_message;
use crate::store::key::key_of;
use crate::{Core, Order, Outcome, Stamp};

pub(crate) fn apply(core: &mut Core, stamp: Stamp, stamped: &Stamped, request: &NewOrder, out: &mut Outcome) {
    if let Err(denial) = submit(core, stamp, stamped, request, out) {
        out.denied(request.cl_ord_id, denial);
    }
}

/// Changes nothing where it refuses.
fn submit(
    core: &mut Core,
    stamp: Stamp,
    stamped: &Stamped,
    request: &NewOrder,
    out: &mut Outcome,
) -> Result<(), Denial> {
    let account = core.account(request.account).ok_or(Denial::of(DenyReason::UnknownAccount))?;
    if request.cl_ord_id.is_empty() {
        return Err(Denial::of(DenyReason::MissingIdentifier));
    }
    if let Some(existing) = core.order_by_cl_ord_id(request.account, &request.cl_ord_id) {
        if !existing.was_submitted_as(request) {
            return Err(Denial::of(DenyReason::DuplicateClOrdId));
        }
        out.event(Event::OrderExists { order: existing.id, status: existing.shown_status() });
        return Ok(());
    }
    if !core.remembered.is_empty() {
        check_remembered(core, request)?;
    }
    let instrument = core.instrument(request.instrument).ok_or(Denial::of(DenyReason::UnknownInstrument))?;
    let approved = risk_gate::approve(&of_new_order(
        core,
        account,
        instrument,
        stamped,
        stamp.time,
        request,
        Armed::NONE,
    )?)?;
    let id = WireId::at(stamp.position, core.incarnation());
    let (name, symbol) = (account.definition.name, instrument.definition.symbol);
    let order = Order::accepted(id, request, account.definition.session, &approved, stamp.time);
    core.reserve_new(&order).map_err(|_| Denial::of(DenyReason::Arithmetic))?;
    out.event(Event::OrderAccepted { order: id, account: request.account, cl_ord_id: request.cl_ord_id });
    out.outbound.push(order_message(&order, name, symbol, stamp));
    // Last: these are writes to memory that is in no cache yet, and what is read back of the outcome must not stand in
    // line behind them.
    core.changes.order(&order);
    core.orders.add(&order);
    Ok(())
}

// In line it would have orders of firms that remember nothing pay for it.
#[inline(never)]
fn check_remembered(core: &Core, request: &NewOrder) -> Result<(), Denial> {
    let is_remembered = core.remembered.has(key_of(request.account.index, request.cl_ord_id.as_str()));
    if is_remembered { Err(Denial::of(DenyReason::ClOrdIdRemembered)) } else { Ok(()) }
}
