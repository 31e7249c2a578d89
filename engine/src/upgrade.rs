//! The state a shard starts from, and whether this logic may go on from it.
//!
//! A journal holds inputs; what came of them only the logic says. Where another version of it wrote the journal, a
//! start first replays *all* of it to the digests recorded in it. Only then is it known that what was acknowledged is
//! still so. The way through where it is not: a snapshot taken by the old program, which is what it concluded.

use journal::{Folder, JournalError};
use machine::{Machine, Position, ShardId};

use crate::error::EngineError;
use crate::records::Reads;
use crate::recovery::{recover_accepting, replay_from_first};
use crate::replay::{Recovered, Replay};

/// What may be relied on where another version of the logic wrote the journal. By default: proof alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpgradePolicy {
    /// Start from the newest snapshot, whoever took it, although the records before it lead elsewhere now.
    pub from_snapshot: bool,
    /// Start although no digest says what came of the last inputs.
    pub accept_unproven: bool,
    /// Start although the digest recorded here, and those after it, differ from what is replayed by the same logic:
    /// the shard or its machine was wrong, and the replayed state counts.
    pub accept_divergence: Option<Position>,
}

/// The state at the end of the journal in `journal`, which this logic may go on from. Nothing is changed.
pub(crate) fn state_to_start_from<M: Machine>(
    journal: &Folder,
    shard: ShardId,
    reads: Reads,
    policy: UpgradePolicy,
) -> Result<Recovered<M>, EngineError> {
    let recovered = match recover_accepting(journal, reads, policy.accept_divergence) {
        Err(EngineError::Journal(JournalError::NoJournal { .. })) => return Ok(Replay::new(shard).finish()),
        recovered => recovered?,
    };
    if recovered.accepted > 0 {
        tracing::error!(
            digests = recovered.accepted,
            from = ?policy.accept_divergence,
            "recorded digests differ from the replayed ones; by your word the replayed state counts"
        );
    }
    let Some(recorded) = recovered.logic_version.filter(|version| *version != M::LOGIC_VERSION) else {
        return Ok(recovered);
    };
    // From the first record on, unless that is what was just done: a snapshot holds what the old logic concluded.
    let (position, snapshot) = (recovered.position, recovered.snapshot);
    let proven = if snapshot.is_none() || policy.from_snapshot {
        recovered
    } else {
        replay_from_first(journal, reads, |_| true)?
    };
    if proven.unproven > 0 && !policy.accept_unproven {
        return Err(EngineError::Unproven {
            position,
            inputs: proven.unproven,
            recorded,
            ours: M::LOGIC_VERSION,
        });
    }
    tracing::warn!(
        %position,
        from_version = recorded,
        to_version = M::LOGIC_VERSION,
        digests_equal = proven.digests,
        from_snapshot = proven.snapshot,
        unproven = proven.unproven,
        "another version of the logic wrote this journal; this one goes on from it"
    );
    Ok(proven)
}
