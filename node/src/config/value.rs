//! What a TOML value must look like to be one of ours. Each function answers with what is allowed.

use std::fmt::Display;
use std::str::FromStr;

use model::{Currency, Decimal, Text};
use readable::suggest::{did_you_mean, listed};
use toml::de::DeValue;

use super::section::Allowed;

fn wrong_type(value: &DeValue<'_>, wanted: &str) -> Allowed {
    format!("must be {wanted}, not {}", value.type_str())
}

pub(crate) fn string(value: &DeValue<'_>) -> Result<String, Allowed> {
    value.as_str().map(str::to_owned).ok_or_else(|| wrong_type(value, "a string in quotes"))
}

/// A name or symbol: printable ASCII of at most `N` bytes.
pub(crate) fn text<const N: usize>(value: &DeValue<'_>) -> Result<Text<N>, Allowed> {
    let written = string(value)?;
    Text::new(&written).map_err(|error| format!("\"{written}\" {error}"))
}

pub(crate) fn currency(value: &DeValue<'_>) -> Result<Currency, Allowed> {
    let written = string(value)?;
    currency_code(&written)
}

pub(crate) fn currency_code(written: &str) -> Result<Currency, Allowed> {
    Currency::new(written).map_err(|_| {
        format!("\"{written}\" is not a currency: two to eight capital letters or digits, as USD")
    })
}

/// A whole number between two bounds, both allowed.
pub(crate) fn whole<T>(least: T, most: T) -> impl Fn(&DeValue<'_>) -> Result<T, Allowed>
where
    T: FromStr + PartialOrd + Display + Copy,
{
    move |value| {
        let allowed = || format!("must be a whole number from {least} to {most}");
        let number = value.as_integer().filter(|number| number.radix() == 10).ok_or_else(allowed)?;
        let number: T = number.as_str().parse().map_err(|_| allowed())?;
        if number < least || number > most { Err(allowed()) } else { Ok(number) }
    }
}

/// An exact decimal: a TOML number is read from its digits, never through floating point.
pub(crate) fn decimal(value: &DeValue<'_>) -> Result<Decimal, Allowed> {
    let digits = match value {
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::String(text) => text.to_string(),
        _ => return Err(wrong_type(value, "a decimal number")),
    };
    decimal_digits(&digits)
}

pub(crate) fn decimal_digits(digits: &str) -> Result<Decimal, Allowed> {
    Decimal::from_str_exact(digits)
        .map_err(|_| format!("\"{digits}\" is not a decimal number of at most 28 digits, without exponent"))
}

pub(crate) fn positive(value: &DeValue<'_>) -> Result<Decimal, Allowed> {
    decimal(value).and_then(above_zero)
}

pub(crate) fn above_zero(number: Decimal) -> Result<Decimal, Allowed> {
    if number > Decimal::ZERO { Ok(number) } else { Err(format!("{number} is not above zero")) }
}

pub(crate) fn not_negative(value: &DeValue<'_>) -> Result<Decimal, Allowed> {
    let number = decimal(value)?;
    if number < Decimal::ZERO { Err(format!("{number} is below zero")) } else { Ok(number) }
}

/// One of a closed set of words.
pub(crate) fn one_of<T: Copy>(
    choices: &'static [(&'static str, T)],
) -> impl Fn(&DeValue<'_>) -> Result<T, Allowed> {
    move |value| word_of(choices, &string(value)?)
}

pub(crate) fn word_of<T: Copy>(choices: &'static [(&'static str, T)], word: &str) -> Result<T, Allowed> {
    let names = || choices.iter().map(|(name, _)| *name);
    choices
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, choice)| *choice)
        .ok_or_else(|| format!("\"{word}\" is not one of {}{}", listed(names()), did_you_mean(word, names())))
}
