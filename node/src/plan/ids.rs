//! Names to ids: what exists keeps its id, what is new gets the next free one.

use std::collections::BTreeMap;

use model::{AccountId, BrokerId, InstrumentId, Name, PortfolioId, SessionId, Symbol};

use crate::config::{At, Config, Problem};
use front::definitions::Definitions;

/// Every name of the configuration with its id.
pub(super) struct Ids {
    pub(super) instruments: BTreeMap<Symbol, InstrumentId>,
    pub(super) brokers: BTreeMap<Name, BrokerId>,
    pub(super) sessions: BTreeMap<Name, SessionId>,
    pub(super) portfolios: BTreeMap<Name, PortfolioId>,
    pub(super) accounts: BTreeMap<Name, AccountId>,
}

impl Ids {
    pub(super) fn assign(config: &Config, existing: &Definitions, problems: &mut Vec<Problem>) -> Self {
        let known = existing.instruments.iter().filter_map(|(symbol, homes)| {
            let (_, definition) = homes.first_key_value()?;
            Some((*symbol, definition.id.index))
        });
        let wanted = config.instruments.iter().map(|entry| (entry.symbol, &entry.at));
        let instruments = assign("instrument", known, wanted, problems);

        let known = existing.sessions.iter().map(|(name, (_, session))| (*name, session.id.index.into()));
        let wanted = config.sessions.iter().map(|entry| (entry.name, &entry.at));
        let sessions = assign("session", known, wanted, problems);

        let known = existing.portfolios.iter().map(|(name, (_, known))| (*name, known.definition.id.index));
        let wanted = config.portfolios.iter().map(|entry| (entry.name, &entry.at));
        let portfolios = assign("portfolio", known, wanted, problems);

        let known = existing.accounts.iter().map(|(name, (_, known))| (*name, known.definition.id.index));
        let wanted = config.accounts.iter().map(|entry| (entry.name, &entry.at));
        let accounts = assign("account", known, wanted, problems);

        // A session or broker index beyond 16 bits was refused by `assign`, by its slot.
        let short = |index: u32| u16::try_from(index).unwrap_or(u16::MAX);
        Self {
            instruments: instruments.into_iter().map(|(name, id)| (name, InstrumentId::new(id))).collect(),
            brokers: brokers(config, existing, problems),
            sessions: sessions.into_iter().map(|(name, id)| (name, SessionId::new(short(id)))).collect(),
            portfolios: portfolios.into_iter().map(|(name, id)| (name, PortfolioId::new(id))).collect(),
            accounts: accounts.into_iter().map(|(name, id)| (name, AccountId::new(id))).collect(),
        }
    }
}

/// More of anything than the core's tables hold; sessions and brokers have 16 bits.
fn most(what: &str) -> u32 {
    if what == "session" || what == "broker" { u16::MAX.into() } else { 1 << 20 }
}

fn assign<'a, K: Ord + Copy>(
    what: &str,
    known: impl Iterator<Item = (K, u32)>,
    wanted: impl Iterator<Item = (K, &'a At)>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<K, u32> {
    let mut ids: BTreeMap<K, u32> = known.collect();
    let mut next = ids.values().max().map_or(0, |highest| highest + 1);
    for (name, at) in wanted {
        if ids.contains_key(&name) {
            continue;
        }
        if next >= most(what) {
            let text = format!("is one more than the {} that a node holds", most(what));
            problems.push(Problem { at: at.clone(), key: format!("{what}.name"), text });
            return ids;
        }
        ids.insert(name, next);
        next += 1;
    }
    ids
}

/// A broker is what its sessions in the journal say: its name there may be an older one, which the file changes. One that
/// has no session any more in the file is found by that name.
fn brokers(config: &Config, existing: &Definitions, problems: &mut Vec<Problem>) -> BTreeMap<Name, BrokerId> {
    let mut known: BTreeMap<Name, (u32, Name)> = BTreeMap::new();
    for session in &config.sessions {
        let Some((_, definition)) = existing.sessions.get(&session.name) else { continue };
        let id = u32::from(definition.broker.index);
        let name = session.broker.value;
        let clash = known.iter().find(|(other, (taken, _))| (**other == name) != (*taken == id));
        if let Some((other, (_, by))) = clash {
            let text = format!(
                "the broker of a session never changes, and the journal has \"{}\" and \"{by}\" (\"{other}\") {}",
                session.name,
                if *other == name { "at different brokers" } else { "at one broker" }
            );
            problems.push(Problem { at: session.broker.at.clone(), key: "session.broker".to_owned(), text });
            continue;
        }
        known.insert(name, (id, session.name));
    }
    for (id, names) in &existing.brokers {
        let id = u32::from(id.index);
        let Some(name) = names.values().next() else { continue };
        if !known.values().any(|(taken, _)| *taken == id) {
            known.entry(*name).or_insert((id, *name));
        }
    }
    // Ids of brokers whose sessions are no longer listed stay taken.
    let highest = existing.sessions.values().map(|(_, session)| u32::from(session.broker.index)).max();
    let wanted = config.brokers.iter().map(|broker| (broker.value, &broker.at));
    let mut ids: BTreeMap<Name, u32> = known.into_iter().map(|(name, (id, _))| (name, id)).collect();
    let mut next = highest.map_or(0, |highest| highest + 1);
    for (name, at) in wanted {
        if ids.contains_key(&name) {
            continue;
        }
        if next >= most("broker") {
            let text = format!("is one more than the {} that a node holds", most("broker"));
            problems.push(Problem { at: at.clone(), key: "broker.name".to_owned(), text });
            break;
        }
        ids.insert(name, next);
        next += 1;
    }
    ids.into_iter().map(|(name, id)| (name, BrokerId::new(u16::try_from(id).unwrap_or(u16::MAX)))).collect()
}
