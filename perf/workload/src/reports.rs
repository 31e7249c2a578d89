//! What a broker says about an order.

use model::{
    ExecId, ExecType, ExecutionReport, OrdStatus, Outbound, OutboundKind, Quantity, Reference, Text,
};

use crate::{SESSION, WorkloadError};

/// The order works.
pub fn acknowledged(order: &Outbound) -> Result<ExecutionReport, WorkloadError> {
    let report = about(order, 'A')?;
    let leaves_quantity = quantity_of(order)?;
    Ok(ExecutionReport { exec_type: ExecType::New, ord_status: OrdStatus::New, leaves_quantity, ..report })
}

/// The whole of an order was executed at its limit.
pub fn filled(order: &Outbound) -> Result<ExecutionReport, WorkloadError> {
    let (report, quantity) = (about(order, 'F')?, quantity_of(order)?);
    let OutboundKind::NewOrderSingle { limit_price, .. } = order.kind else {
        return Err(WorkloadError::NoOrder);
    };
    Ok(ExecutionReport {
        exec_type: ExecType::Trade,
        ord_status: OrdStatus::Filled,
        last_quantity: quantity,
        last_price: limit_price.unwrap_or_default(),
        cum_quantity: quantity,
        ..report
    })
}

/// The broker ended the order, unasked.
pub fn ended(order: &Outbound) -> Result<ExecutionReport, WorkloadError> {
    let report = about(order, 'C')?;
    Ok(ExecutionReport { exec_type: ExecType::Canceled, ord_status: OrdStatus::Canceled, ..report })
}

fn about(order: &Outbound, kind: char) -> Result<ExecutionReport, WorkloadError> {
    let OutboundKind::NewOrderSingle { cl_ord_id, symbol, side, .. } = order.kind else {
        return Err(WorkloadError::NoOrder);
    };
    Ok(ExecutionReport {
        session: SESSION,
        msg_seq_num: cl_ord_id.seq,
        poss_dup: false,
        cl_ord_id: Some(cl_ord_id),
        orig_cl_ord_id: None,
        broker_order_id: Text::new(&format!("B{}", cl_ord_id.seq))?,
        exec_id: ExecId::new(&format!("{kind}{}", cl_ord_id.seq))?,
        exec_type: ExecType::OrderStatus,
        ord_status: OrdStatus::New,
        symbol,
        side,
        last_quantity: Quantity::ZERO,
        last_price: model::Price::default(),
        cum_quantity: Quantity::ZERO,
        leaves_quantity: Quantity::ZERO,
        commission: None,
        trade_date: None,
        settlement_date: None,
        reject_code: 0,
        text: Reference::EMPTY,
    })
}

fn quantity_of(order: &Outbound) -> Result<Quantity, WorkloadError> {
    match order.kind {
        OutboundKind::NewOrderSingle { quantity, .. } => Ok(quantity),
        _ => Err(WorkloadError::NoOrder),
    }
}
