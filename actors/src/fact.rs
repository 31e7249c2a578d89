//! What parts hear of.

use model::{AccountId, Date};

/// Something that happened to accounts or orders, told to every part in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    /// An account has something unsettled that is due on that date.
    Unsettled {
        /// Whose.
        account: AccountId,
        /// When.
        date: Date,
    },
    /// Somebody who was set aside is not any more.
    Released,
    /// An instrument, session, portfolio or account is defined, or is defined otherwise.
    Defined,
    /// References of cash movements are to be remembered for so many days.
    CashRemembered {
        /// From the day on which one was booked.
        days: u16,
    },
}
