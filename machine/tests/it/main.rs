//! A machine from outside.

#[path = "../common/counter.rs"]
mod counter;
mod state;
