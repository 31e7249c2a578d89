//! `gannet replay --verify`: may this program open these journals for writing?

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use actors::Core;
use engine::{Difference, EngineError, Recovered, first_difference, replay_until};
use journal::{Folder, Reader};
use machine::{DIGEST_KIND, Journalled, Machine, Recorded};
use model::{Input, Position, ShardId};
use node::journals::{OFFICE, shard_folder};
use office::Office;
use readable::table::{Cell, Table};
use serde::Serialize;
use serde_json::{Value, json};

use super::Failure;
use super::named::{by_name, has_office, journal_cell, title};
use super::output::Output;

/// What was found of one shard.
#[derive(Serialize)]
struct Verified {
    /// A number, or `office`.
    #[serde(serialize_with = "by_name")]
    shard: ShardId,
    /// True where this program may go on from this journal.
    proven: bool,
    recorded_logic: Option<u32>,
    logic: u32,
    records: u64,
    digests_equal: u64,
    /// Inputs behind the last digest.
    unproven_inputs: u64,
    /// What stands in the way.
    refusal: Option<String>,
    /// The records among which the first one is that differs.
    interval: Option<Interval>,
    /// The first record that differs, where that can be told.
    first: Option<Value>,
}

#[derive(Serialize)]
struct Interval {
    first: Position,
    last: Position,
    /// How many of each kind.
    kinds: Vec<(&'static str, u64)>,
}

/// Replays every journal to its recorded digests; with the outcomes of another program in `outcomes`, names the first
/// record that differs.
pub(super) fn run(
    folder: &Folder,
    shards: &[ShardId],
    outcomes: Option<&Path>,
    as_json: bool,
    out: &mut Output,
) -> Result<(), Failure> {
    let verify = |shard: &ShardId| verified::<Core>(&shard_folder(folder, *shard), *shard, outcomes);
    let mut verified_all = shards.iter().map(verify).collect::<Result<Vec<_>, _>>()?;
    if has_office(folder) {
        verified_all.push(verified::<Office>(&shard_folder(folder, OFFICE), OFFICE, None)?);
    }
    if as_json {
        out.json(&verified_all)?;
    } else {
        show(&verified_all, out)?;
    }
    if verified_all.iter().all(|shard| shard.proven) { Ok(()) } else { Err(Failure::Answered) }
}

/// The file of a shard's outcomes.
pub(super) fn outcomes_of(folder: &Path, shard: ShardId) -> PathBuf {
    folder.join(format!("shard-{shard}.outcomes"))
}

fn verified<M: Machine>(dir: &Folder, shard: ShardId, outcomes: Option<&Path>) -> Result<Verified, Failure> {
    let mut row = Verified {
        shard,
        proven: true,
        recorded_logic: None,
        logic: M::LOGIC_VERSION,
        records: 0,
        digests_equal: 0,
        unproven_inputs: 0,
        refusal: None,
        interval: None,
        first: None,
    };
    if let Some(folder) = outcomes {
        let found = first_difference::<Core>(dir, &outcomes_of(folder, shard)).map_err(Failure::new)?;
        row.first = found.as_ref().map(first_json);
    }
    let replayed: Result<Recovered<M>, EngineError> = replay_until(dir, |_| true);
    match replayed {
        Ok(recovered) => {
            row.recorded_logic = recovered.logic_version;
            (row.records, row.digests_equal) = (recovered.records, recovered.digests);
            row.unproven_inputs = recovered.unproven;
            if row.unproven_inputs > 0 && row.recorded_logic != Some(row.logic) {
                row.refusal = Some("inputs behind the last digest are proven by nothing".to_owned());
            }
            if let Err(violation) = recovered.core.verify() {
                row.refusal = Some(format!("the state does not agree with itself: {violation}"));
            }
        }
        Err(EngineError::DigestMismatch { position, after, logic_version, .. }) => {
            row.recorded_logic = logic_version;
            (row.records, row.digests_equal) = count::<M::Input>(dir, after).map_err(Failure::new)?;
            let first = Position { seq: after + 1, ..position };
            row.interval = Some(interval::<M::Input>(dir, first, position).map_err(Failure::new)?);
            row.refusal = Some(format!("records {first} to {position} lead elsewhere than they did"));
        }
        Err(EngineError::NewerLogic { recorded, .. }) => {
            row.recorded_logic = Some(recorded);
            row.refusal = Some("it was decided by a later logic than this program has".to_owned());
        }
        Err(error) => return Err(Failure::new(error)),
    }
    if row.first.is_some() && row.refusal.is_none() {
        row.refusal = Some("a record leads elsewhere than it did".to_owned());
    }
    row.proven = row.refusal.is_none();
    Ok(row)
}

/// The records up to `seq`, and how many of them are digests.
fn count<I: Journalled>(dir: &Folder, seq: u64) -> Result<(u64, u64), journal::JournalError> {
    let mut reader = Reader::open(dir)?;
    let (mut records, mut digests) = (0, 0);
    while reader.next_seq() <= seq
        && let Some(record) = reader.next::<Recorded<I>>()?
    {
        records += 1;
        digests += u64::from(record.kind == DIGEST_KIND);
    }
    Ok((records, digests))
}

fn interval<I: Journalled>(
    dir: &Folder,
    first: Position,
    last: Position,
) -> Result<Interval, journal::JournalError> {
    let mut reader = Reader::from_seq(dir, first.seq)?;
    let mut counts: BTreeMap<u8, u64> = BTreeMap::new();
    while reader.next_seq() <= last.seq
        && let Some(record) = reader.next::<Recorded<I>>()?
    {
        *counts.entry(record.kind).or_default() += 1;
    }
    let kinds = counts.into_iter().filter_map(|(kind, count)| Some((I::kind_name(kind)?, count)));
    Ok(Interval { first, last, kinds: kinds.collect() })
}

fn first_json(difference: &Difference<Core>) -> Value {
    json!({
        "position": difference.record.position,
        "time": difference.record.time.to_string(),
        "kind": Input::kind_name(difference.record.kind),
        "recorded_logic": difference.logic_version,
        "recorded_digest": difference.before.to_string(),
        "replayed_digest": difference.now.to_string(),
        "record": format!("{:?}", difference.record.body),
        "replayed_events": difference.events.iter().map(|event| format!("{event:?}")).collect::<Vec<_>>(),
    })
}

fn show(verified: &[Verified], out: &mut Output) -> Result<(), Failure> {
    let headings =
        ["SHARD", "DECIDED BY LOGIC", "THIS PROGRAM", "RECORDS", "DIGESTS EQUAL", "UNPROVEN", "PROVEN"];
    let mut table = Table::new("Replayed against what was recorded", &headings);
    for row in verified {
        table.row(vec![
            journal_cell(row.shard),
            row.recorded_logic.map_or(Cell::Blank, Cell::count),
            Cell::count(row.logic),
            Cell::count(row.records),
            Cell::count(row.digests_equal),
            Cell::count(row.unproven_inputs),
            Cell::text(if row.proven { "yes" } else { "NO" }),
        ]);
    }
    out.table(&table)?;
    for row in verified.iter().filter(|row| !row.proven) {
        refused(row, out)?;
    }
    Ok(())
}

fn refused(row: &Verified, out: &mut Output) -> Result<(), Failure> {
    let refusal = row.refusal.as_deref().unwrap_or_default();
    out.line(&format!(
        "\n{}: {refusal}. A node does not start on this journal with this program.",
        title(row.shard)
    ))?;
    if let Some(first) = &row.first {
        out.line("  The first record that differs:")?;
        return out.json(first);
    }
    let Some(interval) = &row.interval else { return Ok(()) };
    let kinds: Vec<String> = interval.kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    out.line(&format!(
        "  The first one that differs is among them: {}. A digest is recorded every 1,024 inputs, so the journal alone \
         says no more.",
        kinds.join(", ")
    ))?;
    out.line(
        "  To name it: `gannet replay --write-outcomes DIR` with the program that wrote the journal, then",
    )?;
    out.line("  `gannet replay --verify --outcomes DIR` with this one.")?;
    out.line("  To go on all the same: `gannet run --from-snapshot`; docs/operations.md says when.")
}
