//! FIX 4.4 sessions to brokers.
//!
//! A session has an engine that speaks FIX ([`SessionEngine`]; QuickFIX is the first) and a shard that decides
//! and records ([`ShardPort`]). In between stands this crate:
//!
//! 1. [`Session`] pulls what must leave, has it translated and sends it;
//! 2. `inbound` and `outbound` are the only places that know both FIX tags and the model's words;
//! 3. `sweep` clears up after each logon what became of requests in doubt, before the session is ready;
//! 4. `vigil` watches, while it is up, what is sent and not answered.
//!
//! The delivery contract: a request reaches the broker **at most once**. What was numbered by the engine is never
//! numbered again, what the broker asks to have resent is gap-filled, and what could not be sent is reported as
//! [`model::Delivery::NeverSent`].

mod backoff;
#[doc(hidden)]
pub mod counting;
mod desk;
mod draft;
mod engine;
mod error;
mod fields;
mod health;
mod inbound;
mod inbox;
mod incident;
mod locked;
mod number;
mod outbound;
mod port;
#[cfg(feature = "quickfix")]
mod quickfix;
#[cfg(feature = "quickfix")]
mod refusal;
mod session;
mod settings;
mod stepped;
mod sweep;
mod tags;
mod vigil;

/// How the property tests run: the same cases each time.
#[cfg(test)]
pub(crate) fn seeded(cases: u32) -> proptest::test_runner::Config {
    use proptest::test_runner::{Config, RngSeed};
    Config { cases, rng_seed: RngSeed::Fixed(20_261_120), failure_persistence: None, ..Config::default() }
}

pub use backoff::Backoff;
pub use draft::Draft;
pub use engine::{Inbox, Link, SendOutcome, SentMessage, SentRecord, SessionEngine};
pub use error::{EngineError, Failure, GatewayError};
pub use fields::{Fields, field};
pub use health::{DownReason, Health, HealthSince};
pub use incident::Incident;
pub use number::parse_decimal;
pub use port::{Doubt, DoubtKind, ShardClosed, ShardPort};
#[cfg(feature = "quickfix")]
pub use quickfix::QuickFixEngine;
pub use session::{RunningSession, Session, SessionMonitor};
pub use settings::{EngineKind, Idle, Probe, SessionSettings, Stage};
pub use stepped::SteppedSession;
