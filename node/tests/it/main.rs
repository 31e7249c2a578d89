//! A node from outside.

mod config;
mod plan;
mod running;
mod server;
