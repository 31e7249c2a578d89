//! Making journals of a backup, to its end or to a point in time.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use actors::Core;
use engine::{EngineError, Recovered, copy_snapshots, recover, state_hash};
use journal::{CopiedIn, Until, copy_in};
use machine::Machine;
use model::{Incarnation, Position, ShardId, Timestamp};
use office::Office;

use super::folders::{copy_file, copy_store, is_free, sync_dir};
use super::{BackupError, Manifest, ShardEntry};
use crate::journals::{OFFICE, shard_dir};
use crate::past::At;

/// Journals that were made of a backup.
#[derive(Debug)]
pub struct Restored {
    /// By number, the office last.
    pub shards: Vec<RestoredShard>,
    /// Where the files of each FIX session are, by its name.
    pub sessions: Vec<(String, PathBuf)>,
    /// True where it was cut before the backup's end.
    pub is_cut: bool,
}

/// One of them.
#[derive(Debug)]
pub struct RestoredShard {
    /// Whose.
    pub shard: ShardId,
    /// How far it goes.
    pub copied: CopiedIn,
    /// The last record in the backup.
    pub backup_seq: u64,
    /// What its next opening is numbered after.
    pub incarnation: Incarnation,
    /// The hash of its state; or why this program does not come to a state from it.
    pub state: Result<[u8; 32], EngineError>,
}

/// Lies in a folder while it is being restored.
const MARK: &str = "restoring";

/// Restores the backup in `from` into the folder `to`, which must be new or empty, up to `at` or to its end. A record
/// of one shard means for the others the time of that record. What is in `to` afterwards is whole, or there is nothing.
pub fn restore(
    from: &Path,
    to: &Path,
    at: Option<At>,
    told: &mut dyn FnMut(&str),
) -> Result<Restored, BackupError> {
    let manifest = Manifest::read(from)?.ok_or_else(|| BackupError::NoBackup(from.to_owned()))?;
    if !is_free(to)? {
        return Err(BackupError::Occupied(to.to_owned()));
    }
    let beside = start_beside(to)?;
    let mut work = Work { from, to: &beside, manifest: &manifest, told, shards: Vec::new() };
    work.restore_shards(at)?;
    let mut shards = work.shards;
    shards.sort_by_key(|shard| shard.shard);
    let mut sessions = Vec::new();
    for session in &manifest.sessions {
        copy_store(&from.join(&session.folder), &beside.join(&session.folder))?;
        sessions.push((session.name.clone(), to.join(&session.folder)));
    }
    for name in &manifest.config {
        let folder = beside.join("config");
        fs::create_dir_all(&folder).map_err(BackupError::io(&folder))?;
        copy_file(&from.join("config").join(name), &folder.join(name))?;
    }
    put_in_place(&beside, to)?;
    let is_cut = shards.iter().any(|shard| shard.copied.head.seq < shard.backup_seq);
    Ok(Restored { shards, sessions, is_cut })
}

/// The folder beside `to` in which it is made; what an interrupted restore left there is removed.
fn start_beside(to: &Path) -> Result<PathBuf, BackupError> {
    let mut name = to.file_name().ok_or_else(|| BackupError::Occupied(to.to_owned()))?.to_owned();
    name.push(".restoring");
    let beside = to.with_file_name(name);
    if !is_free(&beside)? {
        if !beside.join(MARK).is_file() {
            return Err(BackupError::Occupied(beside));
        }
        clear(&beside).map_err(BackupError::io(&beside))?;
    }
    fs::create_dir_all(&beside).map_err(BackupError::io(&beside))?;
    let mark = beside.join(MARK);
    fs::write(&mark, b"").map_err(BackupError::io(&mark))?;
    Ok(beside)
}

/// Empties a folder but for the mark: interrupted in the middle, it is still known for what it is.
fn clear(beside: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(beside)? {
        let path = entry?.path();
        if path.is_dir() {
            fs::remove_dir_all(path)?;
        } else if !path.ends_with(MARK) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// From one instant to the next it is there.
fn put_in_place(beside: &Path, to: &Path) -> Result<(), BackupError> {
    sync_dir(beside)?;
    fs::rename(beside, to).map_err(BackupError::io(to))?;
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    sync_dir(parent)?;
    let mark = to.join(MARK);
    fs::remove_file(&mark).map_err(BackupError::io(&mark))?;
    sync_dir(to)
}

struct Work<'a> {
    from: &'a Path,
    to: &'a Path,
    manifest: &'a Manifest,
    told: &'a mut dyn FnMut(&str),
    shards: Vec<RestoredShard>,
}

impl Work<'_> {
    fn restore_shards(&mut self, at: Option<At>) -> Result<(), BackupError> {
        let shards = &self.manifest.shards;
        let position = match at {
            None => return self.restore_all(Until::END, None),
            Some(At::Time(time)) => {
                if time.nanos > self.manifest.until_ns {
                    let last = self.manifest.until.clone();
                    return Err(BackupError::Beyond { asked: time.to_string(), last });
                }
                return self.restore_all(Until { time, ..Until::END }, None);
            }
            Some(At::Position(position)) => position,
            Some(At::Seq(seq)) => match shards.as_slice() {
                [only] => Position::new(ShardId::new(only.shard), seq),
                several => return Err(BackupError::WhichShard { shards: several.len(), seq }),
            },
        };
        let entry = self.manifest.journals().find(|entry| entry.shard == position.shard.index);
        let entry = entry.ok_or(BackupError::NoShard(position.shard))?;
        if position.seq > entry.last_seq {
            let last = Position { seq: entry.last_seq, ..position }.to_string();
            return Err(BackupError::Beyond { asked: position.to_string(), last });
        }
        let time = self.restore_shard(entry, Until { seq: position.seq, ..Until::END })?;
        // The others up to the same time; before the first record there is none.
        self.restore_all(Until { time, ..Until::END }, Some(position.shard))
    }

    fn restore_all(&mut self, until: Until, but: Option<ShardId>) -> Result<(), BackupError> {
        let wanted = |entry: &&ShardEntry| but.is_none_or(|but| but.index != entry.shard);
        for entry in self.manifest.journals().filter(wanted) {
            self.restore_shard(entry, until)?;
        }
        Ok(())
    }

    fn restore_shard(&mut self, entry: &ShardEntry, until: Until) -> Result<Timestamp, BackupError> {
        let shard = ShardId::new(entry.shard);
        let (source, dir) = (shard_dir(self.from, shard), shard_dir(self.to, shard));
        let pieces = entry.pieces(self.from)?;
        let incarnation = incarnation_after(entry.incarnation);
        let copied = copy_in(&source, &pieces, &dir, shard, until, incarnation)?;
        copy_snapshots(&source, &dir, copied.head.seq).map_err(BackupError::io(&dir))?;
        sync_dir(&dir)?;
        let state = if shard == OFFICE { state_of::<Office>(&dir) } else { state_of::<Core>(&dir) };
        let expected = Position::new(shard, copied.head.seq);
        if let Ok((found, _)) = &state
            && *found != expected
        {
            return Err(BackupError::Short { found: *found, expected });
        }
        (self.told)(&format!("{}: up to record {}, every hash is right", title(shard), copied.head.seq));
        let (backup_seq, state) = (entry.last_seq, state.map(|(_, hash)| hash));
        self.shards.push(RestoredShard { shard, copied, backup_seq, incarnation, state });
        Ok(copied.last_time)
    }
}

/// For people.
fn title(shard: ShardId) -> String {
    if shard == OFFICE { "office".to_owned() } else { format!("shard {shard}") }
}

/// Where a journal ends, and the hash of the state there.
fn state_of<M: Machine>(dir: &Path) -> Result<(Position, [u8; 32]), EngineError> {
    recover(dir).map(|recovered: Recovered<M>| (recovered.position, state_hash(&recovered.core)))
}

/// Higher than any incarnation that the journal had since the backup, here or elsewhere: the seconds since 1970. It
/// would take more than one opening a second, all the time, to overtake them. So no id that is out is issued again, also
/// where the same backup is restored a second time.
fn incarnation_after(recorded: u32) -> Incarnation {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    Incarnation { count: u32::try_from(now).unwrap_or(0).max(recorded) }
}
