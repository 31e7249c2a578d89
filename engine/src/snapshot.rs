//! Snapshots: a state beside its journal, so that a start replays only what came after it.
//!
//! The read side takes them; the shard does nothing for them and never waits. A snapshot is written beside, synced
//! and renamed, and is believed only where its own hash is right *and* the journal's record at its position is the
//! one it was taken at. One that is not believed is passed over for the one before, in the end for the whole journal.

use std::io;
use std::path::{Path, PathBuf};

use crash_point::{Point, reach};
use journal::disk::{Access, Disk};
use journal::{Folder, JournalError, Reader};
use machine::{Machine, Payload, Position, SectionError, ShardId, Timestamp, Unreadable};

use crate::digest::Digest;
use crate::replay::{Recovered, Replay};

mod file;

pub(crate) use file::is_whole;
use file::{FORMAT, HEADER_BYTES, Header, Parsed};

/// When snapshots are taken, and how many are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotPolicy {
    /// Records between two snapshots; 0 for none.
    pub every_records: u64,
    /// How many are kept.
    pub keep: usize,
}

impl Default for SnapshotPolicy {
    fn default() -> Self {
        Self { every_records: 1_000_000, keep: 3 }
    }
}

/// A snapshot that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Where it is.
    pub path: PathBuf,
    /// The last record in it.
    pub position: Position,
    /// Its size.
    pub len_bytes: u64,
}

/// Why a snapshot was not believed.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is something else, or damaged.
    #[error("{0}")]
    Damaged(&'static str),
    /// A section of the state cannot be read.
    #[error(transparent)]
    Section(#[from] SectionError),
    /// The journal's record at its position cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It was taken at a record that this journal does not have.
    #[error("it was taken at record {seq}, which is not in this journal")]
    Elsewhere {
        /// The record.
        seq: u64,
    },
}

/// The folder of a journal's snapshots.
pub fn snapshots_dir(journal: &Path) -> PathBuf {
    journal.join("snapshots")
}

/// Writes a snapshot of the state that `replay` stands at, and removes all but the newest `keep`.
pub fn take_snapshot<M: Machine>(
    journal: impl Into<Folder>,
    replay: &Replay<M>,
    keep: usize,
) -> io::Result<Snapshot> {
    let journal = journal.into();
    let (disk, folder) = (&*journal.disk, snapshots_dir(&journal.path));
    if !disk.exists(&folder)? {
        disk.create_dir_all(&folder)?;
        disk.sync_dir(&journal.path)?;
    }
    let position = replay.position();
    let path = folder.join(format!("{:020}.snapshot", position.seq));
    let beside = path.with_extension("tmp");
    reach(Point::SnapshotBeforeWrite);
    let len_bytes = file::write(disk, &beside, header(replay), replay.core())?;
    reach(Point::SnapshotBeforeRename);
    disk.rename(&beside, &path)?;
    reach(Point::SnapshotAfterRename);
    disk.sync_dir(&folder)?;
    for old in all(disk, &folder)?.into_iter().rev().skip(keep.max(1)) {
        disk.remove(&old)?;
    }
    Ok(Snapshot { path, position, len_bytes })
}

fn header<M: Machine>(replay: &Replay<M>) -> Header {
    Header {
        magic: file::MAGIC,
        format: FORMAT,
        logic_version: M::LOGIC_VERSION,
        shard: replay.position().shard.index.into(),
        seq: replay.position().seq,
        time_ns: replay.time().nanos,
        digest: replay.digest().to_bytes(),
        records: replay.records(),
        digests: replay.digests(),
        alerts: replay.alerts(),
        record_crc: replay.record_crc(),
        pad: [0; 12],
    }
}

/// The newest snapshot that can be believed. What is passed over is said in the log.
pub(crate) fn newest<M: Machine>(journal: &Folder, shard: ShardId) -> Option<Recovered<M>> {
    newest_where(journal, shard, |_, _| true)
}

/// The newest snapshot that can be believed, of those at a record and time that `wanted` says yes to.
pub fn newest_where<M: Machine>(
    journal: impl Into<Folder>,
    shard: ShardId,
    wanted: impl Fn(u64, Timestamp) -> bool,
) -> Option<Recovered<M>> {
    let journal = &journal.into();
    let found = match all(&*journal.disk, &snapshots_dir(&journal.path)) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(%error, "snapshots cannot be listed; the whole journal is replayed");
            return None;
        }
    };
    found.into_iter().rev().find_map(|path| {
        let is_wanted = |header: Header| wanted(header.seq, Timestamp::from_nanos(header.time_ns));
        // One whose header cannot be read is not left out in silence.
        if !read_header(&path, journal).is_none_or(is_wanted) {
            return None;
        }
        read(&path, journal, shard)
            .inspect_err(|error| tell(&path, error))
            .ok()
            .filter(|recovered| wanted(recovered.position.seq, recovered.time))
    })
}

/// Where its record cannot be read, nothing is said of the snapshot: the replay comes to that record, and is refused for it.
fn tell(path: &Path, error: &SnapshotError) {
    if !matches!(error, SnapshotError::Journal(_)) {
        tracing::warn!(path = %path.display(), %error, "snapshot passed over");
    }
}

/// What a snapshot says of itself, unchecked.
fn read_header(path: &Path, journal: &Folder) -> Option<Header> {
    let bytes = journal.disk.open(path, Access::Read).ok()?.read_to_end(HEADER_BYTES).ok()?;
    Header::read(&bytes)
}

/// Reads a snapshot and checks it against the journal beside it.
fn read<M: Machine>(path: &Path, journal: &Folder, shard: ShardId) -> Result<Recovered<M>, SnapshotError> {
    let bytes = journal.disk.open(path, Access::Read)?.read_to_end(u64::MAX)?;
    let Parsed { header, sections } = file::parse(&bytes).map_err(SnapshotError::Damaged)?;
    if header.logic_version > M::LOGIC_VERSION {
        return Err(SnapshotError::Damaged("it was decided by a later logic"));
    }
    if header.shard != u64::from(shard.index) {
        return Err(SnapshotError::Damaged("it is another shard's"));
    }
    if record_crc(journal, header.seq)? != Some(header.record_crc) {
        return Err(SnapshotError::Elsewhere { seq: header.seq });
    }
    let mut core = M::default();
    for section in sections {
        core.load(section.name, section.version, section.bytes)?;
    }
    Ok(Recovered {
        broken: None,
        core,
        digest: Digest::from_bytes(header.digest),
        position: Position::new(shard, header.seq),
        time: Timestamp::from_nanos(header.time_ns),
        records: header.records,
        digests: header.digests,
        alerts: header.alerts,
        record_crc: header.record_crc,
        snapshot: Some(header.seq),
        logic_version: Some(header.logic_version),
        unproven: 0,
        accepted: 0,
    })
}

/// A record of which only its header matters.
#[derive(Default)]
struct Unread;

impl Payload for Unread {
    fn encode(&self, _: &mut [u8]) -> Option<(u8, usize)> {
        None
    }

    fn decode(&mut self, _: u8, _: &[u8]) -> Result<(), Unreadable> {
        Ok(())
    }
}

fn record_crc(journal: &Folder, seq: u64) -> Result<Option<u32>, JournalError> {
    Ok(Reader::from_seq(journal, seq)?.next::<Unread>()?.map(|record| record.crc))
}

/// Every snapshot, oldest first: the names sort by position.
fn all(disk: &dyn Disk, folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for name in disk.list(folder)? {
        let path = folder.join(name);
        if path.extension().is_some_and(|extension| extension == "snapshot") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
