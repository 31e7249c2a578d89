//! How the words of the core are spelled in JSON: as strings, also numbers, so that no reader rounds them.

use std::fmt::Display;
use std::str::FromStr;

use model::{LimitKind, OrdStatus, OrderType, PendingKind, SessionState, Side, TimeInForce};
use readable::suggest::{did_you_mean, listed};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Reads a string by the type's own parser.
pub(crate) fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(from: D) -> Result<T, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(|error| D::Error::custom(format!("\"{text}\": {error}")))
}

/// As [`parsed`], where the field may be null or left out.
pub(crate) fn parsed_option<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    text.map(|text| text.parse().map_err(|error| D::Error::custom(format!("\"{text}\": {error}"))))
        .transpose()
}

/// `with = "by_text"`: as `Display` writes and `FromStr` reads it.
pub(crate) mod by_text {
    use super::{Deserializer, Display, FromStr, Serializer, parsed};

    pub(crate) fn serialize<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(crate) fn deserialize<'de, D, T>(from: D) -> Result<T, D::Error>
    where
        D: Deserializer<'de>,
        T: FromStr<Err: Display>,
    {
        parsed(from)
    }
}

/// `with = "by_text_option"`: as [`by_text`], or null.
pub(crate) mod by_text_option {
    use super::{Deserializer, Display, FromStr, Serializer, parsed_option};

    #[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
    pub(crate) fn serialize<T: Display, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.collect_str(value),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
    where
        D: Deserializer<'de>,
        T: FromStr<Err: Display>,
    {
        parsed_option(from)
    }
}

/// `with = "by_text_list"`: a list of what [`by_text`] reads.
pub(crate) mod by_text_list {
    use super::{Deserialize, Deserializer, Display, FromStr, Serializer};
    use serde::de::Error as _;

    pub(crate) fn serialize<T: Display, S: Serializer>(values: &[T], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().map(ToString::to_string))
    }

    pub(crate) fn deserialize<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
    where
        D: Deserializer<'de>,
        T: FromStr<Err: Display>,
    {
        let texts = Vec::<String>::deserialize(from)?;
        let parse =
            |text: &String| text.parse().map_err(|error| D::Error::custom(format!("\"{text}\": {error}")));
        texts.iter().map(parse).collect()
    }
}

/// A closed set whose members have names.
pub trait Words: Copy + Sized + 'static {
    /// Every member.
    const ALL: &'static [Self];

    /// The name of one.
    fn word(self) -> &'static str;

    /// The member of this name; the error says what is allowed.
    fn from_word(word: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|value| value.word() == word).ok_or_else(|| {
            let names = || Self::ALL.iter().map(|value| value.word());
            format!("\"{word}\" is not one of {}{}", listed(names()), did_you_mean(word, names()))
        })
    }
}

macro_rules! words {
    ($($name:ty: $all:expr;)*) => {$(
        impl Words for $name {
            const ALL: &'static [Self] = $all;
            fn word(self) -> &'static str { self.as_str() }
        }
    )*};
}

words! {
    Side: Self::ALL;
    OrderType: Self::ALL;
    TimeInForce: Self::ALL;
    OrdStatus: Self::ALL;
    LimitKind: &Self::ALL;
}

impl Words for PendingKind {
    const ALL: &'static [Self] = &[Self::Cancel, Self::Replace];

    fn word(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Replace => "replace",
        }
    }
}

impl Words for SessionState {
    const ALL: &'static [Self] = &[Self::Down, Self::Up, Self::Ready];

    fn word(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Up => "up",
            Self::Ready => "ready",
        }
    }
}

/// `with = "by_word"`: a member of a closed set by its name.
pub(crate) mod by_word {
    use super::{Deserialize, Deserializer, Serializer, Words};
    use serde::de::Error as _;

    pub(crate) fn serialize<T: Words, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(value.word())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: Words>(from: D) -> Result<T, D::Error> {
        T::from_word(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// `with = "by_word_option"`: as [`by_word`], or null.
pub(crate) mod by_word_option {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Words};
    use serde::de::Error as _;

    #[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
    pub(crate) fn serialize<T: Words, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
        value.map(Words::word).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: Words>(from: D) -> Result<Option<T>, D::Error> {
        let word = Option::<String>::deserialize(from)?;
        word.map(|word| T::from_word(&word).map_err(D::Error::custom)).transpose()
    }
}
