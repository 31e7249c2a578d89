//! `gannet alerts`: what somebody has to see, and who has seen it.

use wire::{AlertRow, Answer, OfficeNote, Request};

use super::named::{place, who};
use super::office::every;
use super::output::Output;
use super::source::{Socket, Source};
use super::{Failure, answers};
use readable::table::{Cell, Table};

/// List alerts, or acknowledge one: `gannet alerts ack 3 "machine replaced"`
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct AlertsArgs {
    #[command(subcommand)]
    what: Option<AlertsWord>,
    /// Only those that nobody has acknowledged.
    #[arg(long)]
    open: bool,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: Source,
}

#[derive(Debug, clap::Subcommand)]
enum AlertsWord {
    /// Say that you have seen an alert, and a word about it.
    Ack {
        /// Its number.
        number: u64,
        /// Why nothing more is to be done about it, or what is.
        word: String,
        /// Answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        socket: Socket,
    },
}

#[expect(clippy::result_large_err, reason = "an answer of another kind is shown as it is, and moved once")]
pub(super) fn run(args: &AlertsArgs, out: &mut Output) -> Result<(), Failure> {
    if let Some(AlertsWord::Ack { number, word, json, socket }) = &args.what {
        let note = OfficeNote { number: *number, word: word.clone() };
        return answers::show(&socket.call(&Request::AcknowledgeAlert(note))?, *json, out);
    }
    let rows = every(&args.source, args.open, out, Request::Alerts, |answer| match answer {
        Answer::Alerts(page) => Ok(page),
        other => Err(other),
    })?;
    if args.json { out.json(&rows) } else { out.table(&table(&rows)) }
}

pub(super) fn table(rows: &[AlertRow]) -> Table {
    let headings = ["NUMBER", "KIND", "SUBJECT", "TIMES", "LAST", "RECORD", "WHAT", "ACKNOWLEDGED"];
    let mut table = Table::new("Alerts", &headings);
    for row in rows {
        let seen = row.acknowledged.as_ref().zip(row.word.as_ref());
        table.row(vec![
            Cell::count(row.number),
            Cell::text(&row.kind),
            Cell::text(&row.subject),
            Cell::count(row.times),
            Cell::text(&row.last),
            row.position.map_or(Cell::Blank, |position| Cell::text(place(position))),
            Cell::text(&row.text),
            seen.map_or(Cell::Blank, |(by, word)| Cell::text(format!("{word} ({}, {})", who(by), by.time))),
        ]);
    }
    table
}
