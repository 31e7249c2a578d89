//! Names of strategies and brokers.

use actors::Core;
use model::{
    AccountDefinition, BrokerDefinition, BrokerId, Command, DenyReason, Name, PortfolioId,
    StrategyDefinition, StrategyId,
};

use crate::world::{FUND, World};

fn strategy(id: u16, name: &str) -> StrategyDefinition {
    StrategyDefinition { portfolio: FUND, id: StrategyId::new(id), name: Name::new(name).unwrap() }
}

fn broker(id: u16, name: &str) -> BrokerDefinition {
    BrokerDefinition { id: BrokerId::new(id), name: Name::new(name).unwrap() }
}

fn strategies(core: &Core) -> Vec<(u16, String)> {
    core.strategies(FUND).map(|(id, name)| (id.index, name.to_string())).collect()
}

#[test]
fn a_strategy_is_named_and_renamed() {
    let mut world = World::ready();
    for (id, name) in [(2, "PAIRS"), (1, "TREND"), (1, "MOMENTUM")] {
        world.done(Command::DefineStrategy(strategy(id, name)));
    }
    assert_eq!(strategies(&world.core), [(1, "MOMENTUM".to_owned()), (2, "PAIRS".to_owned())]);
    // The old name is free again.
    world.done(Command::DefineStrategy(strategy(3, "TREND")));
    assert_eq!(world.core.verify(), Ok(()));
}

#[test]
fn a_name_that_says_nothing_is_refused_and_changes_nothing() {
    let mut world = World::ready();
    world.done(Command::DefineStrategy(strategy(1, "TREND")));
    world.done(Command::DefineBroker(broker(0, "PRIME")));
    let before = world.encoded();
    for (bad, reason) in [
        (StrategyDefinition { name: Name::EMPTY, ..strategy(2, "X") }, DenyReason::BadDefinition),
        (strategy(0, "PERSON"), DenyReason::BadDefinition),
        (strategy(2, "TREND"), DenyReason::BadDefinition),
        (
            StrategyDefinition { portfolio: PortfolioId::new(9), ..strategy(2, "X") },
            DenyReason::UnknownPortfolio,
        ),
    ] {
        assert_eq!(world.refused(Command::DefineStrategy(bad)), reason, "{bad:?}");
    }
    for bad in [BrokerDefinition { name: Name::EMPTY, ..broker(1, "X") }, broker(1, "PRIME")] {
        assert_eq!(world.refused(Command::DefineBroker(bad)), DenyReason::BadDefinition, "{bad:?}");
    }
    assert_eq!(world.encoded(), before);
}

#[test]
fn names_outlive_a_snapshot_and_are_none_before_the_first() {
    let mut world = World::ready();
    assert_eq!((strategies(&world.core).len(), world.core.brokers().count()), (0, 0));
    world.done(Command::DefineStrategy(strategy(1, "TREND")));
    world.done(Command::DefineBroker(broker(4, "PRIME")));
    let again = Core::decode(&mut world.encoded().as_slice()).unwrap();
    assert_eq!(strategies(&again), [(1, "TREND".to_owned())]);
    assert_eq!(again.brokers().collect::<Vec<_>>(), [(BrokerId::new(4), Name::new("PRIME").unwrap())]);
}

#[test]
fn each_name_moves_the_fingerprint() {
    let mut world = World::ready();
    let mut seen = vec![world.core.changes()];
    for command in [
        Command::DefineStrategy(strategy(1, "TREND")),
        Command::DefineStrategy(strategy(2, "PAIRS")),
        Command::DefineBroker(broker(1, "PRIME")),
    ] {
        world.done(command);
        assert!(!seen.contains(&world.core.changes()), "{command:?}");
        seen.push(world.core.changes());
    }
}

#[test]
fn every_definition_counts_and_a_refusal_does_not() {
    let mut world = World::ready();
    let before = world.core.definitions();
    let core = &world.core;
    let there = core.instruments().count() + core.sessions().count() + core.portfolios().count();
    assert_eq!(usize::try_from(before).unwrap(), there + core.accounts().count());
    world.done(Command::DefineStrategy(strategy(1, "TREND")));
    world.refused(Command::DefineStrategy(strategy(2, "TREND")));
    let account = world.core.accounts().next().unwrap().definition;
    world.done(Command::DefineAccount(account));
    world.refused(Command::DefineAccount(AccountDefinition { name: Name::EMPTY, ..account }));
    assert_eq!(world.core.definitions(), before + 2);
}
