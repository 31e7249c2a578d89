//! The simulated world: the real core, journal, engine and gateway, with simulated clock, disk, line, broker and
//! operators, in one thread. One seed is one history.
//!
//! * [`run`]: one history, from its seed to its verdict;
//! * `world`: draws what happens next; `checks`: what must hold; `rest` and `finale`: how a history ends;
//! * `disk`, `line`, `broker`, `firm`: the world's edges, which fail, lie and mistype;
//! * `auditor`: follows the journal beside a naive twin of the core, and compares;
//! * [`Plant`]: bugs to plant, so that each check is seen to fail.

mod auditor;
mod broker;
mod checks;
mod clock;
mod clock_checks;
mod dice;
mod disk;
mod finale;
mod firm;
mod history;
mod inode;
#[path = "../../actors/tests/it/invariants.rs"]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a check that fails panics")]
mod invariants;
mod line;
mod node;
#[path = "../../node/src/running/port.rs"]
mod node_port;
mod plant;
mod port;
mod rest;
#[path = "../../actors/tests/it/twin.rs"]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a check that fails panics")]
mod twin;
#[path = "../../actors/tests/it/twin_hears.rs"]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a check that fails panics")]
mod twin_hears;
mod world;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub use plant::Plant;
pub use world::Setting;

use world::World;

/// What came of one history.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Its seed.
    pub seed: u64,
    /// Steps taken.
    pub events: u64,
    /// How long it lasted in its own time, in nanoseconds.
    pub simulated_ns: i64,
    /// Records in the journal at its end.
    pub records: u64,
    /// Segments of the journal when the node stopped for good.
    pub segments: u64,
    /// Executions in the broker's log.
    pub executions: u64,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// What was wrong; `None` where nothing was.
    pub failure: Option<String>,
    /// The digest at its end: the same seed, the same digest.
    pub digest: engine::Digest,
    /// The story, where it was asked for.
    pub story: String,
}

/// Runs one history.
pub fn run(setting: Setting) -> Verdict {
    let mut world = World::new(setting);
    let outcome = catch_unwind(AssertUnwindSafe(|| world.run()));
    let failure = match outcome {
        Ok(Ok(())) => None,
        Ok(Err(failure)) => Some(failure),
        Err(panic) => Some(
            panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                .unwrap_or_else(|| "a panic".to_owned()),
        ),
    };
    world.verdict(setting.seed, failure)
}
