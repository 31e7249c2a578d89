//! What can go wrong at start, and why a running session gave up.

use std::path::PathBuf;

/// The engine failed to start or to stop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{engine}: {problem}")]
pub struct EngineError {
    /// Which engine.
    pub engine: &'static str,
    /// What it said.
    pub problem: String,
}

/// Why a session could not be started or stopped cleanly.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// A setting makes no sense.
    #[error("session {session}: {setting} {problem}")]
    Setting {
        /// The session's name.
        session: String,
        /// The setting's name.
        setting: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The chosen engine is not part of this build.
    #[error("session {session}: this build has no QuickFIX engine (cargo feature `quickfix`)")]
    EngineNotBuilt {
        /// The session's name.
        session: String,
    },
    /// The engine's store is empty though the journal holds messages of the session: starting from 1 would make
    /// the broker refuse the logon or, worse, accept numbers twice. An operator restores the store or agrees a
    /// reset with the broker.
    #[error(
        "session {session}: the sequence numbers in {} are gone, but the journal holds messages up to {high_water}; \
         restore the store, or agree a sequence reset with the broker",
        store.display()
    )]
    StoreLost {
        /// The session's name.
        session: String,
        /// Where they should be.
        store: PathBuf,
        /// The journal's highest number of this session.
        high_water: u64,
    },
    /// The engine's store holds messages but its sequence numbers cannot be read.
    #[error("session {session}: {} is damaged: {problem}", file.display())]
    StoreDamaged {
        /// The session's name.
        session: String,
        /// Which file.
        file: PathBuf,
        /// What was found.
        problem: String,
    },
    /// Another session in this process, or another process, uses the same identity or store.
    #[error("session {session}: {what} is in use already")]
    InUse {
        /// The session's name.
        session: String,
        /// The identity or the file.
        what: String,
    },
    /// The file system refused.
    #[error("session {session}: cannot {doing} {}: {source}", path.display())]
    Io {
        /// The session's name.
        session: String,
        /// What was attempted.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The engine refused to start.
    #[error("session {session}: {source}")]
    Engine {
        /// The session's name.
        session: String,
        /// Why.
        source: EngineError,
    },
    /// The gateway's own thread could not be started, or died.
    #[error("session {session}: the gateway thread {problem}")]
    Thread {
        /// The session's name.
        session: String,
        /// What happened.
        problem: String,
    },
}

/// Why a running session stopped by itself. An operator must look; the journal and the store are intact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Code of ours panicked while handling a message. The engine would count that message as processed, so the
    /// session stops; at the next start the broker is asked for it again.
    #[error("panic in {place}: {message}")]
    Panicked {
        /// Which callback or thread.
        place: &'static str,
        /// The panic's message.
        message: String,
    },
    /// The engine accepted a message but could not record it: it may or may not be numbered.
    #[error("the engine could not record a message it had numbered (is the disk full?)")]
    NotRecorded,
    /// The engine itself failed.
    #[error("the engine failed: {0}")]
    Engine(String),
}

impl Failure {
    /// From what a caught panic carries.
    pub(crate) fn panicked(place: &'static str, panic: &(dyn std::any::Any + Send)) -> Self {
        let message = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned());
        Self::Panicked { place, message }
    }
}
