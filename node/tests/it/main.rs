//! A node from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]
#![allow(clippy::large_types_passed_by_value, reason = "tests read better with values")]

mod config;
mod execution_reports;
#[path = "../../../actors/tests/it/invariants.rs"]
#[allow(dead_code, reason = "the core's own tests use all of it")]
mod invariants;
mod plan;
mod running;
mod server;
#[path = "../../../actors/tests/it/world.rs"]
#[allow(dead_code, reason = "the core's own tests use all of it")]
mod world;
