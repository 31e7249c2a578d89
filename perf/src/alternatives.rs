//! Designs that lost, kept runnable so that a decision can be measured again: `perf --only alternatives`.

mod actors;
mod journals;
mod mapped;
mod rings;

use crate::error::PerfError;
use crate::lab::Lab;

/// Every comparison.
pub(crate) fn measure(lab: &mut Lab) -> Result<(), PerfError> {
    rings::measure(lab)?;
    actors::measure(lab)?;
    journals::measure(lab)
}
