//! Names for people, ids for the core: both ways.

use std::collections::BTreeMap;

use model::{AccountId, BrokerId, InstrumentId, Name, PortfolioId, SessionId, ShardId, StrategyId, Symbol};

use crate::definitions::Definitions;

/// Where an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountHome {
    /// Its identity.
    pub id: AccountId,
    /// Its portfolio.
    pub portfolio: PortfolioId,
    /// The shard of both.
    pub shard: ShardId,
}

/// Every name of the node and its id. Fixed while a node runs: definitions come with its start.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    shards: Vec<ShardId>,
    accounts: BTreeMap<Name, AccountHome>,
    portfolios: BTreeMap<Name, (PortfolioId, ShardId)>,
    strategies: BTreeMap<(PortfolioId, Name), StrategyId>,
    instruments: BTreeMap<Symbol, InstrumentId>,
    account_names: BTreeMap<AccountId, Name>,
    portfolio_names: BTreeMap<PortfolioId, Name>,
    strategy_names: BTreeMap<(PortfolioId, StrategyId), Name>,
    symbols: BTreeMap<InstrumentId, Symbol>,
    session_names: BTreeMap<SessionId, Name>,
    broker_names: BTreeMap<BrokerId, Name>,
}

impl Directory {
    /// Of everything that is defined. What has no name yet is shown by number.
    pub fn new(shards: impl IntoIterator<Item = ShardId>, definitions: &Definitions) -> Self {
        let mut directory = Self { shards: shards.into_iter().collect(), ..Self::default() };
        for (name, (shard, known)) in &definitions.portfolios {
            let id = known.definition.id;
            directory.portfolios.insert(*name, (id, *shard));
            directory.portfolio_names.insert(id, *name);
        }
        for (name, (shard, known)) in &definitions.accounts {
            let home =
                AccountHome { id: known.definition.id, portfolio: known.definition.portfolio, shard: *shard };
            directory.accounts.insert(*name, home);
            directory.account_names.insert(home.id, *name);
        }
        for (symbol, homes) in &definitions.instruments {
            if let Some((_, definition)) = homes.first_key_value() {
                directory.instruments.insert(*symbol, definition.id);
                directory.symbols.insert(definition.id, *symbol);
            }
        }
        for (name, (_, session)) in &definitions.sessions {
            directory.session_names.insert(session.id, *name);
        }
        for (id, names) in &definitions.brokers {
            directory.broker_names.extend(names.values().next().map(|name| (*id, *name)));
        }
        for ((portfolio, id), name) in &definitions.strategies {
            directory.strategies.insert((*portfolio, *name), *id);
            directory.strategy_names.insert((*portfolio, *id), *name);
        }
        directory
    }

    /// Every shard, by number.
    pub fn shards(&self) -> &[ShardId] {
        &self.shards
    }

    /// The account of this name.
    pub fn account(&self, name: Name) -> Option<AccountHome> {
        self.accounts.get(&name).copied()
    }

    /// Every account from this name on, or every one, by name.
    pub fn accounts_from(&self, name: Option<Name>) -> impl Iterator<Item = (Name, AccountHome)> {
        let from = name.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Included);
        self.accounts.range((from, std::ops::Bound::Unbounded)).map(|(name, home)| (*name, *home))
    }

    /// The account of this name, or every one.
    pub fn accounts_asked(&self, only: Option<Name>) -> impl Iterator<Item = AccountHome> {
        let asked = self.accounts_from(only);
        asked.take_while(move |(name, _)| only.is_none_or(|only| only == *name)).map(|(_, home)| home)
    }

    /// The portfolio of this name, and its shard.
    pub fn portfolio(&self, name: Name) -> Option<(PortfolioId, ShardId)> {
        self.portfolios.get(&name).copied()
    }

    /// The strategy of this name in a portfolio.
    pub fn strategy(&self, portfolio: PortfolioId, name: Name) -> Option<StrategyId> {
        self.strategies.get(&(portfolio, name)).copied()
    }

    /// The strategies of a portfolio, by number.
    pub fn strategies(&self, portfolio: PortfolioId) -> impl Iterator<Item = (StrategyId, Name)> {
        let first = (portfolio, StrategyId::new(0));
        let last = (portfolio, StrategyId::new(u16::MAX));
        self.strategy_names.range(first..=last).map(|((_, id), name)| (*id, *name))
    }

    /// The instrument of this symbol.
    pub fn instrument(&self, symbol: Symbol) -> Option<InstrumentId> {
        self.instruments.get(&symbol).copied()
    }

    /// The session of this name.
    pub fn session(&self, name: Name) -> Option<SessionId> {
        self.session_names.iter().find(|(_, known)| **known == name).map(|(id, _)| *id)
    }

    /// Every instrument.
    pub fn instruments(&self) -> impl Iterator<Item = (Symbol, InstrumentId)> {
        self.instruments.iter().map(|(symbol, id)| (*symbol, *id))
    }

    /// An account's name; its number where it has none.
    pub fn account_name(&self, id: AccountId) -> Name {
        self.account_names.get(&id).copied().unwrap_or_else(|| Name::cut(&format!("#{id}")))
    }

    /// A portfolio's name; its number where it has none.
    pub fn portfolio_name(&self, id: PortfolioId) -> Name {
        self.portfolio_names.get(&id).copied().unwrap_or_else(|| Name::cut(&format!("#{id}")))
    }

    /// A strategy's name; its number where it has none; `None` for a person.
    pub fn strategy_name(&self, portfolio: PortfolioId, id: StrategyId) -> Option<Name> {
        if id.index == 0 {
            return None;
        }
        let name = self.strategy_names.get(&(portfolio, id)).copied();
        Some(name.unwrap_or_else(|| Name::cut(&format!("#{id}"))))
    }

    /// An instrument's symbol; its number where it has none.
    pub fn symbol(&self, id: InstrumentId) -> Symbol {
        self.symbols.get(&id).copied().unwrap_or_else(|| Symbol::cut(&format!("#{id}")))
    }

    /// A session's name; its number where it has none.
    pub fn session_name(&self, id: SessionId) -> Name {
        self.session_names.get(&id).copied().unwrap_or_else(|| Name::cut(&format!("#{id}")))
    }
    /// A broker's name; its number where it has none.
    pub fn broker_name(&self, id: BrokerId) -> Name {
        self.broker_names.get(&id).copied().unwrap_or_else(|| Name::cut(&format!("#{id}")))
    }
}
