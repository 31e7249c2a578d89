//! Where the journals of a node are, and their states read from disk.

use std::path::{Path, PathBuf};

use actors::Core;
use engine::{EngineError, Recovered, recover};
use journal::{Folder, JournalError};
use model::ShardId;
use office::Office;

use crate::books::{Books, ShardBooks};
use crate::office::OfficeBooks;
use front::directory::Directory;

/// Why the journals could not be read.
#[derive(Debug, thiserror::Error)]
pub enum JournalsError {
    /// The folder could not be listed.
    #[error("{}: {error}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// There is none.
    #[error("{}: no journal here (a journal of shard 0 would be {})", .0.display(), shard_dir(.0, ShardId::new(0)).display())]
    None(PathBuf),
    /// The numbers of the shards have a gap: a folder is missing.
    #[error("{}: the journal of shard {missing} is missing", folder.display())]
    Gap {
        /// The folder of them all.
        folder: PathBuf,
        /// Which.
        missing: ShardId,
    },
    /// A journal could not be replayed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// The office's journal among those of the shards: the last number, so that no shard ever has it.
pub const OFFICE: ShardId = ShardId::new(u16::MAX);

/// The folder of one shard's journal, or of the office's.
pub fn shard_dir(folder: &Path, shard: ShardId) -> PathBuf {
    folder.join(folder_name(shard))
}

fn folder_name(shard: ShardId) -> String {
    if shard == OFFICE { "office".to_owned() } else { format!("shard-{shard}") }
}

/// The folder of one shard's journal, read in the same way as the folder of them all.
pub fn shard_folder(folder: &Folder, shard: ShardId) -> Folder {
    folder.join(folder_name(shard))
}

/// The shards that have a journal, by number, without gaps; none where the folder does not exist.
pub fn shards_of(folder: &Path) -> Result<Vec<ShardId>, JournalsError> {
    let failed = |error| JournalsError::Folder { path: folder.to_owned(), error };
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut shards = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        let number =
            name.to_str().and_then(|name| name.strip_prefix("shard-")).and_then(|text| text.parse().ok());
        shards.extend(number.map(ShardId::new));
    }
    shards.sort_unstable();
    for (expected, shard) in (0..).map(ShardId::new).zip(&shards) {
        if expected != *shard {
            return Err(JournalsError::Gap { folder: folder.to_owned(), missing: expected });
        }
    }
    Ok(shards)
}

/// The office's state at the end of its journal; `None` where there is none.
fn office_of(folder: &Folder) -> Result<Option<Recovered<Office>>, JournalsError> {
    let journal = shard_folder(folder, OFFICE);
    if !journal.path.is_dir() {
        return Ok(None);
    }
    match recover(journal) {
        Ok(recovered) => Ok(Some(recovered)),
        // The folder was made and the process killed before the journal was.
        Err(EngineError::Journal(JournalError::NoJournal { .. })) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The state of every shard, and of the office, read from its journal. Takes no lock: a node may be running.
#[derive(Debug)]
pub struct Journals {
    /// By number.
    pub shards: Vec<(ShardId, Recovered<Core>)>,
    /// The office; `None` where there is no journal of it.
    pub office: Option<Recovered<Office>>,
}

impl Journals {
    /// Reads every journal in `folder` to its end, from its newest snapshot on; none is an error.
    pub fn read(folder: impl Into<Folder>) -> Result<Self, JournalsError> {
        let folder = folder.into();
        let journals = Self::read_or_empty(&folder)?;
        if journals.shards.is_empty() { Err(JournalsError::None(folder.path)) } else { Ok(journals) }
    }

    /// As [`Self::read`]; a journal that was never written is empty.
    pub fn read_or_empty(folder: impl Into<Folder>) -> Result<Self, JournalsError> {
        let folder = folder.into();
        let mut shards = Vec::new();
        for shard in shards_of(&folder.path)? {
            match recover::<Core>(shard_folder(&folder, shard)) {
                Ok(recovered) => shards.push((shard, recovered)),
                // The folder was made and the process killed before the journal was.
                Err(EngineError::Journal(JournalError::NoJournal { .. })) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self { shards, office: office_of(&folder)? })
    }

    /// As queries see it.
    pub fn books<'a>(&'a self, directory: &'a Directory) -> Books<'a> {
        let shard_books = |(shard, recovered): &'a (ShardId, Recovered<Core>)| ShardBooks {
            shard: *shard,
            core: &recovered.core,
            position: recovered.position,
            digest: recovered.digest.to_string(),
            alerts: recovered.alerts,
            diverged_at: None,
            behind: 0,
        };
        let office = self.office.as_ref();
        let office =
            office.map(|recovered| OfficeBooks { office: &recovered.core, position: recovered.position });
        Books { shards: self.shards.iter().map(shard_books).collect(), office, directory }
    }
}
