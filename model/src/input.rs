//! Everything that can change state. What is not an [`Input`] does not happen to the core.

use crate::{
    Broken, CancelReject, CausedBy, ClockAnchor, ClockJump, Command, ExecutionReport, Incarnation,
    InstrumentId, MessageReject, Origin, QuarantinedMessage, Quote, SessionId, ShardId, Stamped, WireId,
};

journalled! {
    /// Where a session stands.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum SessionState {
        /// Not logged on: new orders are denied.
        Down,
        /// Logged on; what was in doubt is being cleared up. New orders are denied.
        Up,
        /// Cleared up: orders flow.
        Ready,
    }

    /// A session went up or down, or became ready.
    pub struct SessionChange {
        /// Which.
        pub session: SessionId,
        /// Where it stands now.
        pub state: SessionState,
        /// For `Ready`: how many requests are still in doubt.
        pub unresolved: u32,
    }

    /// What became of a request that was in doubt.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum Delivery {
        /// It never left this machine.
        NeverSent,
        /// The broker, asked after all earlier messages were settled, does not know it.
        UnknownToBroker,
        /// The broker did not answer in time.
        Unanswered,
    }

    /// Evidence about a request that was in doubt.
    pub struct DeliveryEvidence {
        /// The session it was meant for.
        pub session: SessionId,
        /// The request: an order's id, or that of a cancel or replace request.
        pub request: WireId,
        /// What was found.
        pub delivery: Delivery,
    }
}

/// One journalled input.
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
    borsh::BorshSerialize,
    borsh::BorshDeserialize,
    serde::Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// The journal was opened for writing: sessions are down, what was unanswered is in doubt.
    Opened {
        /// Which opening.
        incarnation: Incarnation,
        /// The version of the logic that decides from here on.
        logic_version: u32,
        /// How the shard's time stood to the machine's boot, where that is known.
        anchor: Option<ClockAnchor>,
    },
    /// Somebody asks for something.
    Command {
        /// Who.
        origin: Origin,
        /// What it follows from, where nobody asked for it.
        cause: Option<CausedBy>,
        /// What the shard knew when it took it.
        stamped: Stamped,
        /// What.
        command: Command,
    },
    /// A broker reports.
    ExecutionReport(ExecutionReport),
    /// A broker refuses a cancel or replace request.
    CancelReject(CancelReject),
    /// A broker refuses a message.
    MessageReject(MessageReject),
    /// A broker said something we keep raw.
    Quarantined(QuarantinedMessage),
    /// A session changed.
    Session(SessionChange),
    /// Evidence about a request in doubt.
    Evidence(DeliveryEvidence),
    /// The price positions are valued at.
    Mark {
        /// Of what.
        instrument: InstrumentId,
        /// The quote.
        quote: Quote,
    },
    /// Time has passed a deadline that state holds.
    #[default]
    Tick,
    /// Another shard has on record what this one asked of it, up to this cause.
    AsksTaken {
        /// The other shard.
        by: ShardId,
        /// Up to here.
        cause: CausedBy,
    },
    /// The input of the record before had no effect: an invariant broke.
    Broken(Broken),
    /// The wall clock is not where it should be, or is back: it is not trusted until somebody accepts it.
    ClockJumped(ClockJump),
    /// The shard's time stands otherwise to the machine's boot than was recorded last.
    ClockAnchored(ClockAnchor),
}

impl Input {
    /// A command that somebody asked for.
    #[inline]
    pub const fn command(origin: Origin, stamped: Stamped, command: Command) -> Self {
        Self::Command { origin, cause: None, stamped, command }
    }
}
