//! `gannet replay`: the state from the journals, with every recorded digest compared.

use std::path::PathBuf;
use std::time::Instant;

use engine::{replay_until, state_hash};
use model::{Position, ShardId};
use serde::Serialize;

use super::Failure;
use super::output::Output;
use crate::node::journals::{JournalsError, shard_dir, shards_of};
use crate::table::{Cell, Table};

/// Replay journals and compare every recorded digest on the way.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder of the journals.
    #[arg(long, value_name = "DIR", default_value = "journal")]
    journal: PathBuf,
    /// Stop behind this record of its shard, as 0:1042.
    #[arg(long, value_name = "POSITION")]
    until: Option<Position>,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Replayed {
    shard: u16,
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
    let shards = shards_of(&args.journal).map_err(Failure::new)?;
    if shards.is_empty() {
        return Err(Failure::new(JournalsError::None(args.journal.clone())));
    }
    let replayed = shards.into_iter().map(|shard| replayed(args, shard)).collect::<Result<Vec<_>, _>>()?;
    if args.json {
        return out.json(&replayed);
    }
    out.table(&table(&replayed))
}

fn replayed(args: &Args, shard: ShardId) -> Result<Replayed, Failure> {
    let started = Instant::now();
    let until =
        args.until.filter(|position| position.shard == shard).map_or(u64::MAX, |position| position.seq);
    let dir = shard_dir(&args.journal, shard);
    let recovered = replay_until(&dir, |record| record.position.seq <= until).map_err(Failure::new)?;
    let hash = state_hash(&recovered.core);
    Ok(Replayed {
        shard: shard.index,
        position: recovered.position.to_string(),
        records: recovered.records,
        digests_equal: recovered.digests,
        digest: recovered.digest.to_string(),
        state_hash: hash.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat(),
        accounts: recovered.core.accounts().count(),
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
            Cell::count(row.shard),
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
