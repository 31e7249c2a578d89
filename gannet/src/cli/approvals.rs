//! `gannet approvals`, `gannet approve` and `gannet refuse`: requests that wait for a second person.

use wire::{Answer, ApprovalRow, OfficeNote, Request};

use super::named::{place, who};
use super::office::every;
use super::output::Output;
use super::source::{Socket, Source};
use super::{Failure, answers};
use readable::table::{Cell, Table};

/// List requests for an approval.
#[derive(Debug, clap::Args)]
pub(super) struct ApprovalsArgs {
    /// Only those that wait for a person or for their shard.
    #[arg(long)]
    open: bool,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: Source,
}

#[expect(clippy::result_large_err, reason = "an answer of another kind is shown as it is, and moved once")]
pub(super) fn run(args: &ApprovalsArgs, out: &mut Output) -> Result<(), Failure> {
    let rows = every(&args.source, args.open, out, Request::Approvals, |answer| match answer {
        Answer::Approvals(page) => Ok(page),
        other => Err(other),
    })?;
    if args.json { out.json(&rows) } else { out.table(&table(&rows)) }
}

pub(super) fn table(rows: &[ApprovalRow]) -> Table {
    let headings = [
        "NUMBER",
        "WHAT",
        "ACCOUNT",
        "AMOUNT",
        "CCY",
        "REFERENCE",
        "ASKED BY",
        "STANDS",
        "BY",
        "WORD",
        "RECORD",
    ];
    let mut table = Table::new("Approvals", &headings);
    for row in rows {
        table.row(vec![
            Cell::count(row.number),
            Cell::text(&row.what),
            Cell::text(row.account),
            Cell::Number(row.amount.get()),
            Cell::text(row.currency),
            Cell::text(row.reference),
            Cell::text(who(&row.asked)),
            Cell::text(stands(row)),
            row.decided.as_ref().map_or(Cell::Blank, |by| Cell::text(who(by))),
            row.word.as_ref().map_or(Cell::Blank, Cell::text),
            row.position.map_or(Cell::Blank, |position| Cell::text(place(position))),
        ]);
    }
    table
}

fn stands(row: &ApprovalRow) -> String {
    if row.standing == "waiting" { format!("waiting until {}", row.expires) } else { row.standing.clone() }
}

/// Approve a request: `gannet approve 3`
#[derive(Debug, clap::Args)]
pub(super) struct ApproveArgs {
    /// Its number.
    number: u64,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(super) fn approve(args: &ApproveArgs, out: &mut Output) -> Result<(), Failure> {
    answers::show(&args.socket.call(&Request::Approve { number: args.number })?, args.json, out)
}

/// Refuse a request: `gannet refuse 3 "wrong account"`
#[derive(Debug, clap::Args)]
pub(super) struct RefuseArgs {
    /// Its number.
    number: u64,
    /// Why.
    word: String,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(super) fn refuse(args: &RefuseArgs, out: &mut Output) -> Result<(), Failure> {
    let note = OfficeNote { number: args.number, word: args.word.clone() };
    answers::show(&args.socket.call(&Request::Refuse(note))?, args.json, out)
}
