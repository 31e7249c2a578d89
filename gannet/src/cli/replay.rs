//! `gannet replay`: the state from the journals, with every recorded digest compared, and looked over as a whole.

use std::path::{Path, PathBuf};
use std::time::Instant;

use actors::Core;
use engine::{Recovered, replay_until, state_hash, write_outcomes};
use journal::Folder;
use machine::Machine;
use model::{Position, ShardId};
use node::config::Config;
use node::journals::{JournalsError, OFFICE, shard_folder, shards_of};
use office::Office;
use readable::table::{Cell, Table};
use serde::Serialize;

use super::named::{by_name, has_office, journal_cell, place};
use super::output::Output;
use super::place::GapChoice;
use super::{Failure, verify};

/// Replay journals and compare every recorded digest on the way.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder of the journals, or a configuration file that names it.
    #[arg(value_name = "DIR|CONFIG", conflicts_with = "journal")]
    place: Option<PathBuf>,
    /// The folder of the journals.
    #[arg(long, value_name = "DIR", default_value = "journal")]
    journal: PathBuf,
    /// Say whether this program may open the journals for writing: whether its logic leads to every recorded digest,
    /// and if not, where it first differs. Exit code 1 if not.
    #[arg(long)]
    verify: bool,
    /// What the program that wrote the journals made of each record, to name the first one that differs.
    #[arg(long, value_name = "DIR", requires = "verify")]
    outcomes: Option<PathBuf>,
    /// Write what this program makes of each record into this folder, for another version to compare with.
    #[arg(long, value_name = "DIR", conflicts_with = "verify")]
    write_outcomes: Option<PathBuf>,
    /// Stop behind this record of its shard, as 0:1042.
    #[arg(long, value_name = "POSITION")]
    until: Option<Position>,
    #[command(flatten)]
    gaps: GapChoice,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Replayed {
    /// A number, or `office`.
    #[serde(serialize_with = "by_name")]
    shard: ShardId,
    position: String,
    records: u64,
    digests_equal: u64,
    digest: String,
    state_hash: String,
    accounts: usize,
    alerts: u64,
    elapsed_ms: u128,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let folder = match &args.place {
        Some(place) if place.is_file() => Config::load(place).map_err(Failure::new)?.node.journal,
        Some(place) => place.clone(),
        None => args.journal.clone(),
    };
    let shards = shards_of(&folder).map_err(Failure::new)?;
    if shards.is_empty() {
        return Err(Failure::new(JournalsError::None(folder)));
    }
    let folder = args.gaps.folder(&folder, |_| true, out)?;
    if args.verify {
        return verify::run(&folder, &shards, args.outcomes.as_deref(), args.json, out);
    }
    if let Some(to) = &args.write_outcomes {
        return write_all_outcomes(&folder, &shards, to, out);
    }
    let of_shard = |shard| replayed::<Core>(&folder, args.until, shard, |core| core.accounts().count());
    let mut replayed_all = shards.into_iter().map(of_shard).collect::<Result<Vec<_>, _>>()?;
    if has_office(&folder) {
        replayed_all.push(replayed::<Office>(&folder, args.until, OFFICE, |_| 0)?);
    }
    if args.json {
        return out.json(&replayed_all);
    }
    out.table(&table(&replayed_all))
}

fn write_all_outcomes(
    folder: &Folder,
    shards: &[ShardId],
    to: &Path,
    out: &mut Output,
) -> Result<(), Failure> {
    std::fs::create_dir_all(to).map_err(|error| Failure::Said(format!("{}: {error}", to.display())))?;
    for shard in shards {
        let file = verify::outcomes_of(to, *shard);
        let written = write_outcomes::<Core>(shard_folder(folder, *shard), &file).map_err(Failure::new)?;
        out.line(&format!("{}: {} records", file.display(), written.records))?;
    }
    Ok(())
}

fn replayed<M: Machine>(
    folder: &Folder,
    until: Option<Position>,
    shard: ShardId,
    accounts: impl Fn(&M) -> usize,
) -> Result<Replayed, Failure> {
    let started = Instant::now();
    let until = until.filter(|position| position.shard == shard).map_or(u64::MAX, |position| position.seq);
    let dir = shard_folder(folder, shard);
    let recovered: Recovered<M> =
        replay_until(dir, |record| record.position.seq <= until).map_err(Failure::new)?;
    recovered.core.verify().map_err(Failure::new)?;
    let hash = state_hash(&recovered.core);
    Ok(Replayed {
        shard,
        position: place(recovered.position),
        records: recovered.records,
        digests_equal: recovered.digests,
        digest: recovered.digest.to_string(),
        state_hash: hash.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat(),
        accounts: accounts(&recovered.core),
        alerts: recovered.alerts,
        elapsed_ms: started.elapsed().as_millis(),
    })
}

fn table(replayed: &[Replayed]) -> Table {
    let headings =
        ["SHARD", "POSITION", "RECORDS", "DIGESTS EQUAL", "ACCOUNTS", "ALERTS", "MS", "DIGEST", "STATE HASH"];
    let mut table = Table::new("Replayed; every recorded digest was met", &headings);
    for row in replayed {
        table.row(vec![
            journal_cell(row.shard),
            Cell::text(&row.position),
            Cell::count(row.records),
            Cell::count(row.digests_equal),
            Cell::count(u64::try_from(row.accounts).unwrap_or(u64::MAX)),
            Cell::count(row.alerts),
            Cell::count(u64::try_from(row.elapsed_ms).unwrap_or(u64::MAX)),
            Cell::text(&row.digest),
            Cell::text(&row.state_hash),
        ]);
    }
    table
}
