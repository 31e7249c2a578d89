//! The demo: a paper broker and a node as processes of their own, a day's orders, kills in the middle, and proofs.
//!
//! [`run`] is the whole of it, in order. Nothing here is known to the node: it is driven through its local socket
//! like by any strategy, killed like by any accident, and judged from its journal and the broker's own log.

mod driver;
mod flow;
mod market;
mod progress;
mod proofs;
mod report;
mod world;

use std::path::PathBuf;

use driver::Driver;
use progress::Progress;
pub use proofs::Proofs;
pub use report::Report;
use world::World;

use crate::config::Durability;

/// What to show.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// Keep the directories of node and broker here.
    pub keep: Option<PathBuf>,
    /// Replay quotes from this file instead of the built-in market.
    pub quotes: Option<PathBuf>,
    /// How fast a file is replayed: a factor, or `max`.
    pub speed: String,
    /// How many orders and requests are sent.
    pub orders: u32,
    /// How many are sent in a second; 0 for as many as the node takes.
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

/// Why the demo could not be shown. A proof that fails is no error: it stands in the report.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A file or process.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Something did not happen in time.
    #[error("{what} did not happen within {seconds} s; see {} for what the processes said", .logs.display())]
    Late {
        /// What.
        what: String,
        /// The patience.
        seconds: u64,
        /// Where the logs are.
        logs: PathBuf,
    },
    /// The node's socket.
    #[error(transparent)]
    Client(#[from] crate::client::ClientError),
    /// The node answered what makes no sense here.
    #[error("unexpected answer: {0}")]
    Unexpected(String),
    /// The journal afterwards.
    #[error(transparent)]
    Replay(#[from] engine::EngineError),
    /// The broker's log afterwards.
    #[error("the broker's log: {0}")]
    BrokerLog(String),
    /// The configuration of the demo.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
}

impl DemoError {
    fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// Shows it all and gives what was seen.
pub fn run(options: &DemoOptions) -> Result<Report, DemoError> {
    let mut progress = Progress::new(options.quiet);

    // 1 a broker and a node, as processes of their own
    progress.step("starting a paper broker and a node");
    let mut world = World::start(options)?;

    // 2 money
    progress.step("depositing cash");
    let mut driver = Driver::connect(options, &world)?;
    driver.deposit(&mut world)?;

    // 3 a day's orders, with kills in the middle
    driver.trade(&mut world, &mut progress)?;

    // 4 an end: what is open is cancelled, everything is answered
    progress.step("cancelling what is open");
    driver.wind_up(&mut world)?;
    let live = driver.status(&mut world)?;
    progress.step("stopping node and broker");
    world.stop()?;

    // 5 the proofs, from the journal and the broker's own log
    progress.step("replaying the journal against the broker's log");
    let report = Report::new(options, &world, &driver, &live)?;
    progress.done();
    Ok(report)
}
