//! Sessions from outside. What must be a process of its own stands beside this folder.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod quickfix_refusals;
mod quickfix_rejects;
mod quickfix_session;
mod quickfix_wire;
mod session_life;
