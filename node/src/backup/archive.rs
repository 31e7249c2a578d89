//! Moving the old segments of journals elsewhere, and bringing them back. An archive has the form of a backup, and can
//! be restored as one: to look at old days without bringing anything back.

use std::fs;
use std::path::{Path, PathBuf};

use actors::Core;
use engine::{copy_snapshots, newest_where, remove_snapshots_but};
use journal::{Head, JournalError, Piece, archived, bring_back, copy_to_archive, lacking, remove_archived};
use model::{ShardId, Timestamp};

use super::folders::is_free;
use super::last_logic::LastLogic;
use super::take::lock;
use super::{BackupError, Manifest, PieceEntry, ShardEntry};
use crate::journals::{JournalsError, shard_dir, shards_of};

/// What became of one shard's journal.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Moved {
    /// Whose.
    pub shard: u16,
    /// The first record that is here now.
    pub first_seq: u64,
    /// The snapshot up to which segments could be moved; absent where there are not as many as are to be kept.
    pub snapshot: Option<u64>,
    /// How many segments were removed here, or came back.
    pub segments: u64,
}

/// Moves every segment whose records are all before the oldest of the newest `keep_snapshots` snapshots to the folder
/// `to`: a new one, or one with earlier segments of the same journals. A node may be trading.
pub fn archive(journals: &Path, to: &Path, keep_snapshots: usize) -> Result<Vec<Moved>, BackupError> {
    let shards = shards_of(journals)?;
    if shards.is_empty() {
        return Err(JournalsError::None(journals.to_owned()).into());
    }
    let earlier = Manifest::read(to)?;
    if earlier.is_none() && !is_free(to)? && !to.join("lock").exists() {
        return Err(BackupError::NotABackup(to.to_owned()));
    }
    fs::create_dir_all(to).map_err(BackupError::io(to))?;
    let place = fs::canonicalize(to).map_err(BackupError::io(to))?;
    let _lock = lock(to)?;
    let mut manifest = earlier.unwrap_or_else(|| Manifest::new(Timestamp::default()));
    let mut moved = Vec::new();
    for shard in shards {
        let work = Work { dir: shard_dir(journals, shard), to, shard };
        // Snapshots of a journal that is not whole are not believed: nothing would be moved, without a word why.
        if let Some(gap) = lacking(&work.dir)? {
            return Err(JournalError::Gap(gap).into());
        }
        let kept = kept_snapshots(&work.dir, shard, keep_snapshots);
        let oldest = kept.last().copied().filter(|_| kept.len() == keep_snapshots);
        let mut segments = 0;
        if let Some(seq) = oldest {
            let pieces = work.copy(&mut manifest, seq)?;
            // First the archive says what it holds; then the journal says that it is there, and lets go.
            manifest.write(to)?;
            let place = place.display().to_string();
            segments = remove_archived(&work.dir, shard_dir(to, shard), &pieces, &place)?;
        }
        let first_seq = archived(&work.dir)?.map_or(1, |archived| archived.first_seq());
        // A snapshot is believed where its record is: those before have none here any more.
        let useful: Vec<u64> = kept.into_iter().filter(|seq| *seq >= first_seq).collect();
        if segments > 0 {
            let dir = work.dir.clone();
            remove_snapshots_but(&dir, &useful).map_err(BackupError::io(dir))?;
        }
        moved.push(Moved { shard: shard.index, first_seq, snapshot: oldest, segments });
    }
    Ok(moved)
}

/// The records of the newest snapshots that can be believed, newest first, at most `most`.
fn kept_snapshots(dir: &Path, shard: ShardId, most: usize) -> Vec<u64> {
    let mut kept: Vec<u64> = Vec::new();
    while kept.len() < most {
        let before = kept.last().copied().unwrap_or(u64::MAX);
        let Some(next) = newest_where::<Core>(dir, shard, |seq, _| seq < before) else { break };
        kept.push(next.position.seq);
    }
    kept
}

struct Work<'a> {
    dir: PathBuf,
    to: &'a Path,
    shard: ShardId,
}

impl Work<'_> {
    /// Copies what can go, and puts it into the manifest.
    fn copy(&self, manifest: &mut Manifest, seq: u64) -> Result<Vec<Piece>, BackupError> {
        let folder = shard_dir(self.to, self.shard);
        let slot = manifest.shards.iter().position(|entry| entry.shard == self.shard.index);
        let known = slot.and_then(|slot| manifest.shards.get(slot)).cloned();
        let pieces = known.as_ref().map_or(Ok(Vec::new()), |known| known.pieces(self.to))?;
        let mut logic = LastLogic::<model::Input>::default();
        let look = |kind, payload: &[u8]| logic.look(kind, payload);
        let copied =
            copy_to_archive(&self.dir, &folder, &pieces, seq, look).map_err(|error| match error {
                JournalError::Chain { .. } if !pieces.is_empty() => {
                    BackupError::OtherHistory { folder: self.to.to_owned(), shard: self.shard }
                }
                error => error.into(),
            })?;
        let last = copied.pieces.last();
        let last_seq = last.map_or(0, |piece| piece.head.seq);
        let snapshots = copy_snapshots(&self.dir, &folder, last_seq).map_err(BackupError::io(&self.dir))?;
        let mut all = known.as_ref().map(|known| known.snapshots.clone()).unwrap_or_default();
        all.extend(snapshots);
        all.sort_unstable();
        all.dedup();
        let last_time = last.map_or(Timestamp::default(), |piece| piece.last_time);
        let entry = ShardEntry {
            shard: self.shard.index,
            first_seq: copied.pieces.first().map_or(1, |piece| piece.first_seq),
            last_seq,
            last_time_ns: last_time.nanos,
            head: last.map_or(Head::ORIGIN, |piece| piece.head).to_string(),
            incarnation: copied.incarnation.count,
            logic_version: logic.version.or_else(|| known.and_then(|known| known.logic_version)),
            pieces: copied.pieces.iter().map(PieceEntry::from).collect(),
            snapshots: all,
        };
        if last_time.nanos > manifest.until_ns {
            (manifest.until_ns, manifest.until) = (last_time.nanos, last_time.to_string());
        }
        match slot.and_then(|slot| manifest.shards.get_mut(slot)) {
            Some(slot) => *slot = entry,
            None => manifest.shards.push(entry),
        }
        Ok(copied.pieces)
    }
}

/// Brings back what was moved to `from`. Nothing is removed there.
pub fn unarchive(journals: &Path, from: &Path) -> Result<Vec<Moved>, BackupError> {
    let manifest = Manifest::read(from)?.ok_or_else(|| BackupError::NoBackup(from.to_owned()))?;
    let mut moved = Vec::new();
    for shard in shards_of(journals)? {
        let Some(entry) = manifest.shards.iter().find(|entry| entry.shard == shard.index) else { continue };
        let dir = shard_dir(journals, shard);
        let before = journal::stat(&dir)?.segments.len();
        let first_seq = bring_back(&dir, shard_dir(from, shard), &entry.pieces(from)?)?;
        let segments = journal::stat(&dir)?.segments.len().saturating_sub(before);
        let segments = u64::try_from(segments).unwrap_or(u64::MAX);
        moved.push(Moved { shard: shard.index, first_seq, snapshot: None, segments });
    }
    Ok(moved)
}
