//! What an answer says that was read from a journal that is not whole.

use journal::Gap;
use model::{Position, ShardId};
use serde_json::{Value, json};

/// Up to where an answer holds that was read up to a gap: for people, and for programs.
pub(super) struct UpToGap {
    /// A line for each journal that is not whole.
    pub(super) lines: Vec<String>,
    /// One object for each of them: the value of the key `up_to_gap`.
    pub(super) json: Value,
}

impl UpToGap {
    pub(super) fn of(gaps: &[(ShardId, Gap)]) -> Self {
        let line = |(shard, gap): &(ShardId, Gap)| {
            format!("NOT WHOLE: this holds up to record {} only. {gap}", Position::new(*shard, gap.holds_to))
        };
        let object = |(shard, gap): &(ShardId, Gap)| {
            let missing = gap.missing.iter().map(|stretch| {
                json!({
                    "segments": stretch.segments.as_ref().map(|run| [*run.start(), *run.end()]),
                    "first_seq": stretch.first_seq,
                    "last_seq": stretch.last_seq,
                    "may_be_more": stretch.may_be_more,
                    "last_known": stretch.last_known,
                })
            });
            json!({
                "shard": shard.index,
                "holds_to": Position::new(*shard, gap.holds_to).to_string(),
                "missing": missing.collect::<Vec<_>>(),
            })
        };
        Self { lines: gaps.iter().map(line).collect(), json: gaps.iter().map(object).collect() }
    }
}
