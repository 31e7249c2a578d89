//! The latency lab.
fn main() {}
