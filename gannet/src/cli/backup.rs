//! `gannet backup`: every journal up to one instant, while the node trades.

use std::io::IsTerminal;
use std::path::PathBuf;

use model::ShardId;
use node::backup::{Source, Taken, take};
use readable::table::{Cell, Table};
use serde_json::json;

use super::Failure;
use super::named::{journal_cell, journal_name};
use super::output::Output;

/// Back up the journals, their snapshots, the files of FIX sessions and the configuration. The node may be trading; it
/// does not notice. Taken into a folder with an earlier backup, only what is new is copied.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder of the backup: a new one, or one with an earlier backup of the same node.
    #[arg(value_name = "TO")]
    to: PathBuf,
    /// The configuration of the node.
    #[arg(short, long, value_name = "FILE", default_value = "node.toml")]
    config: PathBuf,
    /// Only the journals in this folder.
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    journal: Option<PathBuf>,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let source = match &args.journal {
        Some(folder) => Source::Journals(folder.clone()),
        None => Source::Config(args.config.clone()),
    };
    let taken = take(&source, &args.to, &mut told(args.json)).map_err(Failure::new)?;
    if args.json {
        return out.json(&json!({ "copied_bytes": taken.copied_bytes, "manifest": taken.manifest }));
    }
    show(&taken, out)
}

/// Says each step to who watches.
pub(super) fn told(is_json: bool) -> impl FnMut(&str) {
    let watched = !is_json && std::io::stderr().is_terminal();
    move |step| {
        if watched {
            eprintln!("{step}");
        }
    }
}

fn show(taken: &Taken, out: &mut Output) -> Result<(), Failure> {
    let manifest = &taken.manifest;
    let headings = ["SHARD", "FIRST RECORD", "LAST RECORD", "FILES", "BYTES", "SNAPSHOTS", "LOGIC"];
    let mut table = Table::new(format!("Backup, with everything up to {}", manifest.until), &headings);
    let count = |number: usize| Cell::count(u64::try_from(number).unwrap_or(u64::MAX));
    for shard in manifest.journals() {
        table.row(vec![
            journal_cell(ShardId::new(shard.shard)),
            Cell::count(shard.first_seq),
            Cell::count(shard.last_seq),
            count(shard.pieces.len()),
            Cell::count(shard.pieces.iter().map(|piece| piece.len_bytes).sum::<u64>()),
            count(shard.snapshots.len()),
            shard.logic_version.map_or(Cell::Blank, Cell::count),
        ]);
    }
    out.table(&table)?;
    out.line(&format!("{} bytes were copied now. Heads, to be kept elsewhere:", taken.copied_bytes))?;
    manifest.journals().try_for_each(|shard| {
        out.line(&format!("  {}={}", journal_name(ShardId::new(shard.shard)), shard.head))
    })
}
