//! The journal from outside. What must be a process of its own stands beside this folder.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/observed.rs"]
mod observed;

mod append_and_read;
mod archive;
mod chain;
mod copy;
mod damage;
mod environment;
mod gaps;
mod gaps_live;
mod made_first;
mod refusals;
mod repair;
mod stepped;
mod unmapped;
