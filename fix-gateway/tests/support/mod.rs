//! A shard that is played by the test.
#![allow(dead_code, unreachable_pub, reason = "shared by several test programs, each of which uses its part")]

#[cfg(feature = "quickfix")]
pub mod broker;
pub mod engine;
#[cfg(feature = "quickfix")]
pub mod raw;
pub mod shard;

use std::time::{Duration, Instant};

/// Waits until `done` gives something; panics with `what` where it does not in time.
pub fn eventually<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_mins(2);
    loop {
        if let Some(value) = done() {
            return value;
        }
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
