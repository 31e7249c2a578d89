//! The alerts that a shard raised between two of its records, from its journal.

use actors::Core;
use engine::{Records, Replay, newest_where};
use journal::{Folder, Reader};
use model::{Alert, CausedBy, Event, Position};

use super::PastError;

/// Alerts behind `after`, up to the record `until`, in order: each with its record and which of the record's events it is.
/// `journal` is the shard's own folder.
pub fn alerts_between(
    journal: &Folder,
    after: CausedBy,
    until: Position,
) -> Result<Vec<(CausedBy, Alert)>, PastError> {
    let (shard, first) = (after.position.shard, after.position.seq);
    // A snapshot before it: the events of its own record are wanted, too.
    let start = newest_where(journal, shard, |seq, _| seq < first);
    let mut replay: Replay<Core> = start.map_or_else(|| Replay::new(shard), Replay::resume);
    let mut records = Records::in_turn(Reader::from_seq(journal, replay.position().seq + 1)?);
    let mut found = Vec::new();
    while replay.position().seq < until.seq
        && let Some((record, following)) = records.next_two()?
    {
        let position = record.position;
        let outcome = replay.step_before(record, following)?;
        for (index, event) in (0..).zip(&outcome.events) {
            let cause = CausedBy { position, index };
            if let Event::Alert(alert) = event
                && cause > after
            {
                found.push((cause, *alert));
            }
        }
    }
    Ok(found)
}
