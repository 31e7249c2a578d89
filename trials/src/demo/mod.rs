//! The demo: a paper broker and a node as processes of their own, a day's orders, kills in the middle, and proofs.
//!
//! [`run`] is the whole of it, in order. Nothing here is known to the node: it is driven through its local socket
//! like by any strategy, killed like by any accident, and judged from its journal and the broker's own log.

mod day;
mod proofs;
mod report;

use std::path::PathBuf;

use node::config::Durability;
pub use proofs::Proofs;
pub use report::Report;

pub use crate::TrialError as DemoError;
use crate::driver::Driver;
use crate::evidence::Evidence;
use crate::progress::Progress;
use crate::world::{Setting, World};

/// What to show.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// Keep the directories of node and broker here.
    pub keep: Option<PathBuf>,
    /// Replay quotes from this file instead of the built-in market.
    pub quotes: Option<PathBuf>,
    /// How fast a file is replayed: a factor, or `max`.
    pub speed: String,
    /// How many new orders are sent. Cancels and replaces of them come in between.
    pub orders: u32,
    /// How many requests of all kinds are sent in a second; 0 for as many as the node takes.
    pub rate: u32,
    /// How often the node is killed.
    pub kills: u32,
    /// The seed of market, broker and orders.
    pub seed: u64,
    /// How many shards the node has.
    pub shards: u16,
    /// What the node's journals survive: a crash of the process, or of the machine.
    pub durability: Durability,
    /// Say nothing on the way.
    pub quiet: bool,
}

impl Default for DemoOptions {
    fn default() -> Self {
        Self {
            keep: None,
            quotes: None,
            speed: "600".to_owned(),
            orders: 10_000,
            rate: 1_000,
            kills: 3,
            seed: 7,
            shards: 1,
            durability: Durability::Process,
            quiet: false,
        }
    }
}

impl DemoOptions {
    fn setting(&self) -> Setting {
        Setting {
            keep: self.keep.clone(),
            quotes: self.quotes.clone(),
            speed: self.speed.clone(),
            seed: self.seed,
            shards: self.shards,
            durability: self.durability,
            restless: false,
            slow_broker: false,
            trace: true,
        }
    }
}

/// Shows it all and gives what was seen.
pub fn run(options: &DemoOptions) -> Result<Report, DemoError> {
    let mut progress = Progress::new(options.quiet);

    // 1 a broker and a node, as processes of their own
    progress.step("starting a paper broker and a node");
    let mut world = World::start(options.setting())?;

    // 2 money
    progress.step("depositing cash");
    let mut driver = Driver::connect(options.seed, &world)?;
    driver.deposit(&mut world)?;

    // 3 a day's orders, with kills in the middle
    day::trade(options, &mut driver, &mut world, &mut progress)?;

    // 4 an end: what is open is cancelled, everything is answered
    progress.step("cancelling what is open");
    driver.wind_up(&mut world)?;
    let live = driver.status(&mut world)?;
    progress.step("stopping node and broker");
    world.stop()?;

    // 5 the proofs, from the journal and the broker's own log
    progress.step("replaying the journal against the broker's log");
    let mut evidence = Evidence::new(&world.config, &world.root);
    evidence.note_shown(&live);
    evidence.read_on()?;
    evidence.judge_end(&driver.acknowledged);
    let report = Report::new(options, &world, &driver, &evidence)?;
    progress.done();
    Ok(report)
}
