//! Why the core refuses: closed, numbered, with the limit and the actual.

use core::fmt;

use crate::{Amount, ArithmeticError};

/// Each reason: variant = stable number, FIX `OrdRejReason` (tag 103), the field it is about, its text.
macro_rules! deny_reasons {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $fix:literal, $field:literal, $text:literal;)*) => {
        journalled! {
            /// Why a command was denied. Numbers are stable: they stand in journals and in clients' code.
            #[derive(PartialOrd, Ord, Hash)]
            pub enum DenyReason { $($(#[$doc])* $variant,)* }
        }

        impl DenyReason {
            /// Every reason, by number.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable number.
            pub const fn number(self) -> u16 {
                match self { $(Self::$variant => $number,)* }
            }

            /// FIX tag 103 for a client on a FIX session (99 is "other").
            pub const fn fix_ord_rej_reason(self) -> u16 {
                match self { $(Self::$variant => $fix,)* }
            }

            /// The field of the command that the refusal is about.
            pub const fn field(self) -> &'static str {
                match self { $(Self::$variant => $field,)* }
            }

            /// One sentence.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The name in programs' output.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)* }
            }
        }
    };
}

deny_reasons! {
    // 1xx: who and what
    /// No such account on this shard.
    UnknownAccount = 101, 15, "account", "there is no such account";
    /// No such instrument.
    UnknownInstrument = 102, 1, "symbol", "there is no such instrument";
    /// No such order in the account.
    UnknownOrder = 103, 5, "order", "the account has no such order";
    /// No such portfolio.
    UnknownPortfolio = 104, 99, "portfolio", "there is no such portfolio";
    /// No such session.
    UnknownSession = 105, 99, "session", "there is no such session";
    /// The ClOrdID was used with other content.
    DuplicateClOrdId = 110, 6, "cl_ord_id", "the identifier was used before, with other content";
    /// The reference of a cash move was used with other content.
    DuplicateReference = 111, 99, "reference", "the reference was used before, with other content";
    /// An identifier is missing.
    MissingIdentifier = 112, 99, "cl_ord_id", "an identifier is needed";
    /// A definition contradicts what is defined already, or itself.
    BadDefinition = 113, 99, "definition", "the definition contradicts itself or what exists";
    /// The ClOrdID is that of an order that is no longer kept, and the firm refuses those for longer.
    ClOrdIdRemembered = 114, 6, "cl_ord_id", "the identifier was used before, within orders.remember_days";

    // 2xx: not now
    /// The firm, portfolio, account, strategy or instrument is halted.
    Halted = 201, 2, "scope", "trading is halted";
    /// The broker's session is not ready.
    SessionNotReady = 202, 2, "session", "the broker's session is not ready";
    /// The order is finished.
    TooLate = 204, 4, "order", "the order is finished";
    /// A request about the order is unanswered.
    RequestPending = 205, 99, "order", "an earlier request about the order is unanswered";
    /// The broker has not acknowledged the order, or it is in doubt.
    OrderInDoubt = 206, 99, "order", "it is not certain what the broker knows of the order";
    /// Too many messages wait on the way to the broker.
    SessionBacklogged = 207, 99, "session", "too many messages wait for the broker's session";
    /// The wall clock is not trusted since it jumped.
    ClockSuspect = 208, 2, "clock", "the clock jumped and is not trusted; an operator accepts it";
    /// The account, its portfolio or the instrument is set aside: an invariant broke.
    AccountSetAside = 209, 99, "account", "set aside since an invariant broke; an operator releases it";
    /// The clock is trusted, or was found elsewhere since.
    NothingToAccept = 210, 99, "found", "the clock is trusted, or was found elsewhere since: there is nothing to accept";

    // 3xx: malformed
    /// Quantity is zero or below.
    QuantityNotPositive = 301, 13, "quantity", "the quantity must be above zero";
    /// Quantity is not a whole number of lots.
    QuantityNotInLots = 302, 13, "quantity", "the quantity must be a whole number of lots";
    /// A limit order without a price.
    PriceMissing = 303, 99, "limit_price", "a limit order needs a price";
    /// A market order with a price.
    PriceNotAllowed = 304, 99, "limit_price", "a market order takes no price";
    /// Price is zero or below.
    PriceNotPositive = 305, 99, "limit_price", "the price must be above zero";
    /// Price is not a whole number of ticks.
    PriceNotInTicks = 306, 99, "limit_price", "the price must be a whole number of ticks";
    /// A number is too large or too precise to compute with exactly.
    Arithmetic = 307, 99, "number", "the exact result does not fit 28 digits";
    /// An amount is zero or below.
    AmountNotPositive = 308, 99, "amount", "the amount must be above zero";
    /// A limit value makes no sense for its kind.
    BadLimit = 309, 99, "value", "the value makes no sense for this limit";
    /// A replace would leave less than what is filled.
    QuantityBelowFilled = 310, 13, "quantity", "the new quantity must be above what is already filled";

    // 4xx: risk
    /// No quote, or one too old.
    NoFreshQuote = 401, 99, "quote", "there is no fresh quote";
    /// Too many units in one order.
    OrderQuantity = 402, 3, "quantity", "the order is larger than max_order_quantity";
    /// Too much notional in one order.
    OrderNotional = 403, 3, "notional", "the order's notional is above max_order_notional";
    /// The price is too far from the quote.
    PriceBand = 404, 99, "limit_price", "the price is outside price_band_bps around the quote";
    /// The position would become too large.
    PositionLimit = 405, 3, "position", "position and open orders would exceed max_position";
    /// Selling more than is owned and free.
    ShortSale = 406, 99, "quantity", "the account may not sell more than it holds free";
    /// Not enough available cash.
    AvailableCash = 407, 3, "cash", "the order needs more cash than is available";
    /// The portfolio's gross exposure would become too large.
    GrossExposure = 408, 3, "exposure", "the portfolio's gross exposure would exceed max_gross_exposure";
}

journalled! {
    /// A refusal: a value, with the two numbers that decided it.
    #[derive(Hash)]
    pub struct Denial {
        /// Why.
        pub reason: DenyReason,
        /// What was allowed, where a number decided.
        pub limit: Option<Amount>,
        /// What was asked, where a number decided.
        pub actual: Option<Amount>,
    }
}

impl Denial {
    /// A refusal without numbers.
    pub const fn of(reason: DenyReason) -> Self {
        Self { reason, limit: None, actual: None }
    }

    /// A refusal by a number.
    pub const fn beyond(reason: DenyReason, limit: Amount, actual: Amount) -> Self {
        Self { reason, limit: Some(limit), actual: Some(actual) }
    }
}

impl From<ArithmeticError> for Denial {
    fn from(_: ArithmeticError) -> Self {
        Self::of(DenyReason::Arithmetic)
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.reason.number(), self.reason.field(), self.reason.text())?;
        match (self.limit, self.actual) {
            (Some(limit), Some(actual)) => write!(f, " (limit {limit}, actual {actual})"),
            _ => Ok(()),
        }
    }
}

impl core::error::Error for Denial {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn numbers_are_unique_and_rising() {
        let numbers: Vec<u16> = DenyReason::ALL.iter().map(|reason| reason.number()).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    }
}
