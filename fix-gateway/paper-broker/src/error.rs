//! What can go wrong around the broker. What can go wrong with an order is an answer to it, not an error.

use std::io;
use std::path::PathBuf;

/// Why the broker did not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or directory could not be used.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The configuration is not TOML, or has an unknown or missing key.
    #[error("{}: {message}", path.display())]
    ConfigSyntax {
        /// Which file.
        path: PathBuf,
        /// The parser's words, with line and key.
        message: String,
    },
    /// A configuration value makes no sense.
    #[error("configuration key `{key}`: {problem}")]
    ConfigValue {
        /// Which key, dotted.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A line of a quotes file cannot be used.
    #[error("{}:{line}: {problem}", path.display())]
    QuoteLine {
        /// Which file.
        path: PathBuf,
        /// Counted from 1, the header included.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// A complete line of the broker's own log cannot be understood: it is not ours, or was changed.
    #[error("{}:{line}: not a line of the broker's log: {problem}", path.display())]
    LogLine {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// Another broker works in the same directory.
    #[error("{}: another paper broker works in this directory", path.display())]
    InUse {
        /// The log that is locked.
        path: PathBuf,
    },
    /// A loopback port could not be bound.
    #[error("port {port}: {source}")]
    Port {
        /// Which; 0 means any free one.
        port: u16,
        /// Why.
        source: io::Error,
    },
    /// QuickFIX refused.
    #[error("QuickFIX: {0}")]
    QuickFix(String),
    /// A thread could not be started or ended by a panic.
    #[error("thread `{0}` failed")]
    Thread(&'static str),
    /// The log could not be written: nothing more was said to anybody.
    #[error("the broker's log could not be written: {0}")]
    Log(io::Error),
}

impl Error {
    pub(crate) fn file(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::File { path: path.into(), source }
    }

    pub(crate) fn value(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::ConfigValue { key: key.into(), problem: problem.into() }
    }
}

impl From<quickfix::QuickFixError> for Error {
    fn from(error: quickfix::QuickFixError) -> Self {
        Self::QuickFix(error.to_string())
    }
}
