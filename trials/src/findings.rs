//! What speaks against the node, by check. A finding is counted once, however often it is seen.

use std::collections::{BTreeMap, BTreeSet};

/// What must never happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Check {
    /// An order was acknowledged and is gone, or has no fate.
    OrdersLost,
    /// An order reached the broker more than once.
    OrdersDuplicated,
    /// The broker executed, and our books do not say so.
    FillsLost,
    /// Our books say more than the broker executed.
    FillsTwice,
    /// The two sides of a FIX session disagree about its numbers.
    SequenceMismatches,
    /// A book of the ledger does not sum to zero.
    LedgerNonzero,
    /// A replay leads elsewhere than the node was.
    DigestMismatches,
}

impl Check {
    /// All of them.
    pub(crate) const ALL: [Self; 7] = [
        Self::OrdersLost,
        Self::OrdersDuplicated,
        Self::FillsLost,
        Self::FillsTwice,
        Self::SequenceMismatches,
        Self::LedgerNonzero,
        Self::DigestMismatches,
    ];

    /// Its key in JSON.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::OrdersLost => "orders_lost",
            Self::OrdersDuplicated => "orders_duplicated",
            Self::FillsLost => "fills_lost",
            Self::FillsTwice => "fills_twice",
            Self::SequenceMismatches => "sequence_mismatches",
            Self::LedgerNonzero => "ledger_nonzero",
            Self::DigestMismatches => "digest_mismatches",
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    found: BTreeMap<Check, BTreeSet<String>>,
}

impl Findings {
    pub(crate) fn add(&mut self, check: Check, what: String) {
        self.found.entry(check).or_default().insert(what);
    }

    pub(crate) fn count(&self, check: Check) -> u64 {
        self.of(check).count().try_into().unwrap_or(u64::MAX)
    }

    /// What speaks against one check.
    pub(crate) fn of(&self, check: Check) -> impl Iterator<Item = &String> {
        self.found.get(&check).into_iter().flatten()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.values().all(BTreeSet::is_empty)
    }

    /// What is here and was not there.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let mut new = Self::default();
        for check in Check::ALL {
            let known: BTreeSet<&String> = before.of(check).collect();
            for what in self.of(check).filter(|what| !known.contains(what)) {
                new.add(check, what.clone());
            }
        }
        new
    }

    /// Adds those of another.
    pub(crate) fn merge(&mut self, other: &Self) {
        for check in Check::ALL {
            for what in other.of(check) {
                self.add(check, what.clone());
            }
        }
    }

    /// Each with its check's key.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        Check::ALL
            .into_iter()
            .flat_map(|check| self.of(check).map(move |what| format!("{}: {what}", check.key())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_seen_again_is_not_new() {
        let mut findings = Findings::default();
        findings.add(Check::FillsLost, "E1".to_owned());
        let before = findings.clone();
        findings.add(Check::FillsLost, "E1".to_owned());
        assert!(findings.since(&before).is_empty());
        findings.add(Check::FillsLost, "E2".to_owned());
        findings.add(Check::OrdersLost, "E2".to_owned());
        let new = findings.since(&before);
        assert_eq!((new.count(Check::FillsLost), new.count(Check::OrdersLost)), (1, 1));
        assert_eq!(new.lines().collect::<Vec<_>>(), ["orders_lost: E2", "fills_lost: E2"]);
    }
}
