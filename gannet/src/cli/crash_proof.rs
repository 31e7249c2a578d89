//! `gannet crash-proof`: kills, restarts, and the question whether anything was lost.

use std::path::PathBuf;

use trials::crash_proof::{CrashProofOptions, Durabilities, judge, run as prove};

use super::output::Output;
use super::{Failure, words};

/// Kill a node and its broker again and again, and prove after each restart that nothing was lost or happened twice.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How many kills.
    #[arg(long, value_name = "N", default_value_t = 200)]
    kills: u32,
    /// The seed of the plan, the market, the broker's moods and the orders.
    #[arg(long, value_name = "N", default_value_t = 7)]
    seed: u64,
    /// What the node's journals survive; both take turns in the same journal.
    #[arg(long, default_value = "both", value_parser = words::durabilities())]
    durability: Durabilities,
    /// Only kills at this crash point, or at random.node, random.broker or random.both; may be repeated.
    #[arg(long = "point", value_name = "NAME")]
    points: Vec<String>,
    /// A broker so slow now and then that a node is up again, and asks, before its request was answered.
    #[arg(long)]
    slow_broker: bool,
    /// Keep what every world leaves in this new folder; without it, only worlds where something was found are kept.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Write what is shown to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// No progress on stderr.
    #[arg(long)]
    quiet: bool,
    /// Kill nothing; judge once more what a kept world left.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["kills", "seed", "durability", "points", "keep"])]
    judge: Option<PathBuf>,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let report = match &args.judge {
        Some(root) => judge(root),
        None => prove(&CrashProofOptions {
            kills: args.kills,
            seed: args.seed,
            durability: args.durability,
            points: args.points.clone(),
            slow_broker: args.slow_broker,
            keep: args.keep.clone(),
            quiet: args.quiet,
        }),
    };
    let report = report.map_err(Failure::new)?;
    out.table(&report.table())?;
    out.line("")?;
    out.line(report.to_string().trim_end())?;
    if let Some(path) = &args.json {
        let text = format!("{:#}\n", report.to_json());
        std::fs::write(path, text)
            .map_err(|error| Failure::Said(format!("cannot write {}: {error}", path.display())))?;
    }
    if report.holds() { Ok(()) } else { Err(Failure::Said("the crash proof does not hold".to_owned())) }
}
