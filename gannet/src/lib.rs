//! The node: configuration, wiring, the local protocol, and the command line.

pub mod client;
pub mod config;
mod suggest;
pub mod wire;
