//! The local protocol, spoken over a Unix socket: `docs/local-protocol.md` describes it for other languages.
//!
//! A frame is a length and a JSON text ([`frame`]); a request carries an id that its answer repeats.
//! Only [`client`] does I/O.

mod answer;
pub mod client;
mod clock;
pub mod frame;
mod latency;
mod office;
mod request;
mod rows;
pub mod text;
pub mod vocabulary;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use answer::{
    Accepted, Answer, CancelsAsked, Carried, Denied, Existing, Published, Refusal, RefusalKind, Requested,
};
pub use clock::{ClockPreview, ClockReport, ClockRow, DueRow};
pub use latency::{Cause, Lane, LatencyReport, LatencyRow};
pub use office::{
    AlertRow, ApprovalRow, ConfigChangeRow, ConfigRow, OfficeFilter, OfficeNote, OfficePage, WaitingApproval,
    WhoRow,
};
pub use request::{
    AsideName, Cancel, CashRequest, Cursor, Filter, OrderFilter, Replace, Request, ScopeName, SetLimit,
    Submit, Subscribe, Whose, requests,
};
pub use rows::{
    AsideRow, CashPage, CashRow, HaltRow, OrderPage, OrderRow, PageOf, PositionPage, PositionRow, SessionRow,
    ShardRow, Status,
};

/// The version of the protocol, answered by `ping`. Raised when a client written for the one before would break.
pub const PROTOCOL_VERSION: u32 = 1;

/// A request as it travels.
#[derive(Clone, Debug, Serialize)]
pub struct RequestFrame<'a> {
    /// Chosen by the client, repeated by the answer.
    pub id: u64,
    /// What is asked.
    pub request: &'a Request,
}

/// An answer as it travels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerFrame {
    /// The request's id; absent where the frame was too broken to have one.
    pub id: Option<u64>,
    /// The answer.
    pub answer: Answer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRequest<'a> {
    id: u64,
    #[serde(borrow)]
    request: &'a RawValue,
}

/// Reads a request frame's content. The refusal comes with the id wherever it could be read.
pub fn read_request(bytes: &[u8]) -> Result<(u64, Request), (Option<u64>, Refusal)> {
    let raw: RawRequest<'_> = serde_json::from_slice(bytes).map_err(|error| {
        let kind = if error.is_data() { RefusalKind::BadRequest } else { RefusalKind::NotJson };
        (None, Refusal::new(kind, error.to_string()))
    })?;
    match serde_json::from_str(raw.request.get()) {
        Ok(request) => Ok((raw.id, request)),
        Err(error) => Err((Some(raw.id), Refusal::new(RefusalKind::BadRequest, error.to_string()))),
    }
}
