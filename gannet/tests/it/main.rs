//! The node and its command line from outside.

#[path = "../../../engine/tests/common/mod.rs"]
mod common;

mod backup;
mod cli;
mod config;
mod descriptors;
mod gaps;
mod node;
mod past;
mod plan;
mod server;
mod wire;
