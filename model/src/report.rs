//! What brokers tell us, as the gateway translated it. Anything that cannot be translated is kept raw.

use alloc::vec::Vec;

use crate::order::fix_codes;
use crate::{
    Amount, Date, ExecId, OrdStatus, Price, Quantity, Reference, SessionId, Side, Symbol, Text, WireId,
};

fix_codes! {
    /// FIX tag 150: what an execution report is about.
    ExecType {
        /// The order works.
        New = '0', "new";
        /// Done for the day.
        DoneForDay = '3', "done_for_day";
        /// Cancelled.
        Canceled = '4', "canceled";
        /// Replaced.
        Replaced = '5', "replaced";
        /// The cancel request is being worked on.
        PendingCancel = '6', "pending_cancel";
        /// Stopped.
        Stopped = '7', "stopped";
        /// Rejected.
        Rejected = '8', "rejected";
        /// Suspended.
        Suspended = '9', "suspended";
        /// Received, not yet working.
        PendingNew = 'A', "pending_new";
        /// Calculated.
        Calculated = 'B', "calculated";
        /// Expired.
        Expired = 'C', "expired";
        /// Restated by the broker.
        Restated = 'D', "restated";
        /// The replace request is being worked on.
        PendingReplace = 'E', "pending_replace";
        /// An execution.
        Trade = 'F', "trade";
        /// A correction of an execution.
        TradeCorrect = 'G', "trade_correct";
        /// A bust of an execution.
        TradeCancel = 'H', "trade_cancel";
        /// An answer to an order status request.
        OrderStatus = 'I', "order_status";
    }
}

journalled! {
    /// FIX `ExecutionReport` (35=8).
    pub struct ExecutionReport {
        /// The session it came in on.
        pub session: SessionId,
        /// FIX tag 34.
        pub msg_seq_num: u64,
        /// FIX tag 43: the broker sends it again.
        pub poss_dup: bool,
        /// FIX tag 11, where it is an id of ours.
        pub cl_ord_id: Option<WireId>,
        /// FIX tag 41, where it is an id of ours.
        pub orig_cl_ord_id: Option<WireId>,
        /// FIX tag 37.
        pub broker_order_id: Text<40>,
        /// FIX tag 17.
        pub exec_id: ExecId,
        /// FIX tag 150 (for 4.2, with tag 20).
        pub exec_type: ExecType,
        /// FIX tag 39.
        pub ord_status: OrdStatus,
        /// FIX tag 55.
        pub symbol: Symbol,
        /// FIX tag 54.
        pub side: Side,
        /// FIX tag 32; zero where nothing was executed.
        pub last_quantity: Quantity,
        /// FIX tag 31; zero where nothing was executed.
        pub last_price: Price,
        /// FIX tag 14.
        pub cum_quantity: Quantity,
        /// FIX tag 151.
        pub leaves_quantity: Quantity,
        /// FIX tag 12, in the instrument's currency; absent where our own fee schedule applies.
        pub commission: Option<Amount>,
        /// FIX tag 75.
        pub trade_date: Option<Date>,
        /// FIX tag 64.
        pub settlement_date: Option<Date>,
        /// FIX tag 103, or 0.
        pub reject_code: u16,
        /// FIX tag 58.
        pub text: Reference,
    }

    /// FIX `OrderCancelReject` (35=9).
    pub struct CancelReject {
        /// The session it came in on.
        pub session: SessionId,
        /// FIX tag 34.
        pub msg_seq_num: u64,
        /// FIX tag 43.
        pub poss_dup: bool,
        /// FIX tag 11: the refused request.
        pub cl_ord_id: Option<WireId>,
        /// FIX tag 41: the order.
        pub orig_cl_ord_id: Option<WireId>,
        /// FIX tag 39.
        pub ord_status: OrdStatus,
        /// FIX tag 102, or 0.
        pub reject_code: u16,
        /// FIX tag 58.
        pub text: Reference,
    }

    /// FIX `BusinessMessageReject` (35=j) or session-level `Reject` (35=3) of something we sent.
    pub struct MessageReject {
        /// The session it came in on.
        pub session: SessionId,
        /// FIX tag 34.
        pub msg_seq_num: u64,
        /// FIX tag 43.
        pub poss_dup: bool,
        /// Which of the two.
        pub level: RejectLevel,
        /// What was refused, where it could be found (tag 379, or by tag 45 in what we sent).
        pub refused: Option<WireId>,
        /// FIX tag 380 or 373.
        pub reject_code: u16,
        /// FIX tag 58.
        pub text: Reference,
    }

    /// Who refused a message.
    pub enum RejectLevel {
        /// The session layer: 35=3.
        Session,
        /// The application: 35=j.
        Business,
    }

    /// Why a message was kept raw.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum QuarantineCause {
        /// A message type we do not handle.
        UnknownMessageType,
        /// A code we do not know (`ExecType`, `OrdStatus`, `Side`).
        UnknownCode,
        /// A required field is missing or not readable.
        BadField,
        /// A correction of an execution: its booking comes later.
        TradeCorrect,
        /// A bust of an execution: its booking comes later.
        TradeCancel,
        /// The names in it (tags 8, 49, 56) are not the session's: whoever sent it, it is not booked.
        CompIdProblem,
        /// The broker refuses our logon, since it has seen higher numbers than our record of what was sent holds.
        NumberTooLow,
        /// The journal knows of requests at the broker that our record of what was sent does not hold.
        RecordIncomplete,
        /// The broker begins its numbers, and ours, at 1 again.
        SequenceReset,
        /// Messages of the broker's are missing, and it does not send them again.
        GapUnfilled,
    }
}

/// A message from a broker that we could not, or not fully, translate, or that puts the session itself in question: kept
/// as it came, with an alert.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
    borsh::BorshSerialize,
    borsh::BorshDeserialize,
    serde::Serialize,
)]
pub struct QuarantinedMessage {
    /// The session it came in on.
    pub session: SessionId,
    /// FIX tag 34. Where the cause is about the session itself ([`QuarantineCause::is_of_session`]), the number it is
    /// about; it is no number of an application message then.
    pub msg_seq_num: u64,
    /// Why.
    pub cause: QuarantineCause,
    /// FIX tag 11, where it is an id of ours.
    pub cl_ord_id: Option<WireId>,
    /// The number of bytes of the whole message.
    pub len_bytes: u32,
    /// The message, cut at [`QuarantinedMessage::KEPT_BYTES`].
    pub raw: Vec<u8>,
}

impl QuarantineCause {
    /// True for what is wrong with the session itself: nothing was received that counts.
    pub const fn is_of_session(self) -> bool {
        match self {
            Self::UnknownMessageType
            | Self::UnknownCode
            | Self::BadField
            | Self::TradeCorrect
            | Self::TradeCancel => false,
            Self::CompIdProblem
            | Self::NumberTooLow
            | Self::RecordIncomplete
            | Self::SequenceReset
            | Self::GapUnfilled => true,
        }
    }
}

impl QuarantinedMessage {
    /// How much of a message is kept.
    pub const KEPT_BYTES: usize = 32 * 1024;
}
