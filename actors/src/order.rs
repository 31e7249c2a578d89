//! One order: its terms, its three axes (status, pending request, certainty), and the worst it can still cost.

use borsh::{BorshDeserialize, BorshSerialize};
use model::{
    AccountId, Amount, Certainty, ClOrdId, FeeSchedule, Instrument, InstrumentId, NewOrder, OrdStatus,
    OrderId, OrderType, PendingKind, Price, Quantity, SessionId, Side, StrategyId, Text, TimeInForce,
    Timestamp, WireId,
};
use risk_gate::{Approved, Reservation, Terms};

/// An order that passed the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Order {
    /// Its identity, and its first ClOrdID on the wire.
    pub id: OrderId,
    /// Whose.
    pub account: AccountId,
    /// By which strategy.
    pub strategy: StrategyId,
    /// The submitter's identifier.
    pub cl_ord_id: ClOrdId,
    /// Of what.
    pub instrument: InstrumentId,
    /// On which session it went out.
    pub session: SessionId,
    /// Buy or sell.
    pub side: Side,
    /// Market or limit.
    pub order_type: OrderType,
    /// How long.
    pub time_in_force: TimeInForce,
    /// As submitted: what a repeated submission is compared with.
    pub submitted_quantity: Quantity,
    /// As submitted.
    pub submitted_price: Option<Price>,
    /// As it stands, after replaces.
    pub quantity: Quantity,
    /// As it stands, after replaces.
    pub limit_price: Option<Price>,
    /// Executed so far.
    pub cum_quantity: Quantity,
    /// The notional executed so far.
    pub cum_notional: Amount,
    /// First axis: FIX status, without what is pending.
    pub status: OrdStatus,
    /// Second axis: a request the broker has not answered.
    pub pending: Option<Pending>,
    /// Third axis.
    pub certainty: Certainty,
    /// The last acknowledged ClOrdID on the wire: FIX `OrigClOrdID` of the next request.
    pub wire_id: WireId,
    /// FIX tag 37, once known.
    pub broker_order_id: Text<40>,
    /// What is reserved for it now.
    pub reservation: Reservation,
    /// The worst price of one unit under the current terms.
    pub unit_price: Price,
    /// When it was accepted.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// What its broker counts as executed and has not told as an execution. Kept apart from the rest of an order.
    #[borsh(skip)]
    pub unexplained: Option<Unexplained>,
}

/// Units that a broker counts as executed (FIX `CumQty`) while no execution of them was told: nothing is booked of them,
/// and they stay reserved until they are told or the broker, when asked, no longer counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Unexplained {
    /// How many.
    pub quantity: Quantity,
    /// The worst price of one of them, under all terms since they were first counted.
    pub unit_price: Price,
}

/// A cancel or replace request that is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Pending {
    /// Its ClOrdID on the wire.
    pub request: WireId,
    /// Which.
    pub kind: PendingKind,
    /// For a replace: the new quantity; for a cancel the old.
    pub quantity: Quantity,
    /// For a replace: the new price; for a cancel the old.
    pub limit_price: Option<Price>,
    /// The worst price of one unit under the requested terms.
    pub unit_price: Price,
}

/// See [`Order::is_over`].
#[inline]
pub(crate) fn is_over(status: OrdStatus, pending: Option<&Pending>) -> bool {
    let may_grow = pending.is_some_and(|pending| pending.kind == PendingKind::Replace);
    status.is_terminal() && !(status == OrdStatus::Filled && may_grow)
}

impl Order {
    pub(crate) fn accepted(
        id: OrderId,
        request: &NewOrder,
        session: SessionId,
        approved: &Approved,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            account: request.account,
            strategy: request.strategy,
            cl_ord_id: request.cl_ord_id,
            instrument: request.instrument,
            session,
            side: request.side,
            order_type: request.order_type,
            time_in_force: request.time_in_force,
            submitted_quantity: request.quantity,
            submitted_price: request.limit_price,
            quantity: request.quantity,
            limit_price: request.limit_price,
            cum_quantity: Quantity::ZERO,
            cum_notional: Amount::ZERO,
            status: OrdStatus::PendingNew,
            pending: None,
            certainty: Certainty::Certain,
            wire_id: id,
            broker_order_id: Text::EMPTY,
            reservation: *approved.reservation(),
            unit_price: approved.reservation().unit_price,
            created: now,
            updated: now,
            unexplained: None,
        }
    }

    /// The status FIX would show: a pending request covers a working status.
    pub fn shown_status(&self) -> OrdStatus {
        match self.pending {
            Some(pending) if !self.status.is_terminal() => match pending.kind {
                PendingKind::Cancel => OrdStatus::PendingCancel,
                PendingKind::Replace => OrdStatus::PendingReplace,
            },
            _ => self.status,
        }
    }

    /// What is not executed, under the acknowledged terms; zero once finished.
    pub fn leaves_quantity(&self) -> Quantity {
        if self.status.is_terminal() {
            return Quantity::ZERO;
        }
        self.quantity.minus(self.cum_quantity).unwrap_or_default().at_least(Quantity::ZERO)
    }

    /// The average price of what was executed, for people.
    pub fn average_price(&self, instrument: &Instrument) -> Option<Price> {
        let rounding = model::Rounding::HalfEven(8);
        if self.cum_quantity.is_zero() {
            return None;
        }
        self.cum_notional.per_unit(self.cum_quantity, instrument.factor(), rounding).ok()
    }

    /// Nothing new can happen to it any more by the broker's own rules: neither open, nor a filled order that a
    /// pending replace may enlarge.
    pub fn is_over(&self) -> bool {
        is_over(self.status, self.pending.as_ref())
    }

    /// Nothing is expected of it any more: it is over, and every execution that its broker counts was told.
    pub fn is_finished(&self) -> bool {
        self.is_over() && self.unexplained.is_none()
    }

    /// The broker owes us an answer: to the order itself or to a request.
    pub fn is_awaiting(&self) -> bool {
        self.status == OrdStatus::PendingNew || (self.pending.is_some() && !self.is_over())
    }

    /// True where the submission would be this very order.
    pub(crate) fn was_submitted_as(&self, request: &NewOrder) -> bool {
        self.strategy == request.strategy
            && self.instrument == request.instrument
            && self.side == request.side
            && self.order_type == request.order_type
            && self.time_in_force == request.time_in_force
            && self.submitted_quantity == request.quantity
            && self.submitted_price == request.limit_price
    }

    /// What the gate judges when quantity and price are to change.
    pub(crate) fn replaced_terms(&self, quantity: Quantity, limit_price: Option<Price>) -> Terms {
        Terms {
            side: self.side,
            order_type: self.order_type,
            time_in_force: self.time_in_force,
            quantity,
            limit_price,
        }
    }

    /// What must stay reserved: the worse of the acknowledged and the requested terms; once it is over, what is executed
    /// and not told.
    pub(crate) fn worst_case(
        &self,
        instrument: &Instrument,
        fees: &FeeSchedule,
    ) -> Result<Reservation, model::ArithmeticError> {
        let of = |open, unit_price| Reservation::of(self.side, open, unit_price, instrument, fees);
        let (executed, untold) = match self.unexplained {
            None => (self.cum_quantity, None),
            Some(Unexplained { quantity, unit_price }) => {
                (self.cum_quantity.plus(quantity)?, Some(of(quantity, unit_price)?))
            }
        };
        if self.is_over() {
            return Ok(untold.unwrap_or(Reservation::NONE));
        }
        let under = |quantity: Quantity, unit_price: Price| {
            let open = of(quantity.minus(executed)?.at_least(Quantity::ZERO), unit_price)?;
            untold.map_or(Ok(open), |untold| open.plus(&untold))
        };
        let current = under(self.quantity, self.unit_price)?;
        match self.pending {
            // A cancel asks for no other terms.
            Some(pending)
                if pending.quantity.is_same(self.quantity) && pending.unit_price.is_same(self.unit_price) =>
            {
                Ok(current)
            }
            // The broker works under one or the other, never under the larger quantity at the higher price: that
            // product would reserve more than the gate found to be there.
            Some(pending) => Ok(current.worse(&under(pending.quantity, pending.unit_price)?)),
            None => Ok(current),
        }
    }

    /// The working status that the executed quantity implies.
    pub(crate) fn status_by_executions(&self) -> OrdStatus {
        if self.cum_quantity >= self.quantity {
            OrdStatus::Filled
        } else if self.cum_quantity.is_positive() {
            OrdStatus::PartiallyFilled
        } else {
            OrdStatus::New
        }
    }
}
