//! What hands over between threads here is written against these names, so that `tests/doze.rs` can put loom's in their
//! place and go through every interleaving.

pub(crate) use std::sync::atomic::{AtomicBool, Ordering, fence};
