//! Everything that can change state. What is not an [`Input`] does not happen to the core.

use crate::{
    AccountId, Actor, Amount, Aside, Broken, BrokerId, CancelAll, CancelOrder, CancelReject, CashMove,
    CausedBy, ClockAcceptance, ClockAnchor, ClockJump, Currency, ExecutionReport, FeeSchedule, Incarnation,
    Instrument, InstrumentId, LimitKind, MessageReject, Name, NewOrder, Origin, PortfolioId,
    QuarantinedMessage, Quote, Remember, ReplaceOrder, Scope, SessionId, ShardId, Stamped, StrategyId,
    WireId,
};

journalled! {
    /// A portfolio's definition.
    pub struct PortfolioDefinition {
        /// Its identity.
        pub id: PortfolioId,
        /// Its name, unique in the node.
        pub name: Name,
    }

    /// An account's definition.
    pub struct AccountDefinition {
        /// Its identity.
        pub id: AccountId,
        /// Its name, unique in the node; FIX tag 1 on the wire.
        pub name: Name,
        /// The portfolio it belongs to, for good.
        pub portfolio: PortfolioId,
        /// The session its orders go out on.
        pub session: SessionId,
        /// What its executions cost where the broker states no commission.
        pub fees: FeeSchedule,
    }

    /// A FIX session's definition, as far as the core must know it.
    pub struct SessionDefinition {
        /// Its identity.
        pub id: SessionId,
        /// Its name.
        pub name: Name,
        /// The broker behind it.
        pub broker: BrokerId,
    }

    /// The name of a strategy. What it decides is its own affair: orders carry its number.
    pub struct StrategyDefinition {
        /// The portfolio whose strategy it is.
        pub portfolio: PortfolioId,
        /// Its number, unique in the portfolio; never 0, which stands for a person.
        pub id: StrategyId,
        /// Its name, unique in the portfolio.
        pub name: Name,
    }

    /// The name of a broker. Sessions carry its number.
    pub struct BrokerDefinition {
        /// Its identity.
        pub id: BrokerId,
        /// Its name, unique in the node.
        pub name: Name,
    }

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
        /// It was sent while the session was up, and is not answered for longer than the session's patience.
        Overdue,
        /// The same, after the broker was asked more than once.
        LongOverdue,
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

    /// What somebody asks for.
    pub enum Command {
        /// Submit an order.
        NewOrder(NewOrder),
        /// Cancel an order.
        CancelOrder(CancelOrder),
        /// Change an order.
        ReplaceOrder(ReplaceOrder),
        /// Move cash in or out.
        MoveCash(CashMove),
        /// Stop new orders in a scope. Cancels and fills go on.
        Halt(Scope),
        /// End a halt of exactly that scope.
        Resume(Scope),
        /// Set or lift one limit of an account, or of a portfolio in one currency.
        SetLimit {
            /// Whose.
            actor: Actor,
            /// Which.
            kind: LimitKind,
            /// For [`LimitKind::MaxGrossExposure`].
            currency: Option<Currency>,
            /// The new value; `None` lifts it.
            value: Option<Amount>,
        },
        /// Define or change an instrument. Its id and currency never change.
        DefineInstrument(Instrument),
        /// Define a portfolio or rename it.
        DefinePortfolio(PortfolioDefinition),
        /// Define an account or change its name, session or fees.
        DefineAccount(AccountDefinition),
        /// Define a session.
        DefineSession(SessionDefinition),
        /// Cancel every open order in a scope.
        CancelAll(CancelAll),
        /// Take back who was set aside after a broken invariant.
        Release(Aside),
        /// Trust the wall clock again, as it was found.
        AcceptClock(ClockAcceptance),
        /// Name a strategy, or rename it.
        DefineStrategy(StrategyDefinition),
        /// Name a broker, or rename it.
        DefineBroker(BrokerDefinition),
        /// Set for how long identifiers are remembered.
        Remember(Remember),
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
