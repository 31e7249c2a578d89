//! Which strategy of which portfolio, and which broker, bears which name.

use alloc::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};
use model::{BrokerId, Name, PortfolioId, StrategyId};

/// A strategy: numbers are a portfolio's own.
pub(crate) type StrategyKey = (PortfolioId, StrategyId);

/// Both directories. Nothing is ever taken out: an old order shows its strategy for good, and there are no more than a
/// firm has strategies and brokers.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Directories {
    strategies: BTreeMap<StrategyKey, Name>,
    brokers: BTreeMap<BrokerId, Name>,
    /// Definitions so far, of whatever kind.
    definitions: u64,
}

impl Directories {
    /// The strategies of a portfolio, by number.
    pub(crate) fn strategies(&self, portfolio: PortfolioId) -> impl Iterator<Item = (StrategyId, Name)> {
        let all = (portfolio, StrategyId::new(0))..=(portfolio, StrategyId::new(u16::MAX));
        self.strategies.range(all).map(|((_, id), name)| (*id, *name))
    }

    /// Every strategy.
    pub(crate) fn all_strategies(&self) -> impl Iterator<Item = (&StrategyKey, &Name)> {
        self.strategies.iter()
    }

    /// Every broker, by number.
    pub(crate) fn brokers(&self) -> impl Iterator<Item = (BrokerId, Name)> {
        self.brokers.iter().map(|(id, name)| (*id, *name))
    }

    /// Definitions so far, of whatever kind.
    pub(crate) const fn definitions(&self) -> u64 {
        self.definitions
    }

    pub(crate) const fn count(&mut self) {
        self.definitions += 1;
    }

    pub(crate) fn name_strategy(&mut self, key: StrategyKey, name: Name) {
        self.strategies.insert(key, name);
        self.count();
    }

    pub(crate) fn name_broker(&mut self, id: BrokerId, name: Name) {
        self.brokers.insert(id, name);
        self.count();
    }
}
