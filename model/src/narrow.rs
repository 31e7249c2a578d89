//! The results of `rust_decimal`, sooner: for numbers of at most 64 bits, which nearly all are.
//!
//! Each function gives what the general code would, scale and sign included, or `None` where that code must decide:
//! wider numbers, scales far apart, results beyond 96 bits. Property tests compare the two.

#![expect(clippy::inline_always, reason = "a call costs as much as what is called")]

use core::cmp::Ordering;

use rust_decimal::Decimal;

/// Every power of ten that a scale difference here can ask for.
const POWERS: [u64; 19] = [
    1,
    10,
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
    1_000_000_000,
    10_000_000_000,
    100_000_000_000,
    1_000_000_000_000,
    10_000_000_000_000,
    100_000_000_000_000,
    1_000_000_000_000_000,
    10_000_000_000_000_000,
    100_000_000_000_000_000,
    1_000_000_000_000_000_000,
];

/// A number whose magnitude fits 64 bits.
#[derive(Clone, Copy)]
struct Narrow {
    magnitude: u64,
    is_negative: bool,
    scale: u32,
}

#[inline(always)]
fn narrow(value: Decimal) -> Option<Narrow> {
    let parts = value.unpack();
    let magnitude = u64::from(parts.mid) << 32 | u64::from(parts.lo);
    (parts.hi == 0).then_some(Narrow { magnitude, is_negative: parts.negative, scale: parts.scale })
}

#[inline(always)]
fn power(exponent: u32) -> Option<u64> {
    POWERS.get(exponent as usize).copied()
}

impl Narrow {
    #[inline(always)]
    fn signed(self) -> i128 {
        let magnitude = i128::from(self.magnitude);
        if self.is_negative { -magnitude } else { magnitude }
    }
}

/// Both, signed, at the larger of their scales: 2^64 × 10^18 is below 2^127.
#[inline(always)]
fn aligned(a: Narrow, b: Narrow) -> Option<(i128, i128, u32)> {
    let (x, y) = (a.signed(), b.signed());
    Some(match a.scale.cmp(&b.scale) {
        Ordering::Equal => (x, y, a.scale),
        Ordering::Less => (x * i128::from(power(b.scale - a.scale)?), y, b.scale),
        Ordering::Greater => (x, y * i128::from(power(a.scale - b.scale)?), a.scale),
    })
}

#[inline(always)]
fn decimal(magnitude: u128, is_negative: bool, scale: u32) -> Option<Decimal> {
    if magnitude >> 96 != 0 || scale > Decimal::MAX_SCALE {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the three words of a number of 96 bits")]
    let (low, middle, high) = (magnitude as u32, (magnitude >> 32) as u32, (magnitude >> 64) as u32);
    Some(Decimal::from_parts(low, middle, high, is_negative, scale))
}

/// The sum of two numbers other than zero.
#[inline]
pub(crate) fn sum(a: Decimal, b: Decimal) -> Option<Decimal> {
    let (x, y, scale) = aligned(narrow(a)?, narrow(b)?)?;
    let sum = x + y;
    decimal(sum.unsigned_abs(), sum < 0, scale)
}

/// The difference of two numbers other than zero.
#[inline]
pub(crate) fn difference(a: Decimal, b: Decimal) -> Option<Decimal> {
    let (x, y, scale) = aligned(narrow(a)?, narrow(b)?)?;
    let difference = x - y;
    decimal(difference.unsigned_abs(), difference < 0, scale)
}

/// The product of two numbers other than zero.
#[inline]
pub(crate) fn product(a: Decimal, b: Decimal) -> Option<Decimal> {
    let (a, b) = (narrow(a)?, narrow(b)?);
    let magnitude = u128::from(a.magnitude) * u128::from(b.magnitude);
    decimal(magnitude, a.is_negative != b.is_negative, a.scale + b.scale)
}

/// A number other than zero divided by ten, `times` times over.
#[inline]
pub(crate) fn tenth(value: Decimal, times: u32) -> Option<Decimal> {
    let number = narrow(value).filter(|number| number.magnitude != 0)?;
    decimal(number.magnitude.into(), number.is_negative, number.scale + times)
}

/// Which is larger.
#[inline]
pub(crate) fn compare(a: Decimal, b: Decimal) -> Option<Ordering> {
    let (x, y, _) = aligned(narrow(a)?, narrow(b)?)?;
    Some(x.cmp(&y))
}

/// At most `scale` decimals; `away` tells from the quotient, the rest and the divisor whether to go away from zero.
#[inline]
pub(crate) fn rounded(
    value: Decimal,
    scale: u32,
    away: impl FnOnce(u64, u64, u64) -> bool,
) -> Option<Decimal> {
    let number = narrow(value)?;
    if number.scale <= scale {
        return Some(value);
    }
    let divisor = power(number.scale - scale)?;
    let (quotient, rest) = (number.magnitude / divisor, number.magnitude % divisor);
    let magnitude = quotient + u64::from(away(quotient, rest, divisor));
    decimal(magnitude.into(), number.is_negative, scale)
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
        (magnitude, any::<bool>(), 0u32..=28).prop_map(|(magnitude, is_negative, scale)| {
            Decimal::from_i128_with_scale(if is_negative { -magnitude } else { magnitude }, scale)
        })
    }

    /// Equal to the last bit: value, scale, sign.
    fn same(one: Decimal, other: Decimal) -> bool {
        one.serialize() == other.serialize()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, rng_seed: RngSeed::Fixed(28), failure_persistence: None, ..ProptestConfig::default() })]

        /// Wherever there is an answer here, it is the general code's, which did not have to round for it.
        #[test]
        fn nothing_but_sooner(a in number(), b in number(), scale in 0u32..10) {
            if !a.is_zero() && !b.is_zero() {
                if let Some(sum) = sum(a, b) {
                    prop_assert!(same(sum, a.checked_add(b).unwrap()), "{} + {}", a, b);
                    prop_assert_eq!(sum.scale(), a.scale().max(b.scale()));
                }
                if let Some(difference) = difference(a, b) {
                    prop_assert!(same(difference, a.checked_sub(b).unwrap()), "{} - {}", a, b);
                }
                if let Some(product) = product(a, b) {
                    prop_assert!(same(product, a.checked_mul(b).unwrap()), "{} * {}", a, b);
                    prop_assert_eq!(product.scale(), a.scale() + b.scale());
                }
            }
            if let Some(part) = tenth(a, 4) {
                prop_assert!(same(part, a.checked_mul(Decimal::new(1, 4)).unwrap()));
            }
            if let Some(order) = compare(a, b) {
                prop_assert_eq!(order, a.cmp(&b));
            }
            let up = rounded(a, scale, |_, rest, _| rest > 0);
            let half = rounded(a, scale, |_, rest, divisor| rest >= divisor - rest);
            for (ours, strategy) in
                [(up, RoundingStrategy::AwayFromZero), (half, RoundingStrategy::MidpointAwayFromZero)]
            {
                if let Some(ours) = ours {
                    prop_assert_eq!(ours, a.round_dp_with_strategy(scale, strategy));
                    prop_assert_eq!(ours.scale(), a.round_dp_with_strategy(scale, strategy).scale());
                }
            }
        }

        /// Two numbers of 64 bits with scales less than 19 apart are always answered for, whatever they are.
        #[test]
        fn usual_numbers_take_this_way(a in any::<i64>(), b in any::<i64>(), scales in (0u32..9, 0u32..9)) {
            let (a, b) = (Decimal::new(a, scales.0), Decimal::new(b, scales.1));
            prop_assert!(compare(a, b).is_some());
            prop_assert!(sum(a, b).is_some());
        }
    }
}
