//! Fifty SIGKILLs at random instants while orders flow at full speed: nothing is lost, nothing happens twice. The crash
//! proof kills at named places, too.

use crate::common;

#[test]
fn fifty_kills_lose_and_duplicate_nothing() {
    let shown = common::demo(&["--orders", "15000", "--rate", "0", "--kills", "50", "--seed", "11"]);
    assert_eq!(shown["kills"], 50);
    for proof in ["executions_once", "orders_once", "ledger_zero", "replay_equal"] {
        assert_eq!(shown["proofs"][proof], true, "{proof}: {}", shown["proof_details"]);
    }
    assert!(shown["executions"].as_u64().unwrap() > 1000, "{shown}");
    assert!(shown["orders"]["filled"].as_u64().unwrap() > 1000, "{shown}");
}

#[test]
fn kills_with_two_shards_lose_and_duplicate_nothing() {
    let shown =
        common::demo(&["--orders", "3000", "--rate", "0", "--kills", "5", "--seed", "12", "--shards", "2"]);
    for proof in ["executions_once", "orders_once", "ledger_zero", "replay_equal"] {
        assert_eq!(shown["proofs"][proof], true, "{proof}: {}", shown["proof_details"]);
    }
}

/// Orders and answers leave only when their records are on disk; kills fall into that wait, too.
#[test]
fn kills_under_disk_durability_lose_and_duplicate_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("kept");
    let shown = common::demo(&[
        "--orders",
        "3000",
        "--kills",
        "5",
        "--seed",
        "13",
        "--durability",
        "disk",
        "--keep",
        kept.to_str().unwrap(),
    ]);
    assert_eq!(shown["kills"], 5);
    for proof in ["executions_once", "orders_once", "ledger_zero", "replay_equal"] {
        assert_eq!(shown["proofs"][proof], true, "{proof}: {}", shown["proof_details"]);
    }
    let config = std::fs::read_to_string(kept.join("node.toml")).unwrap();
    assert!(config.contains("durability = \"disk\""), "{config}");
}
