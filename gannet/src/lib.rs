//! The node: configuration, wiring, the local protocol, and the command line.

pub mod backup;
pub mod books;
pub mod cli;
pub mod client;
pub mod config;
#[cfg(feature = "quickfix")]
pub mod crash_proof;
pub mod definitions;
#[cfg(feature = "quickfix")]
pub mod demo;
pub mod directory;
mod duration;
mod listing;
pub mod node;
pub mod node_api;
pub mod past;
pub mod plan;
pub mod server;
pub mod stop;
mod suggest;
pub mod table;
#[cfg(feature = "quickfix")]
mod trial;
pub mod wire;
