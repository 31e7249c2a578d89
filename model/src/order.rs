//! The words of an order's life: FIX 4.4's own, with its codes.

/// A closed set of FIX codes: each variant with its wire character and name.
macro_rules! fix_codes {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal, $text:literal;)* })*) => {$(
        journalled! {
            $(#[$doc])*
            #[derive(PartialOrd, Ord, Hash)]
            pub enum $name { $($(#[$vdoc])* $variant,)* }
        }

        impl $name {
            /// Every value, in FIX order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The character on the wire.
            pub const fn fix_code(self) -> char {
                match self { $(Self::$variant => $code,)* }
            }

            /// From the character on the wire; `None` where we do not know it.
            pub const fn from_fix_code(code: char) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            /// The name in text.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.as_str())
            }
        }
    )*};
}
pub(crate) use fix_codes;

fix_codes! {
    /// FIX tag 54.
    Side {
        /// Buy.
        Buy = '1', "buy";
        /// Sell, long or, where permitted, short.
        Sell = '2', "sell";
    }

    /// FIX tag 40.
    OrderType {
        /// At the market's price.
        Market = '1', "market";
        /// At the limit price or better.
        Limit = '2', "limit";
    }

    /// FIX tag 59.
    TimeInForce {
        /// Until the end of the trading day.
        Day = '0', "day";
        /// Good till cancel.
        GoodTillCancel = '1', "gtc";
        /// Immediate or cancel.
        ImmediateOrCancel = '3', "ioc";
        /// Fill or kill.
        FillOrKill = '4', "fok";
    }

    /// FIX tag 39, with `Denied` for what never left us ("rejected" is the broker's word).
    OrdStatus {
        /// The broker works the order.
        New = '0', "new";
        /// Partly executed, the rest still works.
        PartiallyFilled = '1', "partially_filled";
        /// Executed in full.
        Filled = '2', "filled";
        /// Done for the day; the rest comes back tomorrow.
        DoneForDay = '3', "done_for_day";
        /// Cancelled.
        Canceled = '4', "canceled";
        /// A cancel request is out.
        PendingCancel = '6', "pending_cancel";
        /// Stopped: a price is guaranteed, the execution follows.
        Stopped = '7', "stopped";
        /// Refused by the broker.
        Rejected = '8', "rejected";
        /// Suspended by the broker.
        Suspended = '9', "suspended";
        /// Approved and recorded by us; no word from the broker yet.
        PendingNew = 'A', "pending_new";
        /// Ran out of its time in force.
        Expired = 'C', "expired";
        /// A replace request is out.
        PendingReplace = 'E', "pending_replace";
        /// Refused by our own risk gate: it never left the process. Not a FIX code.
        Denied = 'x', "denied";
    }
}

journalled! {
    /// A request about an order that the broker has not answered.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum PendingKind {
        /// A cancel request.
        Cancel,
        /// A cancel/replace request.
        Replace,
    }

    /// Do we know what the broker knows? The third axis of an order, beside its status and pending request.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum Certainty {
        /// Nothing unexplained is out.
        Certain,
        /// Something may or may not have reached the broker; the worst case stays reserved until evidence ends it.
        InDoubt,
    }
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

impl OrdStatus {
    /// Nothing more is expected: no leaves, nothing reserved.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Filled | Self::Canceled | Self::Rejected | Self::Expired | Self::Denied)
    }
}
