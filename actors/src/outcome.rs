//! What one input led to. The buffers are reused, so that the hot path does not allocate.

use alloc::vec::Vec;

use model::{Alert, AlertKind, Amount, ClOrdId, Denial, Event, OrderId, Outbound, SessionId};

/// The consequences of one input, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What happened. For a command the first is its answer.
    pub events: Vec<Event>,
    /// What must leave, at most [`Outcome::MAX_OUTBOUND`].
    pub outbound: Vec<Outbound>,
}

impl Outcome {
    /// The most messages to brokers that one input causes: what an egress ring must have room for beforehand.
    pub const MAX_OUTBOUND: usize = 1;

    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.events.clear();
        self.outbound.clear();
    }

    /// The number of the reason that a command was denied for; 0 where it was not.
    #[inline]
    pub fn refusal(&self) -> u16 {
        match self.events.first() {
            Some(Event::Denied { denial, .. }) => denial.reason.number(),
            _ => 0,
        }
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.events.push(event);
    }

    pub(crate) fn denied(&mut self, cl_ord_id: ClOrdId, denial: Denial) {
        self.event(Event::Denied { cl_ord_id, denial });
    }

    pub(crate) fn alert(
        &mut self,
        kind: AlertKind,
        order: Option<OrderId>,
        session: Option<SessionId>,
        value: Option<Amount>,
    ) {
        self.event(Event::Alert(Alert { kind, order, session, value }));
    }
}
