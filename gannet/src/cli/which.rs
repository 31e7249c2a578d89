//! Which journals a command about files reads.

use std::path::PathBuf;

use journal::Folder;
use model::ShardId;
use node::journals::{JournalsError, OFFICE, shard_dir, shards_of};

use super::Failure;
use super::output::Output;
use super::place::GapChoice;

#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// The folder of the journals.
    #[arg(long, value_name = "DIR", default_value = "journal")]
    pub(super) journal: PathBuf,
    /// Only this shard's, by its number; or `office`.
    #[arg(long, value_name = "SHARD", value_parser = shard)]
    shard: Option<ShardId>,
    /// Answer as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// A shard's number, or `office`.
pub(super) fn shard(text: &str) -> Result<ShardId, String> {
    if text == "office" {
        return Ok(OFFICE);
    }
    text.parse()
        .map(ShardId::new)
        .map_err(|error| format!("neither a shard's number nor \"office\": {error}"))
}

impl Which {
    /// True where the office's journal is meant: its records are words of its own.
    pub(super) fn is_office(&self) -> bool {
        self.shard == Some(OFFICE)
    }

    pub(super) fn dirs(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut shards = shards_of(&self.journal).map_err(Failure::new)?;
        if self.is_office() && shard_dir(&self.journal, OFFICE).is_dir() {
            shards.push(OFFICE);
        }
        let wanted = |shard: &ShardId| self.shard.is_none_or(|only| only == *shard);
        let dirs: Vec<PathBuf> = shards
            .iter()
            .filter(|shard| wanted(shard))
            .map(|shard| shard_dir(&self.journal, *shard))
            .collect();
        if dirs.is_empty() { Err(Failure::new(JournalsError::None(self.journal.clone()))) } else { Ok(dirs) }
    }

    /// The same, to be read as `gaps` says.
    pub(super) fn folders(&self, gaps: &GapChoice, out: &mut Output) -> Result<Vec<Folder>, Failure> {
        let dirs = self.dirs()?;
        let only = |shard: ShardId| self.shard.is_none_or(|only| only == shard);
        let at_gap = gaps.folder(&self.journal, only, out)?.at_gap;
        Ok(dirs.into_iter().map(|dir| Folder::from(dir).reading(at_gap)).collect())
    }
}
