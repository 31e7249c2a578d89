//! How a number is kept: `rust_decimal`'s values, scale and sign included, in the form the journal has too.
//!
//! Nearly every number here fits 64 bits, and nearly every sum is of two numbers of one scale: those are added with
//! one instruction and a comparison. Whatever is wider goes the general way, through `rust_decimal`; property tests
//! compare the two, to the last bit.

#![expect(clippy::inline_always, reason = "a call costs as much as what is called")]

use core::cmp::Ordering;
use core::fmt;
use core::num::NonZeroU64;

use rust_decimal::Decimal;

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

/// `(-1)^sign × (high × 2^64 + low) / 10^scale`. Zero has no sign.
///
/// Two words, because a compiler keeps a pair of words in registers; of three fields it makes memory, and what is written
/// there in pieces and read as a whole costs more than the sum itself.
#[derive(Clone, Copy)]
pub(crate) struct Exact {
    low: u64,
    /// From the lowest bit: `high`, 32 bits; the scale, 8 bits; a bit that is always set, so that an `Option` needs no
    /// room of its own; the sign.
    top: NonZeroU64,
}

const NEGATIVE: u64 = 1 << 63;
const PRESENT: u64 = 1 << 62;
const SCALE_AT: u32 = 32;
const SCALE: u64 = 0xff;
const HIGH: u64 = 0xffff_ffff;

/// Every power of ten below 2^64.
const POWERS: [u64; 20] = {
    let (mut powers, mut at) = ([1u64; 20], 1);
    while at < powers.len() {
        #[expect(clippy::indexing_slicing, reason = "a constant: it would not compile")]
        {
            powers[at] = powers[at - 1] * 10;
        }
        at += 1;
    }
    powers
};

const fn top(high: u32, scale: u32, is_negative: bool) -> NonZeroU64 {
    let sign = if is_negative { NEGATIVE } else { 0 };
    present(high as u64 | (scale as u64) << SCALE_AT | sign)
}

const fn present(bits: u64) -> NonZeroU64 {
    match NonZeroU64::new(bits | PRESENT) {
        Some(top) => top,
        None => NonZeroU64::MIN,
    }
}

impl Exact {
    pub(crate) const ZERO: Self = Self { low: 0, top: top(0, 0, false) };
    pub(crate) const ONE: Self = Self { low: 1, ..Self::ZERO };

    const fn new(low: u64, high: u32, is_negative: bool, scale: u32) -> Self {
        Self { low, top: top(high, scale, is_negative && low | high as u64 != 0) }
    }

    pub(crate) const fn of(value: Decimal) -> Self {
        let parts = value.unpack();
        Self::new((parts.mid as u64) << 32 | parts.lo as u64, parts.hi, parts.negative, parts.scale)
    }

    pub(crate) const fn decimal(self) -> Decimal {
        #[expect(clippy::cast_possible_truncation, reason = "the two halves of 64 bits")]
        let (low, middle) = (self.low as u32, (self.low >> 32) as u32);
        Decimal::from_parts(low, middle, self.high(), self.is_negative(), self.scale())
    }

    /// So many of the last decimal; nothing where that takes more than 96 bits or 28 decimals.
    #[inline(always)]
    fn checked(magnitude: u128, is_negative: bool, scale: u32) -> Option<Self> {
        if magnitude >> 96 != 0 || scale > Decimal::MAX_SCALE {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "96 bits: the lower 64 and the upper 32")]
        let (low, high) = (magnitude as u64, (magnitude >> 64) as u32);
        Some(Self::new(low, high, is_negative, scale))
    }

    #[inline(always)]
    pub(crate) const fn scale(self) -> u32 {
        (self.top.get() >> SCALE_AT & SCALE) as u32
    }

    #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
    #[inline(always)]
    const fn high(self) -> u32 {
        self.top.get() as u32
    }

    #[inline(always)]
    pub(crate) const fn is_zero(self) -> bool {
        self.low | self.top.get() & HIGH == 0
    }

    #[inline(always)]
    pub(crate) const fn is_negative(self) -> bool {
        self.top.get() & NEGATIVE != 0
    }

    /// True where the magnitude fits 64 bits.
    #[inline(always)]
    pub(crate) const fn is_narrow(self) -> bool {
        self.top.get() & HIGH == 0
    }

    #[inline(always)]
    pub(crate) const fn abs(self) -> Self {
        Self { top: present(self.top.get() & !NEGATIVE), ..self }
    }

    /// On the other side of zero, at the same scale.
    #[inline(always)]
    const fn flipped(self) -> Self {
        if self.is_zero() { self } else { Self { top: present(self.top.get() ^ NEGATIVE), ..self } }
    }

    #[inline(always)]
    pub(crate) const fn negated(self) -> Self {
        if self.is_zero() { Self::ZERO } else { self.flipped() }
    }

    /// Both are of 64 bits.
    #[inline(always)]
    const fn are_narrow(self, other: Self) -> bool {
        (self.top.get() | other.top.get()) & HIGH == 0
    }

    /// Both are of 64 bits and of one scale.
    #[inline(always)]
    const fn are_alike(self, other: Self) -> bool {
        (self.top.get() ^ other.top.get()) & !NEGATIVE == 0 && self.is_narrow()
    }

    #[inline(always)]
    pub(crate) fn plus(self, other: Self) -> Result<Self, ArithmeticError> {
        if self.are_alike(other)
            && let Some(sum) = self.narrow_sum(other)
        {
            return Ok(sum);
        }
        if self.is_zero() {
            return Ok(other);
        }
        if other.is_zero() {
            return Ok(self);
        }
        self.plus_unlike(other)
    }

    #[inline(always)]
    pub(crate) fn minus(self, other: Self) -> Result<Self, ArithmeticError> {
        self.plus(other.flipped())
    }

    /// Of two of 64 bits and of one scale; nothing where that takes more bits.
    #[inline(always)]
    fn narrow_sum(self, other: Self) -> Option<Self> {
        if self.top.get() == other.top.get() {
            let low = self.low.checked_add(other.low)?;
            return Some(Self { low, ..self });
        }
        // On two sides of zero: the larger decides, and a zero has no sign.
        let (low, is_below) = self.low.overflowing_sub(other.low);
        Some(if is_below {
            Self { low: low.wrapping_neg(), ..other }
        } else if low == 0 {
            Self { low, ..self.abs() }
        } else {
            Self { low, ..self }
        })
    }

    /// Of two scales, or of more than 64 bits; neither is zero.
    #[inline(never)]
    fn plus_unlike(self, other: Self) -> Result<Self, ArithmeticError> {
        if self.are_narrow(other)
            && let Some((one, next)) = self.at_one_scale(other)
            && let Some(sum) = one.narrow_sum(next)
        {
            return Ok(sum);
        }
        self.plus_wide(other)
    }

    /// Both with the larger scale, where that takes 64 bits.
    #[inline(always)]
    fn at_one_scale(self, other: Self) -> Option<(Self, Self)> {
        let (one, next) = (self.scale(), other.scale());
        if one < next {
            Some((self.scaled_up(next - one)?, other))
        } else {
            Some((self, other.scaled_up(one - next)?))
        }
    }

    #[inline(always)]
    fn scaled_up(self, by: u32) -> Option<Self> {
        let low = self.low.checked_mul(*POWERS.get(by as usize)?)?;
        // The scale stands in the low bits, and the larger one is at most 28.
        Some(Self { low, top: present(self.top.get() + (u64::from(by) << SCALE_AT)) })
    }

    /// Both magnitudes at the larger scale: 2^64 × 10^19 is below 2^128.
    fn aligned(self, other: Self) -> Option<(u128, u128, u32)> {
        if !self.are_narrow(other) {
            return None;
        }
        let power = |exponent: u32| POWERS.get(exponent as usize).map(|power| u128::from(*power));
        let (x, y, one, next) = (u128::from(self.low), u128::from(other.low), self.scale(), other.scale());
        Some(match one.cmp(&next) {
            Ordering::Equal => (x, y, one),
            Ordering::Less => (x * power(next - one)?, y, next),
            Ordering::Greater => (x, y * power(one - next)?, one),
        })
    }

    #[cold]
    fn plus_wide(self, other: Self) -> Result<Self, ArithmeticError> {
        match self.wide_sum(other) {
            Some(sum) => Ok(sum),
            None => sum_of_any(self.decimal(), other.decimal()).map(Self::of),
        }
    }

    fn wide_sum(self, other: Self) -> Option<Self> {
        let (x, y, scale) = self.aligned(other)?;
        if self.is_negative() == other.is_negative() {
            Self::checked(x.checked_add(y)?, self.is_negative(), scale)
        } else if x >= y {
            Self::checked(x - y, self.is_negative(), scale)
        } else {
            Self::checked(y - x, other.is_negative(), scale)
        }
    }

    #[inline(always)]
    pub(crate) fn times(self, other: Self) -> Result<Self, ArithmeticError> {
        if self.are_narrow(other)
            && let Some(low) = self.low.checked_mul(other.low)
            && low != 0
            && self.scale() + other.scale() <= Decimal::MAX_SCALE
        {
            let is_negative = (self.top.get() ^ other.top.get()) & NEGATIVE != 0;
            return Ok(Self { low, top: top(0, self.scale() + other.scale(), is_negative) });
        }
        self.times_any(other)
    }

    #[inline(never)]
    fn times_any(self, other: Self) -> Result<Self, ArithmeticError> {
        if self.is_zero() || other.is_zero() {
            return Ok(Self::ZERO);
        }
        let product = if self.are_narrow(other) {
            let magnitude = u128::from(self.low) * u128::from(other.low);
            Self::checked(magnitude, self.is_negative() != other.is_negative(), self.scale() + other.scale())
        } else {
            None
        };
        product.map_or_else(|| product_of_any(self.decimal(), other.decimal()).map(Self::of), Ok)
    }

    /// A ten-thousandth.
    #[inline(always)]
    pub(crate) fn ten_thousandth(self) -> Result<Self, ArithmeticError> {
        if self.is_narrow() && !self.is_zero() && self.scale() + 4 <= Decimal::MAX_SCALE {
            return Ok(Self { top: present(self.top.get() + (4 << SCALE_AT)), ..self });
        }
        self.times(Self::of(Decimal::from_parts(1, 0, 0, false, 4)))
    }

    /// At most `scale` decimals; `away` tells from the rest and the divisor whether to go away from zero. Nothing
    /// where the number is wide.
    #[inline(always)]
    pub(crate) fn rounded(self, scale: u32, away: impl FnOnce(u64, u64) -> bool) -> Option<Self> {
        if !self.is_narrow() {
            return None;
        }
        if self.scale() <= scale {
            return Some(self);
        }
        let divisor = *POWERS.get((self.scale() - scale) as usize)?;
        let low = self.low / divisor;
        let more = u64::from(away(self.low - low * divisor, divisor));
        Some(Self::new(low + more, 0, self.is_negative(), scale))
    }

    #[inline(always)]
    pub(crate) fn compare(self, other: Self) -> Ordering {
        if self.top.get() == other.top.get() && self.is_narrow() {
            let order = self.low.cmp(&other.low);
            return if self.is_negative() { order.reverse() } else { order };
        }
        self.compare_unlike(other)
    }

    #[inline(never)]
    fn compare_unlike(self, other: Self) -> Ordering {
        if self.is_negative() != other.is_negative() {
            return if self.is_negative() { Ordering::Less } else { Ordering::Greater };
        }
        let order = if self.are_narrow(other)
            && let Some((one, next)) = self.at_one_scale(other)
        {
            one.low.cmp(&next.low)
        } else {
            self.compare_wide(other)
        };
        if self.is_negative() { order.reverse() } else { order }
    }

    /// Of the magnitudes.
    #[cold]
    fn compare_wide(self, other: Self) -> Ordering {
        match self.aligned(other) {
            Some((x, y, _)) => x.cmp(&y),
            None => self.decimal().abs().cmp(&other.decimal().abs()),
        }
    }

    /// True for one behind zeros: 1, 0.1, 0.01.
    #[inline(always)]
    pub(crate) const fn is_unit(self) -> bool {
        self.low == 1 && self.is_narrow() && !self.is_negative()
    }

    /// Journal form: 96 bits of magnitude, 8 bits of scale (bit 96..104), the sign in bit 127, little endian.
    /// Padding-free and the same on every machine.
    #[inline(always)]
    pub(crate) const fn to_bits(self) -> [u8; 16] {
        let [low, top] = self.words();
        (low as u128 | (top as u128) << 64).to_le_bytes()
    }

    #[inline(always)]
    pub(crate) const fn words(self) -> [u64; 2] {
        [self.low, self.top.get() & !PRESENT]
    }

    #[inline(always)]
    pub(crate) const fn from_bits(bytes: [u8; 16]) -> Option<Self> {
        let bits = u128::from_le_bytes(bytes);
        #[expect(clippy::cast_possible_truncation, reason = "the two halves of 128 bits")]
        let (low, top) = (bits as u64, (bits >> 64) as u64);
        if (top & !NEGATIVE) >> SCALE_AT > Decimal::MAX_SCALE as u64 {
            return None;
        }
        let value = Self { low, top: present(top) };
        Some(if value.is_zero() { value.abs() } else { value })
    }
}

impl Default for Exact {
    fn default() -> Self {
        Self::ZERO
    }
}

impl fmt::Debug for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.decimal(), f)
    }
}

#[cold]
fn sum_of_any(a: Decimal, b: Decimal) -> Result<Decimal, ArithmeticError> {
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
fn product_of_any(a: Decimal, b: Decimal) -> Result<Decimal, ArithmeticError> {
    let product = a.checked_mul(b).ok_or(ArithmeticError::Overflow)?;
    if product.scale() == a.scale() + b.scale() {
        return Ok(product);
    }
    let (a, b) = (a.normalize(), b.normalize());
    let product = a.checked_mul(b).ok_or(ArithmeticError::Overflow)?;
    if product.scale() == a.scale() + b.scale() { Ok(product) } else { Err(ArithmeticError::Inexact) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;
    use rust_decimal::RoundingStrategy;

    /// Every width and scale, the edges of both often.
    fn number() -> impl Strategy<Value = Decimal> {
        let magnitude = prop_oneof![
            0i128..1000,
            any::<u32>().prop_map(i128::from),
            any::<u64>().prop_map(i128::from),
            ((1i128 << 64) - 3)..((1i128 << 64) + 3),
            0..(1i128 << 96),
        ];
        (magnitude, any::<bool>(), prop_oneof![0u32..=28, Just(2u32)]).prop_map(
            |(magnitude, is_negative, scale)| {
                Decimal::from_i128_with_scale(if is_negative { -magnitude } else { magnitude }, scale)
            },
        )
    }

    /// What the sum, the product and the rest are without any short way.
    fn general_sum(a: Decimal, b: Decimal) -> Result<Decimal, ArithmeticError> {
        match (a.is_zero(), b.is_zero()) {
            (true, _) => Ok(b),
            (_, true) => Ok(a),
            _ => sum_of_any(a, b),
        }
    }

    fn general_product(a: Decimal, b: Decimal) -> Result<Decimal, ArithmeticError> {
        if a.is_zero() || b.is_zero() { Ok(Decimal::ZERO) } else { product_of_any(a, b) }
    }

    /// Value and scale; zero has no sign.
    fn bits(value: Decimal) -> (i128, u32) {
        (value.mantissa(), value.scale())
    }

    fn same(ours: Result<Exact, ArithmeticError>, general: Result<Decimal, ArithmeticError>) -> bool {
        ours.map(|value| bits(value.decimal())) == general.map(bits)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, rng_seed: RngSeed::Fixed(28), failure_persistence: None, ..ProptestConfig::default() })]

        /// The general code's results, only sooner.
        #[test]
        fn nothing_but_sooner(a in number(), b in number(), scale in 0u32..10) {
            let (x, y) = (Exact::of(a), Exact::of(b));
            prop_assert!(same(x.plus(y), general_sum(a, b)), "{} + {}", a, b);
            prop_assert!(same(x.minus(y), general_sum(a, -b)), "{} - {}", a, b);
            prop_assert!(same(x.times(y), general_product(a, b)), "{} * {}", a, b);
            prop_assert!(same(x.ten_thousandth(), general_product(a, Decimal::new(1, 4))), "{} / 10000", a);
            prop_assert_eq!(x.compare(y), a.cmp(&b));
            prop_assert_eq!(bits(x.abs().decimal()), bits(a.abs()));
            prop_assert_eq!(x.negated().decimal(), -a);
            prop_assert_eq!((x.is_zero(), x.is_negative()), (a.is_zero(), a < Decimal::ZERO));
            let up = x.rounded(scale, |rest, _| rest > 0);
            let half = x.rounded(scale, |rest, divisor| rest >= divisor - rest);
            for (ours, strategy) in
                [(up, RoundingStrategy::AwayFromZero), (half, RoundingStrategy::MidpointAwayFromZero)]
            {
                if let Some(ours) = ours {
                    prop_assert_eq!(bits(ours.decimal()), bits(a.round_dp_with_strategy(scale, strategy)));
                }
            }
        }

        /// Numbers of one scale, as most are: the shortest way has its own edges.
        #[test]
        fn numbers_of_one_scale(a in any::<i64>(), b in any::<i64>(), near in -2i64..=2) {
            for b in [b, a.saturating_add(near), -a.saturating_add(near)] {
                let (a, b) = (Decimal::new(a, 2), Decimal::new(b, 2));
                let (x, y) = (Exact::of(a), Exact::of(b));
                prop_assert!(same(x.plus(y), general_sum(a, b)), "{} + {}", a, b);
                prop_assert!(same(x.minus(y), general_sum(a, -b)), "{} - {}", a, b);
                prop_assert_eq!(x.compare(y), a.cmp(&b));
            }
        }

        #[test]
        fn decimals_and_bits_round_trip(value in number()) {
            let exact = Exact::of(value);
            prop_assert_eq!(bits(exact.decimal()), bits(value));
            let back = Exact::from_bits(exact.to_bits()).unwrap();
            prop_assert_eq!(bits(back.decimal()), bits(value));
            prop_assert_eq!(Option::<Exact>::None.is_none(), Some(exact).is_some());
        }

        /// Any sixteen bytes are a number or none, and never one that `rust_decimal` would not hold.
        #[test]
        fn arbitrary_bits_never_panic(bytes in any::<[u8; 16]>(), scale in 0u8..40) {
            let _ = Exact::from_bits(bytes);
            let mut bytes = bytes;
            bytes[12..].copy_from_slice(&[scale, 0, 0, 0x80]);
            match Exact::from_bits(bytes) {
                Some(value) => prop_assert_eq!(value.decimal().scale(), u32::from(scale)),
                None => prop_assert!(scale > 28),
            }
        }
    }

    #[test]
    fn an_absent_number_takes_no_room() {
        assert_eq!(size_of::<Option<Exact>>(), 16);
        assert_eq!(size_of::<Result<Exact, ArithmeticError>>(), 16);
    }
}
