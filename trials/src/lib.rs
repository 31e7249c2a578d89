//! A broker and a node on trial, as processes of their own: driven like by any strategy, killed like by any accident,
//! judged from what they leave on disk. The demo is one trial; the crash proof is many.
//!
//! * `world`: the two processes and their directories;
//! * `driver`: sends orders through the local socket, remembers what was acknowledged, goes on after a kill; with the
//!   orders of the day (`flow`) and the strategies' own view of the market (`market`);
//! * `acknowledged`: what was acknowledged, as a file;
//! * `evidence`: what the journals and the broker's log say; `numbers`: what both FIX stores say;
//! * `findings`: what speaks against the node, by check;
//! * [`demo`] and [`crash_proof`]: the trials.

mod acknowledged;
pub mod crash_proof;
pub mod demo;
mod driver;
mod evidence;
mod findings;
mod flow;
mod market;
mod numbers;
mod progress;
mod world;

use std::path::PathBuf;

/// Why a trial could not be held. What speaks against the node is no error: it stands in the report.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// A file or process.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Something did not happen in time.
    #[error("{what} did not happen within {seconds} s; see {} for what the processes said", .logs.display())]
    Late {
        /// What.
        what: String,
        /// The patience.
        seconds: u64,
        /// Where the logs are.
        logs: PathBuf,
    },
    /// The node's socket.
    #[error(transparent)]
    Client(#[from] wire::client::ClientError),
    /// The node answered what makes no sense here.
    #[error("unexpected answer: {0}")]
    Unexpected(String),
    /// A process ended, and nobody killed it.
    #[error("the {who} ended by itself ({how}); see {} for what it said", .logs.display())]
    Ended {
        /// Node or broker.
        who: &'static str,
        /// Its exit status.
        how: String,
        /// Where the logs are.
        logs: PathBuf,
    },
    /// The journal afterwards.
    #[error(transparent)]
    Replay(#[from] engine::EngineError),
    /// The broker's log afterwards.
    #[error("the broker's log: {0}")]
    BrokerLog(String),
    /// The configuration of the trial.
    #[error(transparent)]
    Config(#[from] node::config::ConfigError),
    /// What was asked for makes no sense.
    #[error("{0}")]
    Asked(String),
}

impl TrialError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
