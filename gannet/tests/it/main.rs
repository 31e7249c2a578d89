//! The program from outside, and what only it and the crates together can show.

#[path = "../../../engine/tests/common/mod.rs"]
mod common;

mod backup;
mod cli;
mod clock;
mod descriptors;
mod gaps;
mod past;
