//! Why a measurement failed.

use std::io;
use std::path::PathBuf;

/// A measurement that cannot give a number gives one of these.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PerfError {
    /// The shard failed.
    #[error("shard: {0}")]
    Shard(#[from] engine::EngineError),
    /// The shard did not take a command.
    #[error("the shard refused: {0}")]
    Refused(#[from] engine::Refused),
    /// A name that a row makes up.
    #[error("a name of the lab {0}")]
    Name(#[from] model::TextError),
    /// What is measured with is of no use.
    #[error(transparent)]
    Workload(#[from] workload::WorkloadError),
    /// The journal failed.
    #[error("journal: {0}")]
    Journal(#[from] journal::JournalError),
    /// The read side failed.
    #[error("read side: {0}")]
    ReadSide(#[from] engine::ReplicaError),
    /// The system failed.
    #[error("{what}: {source}")]
    Io {
        /// Doing what.
        what: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// A file of ours could not be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// Which.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// What was measured did not do what it is measured for.
    #[error("{0}")]
    Unexpected(String),
    /// Something did not happen in time.
    #[error("{0} did not happen in time")]
    Late(&'static str),
}

impl PerfError {
    /// For `map_err`.
    pub(crate) const fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, source }
    }
}
