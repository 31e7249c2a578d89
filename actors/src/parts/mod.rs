//! One folder for each part: `state.rs` is what it keeps, `mod.rs` what it does. No part names another.

pub(crate) mod movements;
pub(crate) mod names;
pub(crate) mod settlement;
