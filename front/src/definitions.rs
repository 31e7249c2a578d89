//! What exists already: names, ids and settings as the shards' states have them.

use std::collections::BTreeMap;

use actors::Core;
use model::{
    AccountDefinition, Amount, BrokerId, Currency, Decimal, Instrument, LimitKind, Limits, Name,
    PortfolioDefinition, PortfolioId, Remember, SessionDefinition, ShardId, StrategyId, Symbol,
};

/// An account as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownAccount {
    /// Who it is.
    pub definition: AccountDefinition,
    /// What it may do.
    pub limits: Limits,
}

/// A portfolio as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPortfolio {
    /// Who it is.
    pub definition: PortfolioDefinition,
    /// Its `max_gross_exposure`, for each of the currencies that were asked about.
    pub gross_exposure: BTreeMap<Currency, Amount>,
}

/// Everything that is defined on the node, by name, with the shard it lives on.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    /// Instruments are defined on every shard.
    pub instruments: BTreeMap<Symbol, BTreeMap<ShardId, Instrument>>,
    /// Sessions.
    pub sessions: BTreeMap<Name, (ShardId, SessionDefinition)>,
    /// Portfolios.
    pub portfolios: BTreeMap<Name, (ShardId, KnownPortfolio)>,
    /// The names of strategies.
    pub strategies: BTreeMap<(PortfolioId, StrategyId), Name>,
    /// The names of brokers, on the shards of their sessions.
    pub brokers: BTreeMap<BrokerId, BTreeMap<ShardId, Name>>,
    /// Accounts.
    pub accounts: BTreeMap<Name, (ShardId, KnownAccount)>,
    /// For how many days each shard remembers identifiers.
    pub remembers: BTreeMap<ShardId, Remember>,
}

impl Definitions {
    /// Of the given shards. A portfolio's limits are looked up for `currencies`.
    pub fn of<'a>(shards: impl IntoIterator<Item = (ShardId, &'a Core)>, currencies: &[Currency]) -> Self {
        let mut definitions = Self::default();
        for (shard, core) in shards {
            definitions.add(shard, core, currencies);
        }
        definitions
    }

    /// Adds what one shard knows.
    pub fn add(&mut self, shard: ShardId, core: &Core, currencies: &[Currency]) {
        self.remembers.insert(shard, core.remembers());
        for book in core.instruments() {
            let definition = book.definition;
            self.instruments.entry(definition.symbol).or_default().insert(shard, definition);
        }
        for session in core.sessions() {
            self.sessions.insert(session.definition.name, (shard, session.definition));
        }
        for portfolio in core.portfolios() {
            let limit = |currency: &Currency| Some((*currency, portfolio.gross_limit(*currency)?));
            let gross_exposure = currencies.iter().filter_map(limit).collect();
            let known = KnownPortfolio { definition: portfolio.definition, gross_exposure };
            self.portfolios.insert(portfolio.definition.name, (shard, known));
        }
        for (id, name) in core.brokers() {
            self.brokers.entry(id).or_default().insert(shard, name);
        }
        for portfolio in core.portfolios().map(|portfolio| portfolio.definition.id) {
            let named = core.strategies(portfolio).map(|(id, name)| ((portfolio, id), name));
            self.strategies.extend(named);
        }
        for account in core.accounts() {
            let known = KnownAccount { definition: account.definition, limits: account.limits };
            self.accounts.insert(account.definition.name, (shard, known));
        }
    }

    /// True where nothing was ever defined: a first start.
    pub fn is_empty(&self) -> bool {
        self.instruments.is_empty() && self.sessions.is_empty() && self.portfolios.is_empty()
    }
}

/// One of an account's limits as a number; `None` where there is none.
pub fn limit_value(limits: &Limits, kind: LimitKind) -> Option<Decimal> {
    match kind {
        LimitKind::MaxOrderQuantity => limits.max_order_quantity.map(model::Quantity::get),
        LimitKind::MaxOrderNotional => limits.max_order_notional.map(Amount::get),
        LimitKind::PriceBandBps => Some(limits.price_band_bps.into()),
        LimitKind::MaxPosition => limits.max_position.map(model::Quantity::get),
        LimitKind::MaxQuoteAgeMs => Some(limits.max_quote_age_ms.into()),
        LimitKind::ShortSale => Some(u8::from(limits.short_sale).into()),
        LimitKind::MaxGrossExposure => None,
    }
}
