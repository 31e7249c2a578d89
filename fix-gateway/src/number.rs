//! FIX numbers: `float` as FIX 4.4 allows it (volume 1, "Data types"), read exactly or not at all.

use model::Decimal;

/// Reads a FIX `float`: optional `-`, digits with at most one point. `100`, `100.`, `.5`, `-1` and `00.10` are
/// numbers; exponents, `+`, blanks and more than 28 significant digits are not.
pub fn parse_decimal(text: &str) -> Option<Decimal> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    // Zeros at the edges carry no value but would cost digits.
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let mut mantissa: i128 = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        let digit = char::from(byte).to_digit(10)?;
        mantissa = mantissa.checked_mul(10)?.checked_add(i128::from(digit))?;
    }
    let scale = u32::try_from(fraction.len()).ok()?;
    let value = Decimal::try_from_i128_with_scale(if negative { -mantissa } else { mantissa }, scale).ok()?;
    Some(if value.is_zero() { Decimal::ZERO } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_form_that_fix_allows_is_read() {
        for (text, value) in [
            ("100", "100"),
            ("100.", "100"),
            (".5", "0.5"),
            ("-1", "-1"),
            ("00.10", "0.1"),
            ("-0", "0"),
            ("0", "0"),
        ] {
            assert_eq!(parse_decimal(text), value.parse().ok(), "{text}");
        }
        let small = "0.000000000000000001";
        assert_eq!(parse_decimal(small).unwrap().to_string(), small);
        assert_eq!(parse_decimal("1.50000000000000000000000000000000000000").unwrap().to_string(), "1.5");
    }

    #[test]
    fn everything_else_is_not() {
        for text in ["", "-", ".", "-.", "+1", "1e5", " 1", "1 ", "1,0", "1.2.3", "--1", "NaN", "0x1", "١"] {
            assert_eq!(parse_decimal(text), None, "{text}");
        }
        assert_eq!(parse_decimal("0.12345678901234567890123456789"), None);
        assert_eq!(parse_decimal("79228162514264337593543950336"), None);
    }

    proptest! {
        #![proptest_config(crate::seeded(1024))]

        #[test]
        fn what_a_decimal_prints_reads_back(mantissa in -(1i128 << 95)..(1i128 << 95), scale in 0u32..=28) {
            let value = Decimal::from_i128_with_scale(mantissa, scale);
            prop_assert_eq!(parse_decimal(&value.to_string()), Some(value));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _ = parse_decimal(&text);
        }
    }
}
