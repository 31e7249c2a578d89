//! Which money.

use core::fmt;
use core::str::FromStr;

use crate::{Text, TextError};

journalled! {
    /// A currency code: ISO 4217 for money (`USD`), the asset's own code for digital assets (`USDT`).
    #[derive(PartialOrd, Ord, Hash)]
    #[serde(transparent)]
    pub struct Currency { code: Text<8> }
}

impl Currency {
    /// From its code: two to eight upper-case letters or digits.
    pub fn new(code: &str) -> Result<Self, TextError> {
        let text = Text::new(code)?;
        let plain = code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if plain && code.len() >= 2 { Ok(Self { code: text }) } else { Err(TextError::Character) }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        self.code.as_str()
    }

    /// The code's bytes as one number, the first in the lowest bits, zeros behind the last.
    #[inline]
    pub const fn number(self) -> u64 {
        u64::from_le_bytes(self.code.bytes())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code.fmt(f)
    }
}

impl FromStr for Currency {
    type Err = TextError;

    fn from_str(code: &str) -> Result<Self, TextError> {
        Self::new(code)
    }
}
