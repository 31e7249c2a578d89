//! The node and its command line.
fn main() {}
