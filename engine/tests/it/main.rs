//! A shard from outside. What must be a process of its own stands beside this folder.

#[path = "../common/mod.rs"]
mod common;

mod ahead;
mod asks;
mod broken;
mod clients;
mod clock_jump;
mod examples;
mod full_disk;
mod idle;
mod quiet;
mod released;
mod room;
mod shard;
mod snapshots;
mod upgrade;
