//! An optional decimal as an exact text, or null.
//!
//! Not `rust_decimal::serde::str_option`: it cannot read null where serde buffers, as it does for flattened lines.

use rust_decimal::Decimal;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[expect(clippy::ref_option, reason = "serde's `with` passes a reference")]
pub(crate) fn serialize<S: Serializer>(value: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
    value.map(|value| value.to_string()).serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| Decimal::from_str_exact(&text).map_err(D::Error::custom)).transpose()
}
