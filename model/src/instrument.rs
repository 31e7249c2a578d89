//! What can be traded.

use crate::{Currency, InstrumentId, Price, Quantity, Symbol};

journalled! {
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
