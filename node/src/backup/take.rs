//! Taking a backup while the node trades.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::{Clock, SystemClock, copy_snapshots, remove_snapshots_but};
use journal::{JournalError, Reader, Until, copy_out};
use machine::{Journalled, Recorded};
use model::{Input, ShardId, Timestamp};
use office::OfficeInput;

use super::folders::{copy_file, copy_store, folder_name, is_free, sync_dir};
use super::last_logic::LastLogic;
use super::{BackupError, Manifest, PieceEntry, SessionEntry, ShardEntry};
use crate::config::Config;
use crate::journals::{JournalsError, OFFICE, shard_dir, shards_of};

/// What is backed up.
#[derive(Clone, Debug)]
pub enum Source {
    /// Everything that this configuration names: journals, the files of FIX sessions, the configuration itself.
    Config(PathBuf),
    /// The journals in this folder.
    Journals(PathBuf),
}

/// A backup that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// What it consists of.
    pub manifest: Manifest,
    /// How many bytes of journals were copied; the rest was there from an earlier one.
    pub copied_bytes: u64,
}

/// A shard stamps a record, then appends it. So long after an instant every record of up to then is there to read.
const STRAGGLERS: Duration = Duration::from_millis(50);

/// Backs up `source` into the folder `to`: a new one, or one with an earlier backup, which is continued.
///
/// Every shard is copied up to the same instant. A node may be trading; it does not notice. `told` hears of each step.
pub fn take(source: &Source, to: &Path, told: &mut dyn FnMut(&str)) -> Result<Taken, BackupError> {
    let (journals, config) = match source {
        Source::Config(path) => {
            let config = Config::load(path)?;
            (config.node.journal.clone(), Some((path.as_path(), config)))
        }
        Source::Journals(folder) => (folder.clone(), None),
    };
    let shards = shards_of(&journals)?;
    if shards.is_empty() {
        return Err(JournalsError::None(journals).into());
    }
    let earlier = Manifest::read(to)?;
    if earlier.is_none() && !is_free(to)? && !to.join("lock").exists() {
        return Err(BackupError::NotABackup(to.to_owned()));
    }
    fs::create_dir_all(to).map_err(BackupError::io(to))?;
    let _lock = lock(to)?;
    let has_office = shard_dir(&journals, OFFICE).is_dir();
    let mut manifest = Manifest::new(instant(&journals, &shards, has_office)?);
    let gone = |known: &&ShardEntry| shards.iter().all(|shard| shard.index != known.shard);
    if let Some(shard) = earlier.iter().flat_map(|earlier| &earlier.shards).find(gone) {
        return Err(BackupError::FewerShards { folder: to.to_owned(), shard: ShardId::new(shard.shard) });
    }
    let mut copied_bytes = 0;
    for shard in &shards {
        let known =
            earlier.iter().flat_map(|earlier| &earlier.shards).find(|known| known.shard == shard.index);
        let dir = shard_dir(&journals, *shard);
        let (entry, bytes) = take_shard::<Input>(&dir, to, known, *shard, manifest.until_ns)?;
        told(&format!("shard {shard}: up to record {}, {bytes} bytes copied", entry.last_seq));
        copied_bytes += bytes;
        manifest.shards.push(entry);
    }
    if has_office {
        let known = earlier.as_ref().and_then(|earlier| earlier.office.as_ref());
        let dir = shard_dir(&journals, OFFICE);
        let (entry, bytes) = take_shard::<OfficeInput>(&dir, to, known, OFFICE, manifest.until_ns)?;
        told(&format!("office: up to record {}, {bytes} bytes copied", entry.last_seq));
        copied_bytes += bytes;
        manifest.office = Some(entry);
    }
    // After the journals: what is in them was sent by the time these are copied, or never will be.
    if let Some((path, config)) = &config {
        take_sessions(config, to, &mut manifest)?;
        take_config(path, to, &mut manifest)?;
    }
    manifest.write(to)?;
    told("the manifest is written");
    tidy(to, &manifest)?;
    Ok(Taken { manifest, copied_bytes })
}

pub(super) fn lock(to: &Path) -> Result<File, BackupError> {
    let path = to.join("lock");
    let opened = File::options().create(true).truncate(false).write(true).open(&path);
    let file = opened.map_err(BackupError::io(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(BackupError::Locked(to.to_owned())),
        Err(TryLockError::Error(error)) => Err(BackupError::io(&path)(error)),
    }
}

/// The instant of the backup: now, or the last record's time where the clock was put back since.
fn instant(journals: &Path, shards: &[ShardId], has_office: bool) -> Result<Timestamp, BackupError> {
    let mut instant = SystemClock.now();
    for shard in shards {
        instant = instant.max(last_time::<Input>(&shard_dir(journals, *shard))?);
    }
    if has_office {
        instant = instant.max(last_time::<OfficeInput>(&shard_dir(journals, OFFICE))?);
    }
    std::thread::sleep(STRAGGLERS);
    Ok(instant)
}

/// The time of a journal's last record; the first there is where there is none.
fn last_time<I: Journalled>(dir: &Path) -> Result<Timestamp, BackupError> {
    let last_seq = match journal::stat(dir) {
        // The folder was made and the process killed before the journal was.
        Err(JournalError::NoJournal { .. }) => 0,
        stat => stat?.last_seq,
    };
    if last_seq == 0 {
        return Ok(Timestamp::default());
    }
    let last = Reader::from_seq(dir, last_seq)?.next::<Recorded<I>>()?;
    Ok(last.map_or(Timestamp::default(), |record| record.time))
}

fn take_shard<I: Journalled>(
    dir: &Path,
    to: &Path,
    known: Option<&ShardEntry>,
    shard: ShardId,
    until_ns: i64,
) -> Result<(ShardEntry, u64), BackupError> {
    let folder = shard_dir(to, shard);
    let pieces = known.map_or(Ok(Vec::new()), |known| known.pieces(to))?;
    let until = Until { time: Timestamp::from_nanos(until_ns), ..Until::END };
    let mut logic = LastLogic::<I>::default();
    let copied = copy_out(dir, &folder, &pieces, until, |kind, payload| logic.look(kind, payload)).map_err(
        |error| match error {
            JournalError::Chain { .. } if !pieces.is_empty() => {
                BackupError::OtherHistory { folder: to.to_owned(), shard }
            }
            error => error.into(),
        },
    )?;
    let last = copied.pieces.last();
    let last_seq = last.map_or(0, |piece| piece.head.seq);
    let snapshots = copy_snapshots(dir, &folder, last_seq).map_err(BackupError::io(dir))?;
    let entry = ShardEntry {
        shard: shard.index,
        first_seq: copied.pieces.first().map_or(1, |piece| piece.first_seq),
        last_seq,
        last_time_ns: last.map_or(0, |piece| piece.last_time.nanos),
        head: last.map_or(journal::Head::ORIGIN, |piece| piece.head).to_string(),
        incarnation: copied.incarnation.count,
        logic_version: logic.version.or_else(|| known.and_then(|known| known.logic_version)),
        pieces: copied.pieces.iter().map(PieceEntry::from).collect(),
        snapshots,
    };
    Ok((entry, copied.copied_bytes))
}

fn take_sessions(config: &Config, to: &Path, manifest: &mut Manifest) -> Result<(), BackupError> {
    for session in config.sessions.iter().filter(|session| session.store.is_dir()) {
        let name = session.name.to_string();
        let folder = format!("fix/{}", folder_name(&name));
        copy_store(&session.store, &to.join(&folder))?;
        manifest.sessions.push(SessionEntry { name, folder, store: session.store.clone() });
    }
    Ok(())
}

/// The file, and the instruments it names.
fn take_config(path: &Path, to: &Path, manifest: &mut Manifest) -> Result<(), BackupError> {
    let text = fs::read_to_string(path).map_err(BackupError::io(path))?;
    let instruments = toml::from_str::<toml::Table>(&text).ok();
    let instruments = instruments.and_then(|table| table.get("instruments")?.as_str().map(PathBuf::from));
    let folder = path.parent().unwrap_or(Path::new(""));
    let files = [Some(path.to_owned()), instruments.map(|file| folder.join(file))];
    let copies = to.join("config");
    fs::create_dir_all(&copies).map_err(BackupError::io(&copies))?;
    for file in files.into_iter().flatten() {
        let Some(name) = file.file_name() else { continue };
        copy_file(&file, &copies.join(name))?;
        manifest.config.push(name.to_string_lossy().into_owned());
    }
    sync_dir(&copies)
}

/// Removes what no manifest names any more. It is of no harm, so nothing fails for it.
fn tidy(to: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    for entry in manifest.journals() {
        let folder = shard_dir(to, ShardId::new(entry.shard));
        let pieces = entry.pieces(to)?;
        let named: Vec<String> = pieces.iter().map(journal::Piece::file_name).collect();
        for file in fs::read_dir(&folder).map_err(BackupError::io(&folder))?.flatten() {
            let is_named =
                file.file_name().to_str().is_some_and(|name| named.iter().any(|named| named == name));
            if file.path().is_file() && !is_named {
                let _ = fs::remove_file(file.path());
            }
        }
        let _ = remove_snapshots_but(&folder, &entry.snapshots);
    }
    Ok(())
}
