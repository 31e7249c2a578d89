//! `gannet config`: which configuration was in force, and when.

use wire::{Answer, ConfigRow, Request};

use super::Failure;
use super::named::{place, who};
use super::office::every;
use super::output::Output;
use super::place::JournalPlace;
use super::source::Source;
use node::past::At;
use node::past::config_history::config_at;
use readable::table::{Cell, Table};

/// Show which configurations were in force.
#[derive(Debug, clap::Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    what: ConfigPart,
}

#[derive(Debug, clap::Subcommand)]
enum ConfigPart {
    /// List the configurations that came into force: when, by whom, and what they changed.
    History {
        /// Answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        source: Source,
    },
    /// Print the text that was in force at an instant. Secrets are left out of it.
    Show {
        /// Behind a record, as office:12 or 0:1042, or at a time, as 2026-11-20T16:00:00Z; absent, the last one.
        #[arg(long, value_name = "POSITION|TIME")]
        at: Option<At>,
        #[command(flatten)]
        place: JournalPlace,
        /// Answer as JSON: the text, and its row.
        #[arg(long)]
        json: bool,
    },
}

#[expect(clippy::result_large_err, reason = "an answer of another kind is shown as it is, and moved once")]
pub(super) fn run(args: &ConfigArgs, out: &mut Output) -> Result<(), Failure> {
    match &args.what {
        ConfigPart::History { json, source } => {
            let rows = every(source, false, out, Request::ConfigHistory, |answer| match answer {
                Answer::ConfigHistory(page) => Ok(page),
                other => Err(other),
            })?;
            if *json { out.json(&rows) } else { show_history(&rows, out) }
        }
        ConfigPart::Show { at, place, json } => {
            let found = config_at(place.folder(out)?, *at).map_err(Failure::new)?;
            if *json { out.json(&found) } else { out.text(&found.text) }
        }
    }
}

fn show_history(rows: &[ConfigRow], out: &mut Output) -> Result<(), Failure> {
    let headings = ["NUMBER", "IN FORCE SINCE", "BY", "RECORD", "BYTES", "CHANGES"];
    let mut table = Table::new("Configurations", &headings);
    for row in rows {
        let changes = row.changes.len() as u64 + u64::from(row.more_changes);
        table.row(vec![
            Cell::count(row.number),
            Cell::text(&row.by.time),
            Cell::text(who(&row.by)),
            Cell::text(place(row.position)),
            Cell::count(row.len_bytes),
            Cell::count(changes),
        ]);
    }
    out.table(&table)?;
    let Some(last) = rows.last() else { return Ok(()) };
    out.line(&format!("What number {} changed:", last.number))?;
    changes(last).into_iter().try_for_each(|line| out.line(&line))
}

/// One line a change.
fn changes(row: &ConfigRow) -> Vec<String> {
    let mut lines: Vec<String> =
        row.changes.iter().map(|change| format!("  {:8} {}", change.kind, change.text)).collect();
    if lines.is_empty() {
        lines.push("  nothing".to_owned());
    }
    if row.more_changes > 0 {
        lines.push(format!("  and {} more", row.more_changes));
    }
    lines
}
