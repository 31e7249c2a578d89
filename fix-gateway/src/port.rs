//! What a session needs of the shard it is homed on. The engine crate implements it; this crate knows no more of it.

use std::collections::BTreeSet;

use model::{Input, Name, Outbound, Position, Side, Symbol, Text, WireId};

/// The shard of a session, as the session sees it.
///
/// Contract: [`post`](Self::post) makes progress without anybody calling [`poll_outbound`](Self::poll_outbound).
/// The shard therefore never waits for room in the outbound ring while it holds an input; it refuses commands
/// before it appends them instead.
pub trait ShardPort: Send + Sync + 'static {
    /// The next message for this session, in order; `None` when there is none now.
    fn poll_outbound(&self) -> Option<Outbound>;

    /// Hands an input to the shard. Waits while its ring is full, which stops the reading of the socket, and
    /// never drops. May be called from several threads.
    fn post(&self, input: Input) -> Result<(), ShardClosed>;

    /// The session's requests in doubt in the state at or after `at`, and its orders of which the broker counts more as
    /// executed than it told. Reads a replica and waits for it.
    fn doubts(&self, at: Position) -> Result<Vec<Doubt>, ShardClosed>;

    /// The session's requests that the broker has not answered yet, in doubt or not, in the state at or after `at`.
    fn unanswered(&self, at: Position) -> Result<BTreeSet<WireId>, ShardClosed>;

    /// The session's requests that the broker has acknowledged by name, of orders that are open, in the state at or after
    /// `at`: they were sent, so a record that does not hold them is older than the truth.
    fn acknowledged(&self, at: Position) -> Result<BTreeSet<WireId>, ShardClosed>;

    /// The highest `MsgSeqNum` of an application message that the journal holds for this session; 0 for none.
    /// Read once, before logon.
    fn inbound_high_water(&self) -> u64;
}

/// The node stops: the shard takes nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the shard takes no more inputs: the node stops")]
pub struct ShardClosed;

/// A request of which nobody knows whether the broker received it, or an order of which an execution is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// The request: FIX tag 11 as we sent it, or meant to.
    pub request: WireId,
    /// The order's last acknowledged `ClOrdID`; equal to `request` where that is no cancel and no replace.
    pub order: WireId,
    /// What was asked for.
    pub kind: DoubtKind,
    /// FIX tag 55 of the order.
    pub symbol: Symbol,
    /// FIX tag 54 of the order.
    pub side: Side,
    /// FIX tag 1 of the order.
    pub account: Name,
    /// FIX tag 37, where the broker told it; empty otherwise.
    pub broker_order_id: Text<40>,
}

/// What the request in doubt asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoubtKind {
    /// `NewOrderSingle` (35=D).
    NewOrder,
    /// `OrderCancelRequest` (35=F).
    Cancel,
    /// `OrderCancelReplaceRequest` (35=G).
    Replace,
    /// Nothing: the order is known, and the broker counts more as executed than it told.
    Execution,
}

impl Doubt {
    /// The `ClOrdID` to ask the broker about.
    ///
    /// For a replace it is the request itself: a broker that took it knows the order by that id (FIX 4.4 vol. 4,
    /// "`OrderCancelReplaceRequest`"), and one that did not, does not. The order's old id would tell neither.
    pub const fn asks_about(&self) -> WireId {
        match self.kind {
            DoubtKind::NewOrder | DoubtKind::Replace => self.request,
            DoubtKind::Cancel | DoubtKind::Execution => self.order,
        }
    }
}
