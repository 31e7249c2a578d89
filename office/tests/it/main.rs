//! The office as a whole: words in, events and state out. Every input of every test is followed by `verify`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

mod alerts;
mod approvals;
mod bytes;
mod config_history;
mod desk;
mod kills;
mod replays;
mod twin;
