//! What a look at a whole state found to be wrong.

use alloc::string::String;
use core::fmt;

/// An invariant that does not hold in a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The sentence that is not true.
    pub invariant: &'static str,
    /// Of what it is not true, and the numbers.
    pub of: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not true: {} ({})", self.invariant, self.of)
    }
}

impl core::error::Error for Violation {}
