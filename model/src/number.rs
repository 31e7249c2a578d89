//! Exact numbers: `rust_decimal` behind newtypes that refuse instead of rounding silently.
//!
//! `rust_decimal` keeps 28 digits and rounds beyond them without a word, also in its `checked_` functions.
//! Here an operation either gives the exact result or an [`ArithmeticError`]; rounding happens only where a
//! [`Rounding`] is named by the caller.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::str::FromStr;

pub use rust_decimal::Decimal;
use rust_decimal::RoundingStrategy;

use crate::exact::{ArithmeticError, Exact};

/// A rule that permits rounding; each names its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Half to even at this many decimals: cost bases and averages (banker's rounding, IEEE 754 §4.3.1).
    HalfEven(u32),
    /// Away from zero at this many decimals: reservations, so that they never fall short.
    Up(u32),
    /// Half away from zero at this many decimals: fees (commercial rounding).
    HalfUp(u32),
}

impl Rounding {
    #[inline]
    fn apply(self, value: Exact) -> Exact {
        let sooner = match self {
            // Ties ask for the quotient's last digit, and this rounding is for people and cost bases.
            Self::HalfEven(_) => None,
            Self::Up(scale) => value.rounded(scale, |rest, _| rest > 0),
            Self::HalfUp(scale) => value.rounded(scale, |rest, divisor| rest >= divisor - rest),
        };
        sooner.unwrap_or_else(|| Exact::of(self.apply_to_any(value.decimal())))
    }

    #[cold]
    fn apply_to_any(self, value: Decimal) -> Decimal {
        match self {
            Self::HalfEven(scale) => {
                value.round_dp_with_strategy(scale, RoundingStrategy::MidpointNearestEven)
            }
            Self::Up(scale) => value.round_dp_with_strategy(scale, RoundingStrategy::AwayFromZero),
            Self::HalfUp(scale) => {
                value.round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero)
            }
        }
    }
}

fn div(a: Exact, b: Exact, rounding: Rounding) -> Result<Exact, ArithmeticError> {
    if b.is_zero() {
        return Err(ArithmeticError::DivisionByZero);
    }
    let quotient = a.decimal().checked_div(b.decimal()).ok_or(ArithmeticError::Overflow)?;
    Ok(rounding.apply(Exact::of(quotient)))
}

macro_rules! exact_number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $name(Exact);

        // By value: 1.0 and 1.00 are equal.
        impl PartialEq for $name {
            #[inline]
            fn eq(&self, other: &Self) -> bool {
                self.cmp(other) == Ordering::Equal
            }
        }

        impl Eq for $name {}

        impl PartialOrd for $name {
            #[inline]
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            #[inline]
            fn cmp(&self, other: &Self) -> Ordering {
                self.0.compare(other.0)
            }
        }

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.0.decimal().hash(state);
            }
        }

        impl $name {
            /// Zero.
            pub const ZERO: Self = Self(Exact::ZERO);
            /// One.
            pub const ONE: Self = Self(Exact::ONE);

            /// Wraps a decimal as it is.
            pub const fn new(value: Decimal) -> Self {
                Self(Exact::of(value))
            }

            /// As a decimal.
            pub const fn get(self) -> Decimal {
                self.0.decimal()
            }

            /// True for the same digits: unlike `==` it tells 1.0 from 1.00.
            #[inline]
            pub fn is_same(self, other: Self) -> bool {
                self.0.to_bits() == other.0.to_bits()
            }

            /// The number as two words, digits and scale: what a fingerprint of a change folds. The form is fixed: the
            /// 64 lower bits of the magnitude, then from the lowest bit its 32 upper bits, the scale in 8 bits, and in the
            /// highest bit the sign.
            #[inline]
            pub const fn words(self) -> [u64; 2] {
                self.0.words()
            }

            /// True for zero of any scale.
            #[inline]
            pub fn is_zero(self) -> bool {
                self.0.is_zero()
            }

            /// True above zero.
            #[inline]
            pub fn is_positive(self) -> bool {
                !self.0.is_negative() && !self.0.is_zero()
            }

            /// True below zero.
            #[inline]
            pub fn is_negative(self) -> bool {
                self.0.is_negative()
            }

            /// The distance from zero.
            #[inline]
            #[must_use]
            pub fn abs(self) -> Self {
                Self(self.0.abs())
            }

            /// The same distance on the other side of zero.
            #[inline]
            #[must_use]
            pub fn negated(self) -> Self {
                Self(self.0.negated())
            }

            /// The exact sum.
            #[inline]
            pub fn plus(self, other: Self) -> Result<Self, ArithmeticError> {
                self.0.plus(other.0).map(Self)
            }

            /// The exact difference.
            #[inline]
            pub fn minus(self, other: Self) -> Result<Self, ArithmeticError> {
                self.0.minus(other.0).map(Self)
            }

            /// True where the value is a whole number of `step`s; a step of zero divides nothing.
            #[inline]
            pub fn is_multiple_of(self, step: Self) -> bool {
                // A step of one, or of a one behind zeros, as most ticks and lots are: counting decimals is enough.
                if step.0.is_unit() && self.0.scale() <= step.0.scale() {
                    return true;
                }
                !step.is_zero() && self.get().checked_rem(step.get()).is_some_and(|rest| rest.is_zero())
            }

            /// The smaller of two.
            #[inline]
            #[must_use]
            pub fn at_most(self, other: Self) -> Self {
                if other < self { other } else { self }
            }

            /// The larger of two.
            #[inline]
            #[must_use]
            pub fn at_least(self, other: Self) -> Self {
                if other > self { other } else { self }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.get().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ArithmeticError;

            /// Reads `-1234.5678`; no exponent, no thousands separators, at most 28 digits, no digit lost.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Decimal::from_str_exact(text).map(Self::new).map_err(|_| ArithmeticError::Syntax)
            }
        }

        impl From<u32> for $name {
            fn from(value: u32) -> Self {
                Self::new(Decimal::from(value))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.get().normalize())
            }
        }

        impl rkyv::Archive for $name {
            type Archived = [u8; 16];
            type Resolver = ();

            fn resolve(&self, (): (), out: rkyv::Place<Self::Archived>) {
                out.write(self.0.to_bits());
            }
        }

        impl<S: rkyv::rancor::Fallible + ?Sized> rkyv::Serialize<S> for $name {
            fn serialize(&self, _: &mut S) -> Result<(), S::Error> {
                Ok(())
            }
        }

        impl<D> rkyv::Deserialize<$name, D> for [u8; 16]
        where
            D: rkyv::rancor::Fallible + ?Sized,
            D::Error: rkyv::rancor::Source,
        {
            fn deserialize(&self, _: &mut D) -> Result<$name, D::Error> {
                Exact::from_bits(*self).map($name).ok_or_else(|| rkyv::rancor::Source::new(ArithmeticError::Overflow))
            }
        }

        impl borsh::BorshSerialize for $name {
            fn serialize<W: borsh::io::Write>(&self, writer: &mut W) -> borsh::io::Result<()> {
                writer.write_all(&self.0.to_bits())
            }
        }

        impl borsh::BorshDeserialize for $name {
            fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
                let bytes = <[u8; 16]>::deserialize_reader(reader)?;
                Exact::from_bits(bytes)
                    .map(Self)
                    .ok_or_else(|| borsh::io::Error::new(borsh::io::ErrorKind::InvalidData, "not a decimal"))
            }
        }
    };
}

exact_number! {
    /// A price of one unit, in the instrument's currency.
    Price
}
exact_number! {
    /// A number of units of an instrument: shares, contracts, coins. Signed where it is a position.
    Quantity
}
exact_number! {
    /// A number of units of a currency, exact to 28 digits. Which currency stands beside it.
    Amount
}

impl Price {
    /// `price × quantity × multiplier`: the notional, exact.
    #[inline]
    pub fn notional(self, quantity: Quantity, multiplier: Quantity) -> Result<Amount, ArithmeticError> {
        let units = self.0.times(quantity.0)?;
        if multiplier == Quantity::ONE { Ok(Amount(units)) } else { units.times(multiplier.0).map(Amount) }
    }

    /// The price moved away by `basis_points` of itself (1 bp = 0.01 %), exact.
    #[inline]
    pub fn shifted(self, basis_points: i32) -> Result<Self, ArithmeticError> {
        self.0.times(Exact::of(Decimal::new(10_000 + i64::from(basis_points), 4))).map(Self)
    }

    /// Half the sum of two prices, exact.
    #[inline]
    pub fn midpoint(self, other: Self) -> Result<Self, ArithmeticError> {
        self.0.plus(other.0)?.times(Exact::of(Decimal::new(5, 1))).map(Self)
    }
}

impl From<Price> for Amount {
    /// What one unit costs.
    fn from(price: Price) -> Self {
        Self(price.0)
    }
}

impl From<Quantity> for Amount {
    /// Units, where money and units stand in one column.
    fn from(quantity: Quantity) -> Self {
        Self(quantity.0)
    }
}

impl Amount {
    /// The amount times a number of units, exact.
    #[inline]
    pub(crate) fn times(self, quantity: Quantity) -> Result<Self, ArithmeticError> {
        self.0.times(quantity.0).map(Self)
    }

    /// So many basis points of the amount, exact.
    #[inline]
    pub(crate) fn basis_points(self, rate_bps: Self) -> Result<Self, ArithmeticError> {
        self.0.times(rate_bps.0)?.ten_thousandth().map(Self)
    }

    /// True where the magnitude takes at most 64 bits and 8 decimals: a handful of such numbers always add up exactly.
    #[inline]
    pub const fn is_small(self) -> bool {
        self.0.is_narrow() && self.0.scale() <= 8
    }

    /// The amount rounded by a named rule.
    #[must_use]
    pub fn rounded(self, rounding: Rounding) -> Self {
        Self(rounding.apply(self.0))
    }

    /// `self × part / whole`, rounded by a named rule: the share of a cost basis that leaves with a sale.
    pub fn share(self, part: Quantity, whole: Quantity, rounding: Rounding) -> Result<Self, ArithmeticError> {
        if part == whole {
            return Ok(self);
        }
        if let Ok(product) = self.0.times(part.0) {
            return div(product, whole.0, rounding).map(Self);
        }
        // The product would not fit: divide first, to 28 digits, then scale.
        let ratio = part.get().checked_div(whole.get()).ok_or(ArithmeticError::DivisionByZero)?;
        let product = self.get().checked_mul(ratio).ok_or(ArithmeticError::Overflow)?;
        Ok(Self(rounding.apply(Exact::of(product))))
    }

    /// The amount for each unit, rounded by a named rule: an average price.
    pub fn per_unit(
        self,
        quantity: Quantity,
        multiplier: Quantity,
        rounding: Rounding,
    ) -> Result<Price, ArithmeticError> {
        div(self.0, quantity.0.times(multiplier.0)?, rounding).map(Price)
    }
}

journalled! {
    /// An amount and its currency.
    pub struct Money {
        /// How much.
        pub amount: Amount,
        /// Of what.
        pub currency: crate::Currency,
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn amount(text: &str) -> Amount {
        text.parse().unwrap()
    }

    #[test]
    fn a_sum_that_would_round_is_refused() {
        let large = amount("79228162514264337593543950335");
        assert_eq!(large.plus(amount("0.1")), Err(ArithmeticError::Inexact));
        let price: Price = "123456789012.10".parse().unwrap();
        let dust: Price = "0.000000000000000001".parse().unwrap();
        assert_eq!(price.plus(dust), Err(ArithmeticError::Inexact));
    }

    #[test]
    fn eighteen_decimals_hold_to_79_billion() {
        let units = amount("79000000000.000000000000000001");
        assert_eq!(units.plus(amount("1.0")).unwrap(), amount("79000000001.000000000000000001"));
    }

    #[test]
    fn a_product_that_would_round_is_refused() {
        let price: Price = "0.123456789012345678".parse().unwrap();
        let quantity: Quantity = "0.123456789012345678".parse().unwrap();
        assert_eq!(price.notional(quantity, Quantity::ONE), Err(ArithmeticError::Inexact));
    }

    #[test]
    fn trailing_zeros_do_not_cause_a_refusal() {
        let price: Price = "1.00000000000000000000".parse().unwrap();
        let quantity: Quantity = "2.00000000000000000000".parse().unwrap();
        assert_eq!(price.notional(quantity, Quantity::ONE).unwrap(), amount("2"));
    }

    #[test]
    fn text_that_loses_digits_is_not_a_number() {
        assert!("0.12345678901234567890123456789012".parse::<Price>().is_err());
        for bad in ["", "1e5", "NaN", "1,000", "--1", "0x10"] {
            assert!(bad.parse::<Price>().is_err(), "{bad}");
        }
    }

    #[test]
    fn multiples_are_told_whatever_the_scale() {
        let price = |text: &str| text.parse::<Price>().unwrap();
        for (value, step, is) in [
            ("48.51", "0.01", true),
            ("48.510", "0.01", true),
            ("48.511", "0.01", false),
            ("100", "1", true),
            ("100.0", "1", true),
            ("10.5", "1", false),
            ("10.5", "0.5", true),
            ("7", "0.02", true),
            ("0.03", "0.02", false),
            ("0", "0.01", true),
            ("1", "0", false),
        ] {
            assert_eq!(price(value).is_multiple_of(price(step)), is, "{value} of {step}");
        }
    }

    #[test]
    fn share_of_everything_is_everything() {
        let cost = amount("100.01");
        let three: Quantity = 3u32.into();
        assert_eq!(cost.share(three, three, Rounding::HalfEven(8)).unwrap(), cost);
        assert_eq!(cost.share(1u32.into(), three, Rounding::HalfEven(8)).unwrap(), amount("33.33666667"));
    }

    proptest! {
        /// The naive twin: the same sums and products in 128-bit integers at a fixed scale.
        #[test]
        fn sums_and_products_are_exact(a in -1_000_000_000_000i64..1_000_000_000_000, b in -1_000_000i64..1_000_000) {
            let (x, y) = (Amount::new(Decimal::new(a, 6)), Amount::new(Decimal::new(b, 4)));
            let sum = Decimal::from_i128_with_scale(i128::from(a) + i128::from(b) * 100, 6);
            prop_assert_eq!(x.plus(y).unwrap().get(), sum);
            let product = Decimal::from_i128_with_scale(i128::from(a) * i128::from(b), 10);
            prop_assert_eq!(x.times(Quantity::new(y.get())).unwrap().get(), product);
        }
    }
}
