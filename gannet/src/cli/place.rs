//! The journals on disk that a command reads: whole, or up to a gap when it is told to.

use std::path::{Path, PathBuf};

use journal::{AtGap, Folder, JournalError, lacking};
use model::ShardId;
use node::journals::{shard_dir, shards_of};

use super::Failure;
use super::output::Output;
use super::up_to_gap::UpToGap;

/// A folder of journals.
#[derive(Debug, clap::Args)]
pub(super) struct JournalPlace {
    /// The folder of the journals.
    #[arg(long, value_name = "DIR", default_value = "journal")]
    journal: PathBuf,
    #[command(flatten)]
    gaps: GapChoice,
}

/// What becomes of a journal that is not whole.
#[derive(Debug, clap::Args)]
pub(super) struct GapChoice {
    /// Where segments of a journal are missing, answer from the records before them, and say up to which one. Without
    /// this such a journal is not read.
    #[arg(long)]
    up_to_gap: bool,
}

impl JournalPlace {
    /// The folder, to be read as was asked. Where that is up to a gap, the answer will say so.
    pub(super) fn folder(&self, out: &mut Output) -> Result<Folder, Failure> {
        self.gaps.folder(&self.journal, |_| true, out)
    }
}

impl GapChoice {
    pub(super) const fn is_asked(&self) -> bool {
        self.up_to_gap
    }

    /// As [`JournalPlace::folder`], for another way to name the folder, where only the `wanted` shards are read.
    pub(super) fn folder(
        &self,
        folder: &Path,
        wanted: impl Fn(ShardId) -> bool,
        out: &mut Output,
    ) -> Result<Folder, Failure> {
        if !self.up_to_gap {
            return Ok(folder.into());
        }
        let mut gaps = Vec::new();
        for shard in shards_of(folder).map_err(Failure::new)?.into_iter().filter(|shard| wanted(*shard)) {
            match lacking(shard_dir(folder, shard)) {
                Ok(gap) => gaps.extend(gap.map(|gap| (shard, gap))),
                Err(JournalError::NoJournal { .. }) => {}
                Err(error) => return Err(Failure::new(error)),
            }
        }
        out.holds_up_to(UpToGap::of(&gaps));
        Ok(Folder::from(folder).reading(AtGap::End))
    }
}
