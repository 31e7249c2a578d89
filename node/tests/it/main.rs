//! A node from outside.

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
