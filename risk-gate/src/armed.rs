//! Which of the rules that a limit has to arm are to run.
//!
//! A limit that nobody set costs nothing: its rule does not run, and what only that rule looks at is not gathered. What is
//! armed is worked out where a limit is set, for each scope by itself; an order is judged by what the scopes on its way
//! have armed together.

use model::Limits;

/// A set of rules, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Armed {
    bits: u16,
}

macro_rules! armed {
    ($($(#[$doc:meta])* $name:ident = $bit:literal;)*) => {
        impl Armed {
            /// None.
            pub const NONE: Self = Self { bits: 0 };
            /// All of them.
            pub const ALL: Self = Self { bits: 0 $(| 1 << $bit)* };
            $($(#[$doc])* pub const $name: Self = Self { bits: 1 << $bit };)*
        }
    };
}

armed! {
    /// `order_quantity`.
    ORDER_QUANTITY = 0;
    /// `position_limit`.
    POSITION_LIMIT = 1;
    /// `short_sale`: armed unless short sales are permitted.
    SHORT_SALE = 2;
    /// `gross_exposure`.
    GROSS_EXPOSURE = 3;
}

impl Armed {
    /// What the limits of an account arm.
    pub const fn by(limits: &Limits) -> Self {
        Self::ORDER_QUANTITY
            .when(limits.max_order_quantity.is_some())
            .and(Self::POSITION_LIMIT.when(limits.max_position.is_some()))
            .and(Self::SHORT_SALE.when(!limits.short_sale))
    }

    /// These where it holds, else none.
    #[must_use]
    #[inline]
    pub const fn when(self, holds: bool) -> Self {
        if holds { self } else { Self::NONE }
    }

    /// Both sets together.
    #[must_use]
    #[inline]
    pub const fn and(self, other: Self) -> Self {
        Self { bits: self.bits | other.bits }
    }

    /// True where one of these is armed.
    #[inline]
    pub const fn has(self, any: Self) -> bool {
        self.bits & any.bits != 0
    }
}
