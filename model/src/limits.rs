//! Limits and fees: numbers that enter state only as journalled commands.

use core::fmt;

use crate::{Amount, ArithmeticError, Decimal, Price, Quantity, Rounding};

journalled! {
    /// Which limit. The names are those of the configuration file and the command line.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum LimitKind {
        /// Units in one order.
        MaxOrderQuantity,
        /// Notional of one order, in the instrument's currency.
        MaxOrderNotional,
        /// How far a price may stand from the quote, in basis points of it.
        PriceBandBps,
        /// Units long or short in one instrument, open orders counted as filled.
        MaxPosition,
        /// How old the quote may be that an order is decided with, in milliseconds.
        MaxQuoteAgeMs,
        /// 1 where the account may sell what it does not own, else 0.
        ShortSale,
        /// Of a portfolio, for one currency: the sum of |position| at the mark and of open orders.
        MaxGrossExposure,
    }

    /// The limits of one account. `None` is no limit.
    pub struct Limits {
        /// See [`LimitKind::MaxOrderQuantity`].
        pub max_order_quantity: Option<Quantity>,
        /// See [`LimitKind::MaxOrderNotional`].
        pub max_order_notional: Option<Amount>,
        /// See [`LimitKind::PriceBandBps`]; always set: market orders reserve cash at the band.
        pub price_band_bps: u16,
        /// See [`LimitKind::MaxPosition`].
        pub max_position: Option<Quantity>,
        /// See [`LimitKind::MaxQuoteAgeMs`]; always set: no fresh quote, no order.
        pub max_quote_age_ms: u32,
        /// See [`LimitKind::ShortSale`].
        pub short_sale: bool,
    }

    /// What an execution costs: both parts are linear, so that a reservation covers any sequence of partial fills.
    pub struct FeeSchedule {
        /// Basis points of the notional.
        pub rate_bps: Amount,
        /// For each unit.
        pub per_unit: Amount,
    }
}

impl LimitKind {
    /// Its place in the list, which only grows at its end.
    pub const fn number(self) -> u64 {
        self as u64
    }

    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::MaxOrderQuantity,
        Self::MaxOrderNotional,
        Self::PriceBandBps,
        Self::MaxPosition,
        Self::MaxQuoteAgeMs,
        Self::ShortSale,
        Self::MaxGrossExposure,
    ];

    /// The name in files and commands.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MaxOrderQuantity => "max_order_quantity",
            Self::MaxOrderNotional => "max_order_notional",
            Self::PriceBandBps => "price_band_bps",
            Self::MaxPosition => "max_position",
            Self::MaxQuoteAgeMs => "max_quote_age_ms",
            Self::ShortSale => "short_sale",
            Self::MaxGrossExposure => "max_gross_exposure",
        }
    }

    /// From its name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Default for Limits {
    /// No limits but a band of 10 % and quotes of at most 5 s; no short sales.
    fn default() -> Self {
        Self {
            max_order_quantity: None,
            max_order_notional: None,
            price_band_bps: 1000,
            max_position: None,
            max_quote_age_ms: 5000,
            short_sale: false,
        }
    }
}

impl Limits {
    /// Sets one limit; `None` lifts it (or restores the default of those that are always set).
    ///
    /// False, and nothing changed, where the value makes no sense for the kind: negative, a fraction where a
    /// whole number is asked, a band of 100 % or more, or a kind that is not an account's.
    #[must_use]
    pub fn set(&mut self, kind: LimitKind, value: Option<Decimal>) -> bool {
        let whole = |limit: u32| match value {
            Some(number) => {
                u32::try_from(number).ok().filter(|n| *n <= limit && number.normalize().scale() == 0)
            }
            None => None,
        };
        if value.is_some_and(|number| number.is_sign_negative() && !number.is_zero()) {
            return false;
        }
        match kind {
            LimitKind::MaxOrderQuantity => self.max_order_quantity = value.map(Quantity::new),
            LimitKind::MaxOrderNotional => self.max_order_notional = value.map(Amount::new),
            LimitKind::MaxPosition => self.max_position = value.map(Quantity::new),
            LimitKind::PriceBandBps => match (value, whole(9_999)) {
                (None, _) => self.price_band_bps = Self::default().price_band_bps,
                (_, Some(bps)) => self.price_band_bps = u16::try_from(bps).unwrap_or(9_999),
                _ => return false,
            },
            LimitKind::MaxQuoteAgeMs => match (value, whole(86_400_000)) {
                (None, _) => self.max_quote_age_ms = Self::default().max_quote_age_ms,
                (_, Some(ms)) => self.max_quote_age_ms = ms,
                _ => return false,
            },
            LimitKind::ShortSale => match (value, whole(1)) {
                (None, _) => self.short_sale = false,
                (_, Some(flag)) => self.short_sale = flag == 1,
                _ => return false,
            },
            LimitKind::MaxGrossExposure => return false,
        }
        true
    }
}

impl FeeSchedule {
    /// No fees.
    pub const FREE: Self = Self { rate_bps: Amount::ZERO, per_unit: Amount::ZERO };

    /// The fee of an execution, exact, before rounding.
    #[inline]
    fn exact(&self, notional: Amount, quantity: Quantity) -> Result<Amount, ArithmeticError> {
        let by_rate = notional.basis_points(self.rate_bps)?;
        by_rate.plus(self.per_unit.times(quantity)?)
    }

    /// The fee of an execution: fees are kept to 4 decimals, half away from zero.
    pub fn charged(&self, notional: Amount, quantity: Quantity) -> Result<Amount, ArithmeticError> {
        Ok(self.exact(notional, quantity)?.rounded(Rounding::HalfUp(4)))
    }

    /// The fee to reserve for an order, never below what its executions will be charged but for the half unit of
    /// the fourth decimal that each partial fill may round up.
    #[inline]
    pub fn reserved(&self, notional: Amount, quantity: Quantity) -> Result<Amount, ArithmeticError> {
        Ok(self.exact(notional, quantity)?.rounded(Rounding::Up(4)))
    }

    /// The fee for `quantity` at `price`, rounded up: what a reservation adds.
    pub fn reserved_at(
        &self,
        price: Price,
        quantity: Quantity,
        multiplier: Quantity,
    ) -> Result<Amount, ArithmeticError> {
        self.reserved(price.notional(quantity, multiplier)?, quantity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_makes_no_sense_changes_nothing() {
        let mut limits = Limits::default();
        for (kind, value) in [
            (LimitKind::MaxOrderQuantity, "-1"),
            (LimitKind::PriceBandBps, "10000"),
            (LimitKind::PriceBandBps, "1.5"),
            (LimitKind::ShortSale, "2"),
            (LimitKind::MaxGrossExposure, "1"),
        ] {
            assert!(!limits.set(kind, Some(value.parse().unwrap())), "{kind} {value}");
            assert_eq!(limits, Limits::default());
        }
        assert!(limits.set(LimitKind::PriceBandBps, Some("250.0".parse().unwrap())));
        assert_eq!(limits.price_band_bps, 250);
        assert!(limits.set(LimitKind::PriceBandBps, None));
        assert_eq!(limits.price_band_bps, 1000);
    }

    #[test]
    fn every_name_finds_its_kind() {
        for kind in LimitKind::ALL {
            assert_eq!(LimitKind::from_name(kind.as_str()), Some(kind));
        }
    }

    #[test]
    fn fees_round_to_four_decimals() {
        let schedule = FeeSchedule { rate_bps: "1.5".parse().unwrap(), per_unit: "0.005".parse().unwrap() };
        let charged = schedule.charged("1000.33".parse().unwrap(), 7u32.into()).unwrap();
        assert_eq!(charged, "0.1850".parse().unwrap()); // 0.1500495 + 0.035
        let reserved = schedule.reserved("1000.33".parse().unwrap(), 7u32.into()).unwrap();
        assert_eq!(reserved, "0.1851".parse().unwrap());
    }
}
