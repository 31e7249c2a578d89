//! The node: configuration, wiring, the local protocol, and the command line.

pub mod client;
pub mod config;
pub mod definitions;
pub mod directory;
pub mod plan;
mod suggest;
pub mod wire;
