//! What must always hold, and what is recorded where it did not.
//!
//! A broken invariant is a panic, here as in any Rust program: [`broken`], [`holds`] and [`there`] make it, and none of
//! them has a quiet way out. What follows from the panic is the host's business: in tests and simulations it goes on,
//! in production the shard catches it, records a [`Broken`], and sets the one actor aside.
//! `docs/decisions/0027-broken-invariants.md` says why.

use core::fmt;

use crate::{AccountId, CausedBy, InstrumentId, PortfolioId, Position, Reference};

/// Each invariant: variant = stable number, the sentence that was not true.
macro_rules! invariants {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $text:literal;)*) => {
        journalled! {
            /// What must always hold. Numbers are stable: they stand in journals.
            #[derive(PartialOrd, Ord, Hash)]
            pub enum Invariant { $($(#[$doc])* $variant,)* }
        }

        impl Invariant {
            /// Every invariant, by number.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable number.
            pub const fn number(self) -> u16 {
                match self { $(Self::$variant => $number,)* }
            }

            /// The sentence that must be true.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

invariants! {
    /// Any other panic: an index, an overflow, an assertion of a library.
    NoPanic = 1, "the code does not panic";
    /// Accounts are never removed.
    AccountIsThere = 2, "the account of an order or a posting is there";
    /// Instruments are never removed.
    InstrumentIsThere = 3, "the instrument of an order is there";
    /// Portfolios are never removed.
    PortfolioIsThere = 4, "the portfolio of an account is there";
    /// An order that changes is one that was looked up just before.
    OrderIsThere = 5, "an order that changes is there";
    /// A request goes out only where it is pending.
    RequestIsThere = 6, "a request that goes out is pending";
    /// Lists, pages and names lead to places that are taken.
    PlaceIsTaken = 7, "what a list or an index leads to stands on its shelf";
    /// A table has a place for what it has just made room for.
    RoomIsThere = 8, "a table has room for what is put into it";
    /// Double entry.
    BooksBalance = 9, "the balances of a book sum to zero";
    /// Of cash, units, open quantities and exposure.
    ReservedIsNotNegative = 10, "nothing that is reserved is below zero";
    /// Executions are never taken back.
    ExecutedOnlyGrows = 11, "what is executed of an order only grows";
    /// What settles was taken from the dates just before.
    DateIsThere = 12, "a date that is due is there";
    /// The rule about quotes comes before the one that uses them.
    QuoteIsThere = 13, "an order that needs a quote has one when its price is judged";
    /// A withdrawal was compared with what is free.
    WithdrawalIsCovered = 14, "a withdrawal leaves no less than nothing";
    /// Retired orders are finished ones.
    RetiredIsFinished = 15, "an order that is retired is finished and reserves nothing";
    /// Sessions are never removed.
    SessionIsThere = 16, "the session of an account or an order is there";
}

journalled! {
    /// Who is set aside after a broken invariant, until an operator releases it.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum Aside {
        /// One account: new orders are denied, fills go to suspense, cancels still leave.
        Account(AccountId),
        /// One portfolio: the same for each of its accounts.
        Portfolio(PortfolioId),
        /// One instrument: the same for orders in it; its marks are ignored.
        Instrument(InstrumentId),
        /// Settling and retiring by time: no tick is made.
        Ticks,
        /// What failed belongs to nobody in particular: the whole firm is halted.
        Firm,
    }

    /// An input that was recorded and had no effect, since an invariant broke while it was applied. Its record stands
    /// directly behind that of the input.
    pub struct Broken {
        /// The record of the input.
        pub position: Position,
        /// What did not hold.
        pub invariant: Invariant,
        /// What the panic said, cut.
        pub text: Reference,
        /// Who is set aside.
        pub aside: Aside,
        /// What the input followed from, where it was asked for: the ask ends with it, or it would be taken again for ever.
        pub cause: Option<CausedBy>,
    }
}

impl Invariant {
    /// Which one a panic with this message is about.
    pub fn of_panic(message: &str) -> Self {
        let number = message.strip_prefix("invariant ").and_then(|rest| rest.split_once(':'));
        let number = number.and_then(|(number, _)| number.parse().ok());
        Self::ALL
            .iter()
            .copied()
            .find(|invariant| Some(invariant.number()) == number)
            .unwrap_or(Self::NoPanic)
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invariant {}: {}", self.number(), self.text())
    }
}

/// An invariant is broken: nothing goes on from here.
#[cold]
#[inline(never)]
#[track_caller]
#[expect(
    clippy::panic,
    reason = "this is where broken invariants end: nothing may be computed from a state that is wrong"
)]
pub fn broken(invariant: Invariant) -> ! {
    panic!("{invariant}")
}

/// Asserts an invariant, in every build.
#[expect(clippy::inline_always, reason = "one comparison where it holds")]
#[inline(always)]
#[track_caller]
pub fn holds(condition: bool, invariant: Invariant) {
    if !condition {
        broken(invariant);
    }
}

/// What must be there.
#[expect(clippy::inline_always, reason = "one comparison where it is there")]
#[inline(always)]
#[track_caller]
pub fn there<T>(found: Option<T>, invariant: Invariant) -> T {
    match found {
        Some(found) => found,
        None => broken(invariant),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    #[test]
    fn numbers_are_unique_and_rising() {
        let numbers: Vec<u16> = Invariant::ALL.iter().map(|invariant| invariant.number()).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    }

    #[test]
    fn a_panic_tells_its_invariant() {
        for invariant in Invariant::ALL {
            assert_eq!(Invariant::of_panic(&invariant.to_string()), *invariant);
        }
        for other in
            ["", "invariant", "invariant 9", "invariant x: y", "invariant 999: y", "index out of bounds"]
        {
            assert_eq!(Invariant::of_panic(other), Invariant::NoPanic, "{other}");
        }
    }
}
