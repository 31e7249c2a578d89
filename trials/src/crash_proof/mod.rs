//! The crash proof: kills at named places and at random instants, and after each restart the question whether
//! anything was lost or happened twice. `docs/crash-proof.md` describes it.
//!
//! * `rows`: where kills strike; `plan`: how many strike where;
//! * `siege`: one world, its kills, and what is looked at after each;
//! * `report`: the table, the same as JSON, and what to do about a failure.

mod plan;
mod report;
mod rows;
mod siege;

use std::path::{Path, PathBuf};

use node::config::Config;

pub use crate::TrialError;
use crate::evidence::Evidence;
use crate::progress::Progress;
use crate::{acknowledged, findings};
pub use plan::Durabilities;
pub use report::Report;
use report::Tally;
use siege::Siege;

/// What to prove.
#[derive(Clone, Debug)]
pub struct CrashProofOptions {
    /// How many kills.
    pub kills: u32,
    /// The seed of the plan, the market, the broker's moods and the orders.
    pub seed: u64,
    /// What the node's journals survive.
    pub durability: Durabilities,
    /// Only these places; all where empty.
    pub points: Vec<String>,
    /// A broker that often acknowledges only after a node is up again and asks.
    pub slow_broker: bool,
    /// Keep every world here, each in a folder of its own; else only those where something was found.
    pub keep: Option<PathBuf>,
    /// Say nothing on the way.
    pub quiet: bool,
}

impl Default for CrashProofOptions {
    fn default() -> Self {
        Self {
            kills: 200,
            seed: 7,
            durability: Durabilities::Both,
            points: Vec::new(),
            slow_broker: false,
            keep: None,
            quiet: false,
        }
    }
}

/// Holds the proof. What it finds stands in the report; an error is what kept it from being held.
pub fn run(options: &CrashProofOptions) -> Result<Report, TrialError> {
    if !crash_point::COMPILED_IN {
        let why = "this build has no crash points; `cargo xtask crash-proof` builds one that has, or build with \
                   --features crash-points";
        return Err(TrialError::Asked(why.to_owned()));
    }
    let planned = plan::plan(options)?;
    let mut progress = Progress::new(options.quiet);
    let mut report = Report::new(options, &planned);
    let mut worlds: Vec<&str> = planned.iter().map(|planned| planned.row.world).collect();
    worlds.dedup();
    for (number, world) in worlds.iter().enumerate() {
        progress.step(&format!("world {} of {}: {world}", number + 1, worlds.len()));
        let strikes: Vec<_> = planned.iter().filter(|planned| planned.row.world == *world).copied().collect();
        let mut siege = Siege::begin(options, world, number as u64)?;
        let held = siege.hold(&strikes, &mut report, &mut progress).and_then(|()| siege.end(&mut report));
        if !siege.conclude(held, &mut report) {
            break;
        }
    }
    progress.done();
    report.finish();
    Ok(report)
}

/// Judges once more what a kept world left: its journals, the broker's log, both FIX stores, and what was
/// acknowledged. Both processes must have ended.
pub fn judge(root: &Path) -> Result<Report, TrialError> {
    let config = Config::load(&root.join("node.toml"))?;
    let mut evidence = Evidence::new(&config, root);
    let acknowledged = acknowledged::read(root)?;
    evidence.read_on()?;
    evidence.judge_end(&acknowledged);
    let tally = Tally {
        orders: acknowledged.len() as u64,
        fills: evidence.executions().0 as u64,
        findings: evidence.findings,
        ..Tally::default()
    };
    Ok(Report::of_one(root, tally))
}

pub(crate) use findings::Check;
