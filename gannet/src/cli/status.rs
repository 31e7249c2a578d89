//! `gannet status`: how a node stands.

use readable::table::{Cell, Table};
use wire::text::Words;
use wire::{Answer, AsideRow, HaltRow, Request, SessionRow, Status};

use super::clock::how_far;
use super::output::Output;
use super::source::Source;
use super::{Failure, answers};

/// Show how a node stands: shards, sessions, halts.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: Source,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    match args.source.ask(&Request::Status {}, out)? {
        Answer::Status(status) if args.json => out.json(&status),
        Answer::Status(status) => show(&status, out),
        other => Err(answers::failure(&other)),
    }
}

fn show(status: &Status, out: &mut Output) -> Result<(), Failure> {
    let whose = status.pid.map_or("from journals".to_owned(), |pid| format!("process {pid}"));
    out.line(&format!("gannet {}, {whose}", status.version))?;
    out.line(&format!(
        "{} accounts, {} open orders, {} alerts so far, {} of them open, {} requests wait for approval",
        status.accounts, status.open_orders, status.alerts, status.open_alerts, status.waiting_approvals
    ))?;
    if status.suspense > 0 {
        out.line(&format!("{} fills could not be booked and are kept", status.suspense))?;
    }
    let mut shards = Table::new("Shards", &["SHARD", "POSITION", "OPENED", "DIGEST", "REPLICA", "BEHIND"]);
    for row in &status.shards {
        shards.row(vec![
            Cell::count(row.position.shard.index),
            Cell::count(row.position.seq),
            Cell::count(row.incarnation),
            Cell::text(&row.digest),
            Cell::text(row.diverged_at.map_or("agrees".to_owned(), |at| format!("DIFFERS at {at}"))),
            Cell::count(row.behind),
        ]);
    }
    out.table(&shards)?;
    out.table(&sessions(&status.sessions))?;
    out.table(&halts(&status.halts))?;
    for clock in &status.clock {
        out.line(&format!(
            "\nSHARD {}: {}, SINCE {}: no new orders, no date rolls; gannet clock accept",
            clock.found.shard,
            how_far(clock).to_uppercase(),
            clock.since
        ))?;
    }
    if status.set_aside.is_empty() { Ok(()) } else { out.table(&set_aside(&status.set_aside)) }
}

fn set_aside(rows: &[AsideRow]) -> Table {
    let mut table = Table::new("Set aside", &["WHAT", "NAME", "SINCE", "INVARIANT", "WHAT DID NOT HOLD"]);
    for row in rows {
        table.row(vec![
            Cell::text(&row.kind),
            Cell::text(&row.name),
            Cell::text(row.position),
            Cell::count(row.invariant),
            Cell::text(&row.text),
        ]);
    }
    table
}

pub(super) fn sessions(rows: &[SessionRow]) -> Table {
    let mut table = Table::new("Sessions", &["SESSION", "SHARD", "STATE", "IN DOUBT", "SINCE", "REASON"]);
    for row in rows {
        table.row(vec![
            Cell::text(row.session),
            Cell::count(row.shard),
            Cell::text(row.state.word()),
            Cell::count(row.in_doubt),
            row.since.as_ref().map_or(Cell::Blank, Cell::text),
            row.detail.as_ref().map_or(Cell::Blank, Cell::text),
        ]);
    }
    table
}

pub(super) fn halts(rows: &[HaltRow]) -> Table {
    let mut table = Table::new("Halts", &["WHAT", "NAME"]);
    for row in rows {
        table.row(vec![Cell::text(&row.kind), Cell::text(&row.name)]);
    }
    table
}
