//! A directory that follows the journal.
//!
//! A directory is a value: who has one sees the same names until they ask for another. Each state counts its definitions;
//! where a count has moved, the next directory is made anew, from all shards. Definitions are few and names are asked for
//! all the time, so asking costs a comparison a shard.

use std::sync::{Arc, PoisonError, RwLock};

use actors::Core;
use model::ShardId;

use crate::definitions::Definitions;
use crate::directory::Directory;

/// The newest directory, for many threads.
#[derive(Debug, Default)]
pub struct LiveDirectory {
    newest: RwLock<Arc<Edition>>,
}

/// A directory, and of which definitions it is.
#[derive(Debug, Default)]
struct Edition {
    directory: Arc<Directory>,
    /// How many definitions each shard had.
    counts: Vec<(ShardId, u64)>,
}

/// Lets somebody look at the state of each shard, one after the other. A shard that cannot be looked at is left out.
pub trait Shards {
    /// Calls `look` for every shard, in the same order each time.
    fn each(&self, look: &mut dyn FnMut(ShardId, &Core));
}

impl LiveDirectory {
    /// Of these shards as they are now.
    pub fn new(shards: &dyn Shards) -> Self {
        Self { newest: RwLock::new(Arc::new(Edition::of(shards))) }
    }

    /// The directory as it was when somebody last asked for a new one. It waits for nothing.
    pub fn current(&self) -> Arc<Directory> {
        Arc::clone(&self.edition().directory)
    }

    /// A directory that has everything which is defined by now.
    pub fn renewed(&self, shards: &dyn Shards) -> Arc<Directory> {
        let known = self.edition();
        if known.counts == counts(shards) {
            return Arc::clone(&known.directory);
        }
        let edition = Arc::new(Edition::of(shards));
        let mut newest = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have been quicker, and may have seen more. A shard that cannot be looked at keeps its place: a
        // halt of the firm goes to every shard that is named here.
        if newest.counts.len() <= edition.counts.len() && newest.total() <= edition.total() {
            *newest = edition;
        }
        Arc::clone(&newest.directory)
    }

    fn edition(&self) -> Arc<Edition> {
        Arc::clone(&self.newest.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn counts(shards: &dyn Shards) -> Vec<(ShardId, u64)> {
    let mut counts = Vec::new();
    shards.each(&mut |shard, core| counts.push((shard, core.definitions())));
    counts
}

impl Edition {
    fn of(shards: &dyn Shards) -> Self {
        let (mut definitions, mut counts) = (Definitions::default(), Vec::new());
        shards.each(&mut |shard, core| {
            definitions.add(shard, core, &[]);
            counts.push((shard, core.definitions()));
        });
        let directory = Directory::new(counts.iter().map(|(shard, _)| *shard), &definitions);
        Self { directory: Arc::new(directory), counts }
    }

    fn total(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    use actors::{Outcome, Stamp};
    use model::{
        Command, Event, Input, Name, Origin, PortfolioDefinition, PortfolioId, Position, Stamped,
        StrategyDefinition, StrategyId, Timestamp,
    };

    use super::*;

    #[derive(Default)]
    struct BothShards {
        cores: Mutex<[Core; 2]>,
        /// The second cannot be looked at.
        is_half: AtomicBool,
    }

    impl BothShards {
        fn done(&self, shard: u16, command: Command) {
            let mut out = Outcome::default();
            let stamp =
                Stamp { position: Position::new(ShardId::new(shard), 1), time: Timestamp::from_nanos(1) };
            let input = Input::command(Origin::default(), Stamped::default(), command);
            let mut cores = self.cores.lock().unwrap();
            cores.get_mut(usize::from(shard)).unwrap().apply(stamp, &input, &mut out);
            assert_eq!(out.events, [Event::Done]);
        }

        fn portfolio(&self, shard: u16, id: u32, text: &str) {
            let definition = PortfolioDefinition { id: PortfolioId::new(id), name: name(text) };
            self.done(shard, Command::DefinePortfolio(definition));
        }
    }

    impl Shards for BothShards {
        fn each(&self, look: &mut dyn FnMut(ShardId, &Core)) {
            let seen = if self.is_half.load(Ordering::Relaxed) { 1 } else { 2 };
            for (shard, core) in (0..).map(ShardId::new).zip(&*self.cores.lock().unwrap()).take(seen) {
                look(shard, core);
            }
        }
    }

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    #[test]
    fn what_is_defined_later_is_found_once_it_is_asked_for() {
        let world = BothShards::default();
        let live = LiveDirectory::new(&world);
        world.portfolio(1, 7, "GROWTH");
        assert_eq!(live.current().portfolio(name("GROWTH")), None);
        let found = live.renewed(&world).portfolio(name("GROWTH"));
        assert_eq!(found, Some((PortfolioId::new(7), ShardId::new(1))));
        assert_eq!(live.current().portfolio(name("GROWTH")), found);
    }

    #[test]
    fn a_renaming_is_followed_and_who_asked_before_keeps_what_they_have() {
        let world = BothShards::default();
        world.portfolio(0, 3, "GROWTH");
        let strategy = |text| StrategyDefinition {
            portfolio: PortfolioId::new(3),
            id: StrategyId::new(1),
            name: name(text),
        };
        world.done(0, Command::DefineStrategy(strategy("TREND")));
        let live = LiveDirectory::new(&world);
        let before = live.current();
        world.done(0, Command::DefineStrategy(strategy("MOMENTUM")));
        let after = live.renewed(&world);
        let shown = |directory: &Directory| directory.strategy_name(PortfolioId::new(3), StrategyId::new(1));
        assert_eq!((shown(&before), shown(&after)), (Some(name("TREND")), Some(name("MOMENTUM"))));
    }

    #[test]
    fn where_nothing_was_defined_the_same_directory_is_given_again() {
        let world = BothShards::default();
        world.portfolio(0, 3, "GROWTH");
        let live = LiveDirectory::new(&world);
        assert!(Arc::ptr_eq(&live.current(), &live.renewed(&world)));
    }

    #[test]
    fn a_shard_that_cannot_be_looked_at_keeps_its_place() {
        let world = BothShards::default();
        world.portfolio(1, 7, "GROWTH");
        let live = LiveDirectory::new(&world);
        world.is_half.store(true, Ordering::Relaxed);
        world.portfolio(0, 3, "INCOME");
        world.portfolio(0, 4, "BONDS");
        assert_eq!(live.renewed(&world).shards().len(), 2);
        world.is_half.store(false, Ordering::Relaxed);
        assert!(live.renewed(&world).portfolio(name("BONDS")).is_some());
    }
}
