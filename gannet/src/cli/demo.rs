//! `gannet demo`: everything at work, killed in the middle, and proved afterwards.

use std::path::PathBuf;

use node::config::Durability;
use trials::demo::{DemoOptions, run as show};

use super::output::Output;
use super::{Failure, cash, positions, words};

/// Start a paper broker and a node, trade, kill the node on the way, and prove that nothing was lost.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Replay quotes from this CSV or CSV.gz file with the columns `ts_utc_ns,symbol,bid,bid_qty,ask,ask_qty` instead of the built-in market.
    #[arg(long, value_name = "FILE")]
    quotes: Option<PathBuf>,
    /// How fast a file of quotes is replayed: a factor, or `max`.
    #[arg(long, value_name = "SPEED", default_value = "600")]
    speed: String,
    /// New orders to send; cancels and replaces of them come in between.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    orders: u32,
    /// How many requests of all kinds in a second; 0 for as many as the node takes.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    rate: u32,
    /// How often the node is killed with SIGKILL on the way.
    #[arg(long, value_name = "N", default_value_t = 3)]
    kills: u32,
    /// The seed of the market, the broker's moods and the orders.
    #[arg(long, value_name = "N", default_value_t = 7)]
    seed: u64,
    /// The number of shards of the node.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=2))]
    shards: u16,
    /// What the node's journals survive: a crash of the process, or of the machine.
    #[arg(long, default_value = "process", value_parser = words::durability())]
    durability: Durability,
    /// Keep the directories of node and broker in this new folder, to look into them afterwards.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Write what is shown to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// No progress on stderr.
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let options = DemoOptions {
        keep: args.keep.clone(),
        quotes: args.quotes.clone(),
        speed: args.speed.clone(),
        orders: args.orders,
        rate: args.rate,
        kills: args.kills,
        seed: args.seed,
        shards: args.shards,
        durability: args.durability,
        quiet: args.quiet,
    };
    let report = show(&options).map_err(Failure::new)?;
    let positions = positions::table(report.positions()).map_err(Failure::new)?;
    let cash = cash::table(report.cash()).map_err(Failure::new)?;
    for table in [report.orders_table(), report.denied_table(), positions, cash, report.latency_table()] {
        out.table(&table)?;
        out.line("")?;
    }
    out.line(&report.to_string())?;
    if let Some(path) = &args.json {
        let text = format!("{:#}\n", report.to_json());
        std::fs::write(path, text)
            .map_err(|error| Failure::Said(format!("cannot write {}: {error}", path.display())))?;
    }
    if report.proofs.hold() { Ok(()) } else { Err(Failure::Said("a proof does not hold".to_owned())) }
}
