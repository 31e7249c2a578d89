//! What stands in a journal: the bytes of every word, and journals that hold them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]
#![allow(clippy::indexing_slicing, reason = "a test may fail")]

#[path = "../common/mod.rs"]
mod common;
mod golden;
mod kinds;
mod roundtrip;
