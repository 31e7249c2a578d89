//! A replay that has a second core read for it and make its memory comes to the same state.
#![allow(clippy::unwrap_used, missing_docs)]

use crate::common::{Rig, buy, config};
use actors::Core;
use engine::{recover, recover_in_turn, replay, replay_until, state_hash};
use model::Command;

#[test]
fn with_a_second_core_or_without_the_state_is_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    let mut rig = Rig::ready(&config);
    // Several batches of records, and more orders than what is made first has room for.
    for index in 0..3_000u32 {
        rig.call(Command::NewOrder(buy(&format!("A{index}"))));
        rig.outbound();
    }
    drop(rig.client);
    let end = rig.shard.stop().unwrap().position;
    let one_core = replay::<Core>(&config.journal.dir).unwrap();
    assert_eq!(one_core.position, end);
    let hash = state_hash(&one_core.core);
    for recovered in [
        replay_until::<Core>(&config.journal.dir, |_| true).unwrap(),
        recover::<Core>(&config.journal.dir).unwrap(),
        recover_in_turn::<Core>(&config.journal.dir).unwrap(),
    ] {
        assert_eq!((recovered.position, recovered.digest), (end, one_core.digest));
        assert_eq!(state_hash(&recovered.core), hash);
    }
    // To a point in the middle of a batch, and of a journal that goes on behind it.
    let middle = replay_until::<Core>(&config.journal.dir, |record| record.position.seq <= 1_234).unwrap();
    assert_eq!((middle.position.seq, middle.records), (1_234, 1_234));
}
