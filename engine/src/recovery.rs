//! States from journals: from the first record or the newest snapshot on, to the end or to a point.

use crash_point::{Point, reach};
use journal::{Folder, Reader};
use machine::{Machine, Position, Recorded};

use crate::broken::is_passed_over;
use crate::error::EngineError;
use crate::records::{Reads, RecordOf, Records};
use crate::replay::{Recovered, Replay};
use crate::snapshot;
use crate::supply::Supply;

/// Replays a whole journal, every record of it, on one core. Takes no lock; a node may be writing.
pub fn replay<M: Machine>(dir: impl Into<Folder>) -> Result<Recovered<M>, EngineError> {
    replay_from_first(dir, Reads::InTurn, |_| true)
}

/// Replays while `goes_on` says so of the next record: time travel to a position or an instant. Where there is a second
/// core, it reads ahead.
pub fn replay_until<M: Machine>(
    dir: impl Into<Folder>,
    goes_on: impl Fn(&RecordOf<M::Input>) -> bool,
) -> Result<Recovered<M>, EngineError> {
    replay_from_first(dir, Reads::Ahead, goes_on)
}

/// The state at the end of a journal, from the newest snapshot that can be believed. Where there is a second core, it
/// reads ahead.
pub fn recover<M: Machine>(dir: impl Into<Folder>) -> Result<Recovered<M>, EngineError> {
    recover_accepting(dir, Reads::Ahead, None)
}

/// As [`recover`], all of it by the calling thread: for where several threads on one disk would not do.
pub fn recover_in_turn<M: Machine>(dir: impl Into<Folder>) -> Result<Recovered<M>, EngineError> {
    recover_accepting(dir, Reads::InTurn, None)
}

/// As [`recover`], with a mismatch that an operator has accepted.
pub(crate) fn recover_accepting<M: Machine>(
    dir: impl Into<Folder>,
    reads: Reads,
    accepted: Option<Position>,
) -> Result<Recovered<M>, EngineError> {
    let dir = dir.into();
    let shard = Reader::open(&dir)?.shard();
    let start = || {
        let snapshot = snapshot::newest(&dir, shard);
        snapshot.map_or_else(|| Replay::new(shard), Replay::resume).accepting(accepted)
    };
    let whole = |replay: &mut Replay<M>| {
        let reader = Reader::from_seq(&dir, replay.position().seq + 1)?;
        run(replay, reader, reads, |_| {
            reach(Point::RecoveryMidReplay);
            true
        })
    };
    passing_over_the_last(whole, start)
}

/// Where the last record breaks an invariant, the process ended before it could record so: the record is passed over, as
/// it will be once that is recorded. One further back was applied when it was recorded, and is refused.
fn passing_over_the_last<M: Machine>(
    whole: impl Fn(&mut Replay<M>) -> Result<(), EngineError>,
    start: impl Fn() -> Replay<M>,
) -> Result<Recovered<M>, EngineError> {
    let mut replay = start();
    let Err(error) = whole(&mut replay) else { return Ok(replay.finish()) };
    let (at, Some(broken)) = (replay.position(), replay.failed.take()) else { return Err(error) };
    let mut again = start();
    again.fails_at = Some(at);
    whole(&mut again)?;
    if again.position() == at {
        return Ok(Recovered { broken: Some(broken), ..again.finish() });
    }
    Err(error)
}

/// Replays from the first record on.
pub(crate) fn replay_from_first<M: Machine>(
    dir: impl Into<Folder>,
    reads: Reads,
    goes_on: impl Fn(&RecordOf<M::Input>) -> bool,
) -> Result<Recovered<M>, EngineError> {
    let dir = dir.into();
    let shard = Reader::from_seq(&dir, 1)?.shard();
    let whole = |replay: &mut Replay<M>| run(replay, Reader::from_seq(&dir, 1)?, reads, &goes_on);
    passing_over_the_last(whole, || Replay::new(shard))
}

/// Replays what `reader` reads while `goes_on` says so of the next record.
fn run<M: Machine>(
    replay: &mut Replay<M>,
    reader: Reader,
    reads: Reads,
    goes_on: impl Fn(&RecordOf<M::Input>) -> bool,
) -> Result<(), EngineError> {
    let mut records = Records::of(reader, reads)?;
    // The core that reads ahead has time to make memory too.
    let mut supply = records.are_ahead().then(|| Supply::start("replay-supply".to_owned())).transpose()?;
    replay.is_supplied = supply.is_some();
    while let Some((record, following)) = records.next_two()? {
        if !goes_on(record) {
            break;
        }
        if let Some(Recorded::Input(input)) = following.map(|record| &record.body) {
            replay.core.anticipate(input);
        }
        if is_passed_over(record.position, following) {
            replay.passes_over = Some(record.position);
        }
        if let Some(supply) = &mut supply {
            supply.refill(&mut replay.core);
        }
        replay.step(record)?;
    }
    replay.is_supplied = false;
    Ok(())
}

impl<M: Machine> Replay<M> {
    /// The state behind a record that breaks an invariant, without it: from the journal, since what was changed before the
    /// panic is not to be trusted.
    pub fn passing_over(dir: impl Into<Folder>, broken: Position) -> Result<Self, EngineError> {
        let (dir, end) = (dir.into(), broken.seq);
        let start = snapshot::newest_where(&dir, broken.shard, |seq, _| seq < end);
        let mut replay = start.map_or_else(|| Self::new(broken.shard), Self::resume);
        replay.fails_at = Some(broken);
        let mut records = Records::of(Reader::from_seq(&dir, replay.position().seq + 1)?, Reads::InTurn)?;
        while replay.position().seq < end {
            let Some((record, following)) = records.next_two()? else { break };
            replay.step_before(record, following)?;
        }
        Ok(replay)
    }
}
