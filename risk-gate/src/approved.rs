//! The typed approval: its fields are private, so that only the gate makes one.

use model::{Amount, ArithmeticError, FeeSchedule, Instrument, Price, Quantity, Side};

use crate::Terms;

/// Terms that passed every rule, with what must be reserved for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Approved {
    terms: Terms,
    reservation: Reservation,
}

/// What an order may cost at worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, borsh::BorshSerialize, borsh::BorshDeserialize)]
pub struct Reservation {
    /// The worst price of one unit: the limit, or for market orders the quote moved by the band.
    pub unit_price: Price,
    /// Units that may still be executed. For a sell they are reserved.
    pub open: Quantity,
    /// Cash to reserve: notional and fee of what is open for a buy, zero for a sell.
    pub cash: Amount,
    /// The notional of what is open, counted in the portfolio's gross exposure.
    pub notional: Amount,
}

impl Approved {
    pub(crate) const fn new(terms: Terms, reservation: Reservation) -> Self {
        Self { terms, reservation }
    }

    /// What was approved.
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// What to reserve.
    pub const fn reservation(&self) -> &Reservation {
        &self.reservation
    }
}

impl Reservation {
    /// Nothing.
    pub const NONE: Self =
        Self { unit_price: Price::ZERO, open: Quantity::ZERO, cash: Amount::ZERO, notional: Amount::ZERO };

    /// What `open` units on `side` may cost at worst at `unit_price`.
    #[inline]
    pub fn of(
        side: Side,
        open: Quantity,
        unit_price: Price,
        instrument: &Instrument,
        fees: &FeeSchedule,
    ) -> Result<Self, ArithmeticError> {
        if open.is_zero() {
            return Ok(Self { unit_price, ..Self::NONE });
        }
        let notional = unit_price.notional(open, instrument.factor())?;
        let cash = match side {
            Side::Buy => notional.plus(fees.reserved(notional, open)?)?,
            Side::Sell => Amount::ZERO,
        };
        Ok(Self { unit_price, open, cash, notional })
    }

    /// True where anything of it is below zero, which is no reservation.
    #[inline]
    pub fn is_negative(&self) -> bool {
        self.open.is_negative() || self.cash.is_negative() || self.notional.is_negative()
    }

    /// What covers both of two.
    pub fn plus(&self, other: &Self) -> Result<Self, ArithmeticError> {
        Ok(Self {
            unit_price: self.unit_price.at_least(other.unit_price),
            open: self.open.plus(other.open)?,
            cash: self.cash.plus(other.cash)?,
            notional: self.notional.plus(other.notional)?,
        })
    }

    /// What covers either of two: for an order that the broker may work under one set of terms or another.
    #[must_use]
    pub fn worse(&self, other: &Self) -> Self {
        Self {
            unit_price: self.unit_price.at_least(other.unit_price),
            open: self.open.at_least(other.open),
            cash: self.cash.at_least(other.cash),
            notional: self.notional.at_least(other.notional),
        }
    }
}
