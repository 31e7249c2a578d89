//! The whole system: real processes, sockets and kills.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]
#![allow(unreachable_pub, reason = "shared by the modules")]

mod common;
mod recompute;

mod bad_luck;
mod crash_proof;
mod kill_loop;
mod office;
mod whole_day;
