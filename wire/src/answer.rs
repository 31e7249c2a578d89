//! What the node answers.

use model::{Amount, ClOrdId, Denial, OrdStatus, OrderId, Position, WireId};
use serde::{Deserialize, Serialize};

use super::clock::ClockReport;
use super::latency::LatencyReport;
use super::office::{AlertRow, ApprovalRow, ConfigRow, OfficePage, WaitingApproval};
use super::rows::{CashPage, OrderPage, PositionPage, Status};
use super::text::{by_text, by_text_list, by_text_option, by_word, parsed, parsed_option};
use super::vocabulary::worded;

worded! {
/// One answer: `{"accepted": {...}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To `ping`.
    Pong {
        /// Of the protocol.
        version: u32,
    },
    /// The order was recorded, approved and goes out.
    Accepted(Accepted),
    /// The same order was submitted before; nothing was done again.
    Exists(Existing),
    /// The cancel or replace request was recorded and goes out.
    Requested(Requested),
    /// Cancels of all that is open were recorded and are asked for.
    CancelsAsked(CancelsAsked),
    /// The command was recorded and carried out.
    Done(Carried),
    /// The move of cash is above `approvals.cash_above` and waits for a second person. Asked for again, it is answered by the
    /// same number and where it stands.
    Waiting(WaitingApproval),
    /// The command was denied by the core: recorded, nothing changed.
    Denied(Denied),
    /// To `orders`.
    Orders(OrderPage),
    /// To `positions`.
    Positions(PositionPage),
    /// To `cash`.
    Cash(CashPage),
    /// To `status`.
    Status(Box<Status>),
    /// To `clock`.
    Clock(ClockReport),
    /// To `config_history`.
    ConfigHistory(OfficePage<ConfigRow>),
    /// To `alerts`.
    Alerts(OfficePage<AlertRow>),
    /// To `approvals`.
    Approvals(OfficePage<ApprovalRow>),
    /// To `latency`.
    Latency(Box<LatencyReport>),
    /// The subscription runs; events follow under the same id.
    Subscribed {},
    /// One event of a subscription.
    Event(Published),
    /// The request did not reach the core, or the subscription ended.
    Refused(Refusal),
}
}

worded! {
/// An order was accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// Of the command in the journal.
    #[serde(with = "by_text")]
    pub position: Position,
    /// Our identity of the order.
    #[serde(with = "by_text")]
    pub order: OrderId,
    /// The client's.
    #[serde(deserialize_with = "parsed")]
    pub cl_ord_id: ClOrdId,
}
}

worded! {
/// Cancels are asked for. The shard takes each as a record of its own, caused by this one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CancelsAsked {
    /// Of the command in the journal.
    #[serde(with = "by_text")]
    pub position: Position,
    /// How many on the shard that answers. Each becomes a record of its own, caused by this one; one whose session is not
    /// ready waits until it is.
    pub asked: u32,
    /// Open orders there that have a request out already.
    pub left: u32,
    /// Other shards that are asked to do the same.
    pub shards_asked: u32,
}
}

worded! {
/// An order was submitted before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Existing {
    /// Of this command in the journal.
    #[serde(with = "by_text")]
    pub position: Position,
    /// The order that exists.
    #[serde(with = "by_text")]
    pub order: OrderId,
    /// Where it stands.
    #[serde(with = "by_word")]
    pub status: OrdStatus,
}
}

worded! {
/// A request about an order goes out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Requested {
    /// Of the command in the journal.
    #[serde(with = "by_text")]
    pub position: Position,
    /// About which order.
    #[serde(with = "by_text")]
    pub order: OrderId,
    /// The request's own identity on the wire.
    #[serde(with = "by_text")]
    pub request: WireId,
}
}

worded! {
/// A command was carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Carried {
    /// Of the command in each journal that it went to: more than one where it concerns every shard.
    #[serde(with = "by_text_list")]
    pub positions: Vec<Position>,
    /// True where the same command was carried out before and nothing was done again.
    pub repeated: bool,
}
}

worded! {
/// The core said no.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Denied {
    /// Of the command in the journal; absent where a name led nowhere, so that nothing was recorded.
    #[serde(with = "by_text_option")]
    pub position: Option<Position>,
    /// The reason's stable number.
    pub number: u16,
    /// The reason's name.
    pub name: String,
    /// The field of the request it is about.
    pub field: String,
    /// One sentence.
    pub text: String,
    /// What was allowed, where a number decided.
    #[serde(deserialize_with = "parsed_option")]
    pub limit: Option<Amount>,
    /// What was asked, where a number decided.
    #[serde(deserialize_with = "parsed_option")]
    pub actual: Option<Amount>,
}
}

impl Denied {
    /// From the core's own word.
    pub fn new(position: Option<Position>, denial: &Denial) -> Self {
        Self {
            position,
            number: denial.reason.number(),
            name: denial.reason.name().to_owned(),
            field: denial.reason.field().to_owned(),
            text: denial.reason.text().to_owned(),
            limit: denial.limit,
            actual: denial.actual,
        }
    }
}

impl std::fmt::Display for Denied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "denied ({} {}): {}: {}", self.number, self.name, self.field, self.text)?;
        match (self.limit, self.actual) {
            (Some(limit), Some(actual)) => write!(f, " (limit {limit}, actual {actual})"),
            _ => Ok(()),
        }
    }
}

worded! {
/// One event of the stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// Of the input that caused it.
    #[serde(with = "by_text")]
    pub position: Position,
    /// Which of that input's events, from 0. (position, index) is the same after a replay.
    pub index: u32,
    /// When the input was stamped: RFC 3339, UTC.
    pub time: String,
    /// What happened: `{"executed": {...}}`, with names instead of numbers.
    pub event: serde_json::Value,
}
}

worded! {
/// The request did not reach the core.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    /// Why; stable.
    pub kind: RefusalKind,
    /// In words.
    pub text: String,
    /// What is allowed, where a number decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// True where the same request may succeed later, unchanged.
    pub retry: bool,
}
}

worded! {
/// Why a request did not reach the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// The request's frame is longer than allowed (the connection is closed after this), or the answer's would be.
    FrameTooLarge,
    /// The frame is not JSON.
    NotJson,
    /// The JSON is not a request: an unknown word, a missing field, a text that is no number.
    BadRequest,
    /// A subscriber asked for events that are not kept, or from a shard that is not there.
    BadPosition,
    /// The connection has as many unanswered requests as it may.
    TooManyInFlight,
    /// The shard's ring is full. Nothing was recorded.
    RingFull,
    /// The journal cannot record now, as with a full disk. Nothing was recorded.
    JournalStalled,
    /// The audit found that the shard's replica differs from it: no new orders until the node is started again.
    /// Nothing was recorded.
    Diverged,
    /// A row cannot be computed exactly in 28 digits.
    NotComputable,
    /// The node keeps no stamps: `node.trace` is 0.
    NotTraced,
    /// As many connections are open as may be, or others needed the place more; this one is closed after this.
    TooManyConnections,
    /// No request came in time; the connection is closed after this.
    Silent,
    /// A subscriber did not keep up.
    TooSlow,
    /// The node is stopping. Nothing was recorded.
    Stopping,
    /// The node stopped before it answered: the command may or may not have been recorded. Ask again with the
    /// same identifier.
    AnswerLost,
}
}

impl RefusalKind {
    /// The same request may succeed later.
    pub const fn may_retry(self) -> bool {
        matches!(
            self,
            Self::TooManyInFlight
                | Self::RingFull
                | Self::JournalStalled
                | Self::TooManyConnections
                | Self::Silent
                | Self::TooSlow
                | Self::Stopping
                | Self::AnswerLost
        )
    }
}

impl Refusal {
    /// A refusal without a number.
    pub fn new(kind: RefusalKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), limit: None, retry: kind.may_retry() }
    }

    /// A refusal because of a number.
    pub fn beyond(kind: RefusalKind, text: impl Into<String>, limit: u64) -> Self {
        Self { limit: Some(limit), ..Self::new(kind, text) }
    }
}
