//! Which record format this is.

/// The record format written.
pub const RECORD_VERSION: u8 = 2;
