//! Pre-trade risk: an ordered list of pure rules; only it can make an approved order.
