//! `gannet latency explain`: the slowest inputs of a running node, and why each was slow.

use std::collections::BTreeMap;

use model::Decimal;
use readable::short_duration;
use readable::table::{Cell, Table};
use wire::{Answer, Cause, LatencyReport, LatencyRow, Request};

use super::output::Output;
use super::source::Socket;
use super::{Failure, answers};

/// Latency of a running node that traces: `node.trace` in its configuration.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the slowest inputs, stage by stage, and what made each slow.
    Explain(Explain),
}

#[derive(Debug, clap::Args)]
struct Explain {
    /// How many.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    worst: u32,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let Command::Explain(args) = &args.command;
    match args.socket.call(&Request::Latency { worst: args.worst })? {
        Answer::Latency(report) if args.json => out.json(&report),
        Answer::Latency(report) => show(&report, out),
        other => Err(answers::failure(&other)),
    }
}

fn show(report: &LatencyReport, out: &mut Output) -> Result<(), Failure> {
    out.table(&slowest(report))?;
    out.table(&causes(&report.rows))
}

const HEADINGS: [&str; 10] =
    ["RECORD", "LANE", "TOTAL µs", "RING", "JOURNAL", "DECIDE", "RELEASE", "GATEWAY", "CAUSE", "EVIDENCE"];

fn slowest(report: &LatencyReport) -> Table {
    let title = format!(
        "The slowest {} of the last {} inputs (taken within {}, median {})",
        report.rows.len(),
        report.kept,
        short_duration(report.oldest_ns),
        short_duration(report.median_ns)
    );
    let mut table = Table::new(title, &HEADINGS);
    for row in &report.rows {
        table.row(vec![
            Cell::text(row.position),
            Cell::text(row.lane.text()),
            micros(Some(row.total_ns)),
            micros(row.ring_ns),
            micros(Some(row.journal_ns)),
            micros(Some(row.decide_ns)),
            micros(Some(row.release_ns)),
            micros(row.gateway_ns),
            Cell::text(row.cause.text()),
            Cell::text(&row.detail),
        ]);
    }
    table
}

/// How often each cause is among them.
fn causes(rows: &[LatencyRow]) -> Table {
    let mut by_cause: BTreeMap<Cause, (u64, u64)> = BTreeMap::new();
    for row in rows {
        let (count, worst_ns) = by_cause.entry(row.cause).or_default();
        *count += 1;
        *worst_ns = row.total_ns.max(*worst_ns);
    }
    let mut sorted: Vec<_> = by_cause.into_iter().collect();
    sorted.sort_by_key(|(_, (count, worst_ns))| std::cmp::Reverse((*count, *worst_ns)));
    let mut table = Table::new("Causes", &["CAUSE", "INPUTS", "WORST µs"]);
    for (cause, (count, worst_ns)) in sorted {
        table.row(vec![Cell::text(cause.text()), Cell::count(count), micros(Some(worst_ns))]);
    }
    table
}

/// With one decimal: less is noise.
fn micros(ns: Option<u64>) -> Cell {
    Cell::number(ns.map(|ns| Decimal::new(i64::try_from(ns / 100).unwrap_or(i64::MAX), 1)))
}
