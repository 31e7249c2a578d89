//! The core as a whole: inputs in, events and state out. Every input of every test is followed by the checks of
//! `invariants.rs`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]
#![allow(clippy::large_types_passed_by_value, reason = "tests read better with values")]

mod broken;
mod cancels;
mod cash;
mod clock;
mod commands;
mod doubts;
mod executions;
mod histories;
mod invariants;
mod lifecycle;
mod memory;
mod missing;
mod names;
mod numbers;
mod overdue;
mod properties;
mod replaces;
mod retirement;
mod scenarios;
mod twin;
mod twin_hears;
mod valuation;
mod verify;
mod world;
