//! What happened: past-tense words, derived from inputs and never journalled themselves.

use crate::{
    AccountId, Amount, Aside, Broken, BrokerId, CausedBy, ClOrdId, ClockJump, Currency, Date, Denial, ExecId,
    Incarnation, InstrumentId, Money, OrdStatus, OrderId, Position, Price, Quantity, Reference, Scope,
    SessionId, SessionState, ShardId, Side, WireId,
};

journalled! {
    /// One consequence of an input. A command's first event is its answer.
    pub enum Event {
        /// The journal was opened for writing.
        Opened {
            /// Which opening.
            incarnation: Incarnation,
            /// How many orders have requests in doubt now.
            in_doubt: u32,
        },
        /// A command about an account, a limit, a halt or a definition was carried out.
        Done,
        /// A command was denied; nothing changed.
        Denied {
            /// The submitter's identifier, where the command had one.
            cl_ord_id: ClOrdId,
            /// Why.
            denial: Denial,
        },
        /// An order passed the gate and goes out.
        OrderAccepted {
            /// Its identity.
            order: OrderId,
            /// Whose.
            account: AccountId,
            /// The submitter's identifier.
            cl_ord_id: ClOrdId,
        },
        /// The same order was submitted before: nothing was done again.
        OrderExists {
            /// Its identity.
            order: OrderId,
            /// Where it stands.
            status: OrdStatus,
        },
        /// A cancel or replace request goes out.
        RequestAccepted {
            /// About which order.
            order: OrderId,
            /// The request's identity on the wire.
            request: WireId,
        },
        /// A request is over without effect: refused, or never delivered.
        RequestRefused {
            /// About which order.
            order: OrderId,
            /// Which request.
            request: WireId,
            /// The broker's code, or 0.
            reject_code: u16,
            /// The broker's words, or ours.
            text: Reference,
        },
        /// An order's status, terms or certainty changed.
        OrderChanged {
            /// Which.
            order: OrderId,
            /// Whose.
            account: AccountId,
            /// Where it stands.
            status: OrdStatus,
            /// Its quantity.
            quantity: Quantity,
            /// Executed so far.
            cum_quantity: Quantity,
            /// Its limit price.
            limit_price: Option<Price>,
        },
        /// An execution was booked.
        Executed {
            /// Of which order.
            order: OrderId,
            /// Whose.
            account: AccountId,
            /// Of what.
            instrument: InstrumentId,
            /// Which side.
            side: Side,
            /// By which broker.
            broker: BrokerId,
            /// FIX tag 17.
            exec_id: ExecId,
            /// Units.
            quantity: Quantity,
            /// At.
            price: Price,
            /// Fee charged, in `currency`.
            fee: Amount,
            /// Realised profit, before fees, in `currency`.
            realised: Amount,
            /// The instrument's currency.
            currency: Currency,
            /// When cash and units change hands.
            settles: Date,
        },
        /// An execution came again and was not booked again.
        ExecutionRepeated {
            /// Of which order.
            order: OrderId,
            /// FIX tag 17.
            exec_id: ExecId,
        },
        /// Cash came in or went out.
        CashMoved {
            /// Whose.
            account: AccountId,
            /// How much; negative when it went out.
            money: Money,
        },
        /// A cash move with the same reference and content was booked before.
        CashMoveExists,
        /// Unsettled cash became settled.
        CashSettled {
            /// Whose.
            account: AccountId,
            /// How much, net.
            money: Money,
            /// Of which date.
            date: Date,
        },
        /// A halt began or ended.
        HaltChanged {
            /// Of what.
            scope: Scope,
            /// True where it is halted now.
            halted: bool,
        },
        /// A session changed.
        SessionChanged {
            /// Which.
            session: SessionId,
            /// Where it stands.
            state: SessionState,
        },
        /// Positions are valued at a new price.
        Marked {
            /// Of what.
            instrument: InstrumentId,
            /// At.
            price: Price,
        },
        /// An input had no effect, since an invariant broke; whom it concerned is set aside.
        SetAside {
            /// What broke where, and who that is.
            broken: Broken,
        },
        /// Who was set aside takes part again.
        Released {
            /// Who.
            aside: Aside,
        },
        /// What an account has due on a date could not be settled, and is kept.
        SettlementHeld {
            /// Whose.
            account: AccountId,
            /// Of which date.
            date: Date,
        },
        /// Somebody must look.
        Alert(Alert),
        /// Cancels are asked for: the shard takes each as a record of its own.
        CancelsAsked {
            /// Of whom.
            scope: Scope,
            /// How many.
            asked: u32,
            /// Open orders of the scope that have a request out already.
            left: u32,
            /// How many other shards are asked to do the same.
            others: u32,
        },
        /// An ask was on record before: nothing was done again.
        AskRepeated {
            /// Which.
            cause: CausedBy,
        },
        /// Another shard has asks of this one on record.
        AsksEnded {
            /// Which shard.
            by: ShardId,
            /// How many asks that ended.
            ended: u32,
        },
        /// The wall clock is not trusted: new orders are denied and dates stand still until somebody accepts it.
        ClockJumped {
            /// Where it was found.
            jump: ClockJump,
        },
        /// The wall clock is trusted again.
        ClockAccepted {
            /// The record of the finding that was accepted.
            found: Position,
            /// By how much the shard's time steps ahead, in nanoseconds.
            step_ns: i64,
        },
    }

    /// Something a person must look at.
    pub struct Alert {
        /// What.
        pub kind: AlertKind,
        /// About which order, where there is one.
        pub order: Option<OrderId>,
        /// On which session, where there is one.
        pub session: Option<SessionId>,
        /// A number that tells more: a quantity or amount.
        pub value: Option<Amount>,
    }

    /// What a person must look at.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum AlertKind {
        /// A broker reported on an order we do not have: the fill, if any, is in suspense.
        UnknownOrder,
        /// A broker cancelled an order nobody asked to cancel.
        UnsolicitedCancel,
        /// More was executed than ordered; booked.
        Overfill,
        /// An execution of an order that was finished; booked.
        FillAfterTerminal,
        /// An execution came again with other economics; not booked again.
        ExecutionConflict,
        /// The broker's cumulated quantity is below ours.
        CumQuantityMismatch,
        /// The report names another symbol or side than the order.
        ReportMismatch,
        /// A broker's execution without ExecID: booked nowhere, kept.
        MissingExecId,
        /// A message was kept raw.
        MessageQuarantined,
        /// A report type that changes nothing here: restated, calculated, suspended.
        UnusualReport,
        /// A request stayed in doubt after the session was cleared up.
        StillInDoubt,
        /// A broker refused a message of ours.
        MessageRejected,
        /// A fill could not be booked exactly; in suspense.
        BookingFailed,
        /// An execution dated before the dates we remember executions of: not booked, it may be a repetition.
        ExecutionTooOld,
        /// A message whose names are not the session's: kept raw, not booked; the session ended. The value is its number.
        CompIdProblem,
        /// Our record of what was sent is older than the truth: the broker is asked about everything in doubt. The value
        /// is the number that the broker expects, where it told it.
        RecordDistrusted,
        /// The broker began its numbers at 1 again, and with them our record: it is asked about everything in doubt.
        SequenceReset,
        /// The broker does not send again what we miss; the session ended. The value is the first missing number.
        GapUnfilled,
        /// An invariant broke, or a fill came for whom is set aside since: the fill is in suspense.
        SetAside,
        /// Something due could not be settled; it is kept and tried again.
        SettlementHeld,
        /// The broker counts more as executed than it has told: it is asked, and that much stays reserved. The value is
        /// how much is missing.
        ExecutionMissing,
        /// The wall clock is not trusted, or was found elsewhere since. The value is by how many seconds it is off: below
        /// zero where it is behind.
        ClockSuspect,
        /// The broker was asked more than once, and has still not answered an order or a request about one: in doubt.
        AnswerOverdue,
    }
}
