//! The four proofs: the node's journal against the broker's own log, the books against zero, the replay against
//! what was recorded live. What they rest on is [`crate`]'s.

use crate::driver::Driver;
use crate::evidence::Evidence;
use crate::findings::Check;

/// One proof: does it hold, of what, and if not, what speaks against it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Proof {
    /// True where nothing speaks against it.
    pub holds: bool,
    /// What was compared.
    pub of: String,
    /// The first few things that speak against it.
    pub against: Vec<String>,
}

/// The four.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Proofs {
    /// Every execution in the broker's log is in our books exactly once, and ours in its.
    pub executions_once: Proof,
    /// Each ClOrdID reached the broker at most once, under the number it was sent with, and every acknowledged order
    /// has a fate.
    pub orders_once: Proof,
    /// The ledger sums to zero for every account and asset.
    pub ledger_zero: Proof,
    /// Replaying gives the digests that were recorded and shown live, and the same state from a snapshot.
    pub replay_equal: Proof,
}

const SHOWN: usize = 5;

impl Proof {
    fn new(of: String, evidence: &Evidence, checks: &[Check]) -> Self {
        let of_check = |check: &Check| evidence.findings.of(*check).cloned();
        let mut against: Vec<String> = checks.iter().flat_map(of_check).collect();
        let holds = against.is_empty();
        if against.len() > SHOWN {
            let more = against.len() - SHOWN;
            against.truncate(SHOWN);
            against.push(format!("... and {more} more"));
        }
        Self { holds, of, against }
    }
}

impl Proofs {
    /// True where all hold.
    pub const fn hold(&self) -> bool {
        self.executions_once.holds
            && self.orders_once.holds
            && self.ledger_zero.holds
            && self.replay_equal.holds
    }

    pub(super) fn new(evidence: &Evidence, driver: &Driver) -> Self {
        let (booked, told) = evidence.executions();
        let executions = format!("{told} executions in the broker's log, {booked} in our books");
        let orders = format!(
            "{} ClOrdIDs at the broker, {} orders acknowledged, {} in the journal",
            evidence.received().0,
            driver.acknowledged.len(),
            evidence.orders().count()
        );
        let accounts = evidence.cores().flat_map(actors::Core::accounts);
        let books: usize = accounts.map(|account| account.ledger().books().count()).sum();
        let (records, digests) = evidence.shards.iter().fold((0, 0), |(records, digests), shard| {
            (records + shard.replay.records(), digests + shard.replay.digests())
        });
        Self {
            executions_once: Proof::new(executions, evidence, &[Check::FillsLost, Check::FillsTwice]),
            orders_once: Proof::new(
                orders,
                evidence,
                &[Check::OrdersLost, Check::OrdersDuplicated, Check::SequenceMismatches],
            ),
            ledger_zero: Proof::new(
                format!("{books} books, nothing reserved at the end"),
                evidence,
                &[Check::LedgerNonzero],
            ),
            replay_equal: Proof::new(
                format!("{records} records, {digests} digests recorded on the way"),
                evidence,
                &[Check::DigestMismatches],
            ),
        }
    }
}
