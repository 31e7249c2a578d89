//! The node: configuration, wiring, the local protocol, and the command line.

pub mod config;
