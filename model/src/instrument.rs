//! What can be traded, and in which currency.

use core::fmt;
use core::str::FromStr;

use crate::{InstrumentId, Price, Quantity, Symbol, Text, TextError};

journalled! {
    /// A currency code: ISO 4217 for money (`USD`), the asset's own code for digital assets (`USDT`).
    #[derive(PartialOrd, Ord, Hash)]
    #[serde(transparent)]
    pub struct Currency { code: Text<8> }

    /// The kind of instrument.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum AssetClass {
        /// Shares.
        Equity,
        /// Exchange-traded funds.
        Fund,
        /// Spot digital assets.
        Crypto,
        /// Spot currency pairs.
        Fx,
    }

    /// What the core knows of something that can be traded. Changes only by a journalled command.
    pub struct Instrument {
        /// Its identity in the node.
        pub id: InstrumentId,
        /// FIX tag 55.
        pub symbol: Symbol,
        /// The kind.
        pub asset_class: AssetClass,
        /// In which currency prices are quoted and trades settle.
        pub currency: Currency,
        /// Prices are whole multiples of this.
        pub tick: Price,
        /// Quantities are whole multiples of this.
        pub lot: Quantity,
        /// Units of the currency that one unit at a price of 1 costs: 1 for shares.
        pub multiplier: Quantity,
        /// Settlement is this many business days after the trade date: `T+n`.
        pub settlement_days: u8,
    }
}

/// Why an instrument's definition was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InstrumentError {
    /// A tick, lot or multiplier of zero or below.
    #[error("tick, lot and multiplier must be above zero")]
    NotPositive,
    /// More than the field's conventions allow.
    #[error("settlement_days is beyond 30")]
    Settlement,
}

impl Instrument {
    /// Checks what the arithmetic relies on.
    pub fn check(&self) -> Result<(), InstrumentError> {
        if !self.tick.is_positive() || !self.lot.is_positive() || !self.multiplier.is_positive() {
            return Err(InstrumentError::NotPositive);
        }
        if self.settlement_days > 30 { Err(InstrumentError::Settlement) } else { Ok(()) }
    }

    /// The multiplier as a plain factor.
    pub const fn factor(&self) -> Quantity {
        self.multiplier
    }
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
