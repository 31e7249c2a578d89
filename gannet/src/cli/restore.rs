//! `gannet restore`: journals from a backup, to its end or to a point in time.

use std::path::PathBuf;

use node::backup::{Restored, RestoredShard, restore};
use node::past::At;
use readable::table::{Cell, Table};
use serde_json::json;

use super::Failure;
use super::backup::told;
use super::named::{journal_cell, title};
use super::output::Output;

/// Make journals of a backup, in a new folder. Every hash is compared on the way; what is in the folder afterwards is
/// whole, or there is nothing. Nothing that exists is touched.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder of the backup.
    #[arg(value_name = "FROM")]
    from: PathBuf,
    /// The new folder of the journals.
    #[arg(value_name = "TO_DIR")]
    to: PathBuf,
    /// Only up to here: behind a record, as 1042 or, with several shards, 0:1042; or with everything up to a time, as
    /// 2026-11-20T16:00:00Z. A record of one shard means for the others the time of that record.
    #[arg(long, value_name = "SEQ|TIME")]
    at: Option<At>,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let restored = restore(&args.from, &args.to, args.at, &mut told(args.json)).map_err(Failure::new)?;
    if args.json {
        return out.json(&as_json(&restored));
    }
    show(args, &restored, out)
}

fn hash(shard: &RestoredShard) -> Option<String> {
    let hash = shard.state.as_ref().ok()?;
    Some(hash.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat())
}

fn show(args: &Args, restored: &Restored, out: &mut Output) -> Result<(), Failure> {
    let headings = ["SHARD", "LAST RECORD", "OF", "IN THE BACKUP", "STATE HASH"];
    let mut table = Table::new("Restored; every hash is right", &headings);
    for shard in &restored.shards {
        table.row(vec![
            journal_cell(shard.shard),
            Cell::count(shard.copied.head.seq),
            Cell::text(shard.copied.last_time),
            Cell::count(shard.backup_seq),
            hash(shard).map_or(Cell::Blank, Cell::text),
        ]);
    }
    out.table(&table)?;
    for shard in &restored.shards {
        if let Err(error) = &shard.state {
            out.line(&format!("{}: the records are right, but {error}", title(shard.shard)))?;
        }
    }
    out.line("")?;
    if restored.is_cut {
        out.line("It ends before the backup does: what happened behind that point is given up here.")?;
    }
    out.line("What happened since is known to the brokers alone: orders that were sent, and their fills.")?;
    out.line(&format!(
        "Set node.journal to {}, and read docs/operations.md, \"After a restore\", before the node trades.",
        args.to.display()
    ))?;
    for (name, folder) in &restored.sessions {
        out.line(&format!(
            "The files of session {name}, should the ones in use be lost: {}",
            folder.display()
        ))?;
    }
    Ok(())
}

fn as_json(restored: &Restored) -> serde_json::Value {
    let shard = |shard: &RestoredShard| {
        json!({
            "shard": shard.shard.index,
            "last_seq": shard.copied.head.seq,
            "last_time": shard.copied.last_time.to_string(),
            "backup_seq": shard.backup_seq,
            "head": shard.copied.head.to_string(),
            "incarnation": shard.incarnation.count,
            "state_hash": hash(shard),
            "error": shard.state.as_ref().err().map(ToString::to_string),
        })
    };
    let session = |(name, folder): &(String, PathBuf)| json!({ "session": name, "folder": folder });
    json!({
        "shards": restored.shards.iter().map(shard).collect::<Vec<_>>(),
        "sessions": restored.sessions.iter().map(session).collect::<Vec<_>>(),
        "is_cut": restored.is_cut,
    })
}
