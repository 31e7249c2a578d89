//! The two translations alone, so that their instructions can be counted. No part of what a node uses.

use model::{Input, Outbound, SessionId};

use crate::draft::Draft;
use crate::inbound::{self, Inbound};
use crate::outbound;

/// An order to its FIX fields; false for what leaves as no message.
pub fn outbound(message: &Outbound, draft: &mut Draft) -> bool {
    outbound::translate(message, None, draft).is_some()
}

/// A raw message as the shard would get it; `None` for what is not posted.
pub fn inbound(session: SessionId, raw: &[u8]) -> Option<Input> {
    match inbound::translate(session, raw, |_| None) {
        Inbound::Input(input) => Some(input),
        Inbound::Report { report, .. } => Some(Input::ExecutionReport(report)),
        Inbound::StatusRequestRefused { .. } => None,
    }
}
