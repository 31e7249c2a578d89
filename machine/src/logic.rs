//! The versions of a machine's logic.

/// One version and what it decides otherwise than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogicChange {
    /// The version that began with it.
    pub version: u32,
    /// What changed, in a sentence.
    pub what: &'static str,
}

/// The last version of a table; 0 where it is empty.
pub(crate) const fn last_version(changes: &[LogicChange]) -> u32 {
    match changes.last() {
        Some(last) => last.version,
        None => 0,
    }
}
