//! The broker from outside. What must be a process of its own stands beside this folder.

#[path = "../client/mod.rs"]
mod client;

mod documentation;
mod feed;
mod fix_session;
