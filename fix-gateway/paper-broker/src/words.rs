//! The broker's own words for what FIX says. Not those of the core: a mistake must not hide on both sides.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// The FIX code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// From the FIX code.
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }
    )*};
}

codes! {
    /// FIX tag 54.
    Side {
        /// Buy.
        Buy = "1",
        /// Sell.
        Sell = "2",
    }
    /// FIX tag 40.
    OrdType {
        /// Market.
        Market = "1",
        /// Limit.
        Limit = "2",
    }
    /// FIX tag 59.
    Tif {
        /// Good for the day.
        Day = "0",
        /// Good till cancelled.
        Gtc = "1",
        /// Immediate or cancel.
        Ioc = "3",
        /// Fill or kill.
        Fok = "4",
    }
    /// FIX tag 39.
    OrdStatus {
        /// Working, nothing filled.
        New = "0",
        /// Working, some filled.
        PartiallyFilled = "1",
        /// All filled.
        Filled = "2",
        /// Cancelled.
        Canceled = "4",
        /// Rejected.
        Rejected = "8",
        /// Received, not yet answered.
        PendingNew = "A",
        /// Expired.
        Expired = "C",
    }
    /// FIX tag 150.
    ExecType {
        /// The order works.
        New = "0",
        /// Cancelled.
        Canceled = "4",
        /// Replaced.
        Replaced = "5",
        /// Rejected.
        Rejected = "8",
        /// Expired.
        Expired = "C",
        /// An execution.
        Trade = "F",
        /// An answer to a status request.
        OrderStatus = "I",
    }
}

impl OrdStatus {
    /// Nothing more will happen to such an order.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Filled | Self::Canceled | Self::Rejected | Self::Expired)
    }
}

/// What came with every message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// The initiator's `CompID`: reports go back to it.
    pub session: String,
    /// FIX tag 34.
    pub msg_seq_num: u64,
    /// FIX tag 43.
    pub poss_dup: bool,
    /// FIX tag 97.
    pub poss_resend: bool,
}

/// FIX `NewOrderSingle` (35=D).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewOrder {
    /// Where it came from.
    #[serde(flatten)]
    pub received: Received,
    /// FIX tag 11.
    pub cl_ord_id: String,
    /// FIX tag 1; may be empty.
    pub account: String,
    /// FIX tag 55.
    pub symbol: String,
    /// FIX tag 54.
    pub side: Side,
    /// FIX tag 40.
    pub ord_type: OrdType,
    /// FIX tag 59.
    pub tif: Tif,
    /// FIX tag 38.
    #[serde(with = "rust_decimal::serde::str")]
    pub qty: Decimal,
    /// FIX tag 44.
    #[serde(with = "crate::exact")]
    pub price: Option<Decimal>,
}

/// FIX `OrderCancelRequest` (35=F), or `OrderCancelReplaceRequest` (35=G) when it has terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeRequest {
    /// Where it came from.
    #[serde(flatten)]
    pub received: Received,
    /// FIX tag 11: the request.
    pub cl_ord_id: String,
    /// FIX tag 41: the order.
    pub orig_cl_ord_id: String,
    /// FIX tag 1; may be empty.
    pub account: String,
    /// FIX tag 55.
    pub symbol: String,
    /// FIX tag 54.
    pub side: Side,
    /// The new terms of a replace.
    pub terms: Option<Terms>,
}

/// What a replace asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// FIX tag 40.
    pub ord_type: OrdType,
    /// FIX tag 38: the new total.
    #[serde(with = "rust_decimal::serde::str")]
    pub qty: Decimal,
    /// FIX tag 44.
    #[serde(with = "crate::exact")]
    pub price: Option<Decimal>,
}

/// FIX `OrderStatusRequest` (35=H).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusRequest {
    /// Where it came from.
    #[serde(flatten)]
    pub received: Received,
    /// FIX tag 11: any identifier the order ever had.
    pub cl_ord_id: String,
    /// FIX tag 790: comes back in the answer.
    pub ord_status_req_id: String,
    /// FIX tag 1; may be empty.
    pub account: String,
    /// FIX tag 55.
    pub symbol: String,
    /// FIX tag 54.
    pub side: Option<Side>,
}

/// What the initiator may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// 35=D.
    New(NewOrder),
    /// 35=F or G.
    Change(ChangeRequest),
    /// 35=H.
    Status(StatusRequest),
}

/// FIX `ExecutionReport` (35=8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The session it goes to.
    pub session: String,
    /// FIX tag 17; unique for this broker's directory, restarts included.
    pub exec_id: String,
    /// FIX tag 37; `NONE` where there is no order.
    pub order_id: String,
    /// FIX tag 11.
    pub cl_ord_id: String,
    /// FIX tag 41, where the report answers a request or the order was replaced.
    pub orig_cl_ord_id: Option<String>,
    /// FIX tag 150.
    pub exec_type: ExecType,
    /// FIX tag 39.
    pub ord_status: OrdStatus,
    /// FIX tag 1.
    pub account: String,
    /// FIX tag 55.
    pub symbol: String,
    /// FIX tag 54.
    pub side: Option<Side>,
    /// FIX tag 40.
    pub ord_type: Option<OrdType>,
    /// FIX tag 59.
    pub tif: Option<Tif>,
    /// FIX tag 38.
    #[serde(with = "rust_decimal::serde::str")]
    pub qty: Decimal,
    /// FIX tag 44.
    #[serde(with = "crate::exact")]
    pub price: Option<Decimal>,
    /// FIX tag 32; zero unless a trade.
    #[serde(with = "rust_decimal::serde::str")]
    pub last_qty: Decimal,
    /// FIX tag 31; zero unless a trade.
    #[serde(with = "rust_decimal::serde::str")]
    pub last_px: Decimal,
    /// FIX tag 14.
    #[serde(with = "rust_decimal::serde::str")]
    pub cum_qty: Decimal,
    /// FIX tag 151.
    #[serde(with = "rust_decimal::serde::str")]
    pub leaves_qty: Decimal,
    /// FIX tag 6, rounded to 12 places.
    #[serde(with = "rust_decimal::serde::str")]
    pub avg_px: Decimal,
    /// FIX tag 60, nanoseconds since 1970 UTC.
    pub transact_utc_ns: i64,
    /// FIX tag 75: the UTC date, `YYYYMMDD`.
    pub trade_date: String,
    /// FIX tag 103, on a rejection.
    pub ord_rej_reason: Option<u16>,
    /// FIX tag 790, on an answer to a status request that had one.
    pub ord_status_req_id: Option<String>,
    /// FIX tag 58.
    pub text: String,
}

/// FIX `OrderCancelReject` (35=9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelReject {
    /// The session it goes to.
    pub session: String,
    /// FIX tag 37; `NONE` where there is no order.
    pub order_id: String,
    /// FIX tag 11: the refused request.
    pub cl_ord_id: String,
    /// FIX tag 41: the order.
    pub orig_cl_ord_id: String,
    /// FIX tag 39.
    pub ord_status: OrdStatus,
    /// FIX tag 434: `1` cancel, `2` replace.
    pub response_to: u16,
    /// FIX tag 102: 0 too late, 1 unknown order, 2 broker option, 6 duplicate `ClOrdID`, 99 other.
    pub cxl_rej_reason: u16,
    /// FIX tag 1.
    pub account: String,
    /// FIX tag 60, nanoseconds since 1970 UTC.
    pub transact_utc_ns: i64,
    /// FIX tag 58.
    pub text: String,
}
