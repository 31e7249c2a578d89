//! One portfolio: what its accounts are exposed to together.

use alloc::collections::BTreeSet;

use borsh::{BorshDeserialize, BorshSerialize};
use model::{Amount, ArithmeticError, Currency, InstrumentId, PortfolioDefinition, Quantity, StrategyId};

use risk_gate::Armed;

use crate::store::sorted::Sorted;

/// The state of one portfolio.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Portfolio {
    /// Who it is.
    pub definition: PortfolioDefinition,
    /// True where new orders of all its accounts are denied.
    pub halted: bool,
    /// As [`crate::Account::set_aside`], for all its accounts.
    pub set_aside: bool,
    pub(crate) halted_strategies: BTreeSet<StrategyId>,
    pub(crate) gross_limits: Sorted<Currency, Amount>,
    /// The rules that these arm: worked out where one is set.
    #[borsh(skip)]
    pub(crate) armed: Armed,
    pub(crate) exposures: Sorted<Currency, Exposure>,
    /// The sum over accounts of |position|.
    pub(crate) gross_units: Sorted<InstrumentId, Quantity>,
}

/// Gross exposure in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Exposure {
    /// |position| of every account at the mark.
    pub positions: Amount,
    /// The notional of open orders at their worst price.
    pub open_orders: Amount,
}

impl Exposure {
    /// Both together.
    #[inline]
    pub fn gross(&self) -> Result<Amount, ArithmeticError> {
        self.positions.plus(self.open_orders)
    }
}

impl Portfolio {
    pub(crate) const fn new(definition: PortfolioDefinition) -> Self {
        Self {
            definition,
            halted: false,
            set_aside: false,
            halted_strategies: BTreeSet::new(),
            gross_limits: Sorted::new(),
            armed: Armed::NONE,
            exposures: Sorted::new(),
            gross_units: Sorted::new(),
        }
    }

    /// What its limits arm.
    pub(crate) fn arms(&self) -> Armed {
        Armed::GROSS_EXPOSURE.when(self.gross_limits.iter().next().is_some())
    }

    /// Works that out, once they have changed.
    pub(crate) fn arm(&mut self) {
        self.armed = self.arms();
    }

    /// Its exposure in a currency.
    #[inline]
    pub fn exposure(&self, currency: Currency) -> Exposure {
        self.exposures.get(&currency).copied().unwrap_or_default()
    }

    /// Its limit in a currency.
    #[inline]
    pub fn gross_limit(&self, currency: Currency) -> Option<Amount> {
        self.gross_limits.get(&currency).copied()
    }

    /// Its exposures, by currency.
    pub fn exposures(&self) -> impl Iterator<Item = (&Currency, &Exposure)> {
        self.exposures.iter()
    }

    /// True where new orders of this strategy are denied.
    #[inline]
    pub fn is_halted_for(&self, strategy: StrategyId) -> bool {
        self.halted || self.halted_strategies.contains(&strategy)
    }

    /// The sum over accounts of |position| in one instrument.
    pub fn gross_units(&self, instrument: InstrumentId) -> Quantity {
        self.gross_units.get(&instrument).copied().unwrap_or_default()
    }
}
