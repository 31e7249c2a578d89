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

use crate::narrow;

/// Why a number could not be computed or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArithmeticError {
    /// The exact result needs more than 28 digits.
    #[error("the exact result does not fit 28 digits")]
    Inexact,
    /// The result is beyond the largest number.
    #[error("the result is too large")]
    Overflow,
    /// Division by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// The text is not a decimal number.
    #[error("not a decimal number")]
    Syntax,
}

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
    fn apply(self, value: Decimal) -> Decimal {
        let sooner = match self {
            // Ties ask for the quotient's last digit, and this rounding is for people and cost bases.
            Self::HalfEven(_) => None,
            Self::Up(scale) => narrow::rounded(value, scale, |_, rest, _| rest > 0),
            Self::HalfUp(scale) => narrow::rounded(value, scale, |_, rest, divisor| rest >= divisor - rest),
        };
        sooner.unwrap_or_else(|| self.apply_to_any(value))
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

#[inline]
fn add(a: Decimal, b: Decimal) -> Result<Decimal, ArithmeticError> {
    if a.is_zero() {
        return Ok(b);
    }
    if b.is_zero() {
        return Ok(a);
    }
    narrow::sum(a, b).map_or_else(|| add_any(a, b), Ok)
}

#[inline]
fn subtract(a: Decimal, b: Decimal) -> Result<Decimal, ArithmeticError> {
    if a.is_zero() {
        return Ok(-b);
    }
    if b.is_zero() {
        return Ok(a);
    }
    narrow::difference(a, b).map_or_else(|| add_any(a, -b), Ok)
}

#[inline]
fn mul(a: Decimal, b: Decimal) -> Result<Decimal, ArithmeticError> {
    if a.is_zero() || b.is_zero() {
        return Ok(Decimal::ZERO);
    }
    narrow::product(a, b).map_or_else(|| mul_any(a, b), Ok)
}

#[cold]
fn add_any(a: Decimal, b: Decimal) -> Result<Decimal, ArithmeticError> {
    let sum = a.checked_add(b).ok_or(ArithmeticError::Overflow)?;
    if sum.scale() >= a.scale().max(b.scale()) {
        return Ok(sum);
    }
    // Trailing zeros may have asked for digits the value does not need: once more without them.
    let (a, b) = (a.normalize(), b.normalize());
    let sum = a.checked_add(b).ok_or(ArithmeticError::Overflow)?;
    if sum.scale() >= a.scale().max(b.scale()) { Ok(sum) } else { Err(ArithmeticError::Inexact) }
}

#[cold]
fn mul_any(a: Decimal, b: Decimal) -> Result<Decimal, ArithmeticError> {
    let product = a.checked_mul(b).ok_or(ArithmeticError::Overflow)?;
    if product.scale() == a.scale() + b.scale() {
        return Ok(product);
    }
    let (a, b) = (a.normalize(), b.normalize());
    let product = a.checked_mul(b).ok_or(ArithmeticError::Overflow)?;
    if product.scale() == a.scale() + b.scale() { Ok(product) } else { Err(ArithmeticError::Inexact) }
}

fn div(a: Decimal, b: Decimal, rounding: Rounding) -> Result<Decimal, ArithmeticError> {
    if b.is_zero() {
        return Err(ArithmeticError::DivisionByZero);
    }
    a.checked_div(b).map(|quotient| rounding.apply(quotient)).ok_or(ArithmeticError::Overflow)
}

#[inline]
fn is_one(value: Decimal) -> bool {
    narrow::compare(value, Decimal::ONE) == Some(Ordering::Equal)
}

/// Journal form of a decimal: 96 bits of magnitude, 8 bits of scale (bit 96..104), the sign in bit 127,
/// little endian. Padding-free and the same on every machine.
fn to_bits(value: Decimal) -> [u8; 16] {
    let mut bits = value.mantissa().unsigned_abs() | (u128::from(value.scale()) << 96);
    if value.is_sign_negative() && !value.is_zero() {
        bits |= 1 << 127;
    }
    bits.to_le_bytes()
}

fn from_bits(bytes: [u8; 16]) -> Result<Decimal, ArithmeticError> {
    const MAGNITUDE: u128 = (1 << 96) - 1;
    let bits = u128::from_le_bytes(bytes);
    let Ok(magnitude) = i128::try_from(bits & MAGNITUDE) else { return Err(ArithmeticError::Overflow) };
    let mantissa = if bits >> 127 == 1 { -magnitude } else { magnitude };
    let Ok(scale) = u32::try_from((bits >> 96) & 0x7fff_ffff) else { return Err(ArithmeticError::Overflow) };
    Decimal::try_from_i128_with_scale(mantissa, scale).map_err(|_| ArithmeticError::Overflow)
}

macro_rules! exact_number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $name(Decimal);

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
                narrow::compare(self.0, other.0).unwrap_or_else(|| self.0.cmp(&other.0))
            }
        }

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.0.hash(state);
            }
        }

        impl $name {
            /// Zero.
            pub const ZERO: Self = Self(Decimal::ZERO);

            /// Wraps a decimal as it is.
            pub const fn new(value: Decimal) -> Self {
                Self(value)
            }

            /// The decimal inside.
            pub const fn get(self) -> Decimal {
                self.0
            }

            /// True for zero of any scale.
            #[inline]
            pub fn is_zero(self) -> bool {
                self.0.is_zero()
            }

            /// True above zero.
            #[inline]
            pub fn is_positive(self) -> bool {
                self.0.is_sign_positive() && !self.0.is_zero()
            }

            /// True below zero.
            #[inline]
            pub fn is_negative(self) -> bool {
                self.0.is_sign_negative() && !self.0.is_zero()
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
                if self.0.is_zero() { Self::ZERO } else { Self(-self.0) }
            }

            /// The exact sum.
            #[inline]
            pub fn plus(self, other: Self) -> Result<Self, ArithmeticError> {
                add(self.0, other.0).map(Self)
            }

            /// The exact difference.
            #[inline]
            pub fn minus(self, other: Self) -> Result<Self, ArithmeticError> {
                subtract(self.0, other.0).map(Self)
            }

            /// True where the value is a whole number of `step`s; a step of zero divides nothing.
            #[inline]
            pub fn is_multiple_of(self, step: Self) -> bool {
                // A step of one, or of a one behind zeros, as most ticks and lots are: counting decimals is enough.
                let step_parts = step.0.unpack();
                let is_one = step_parts.lo == 1 && step_parts.mid | step_parts.hi == 0;
                if is_one && !step_parts.negative && self.0.scale() <= step_parts.scale {
                    return true;
                }
                !step.is_zero() && self.0.checked_rem(step.0).is_some_and(|rest| rest.is_zero())
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
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ArithmeticError;

            /// Reads `-1234.5678`; no exponent, no thousands separators, at most 28 digits, no digit lost.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Decimal::from_str_exact(text).map(Self).map_err(|_| ArithmeticError::Syntax)
            }
        }

        impl From<u32> for $name {
            fn from(value: u32) -> Self {
                Self(Decimal::from(value))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0.normalize())
            }
        }

        impl rkyv::Archive for $name {
            type Archived = [u8; 16];
            type Resolver = ();

            fn resolve(&self, (): (), out: rkyv::Place<Self::Archived>) {
                out.write(to_bits(self.0));
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
                from_bits(*self).map($name).map_err(rkyv::rancor::Source::new)
            }
        }

        impl borsh::BorshSerialize for $name {
            fn serialize<W: borsh::io::Write>(&self, writer: &mut W) -> borsh::io::Result<()> {
                writer.write_all(&to_bits(self.0))
            }
        }

        impl borsh::BorshDeserialize for $name {
            fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
                let bytes = <[u8; 16]>::deserialize_reader(reader)?;
                from_bits(bytes)
                    .map(Self)
                    .map_err(|_| borsh::io::Error::new(borsh::io::ErrorKind::InvalidData, "not a decimal"))
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
    pub fn notional(self, quantity: Quantity, multiplier: Decimal) -> Result<Amount, ArithmeticError> {
        let units = mul(self.0, quantity.0)?;
        if is_one(multiplier) { Ok(Amount(units)) } else { mul(units, multiplier).map(Amount) }
    }

    /// The price moved away by `basis_points` of itself (1 bp = 0.01 %), exact.
    #[inline]
    pub fn shifted(self, basis_points: i32) -> Result<Self, ArithmeticError> {
        mul(self.0, Decimal::new(10_000 + i64::from(basis_points), 4)).map(Self)
    }

    /// Half the sum of two prices, exact.
    #[inline]
    pub fn midpoint(self, other: Self) -> Result<Self, ArithmeticError> {
        mul(add(self.0, other.0)?, Decimal::new(5, 1)).map(Self)
    }
}

impl Amount {
    /// The amount times a plain factor, exact.
    #[inline]
    pub fn times(self, factor: Decimal) -> Result<Self, ArithmeticError> {
        mul(self.0, factor).map(Self)
    }

    /// A ten-thousandth of the amount, exact: what a basis point is of it.
    #[inline]
    pub(crate) fn in_ten_thousandths(self) -> Result<Self, ArithmeticError> {
        match narrow::tenth(self.0, 4) {
            Some(part) => Ok(Self(part)),
            None => mul(self.0, Decimal::new(1, 4)).map(Self),
        }
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
        if let Ok(product) = mul(self.0, part.0) {
            return div(product, whole.0, rounding).map(Self);
        }
        // The product would not fit: divide first, to 28 digits, then scale.
        let ratio = part.0.checked_div(whole.0).ok_or(ArithmeticError::DivisionByZero)?;
        let product = self.0.checked_mul(ratio).ok_or(ArithmeticError::Overflow)?;
        Ok(Self(rounding.apply(product)))
    }

    /// The amount for each unit, rounded by a named rule: an average price.
    pub fn per_unit(
        self,
        quantity: Quantity,
        multiplier: Decimal,
        rounding: Rounding,
    ) -> Result<Price, ArithmeticError> {
        div(self.0, mul(quantity.0, multiplier)?, rounding).map(Price)
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
        assert_eq!(price.notional(quantity, Decimal::ONE), Err(ArithmeticError::Inexact));
    }

    #[test]
    fn trailing_zeros_do_not_cause_a_refusal() {
        let price: Price = "1.00000000000000000000".parse().unwrap();
        let quantity: Quantity = "2.00000000000000000000".parse().unwrap();
        assert_eq!(price.notional(quantity, Decimal::ONE).unwrap(), amount("2"));
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
        #[test]
        fn bits_round_trip(mantissa in -(1i128 << 95)..(1i128 << 95), scale in 0u32..=28) {
            let value = Decimal::from_i128_with_scale(mantissa, scale);
            let back = from_bits(to_bits(value)).unwrap();
            prop_assert_eq!(back, value);
            prop_assert_eq!(back.scale(), value.scale());
        }

        #[test]
        fn arbitrary_bits_never_panic(bytes in any::<[u8; 16]>()) {
            let _ = from_bits(bytes);
        }

        /// The naive twin: the same sums and products in 128-bit integers at a fixed scale.
        #[test]
        fn sums_and_products_are_exact(a in -1_000_000_000_000i64..1_000_000_000_000, b in -1_000_000i64..1_000_000) {
            let (x, y) = (Decimal::new(a, 6), Decimal::new(b, 4));
            let sum = add(x, y).unwrap();
            prop_assert_eq!(sum, Decimal::from_i128_with_scale(i128::from(a) + i128::from(b) * 100, 6));
            let product = mul(x, y).unwrap();
            prop_assert_eq!(product, Decimal::from_i128_with_scale(i128::from(a) * i128::from(b), 10));
        }
    }
}
