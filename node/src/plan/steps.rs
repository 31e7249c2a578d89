//! The steps themselves: instruments, sessions, portfolios, accounts, limits, in the order they need each other.

use std::collections::BTreeMap;

use model::{
    AccountDefinition, AccountId, Actor, Amount, AssetClass, BrokerDefinition, BrokerId, Command, Decimal,
    FeeSchedule, Instrument, LimitKind, Limits, Name, PortfolioDefinition, PortfolioId, Remember,
    SessionDefinition, ShardId, StrategyDefinition,
};

use super::ids::Ids;
use super::{Plan, Step, StepKind};
use crate::config::{AccountEntry, At, Config, InstrumentEntry, PortfolioEntry, Problem, SessionEntry};
use front::definitions::{Definitions, limit_value};

pub(super) fn plan(config: &Config, existing: &Definitions, ids: &Ids, problems: &mut Vec<Problem>) -> Plan {
    let mut planner =
        Planner { config, existing, ids, problems, plan: Plan::default(), brokers: BTreeMap::new() };
    for entry in &config.instruments {
        planner.instrument(entry);
    }
    for entry in &config.sessions {
        planner.session(entry);
    }
    for entry in &config.portfolios {
        planner.portfolio(entry);
    }
    for entry in &config.accounts {
        planner.account(entry);
    }
    planner.remember();
    planner.unlisted();
    planner.plan
}

struct Planner<'a> {
    config: &'a Config,
    existing: &'a Definitions,
    ids: &'a Ids,
    problems: &'a mut Vec<Problem>,
    plan: Plan,
    /// Brokers that were looked at, by shard.
    brokers: BTreeMap<(ShardId, BrokerId), Name>,
}

impl Planner<'_> {
    fn step(&mut self, shard: ShardId, kind: StepKind, command: Command, text: String) {
        self.plan.steps.push(Step { shard, kind, command, text });
    }

    fn problem(&mut self, at: &At, key: &str, text: String) {
        self.problems.push(Problem { at: at.clone(), key: key.to_owned(), text });
    }

    fn instrument(&mut self, entry: &InstrumentEntry) {
        let Some(id) = self.ids.instruments.get(&entry.symbol) else { return };
        let wanted = Instrument {
            id: *id,
            symbol: entry.symbol,
            asset_class: entry.asset_class,
            currency: entry.currency,
            tick: entry.tick,
            lot: entry.lot,
            multiplier: entry.multiplier,
            settlement_days: entry.settlement_days,
        };
        let homes = self.existing.instruments.get(&entry.symbol);
        for shard in (0..self.config.node.shards).map(ShardId::new) {
            let command = Command::DefineInstrument(wanted);
            match homes.and_then(|homes| homes.get(&shard)) {
                None => self.step(shard, StepKind::New, command, format!("instrument {}", entry.symbol)),
                Some(known) if *known == wanted => {}
                Some(known) if known.currency != wanted.currency || known.multiplier != wanted.multiplier => {
                    let text = format!(
                        "\"{}\" has been traded in {} with multiplier {}: neither ever changes",
                        entry.symbol, known.currency, known.multiplier
                    );
                    self.problem(&entry.at, "instrument.currency", text);
                    return;
                }
                Some(known) => {
                    let text = format!("instrument {}: {}", entry.symbol, instrument_changes(known, &wanted));
                    self.step(shard, StepKind::Changed, command, text);
                }
            }
        }
    }

    fn session(&mut self, entry: &SessionEntry) {
        let (Some(id), Some(broker)) =
            (self.ids.sessions.get(&entry.name), self.ids.brokers.get(&entry.broker.value))
        else {
            return;
        };
        self.broker(entry, *broker);
        match self.existing.sessions.get(&entry.name) {
            // A broker that differs was refused with the ids.
            Some((home, _)) if *home == entry.shard => {}
            Some((home, _)) => {
                let text = format!("\"{}\" is homed on shard {home} for good", entry.name);
                self.problem(&entry.at, "session.shard", text);
            }
            None => {
                let definition = SessionDefinition { id: *id, name: entry.name, broker: *broker };
                let text =
                    format!("session {} to {} on shard {}", entry.name, entry.broker.value, entry.shard);
                self.step(entry.shard, StepKind::New, Command::DefineSession(definition), text);
            }
        }
    }

    /// A broker has its name on every shard that has a session to it.
    fn broker(&mut self, entry: &SessionEntry, id: BrokerId) {
        let name = entry.broker.value;
        if self.brokers.insert((entry.shard, id), name).is_some() {
            return;
        }
        let known = self.existing.brokers.get(&id).and_then(|names| names.get(&entry.shard));
        let (kind, text) = match known {
            Some(known) if *known == name => return,
            Some(known) => (StepKind::Changed, format!("broker {known} → {name} on shard {}", entry.shard)),
            None => (StepKind::New, format!("broker {name} on shard {}", entry.shard)),
        };
        self.step(entry.shard, kind, Command::DefineBroker(BrokerDefinition { id, name }), text);
    }

    /// A name is one strategy's: the orders of the past carry the number, and stay its own.
    fn strategies(&mut self, entry: &PortfolioEntry, portfolio: PortfolioId) {
        for (name, id) in &entry.strategies {
            let of_portfolio = self.existing.strategies.iter().filter(|((of, _), _)| *of == portfolio);
            let bearer = of_portfolio.clone().find(|(_, known)| *known == name).map(|((_, id), _)| *id);
            let known = of_portfolio.clone().find(|((_, known), _)| known == id).map(|(_, name)| *name);
            let (kind, text) = match (known, bearer) {
                (_, Some(bearer)) if bearer == *id => continue,
                (_, Some(bearer)) => {
                    let text = format!(
                        "\"{name}\" is the name of strategy {bearer} in the journal, and not of {id}"
                    );
                    self.problem(&entry.at, "portfolio.strategies", text);
                    continue;
                }
                (Some(known), None) => {
                    (StepKind::Changed, format!("strategy {}/{id}: {known} → {name}", entry.name))
                }
                (None, None) => (StepKind::New, format!("strategy {}/{name}", entry.name)),
            };
            let definition = StrategyDefinition { portfolio, id: *id, name: *name };
            self.step(entry.shard, kind, Command::DefineStrategy(definition), text);
        }
    }

    fn portfolio(&mut self, entry: &PortfolioEntry) {
        let Some(id) = self.ids.portfolios.get(&entry.name) else { return };
        let known = match self.existing.portfolios.get(&entry.name) {
            Some((home, _)) if *home != entry.shard => {
                let text = format!("\"{}\" lives on shard {home} for good", entry.name);
                self.problem(&entry.at, "portfolio.shard", text);
                return;
            }
            Some((_, known)) => Some(known),
            None => {
                let definition = PortfolioDefinition { id: *id, name: entry.name };
                let text = format!("portfolio {} on shard {}", entry.name, entry.shard);
                self.step(entry.shard, StepKind::New, Command::DefinePortfolio(definition), text);
                None
            }
        };
        self.strategies(entry, *id);
        let kind = if known.is_none() { StepKind::New } else { StepKind::Changed };
        for (currency, limit) in &entry.gross_exposure {
            let before = known.and_then(|known| known.gross_exposure.get(currency));
            if before == Some(limit) {
                continue;
            }
            let command = gross_limit(*id, *currency, *limit);
            let before = before.map(|limit| limit.get());
            let what = format!("portfolio {}: max_gross_exposure {currency}", entry.name);
            self.step(entry.shard, kind, command, format!("{what} {}", change(before, limit.get())));
        }
        for (currency, limit) in known.iter().flat_map(|known| &known.gross_exposure) {
            if !entry.gross_exposure.iter().any(|(listed, _)| listed == currency) {
                let text = format!("portfolio {}: max_gross_exposure {currency} {limit}", entry.name);
                self.plan.unlisted.push(text);
            }
        }
    }

    fn account(&mut self, entry: &AccountEntry) {
        let (Some(id), Some(portfolio), Some(session), Some(home)) = (
            self.ids.accounts.get(&entry.name),
            self.ids.portfolios.get(&entry.portfolio.value),
            self.ids.sessions.get(&entry.session.value),
            self.config.portfolio(entry.portfolio.value).map(|portfolio| portfolio.shard),
        ) else {
            return;
        };
        let wanted = AccountDefinition {
            id: *id,
            name: entry.name,
            portfolio: *portfolio,
            session: *session,
            fees: entry.fees,
        };
        let known = self.existing.accounts.get(&entry.name).map(|(_, known)| *known);
        match known {
            None => {
                let text = format!(
                    "account {} in {} over {}",
                    entry.name, entry.portfolio.value, entry.session.value
                );
                self.step(home, StepKind::New, Command::DefineAccount(wanted), text);
            }
            Some(known) if known.definition.portfolio != wanted.portfolio => {
                let text = format!("\"{}\" belongs to another portfolio for good", entry.name);
                self.problem(&entry.portfolio.at, "account.portfolio", text);
                return;
            }
            Some(known) if known.definition != wanted => {
                let text =
                    format!("account {}: {}", entry.name, account_changes(&known.definition, &wanted, entry));
                self.step(home, StepKind::Changed, Command::DefineAccount(wanted), text);
            }
            Some(_) => {}
        }
        self.account_limits(entry, home, *id, known.map(|known| known.limits));
    }

    fn account_limits(&mut self, entry: &AccountEntry, home: ShardId, id: AccountId, known: Option<Limits>) {
        let kind = if known.is_none() { StepKind::New } else { StepKind::Changed };
        let before = known.unwrap_or_default();
        for (limit, value) in &entry.limits {
            let old = limit_value(&before, *limit);
            if old == Some(*value) {
                continue;
            }
            let command = Command::SetLimit {
                actor: Actor::Account(id),
                kind: *limit,
                currency: None,
                value: Some(Amount::new(*value)),
            };
            self.step(
                home,
                kind,
                command,
                format!("account {}: {limit} {}", entry.name, change(old, *value)),
            );
        }
        for limit in LimitKind::ALL {
            let listed = entry.limits.iter().any(|(kind, _)| *kind == limit);
            let value = limit_value(&before, limit);
            if !listed && value != limit_value(&Limits::default(), limit) {
                let value = value.map_or("none".to_owned(), |value| value.normalize().to_string());
                self.plan.unlisted.push(format!("account {}: {limit} {value}", entry.name));
            }
        }
    }

    /// Each shard remembers for itself. What the file says nothing of stays as it was said last.
    fn remember(&mut self) {
        let kind = if self.existing.is_empty() { StepKind::New } else { StepKind::Changed };
        for shard in (0..self.config.node.shards).map(ShardId::new) {
            let known = self.existing.remembers.get(&shard).copied().unwrap_or_default();
            let wanted = Remember {
                orders_days: self.config.orders_days.unwrap_or(known.orders_days),
                cash_days: self.config.cash_days.unwrap_or(known.cash_days),
            };
            if wanted != known {
                let text = format!(
                    "shard {shard}: orders.remember_days {} → {}, cash.remember_days {} → {}",
                    known.orders_days, wanted.orders_days, known.cash_days, wanted.cash_days
                );
                self.step(shard, kind, Command::Remember(wanted), text);
            }
            let (said, usual) = (self.config, Remember::default());
            if said.orders_days.is_none() && known.orders_days != usual.orders_days {
                let text = format!("shard {shard}: orders.remember_days {}", known.orders_days);
                self.plan.unlisted.push(text);
            }
            if said.cash_days.is_none() && known.cash_days != usual.cash_days {
                self.plan.unlisted.push(format!("shard {shard}: cash.remember_days {}", known.cash_days));
            }
        }
    }

    fn unlisted(&mut self) {
        let (config, existing) = (self.config, self.existing);
        let left = &mut self.plan.unlisted;
        let listed = |symbol| config.instruments.iter().any(|entry| entry.symbol == symbol);
        left.extend(
            existing
                .instruments
                .keys()
                .filter(|symbol| !listed(**symbol))
                .map(|name| format!("instrument {name}")),
        );
        let listed = |name| config.session(name).is_some();
        left.extend(
            existing.sessions.keys().filter(|name| !listed(**name)).map(|name| format!("session {name}")),
        );
        let listed = |name| config.portfolio(name).is_some();
        left.extend(
            existing.portfolios.keys().filter(|name| !listed(**name)).map(|name| format!("portfolio {name}")),
        );
        let listed = |name| config.accounts.iter().any(|entry| entry.name == name);
        left.extend(
            existing.accounts.keys().filter(|name| !listed(**name)).map(|name| format!("account {name}")),
        );
        self.unlisted_strategies();
    }

    fn unlisted_strategies(&mut self) {
        for ((portfolio, id), name) in &self.existing.strategies {
            let of = |entry: &&PortfolioEntry| self.ids.portfolios.get(&entry.name) == Some(portfolio);
            let entry = self.config.portfolios.iter().find(of);
            if !entry.is_some_and(|entry| entry.strategies.iter().any(|(_, listed)| listed == id)) {
                self.plan.unlisted.push(format!("strategy {name}"));
            }
        }
    }
}

fn gross_limit(id: PortfolioId, currency: model::Currency, limit: Amount) -> Command {
    Command::SetLimit {
        actor: Actor::Portfolio(id),
        kind: LimitKind::MaxGrossExposure,
        currency: Some(currency),
        value: Some(limit),
    }
}

fn change(before: Option<Decimal>, after: Decimal) -> String {
    match before {
        Some(before) => format!("{} → {}", before.normalize(), after.normalize()),
        None => after.normalize().to_string(),
    }
}

fn instrument_changes(known: &Instrument, wanted: &Instrument) -> String {
    let mut changes = Vec::new();
    if known.tick != wanted.tick {
        changes.push(format!("tick {}", change(Some(known.tick.get()), wanted.tick.get())));
    }
    if known.lot != wanted.lot {
        changes.push(format!("lot {}", change(Some(known.lot.get()), wanted.lot.get())));
    }
    if known.settlement_days != wanted.settlement_days {
        changes.push(format!("settlement_days {} → {}", known.settlement_days, wanted.settlement_days));
    }
    if known.asset_class != wanted.asset_class {
        let word = |class| match class {
            AssetClass::Equity => "equity",
            AssetClass::Fund => "fund",
            AssetClass::Crypto => "crypto",
            AssetClass::Fx => "fx",
        };
        changes.push(format!("asset_class {} → {}", word(known.asset_class), word(wanted.asset_class)));
    }
    changes.join(", ")
}

fn account_changes(known: &AccountDefinition, wanted: &AccountDefinition, entry: &AccountEntry) -> String {
    let mut changes = Vec::new();
    if known.session != wanted.session {
        changes.push(format!("session → {}", entry.session.value));
    }
    let fees = |fees: &FeeSchedule| [fees.rate_bps.get(), fees.per_unit.get()];
    for ((name, before), after) in
        ["rate_bps", "per_unit"].iter().zip(fees(&known.fees)).zip(fees(&wanted.fees))
    {
        if before != after {
            changes.push(format!("fees.{name} {}", change(Some(before), after)));
        }
    }
    changes.join(", ")
}
