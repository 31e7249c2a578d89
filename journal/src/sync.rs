//! What hands over between threads is written against these names, so that `tests/handover.rs` can put loom's in
//! their place and go through every interleaving.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering, fence};
pub(crate) use std::sync::{Arc, OnceLock};
pub(crate) use std::thread::{Thread, current, park_timeout};
pub(crate) use std::time::Duration;
