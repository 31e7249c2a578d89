//! The node: configuration, wiring, the local protocol, and the command line.

pub mod books;
pub mod client;
pub mod config;
pub mod definitions;
#[cfg(feature = "quickfix")]
pub mod demo;
pub mod directory;
pub mod node;
pub mod node_api;
pub mod plan;
pub mod server;
mod suggest;
pub mod wire;
