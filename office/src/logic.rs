//! The versions of the office's logic. The rule is that of `actors/src/logic.rs`: an old journal that this logic leads
//! elsewhere is refused, and a snapshot of the old program is the way across.

use machine::LogicChange;

/// Every version, oldest first. A number, once used, means the same for good.
pub const OFFICE_LOGIC_CHANGES: &[LogicChange] =
    &[LogicChange { version: 1, what: "The first: configuration history, alerts, approvals of cash moves." }];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbered_without_gaps() {
        assert!(OFFICE_LOGIC_CHANGES.iter().zip(1..).all(|(change, version)| change.version == version));
    }
}
