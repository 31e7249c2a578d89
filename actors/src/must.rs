//! How `verify` says what is wrong.

use core::fmt;

use machine::Violation;

/// `Ok` where the sentence holds; what it does not hold of is told otherwise.
pub(crate) fn must(holds: bool, invariant: &'static str, of: fmt::Arguments<'_>) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation { invariant, of: alloc::format!("{of}") }) }
}
