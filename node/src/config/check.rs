//! What no single section can see: names given twice, names that lead nowhere, homes that differ.

use std::collections::BTreeMap;

use model::{Currency, Name, ShardId};
use readable::suggest::{did_you_mean, listed};

use super::section::Problems;
use super::source::{At, Located};
use super::{AccountEntry, Config};

pub(super) fn config(config: &Config, problems: &Problems) {
    once("broker.name", config.brokers.iter().map(|broker| (broker.value.as_str(), &broker.at)), problems);
    once(
        "session.name",
        config.sessions.iter().map(|session| (session.name.as_str(), &session.at)),
        problems,
    );
    once("portfolio.name", config.portfolios.iter().map(|entry| (entry.name.as_str(), &entry.at)), problems);
    once(
        "account.name",
        config.accounts.iter().map(|account| (account.name.as_str(), &account.at)),
        problems,
    );
    let symbols = config.instruments.iter().map(|entry| (entry.symbol.as_str(), &entry.at));
    once("instrument.symbol", symbols, problems);
    instruments(config, problems);
    for entry in &config.approvals.cash_above {
        known_currency(config, entry.value.0, &entry.at, "approvals.cash_above", problems);
    }
    sessions(config, problems);
    portfolios(config, problems);
    for account in &config.accounts {
        account_leads_somewhere(config, account, problems);
    }
}

fn once<'a>(key: &str, names: impl Iterator<Item = (&'a str, &'a At)>, problems: &Problems) {
    let mut seen: BTreeMap<&str, &At> = BTreeMap::new();
    for (name, at) in names {
        if let Some(first) = seen.get(name) {
            let text = format!("\"{name}\" is defined twice; first in line {}", first.line);
            problems.add(at.clone(), key, text);
        } else {
            seen.insert(name, at);
        }
    }
}

fn known_currency(config: &Config, currency: Currency, at: &At, key: &str, problems: &Problems) {
    if config.currencies.contains(&currency) {
        return;
    }
    let known = || config.currencies.iter().map(Currency::as_str);
    let hint = did_you_mean(currency.as_str(), known());
    let text = format!("\"{currency}\" is not in currencies: {}{hint}", listed(known()));
    problems.add(at.clone(), key, text);
}

fn instruments(config: &Config, problems: &Problems) {
    for entry in &config.instruments {
        known_currency(config, entry.currency, &entry.at, "instrument.currency", problems);
    }
}

fn shard_exists(config: &Config, shard: ShardId, at: &At, key: &str, problems: &Problems) {
    let shards = config.node.shards;
    if shard.index >= shards {
        let text =
            format!("there is no shard {shard}: node.shards is {shards}, so 0 to {} exist", shards - 1);
        problems.add(at.clone(), key, text);
    }
}

fn sessions(config: &Config, problems: &Problems) {
    let mut pairs: BTreeMap<(&str, &str, &str, u16), Name> = BTreeMap::new();
    let mut stores = BTreeMap::new();
    for session in &config.sessions {
        shard_exists(config, session.shard, &session.at, "session.shard", problems);
        let known = || config.brokers.iter().map(|broker| broker.value.as_str());
        unknown("broker", &session.broker, known, "session.broker", problems);
        let pair = (
            session.sender_comp_id.as_str(),
            session.target_comp_id.as_str(),
            session.host.as_str(),
            session.port,
        );
        if let Some(other) = pairs.insert(pair, session.name) {
            let text = format!("has the comp ids, host and port of session \"{other}\"");
            problems.add(session.at.clone(), "session.sender_comp_id", text);
        }
        if let Some(other) = stores.insert(&session.store, session.name) {
            let text = format!("is the store of session \"{other}\" already; each needs its own");
            problems.add(session.at.clone(), "session.store", text);
        }
    }
}

fn portfolios(config: &Config, problems: &Problems) {
    for portfolio in &config.portfolios {
        shard_exists(config, portfolio.shard, &portfolio.at, "portfolio.shard", problems);
        for (currency, _) in &portfolio.gross_exposure {
            known_currency(config, *currency, &portfolio.at, "portfolio.max_gross_exposure", problems);
        }
    }
}

/// Records a name that is not among the known ones.
fn unknown<'a, I: Iterator<Item = &'a str>>(
    what: &str,
    name: &Located<Name>,
    known: impl Fn() -> I,
    key: &str,
    problems: &Problems,
) {
    let Located { value: name, at } = name;
    if !known().any(|other| other == name.as_str()) {
        let hint = did_you_mean(name.as_str(), known());
        let text = format!("there is no {what} \"{name}\"{hint}; defined are {}", listed(known()));
        problems.add(at.clone(), key, text);
    }
}

fn account_leads_somewhere(config: &Config, account: &AccountEntry, problems: &Problems) {
    let portfolios = || config.portfolios.iter().map(|portfolio| portfolio.name.as_str());
    unknown("portfolio", &account.portfolio, portfolios, "account.portfolio", problems);
    let sessions = || config.sessions.iter().map(|session| session.name.as_str());
    unknown("session", &account.session, sessions, "account.session", problems);
    if let (Some(portfolio), Some(session)) =
        (config.portfolio(account.portfolio.value), config.session(account.session.value))
        && portfolio.shard != session.shard
        && portfolio.shard.index.max(session.shard.index) < config.node.shards
    {
        let text = format!(
            "session \"{}\" is homed on shard {}, but portfolio \"{}\" lives on shard {}: they must share one",
            session.name, session.shard, portfolio.name, portfolio.shard
        );
        problems.add(account.session.at.clone(), "account.session", text);
    }
}
