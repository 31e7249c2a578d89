//! A node, and what is done with what it leaves.
//!
//! * [`config`] is what the files say, [`plan`] the difference to what the journals know ([`front::definitions`]);
//! * [`running`] starts everything a configuration names, in the order in which it needs each other;
//! * [`server`] serves the local socket. It sees the node through [`node_api`], so that tests have one of their own;
//! * [`books`] answers queries from a state, [`front::directory`] knows names and ids;
//! * [`office`] is what people and the node say to the office, and its answers;
//! * [`journals`] finds a node's journals, [`past`] asks them about an instant, [`backup`] copies and restores them.

pub mod backup;
pub mod books;
pub mod config;
mod event;
pub mod journals;
mod listing;
pub mod node_api;
pub mod office;
pub mod past;
pub mod plan;
pub mod running;
pub mod server;
