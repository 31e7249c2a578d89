//! Answers from the past, by replaying journals from disk: the state at an instant, what changed between two, and
//! why an order is what it is. Read-only and without a lock; a node may be trading.

pub mod alerts;
pub mod at;
pub mod config_history;
pub mod diff;
pub mod standing;
pub mod state;
mod tell;
pub mod why;

use actors::Core;
use engine::{EngineError, Records, Replay, newest_where};
use journal::{Folder, JournalError, Reader, Record};
use machine::Machine;
use model::{ArithmeticError, Name, Position, ShardId, Timestamp};
use office::Office;

use crate::books::{Books, ShardBooks};
use crate::journals::{JournalsError, OFFICE, shard_folder, shards_of};
use crate::office::OfficeBooks;
use front::definitions::Definitions;
use front::directory::Directory;

pub use at::At;

/// Why the past gives no answer.
#[derive(Debug, thiserror::Error)]
pub enum PastError {
    /// The folder of the journals.
    #[error(transparent)]
    Journals(#[from] JournalsError),
    /// A journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A journal cannot be replayed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A record's number without its shard, where there are several.
    #[error("there are {shards} shards: say whose record {seq} is meant, as 0:{seq}")]
    WhichShard {
        /// How many.
        shards: usize,
        /// The record.
        seq: u64,
    },
    /// There is no such shard.
    #[error("there is no journal of shard {0}")]
    NoShard(ShardId),
    /// The node has never told its office anything, or the journals are of before there was one.
    #[error("{}: no journal of the office here, so no configuration is on record", .0.display())]
    NoOffice(std::path::PathBuf),
    /// No configuration was in force then.
    #[error("no configuration was in force then{}", said_first(*.first))]
    NoConfiguration {
        /// The record by which the first came into force, and when.
        first: Option<(u64, Timestamp)>,
    },
    /// The record is not there yet.
    #[error("there is no record {asked}: the journal ends at {last}")]
    NotThere {
        /// What was asked for.
        asked: Position,
        /// The last record.
        last: Position,
    },
    /// The second instant is before the first.
    #[error("{0} is before the other instant: the earlier comes first")]
    Backwards(At),
    /// No such account at that instant.
    #[error("there is no account {0} at that instant")]
    UnknownAccount(Name),
    /// The order is not found.
    #[error("no order {0} in these journals")]
    UnknownOrder(String),
    /// The identifier was used in several accounts.
    #[error("{cl_ord_id} is an order of {first} and of {second}: say which by --account")]
    SeveralAccounts {
        /// The identifier.
        cl_ord_id: String,
        /// One account.
        first: Name,
        /// Another.
        second: Name,
    },
    /// A row cannot be computed exactly.
    #[error("a row cannot be computed: {0}")]
    Arithmetic(#[from] ArithmeticError),
}

fn said_first(first: Option<(u64, Timestamp)>) -> String {
    first.map(|(seq, time)| format!(": the first came at office:{seq}, {time}")).unwrap_or_default()
}

/// The state of every shard, and of the office, on its way through the journals.
#[derive(Debug)]
pub struct Past {
    folder: Folder,
    shards: Vec<(ShardId, Replay<Core>)>,
    /// None where there is no journal of it.
    office: Option<Replay<Office>>,
}

/// How far a shard's journal is replayed.
#[derive(Clone, Copy, Debug)]
enum Bound {
    Seq(u64),
    Time(Timestamp),
}

impl Bound {
    /// True where nothing behind it can matter: what is there may be damaged.
    const fn is_reached(self, position: Position) -> bool {
        matches!(self, Self::Seq(seq) if position.seq >= seq)
    }

    fn covers<P>(self, record: &Record<P>) -> bool {
        self.includes(record.position.seq, record.time)
    }

    fn includes(self, seq: u64, time: Timestamp) -> bool {
        match self {
            Self::Seq(bound) => seq <= bound,
            Self::Time(bound) => time <= bound,
        }
    }
}

impl Past {
    /// Before the first record of every journal in `folder`.
    pub fn open(folder: impl Into<Folder>) -> Result<Self, PastError> {
        let folder = folder.into();
        let shards: Vec<_> =
            shards_of(&folder.path)?.into_iter().map(|shard| (shard, Replay::<Core>::new(shard))).collect();
        if shards.is_empty() {
            return Err(JournalsError::None(folder.path).into());
        }
        let has_office = shard_folder(&folder, OFFICE).path.is_dir();
        let office = has_office.then(|| Replay::new(OFFICE));
        Ok(Self { folder, shards, office })
    }

    /// The state at one instant.
    pub fn read(folder: impl Into<Folder>, at: At) -> Result<Self, PastError> {
        let mut past = Self::open(folder)?;
        past.go_to(at)?;
        Ok(past)
    }

    /// Goes on to a later instant. A record of one shard means for the others the time of that record.
    pub fn go_to(&mut self, at: At) -> Result<(), PastError> {
        let position = match at {
            At::Time(time) => return self.go_to_time(at, time, None),
            At::Position(position) => position,
            At::Seq(seq) => match self.shards.as_slice() {
                [(shard, _)] => Position::new(*shard, seq),
                shards => return Err(PastError::WhichShard { shards: shards.len(), seq }),
            },
        };
        let (last, time) = if position.shard == OFFICE {
            let office = self.office.as_mut().ok_or_else(|| PastError::NoOffice(self.folder.path.clone()))?;
            go_on(&self.folder, OFFICE, office, Bound::Seq(position.seq))?;
            (office.position(), office.time())
        } else {
            let of_shard = self.shards.iter_mut().find(|(shard, _)| *shard == position.shard);
            let (shard, replay) = of_shard.ok_or(PastError::NoShard(position.shard))?;
            go_on(&self.folder, *shard, replay, Bound::Seq(position.seq))?;
            (replay.position(), replay.time())
        };
        if last.seq < position.seq {
            return Err(PastError::NotThere { asked: position, last });
        }
        if last.seq > position.seq {
            return Err(PastError::Backwards(at));
        }
        self.go_to_time(at, time, Some(position.shard))
    }

    fn go_to_time(&mut self, at: At, time: Timestamp, but: Option<ShardId>) -> Result<(), PastError> {
        for (shard, replay) in self.shards.iter_mut().filter(|(shard, _)| Some(*shard) != but) {
            if replay.position().seq > 0 && replay.time() > time {
                return Err(PastError::Backwards(at));
            }
            go_on(&self.folder, *shard, replay, Bound::Time(time))?;
        }
        if let Some(office) = self.office.as_mut().filter(|_| but != Some(OFFICE)) {
            if office.position().seq > 0 && office.time() > time {
                return Err(PastError::Backwards(at));
            }
            go_on(&self.folder, OFFICE, office, Bound::Time(time))?;
        }
        Ok(())
    }

    /// The names known at this instant.
    pub fn directory(&self) -> Directory {
        let cores = self.shards.iter().map(|(shard, replay)| (*shard, replay.core()));
        let shards = self.shards.iter().map(|(shard, _)| *shard);
        Directory::new(shards, &Definitions::of(cores, &[]))
    }

    /// The state at this instant, as queries see it.
    pub fn books<'a>(&'a self, directory: &'a Directory) -> Books<'a> {
        let of_shard = |(shard, replay): &'a (ShardId, Replay<Core>)| ShardBooks {
            shard: *shard,
            core: replay.core(),
            position: replay.position(),
            digest: replay.digest().to_string(),
            alerts: replay.alerts(),
            diverged_at: None,
            behind: 0,
        };
        let office = self.office.as_ref();
        let office = office.map(|replay| OfficeBooks { office: replay.core(), position: replay.position() });
        Books { shards: self.shards.iter().map(of_shard).collect(), office, directory }
    }

    /// The office's state; `None` where there is no journal of it.
    pub const fn office(&self) -> Option<&Replay<Office>> {
        self.office.as_ref()
    }

    /// Each shard's state.
    pub fn shards(&self) -> impl Iterator<Item = (ShardId, &Replay<Core>)> {
        self.shards.iter().map(|(shard, replay)| (*shard, replay))
    }
}

/// Goes on to `bound`, from the newest snapshot on the way there if there is one: the state is the same, and the records
/// before need not be read.
fn go_on<M: Machine>(
    folder: &Folder,
    shard: ShardId,
    replay: &mut Replay<M>,
    bound: Bound,
) -> Result<(), PastError> {
    let dir = shard_folder(folder, shard);
    let at = replay.position().seq;
    if let Some(start) = newest_where(&dir, shard, |seq, time| seq > at && bound.includes(seq, time)) {
        *replay = Replay::resume(start);
    }
    if bound.is_reached(replay.position()) {
        return Ok(());
    }
    let reader = match Reader::from_seq(&dir, replay.position().seq + 1) {
        // The folder was made and the process killed before the journal was.
        Err(JournalError::NoJournal { .. }) => return Ok(()),
        reader => reader?,
    };
    let mut records = Records::in_turn(reader);
    while !bound.is_reached(replay.position())
        && let Some((record, following)) = records.next_two()?
        && bound.covers(record)
    {
        replay.step_before(record, following)?;
    }
    Ok(())
}
