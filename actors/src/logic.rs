//! The versions of the logic: what changed in each, and which of them this program can go on from.
//!
//! A journal holds inputs; what came of them only the logic says. So a journal names, at each opening, the version that
//! decided from there on. The rule for those that an earlier version decided:
//!
//! 1. The program decides everything as [`LOGIC_VERSION`] does. It holds no branch for a version before: a branch that
//!    only the past takes is deleted with the version that made it so.
//! 2. A journal of an earlier version is replayed from its first record. Where every recorded digest is met, nothing
//!    that was acknowledged is decided otherwise now, and the node goes on from it.
//! 3. Where one differs, the start is refused and nothing is touched. The way across is a snapshot that the earlier
//!    program took when it was stopped: it holds what that program concluded. The sections of a snapshot are versioned
//!    each for itself, so a later program reads them.
//! 4. A journal of a later version is never opened.
//!
//! A digest folds what changed, not how events and messages are told. So a new field of either is no new version.

use machine::LogicChange;

/// Every version, oldest first. A number, once used, means the same for good.
pub const LOGIC_CHANGES: &[LogicChange] = &[
    LogicChange { version: 1, what: "The first: orders, executions, cash, halts and limits." },
    LogicChange { version: 2, what: "Finished orders are retired on the second day after their end." },
    LogicChange { version: 3, what: "Digests fold a fingerprint of what changed instead of encoded events." },
    LogicChange {
        version: 4,
        what: "A count of a broker above what is booked stays with its order and is asked about, and so is what it does not answer.",
    },
    LogicChange {
        version: 5,
        what: "References of cash movements are forgotten, 400 days after they were booked or as was said.",
    },
    LogicChange {
        version: 6,
        what: "An order's end is believed where ExecType and OrdStatus both say it; contradictions are asked about.",
    },
];

/// The version of the logic: raised by any change that makes an old journal lead to another state.
pub const LOGIC_VERSION: u32 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbered_without_gaps_and_the_last_decides() {
        assert!(LOGIC_CHANGES.iter().zip(1..).all(|(change, version)| change.version == version));
        assert_eq!(LOGIC_CHANGES.last().map(|change| change.version), Some(LOGIC_VERSION));
    }
}
