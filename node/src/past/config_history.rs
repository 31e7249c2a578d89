//! The configuration that was in force at an instant, from the office's journal.

use engine::Replay;
use journal::{Folder, Reader};
use model::{Position, RecordBody};
use office::Office;
use office::config_history::InForce;
use serde::Serialize;
use wire::ConfigRow;

use super::{At, Bound, PastError, go_on};
use crate::journals::{OFFICE, shard_folder};
use crate::office::rows::config_row;

/// A configuration with its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigAt {
    /// Which it is, since when, by whom.
    pub configuration: ConfigRow,
    /// Its text, secrets left out.
    pub text: String,
}

/// The configuration in force at `at`, or the last one. `folder` is that of all journals. A record without a shard is one
/// of the office's.
pub fn config_at(folder: impl Into<Folder>, at: Option<At>) -> Result<ConfigAt, PastError> {
    let folder = folder.into();
    if !shard_folder(&folder, OFFICE).path.is_dir() {
        return Err(PastError::NoOffice(folder.path));
    }
    let bound = at.map_or(Ok(Bound::Seq(u64::MAX)), |at| bound(&folder, at))?;
    let mut replay = Replay::<Office>::new(OFFICE);
    go_on(&folder, OFFICE, &mut replay, bound)?;
    let asked = match at {
        Some(At::Seq(seq)) => Some(seq),
        Some(At::Position(position)) if position.shard == OFFICE => Some(position.seq),
        _ => None,
    };
    if let Some(seq) = asked.filter(|seq| replay.position().seq < *seq) {
        return Err(PastError::NotThere { asked: Position::new(OFFICE, seq), last: replay.position() });
    }
    let history = replay.core().config_history();
    match history.in_force() {
        Some(row) => Ok(ConfigAt { configuration: config_row(row), text: history.text().to_owned() }),
        None => Err(before_the_first(&folder, replay)),
    }
}

fn bound(folder: &Folder, at: At) -> Result<Bound, PastError> {
    match at {
        At::Time(time) => Ok(Bound::Time(time)),
        At::Seq(seq) => Ok(Bound::Seq(seq)),
        At::Position(position) if position.shard == OFFICE => Ok(Bound::Seq(position.seq)),
        At::Position(position) => {
            // A record of a shard means the time of that record.
            let mut reader = Reader::from_seq(shard_folder(folder, position.shard), position.seq)?;
            let record = reader.next::<RecordBody>()?;
            let last = Position { seq: position.seq.saturating_sub(1), ..position };
            record.map(|record| Bound::Time(record.time)).ok_or(PastError::NotThere { asked: position, last })
        }
    }
}

/// Says when the first came into force.
fn before_the_first(folder: &Folder, mut replay: Replay<Office>) -> PastError {
    if let Err(error) = go_on(folder, OFFICE, &mut replay, Bound::Seq(u64::MAX)) {
        return error;
    }
    let first =
        replay.core().config_history().rows().next().map(|row: &InForce| (row.position.seq, row.time));
    PastError::NoConfiguration { first }
}
