//! The machine is lost, and the node goes on from a backup that is older than what the broker knows.

use crate::common::world::World;

#[test]
fn a_node_goes_on_from_a_backup_and_the_broker_tells_what_happened_since() {
    let world = World::new();
    let (_broker, mut node) = world.trading();
    let buy = |id: &str| world.ask(&["submit", "-a", "GROWTH-1", "buy", "100", "IBM", "--cl-ord-id", id]);
    buy("before");
    world.wait_order("before", "filled");
    world.ask(&["submit", "-a", "GROWTH-1", "buy", "100", "IBM", "--cl-ord-id", "rests", "--limit", "176"]);
    world.wait_order("rests", "new");
    let taken = world.ask(&["backup", "backup"]);
    assert_eq!(taken["manifest"]["sessions"][0]["name"], "PAPER-1");
    assert_eq!(taken["manifest"]["config"][0], "node.toml");
    let point = taken["manifest"]["shards"][0]["last_seq"].as_u64().unwrap().to_string();
    buy("after");
    world.wait_order("after", "filled");
    node.kill();

    let restored = world.ask(&["restore", "backup", "restored"]);
    let replayed = world.ask(&["replay", "--until", &format!("0:{point}")]);
    assert_eq!(restored["shards"][0]["state_hash"], replayed[0]["state_hash"]);
    world.edit("journal = \"journal\"", "journal = \"restored\"");
    let mut node = world.node();
    world.wait_session("ready");
    // It stands as it did. What was filled since belongs to no order it knows: it waits for a person.
    assert_eq!(world.order("before")["status"], "filled");
    assert_eq!(world.order("rests")["status"], "new");
    assert!(
        world.ask(&["orders", "-n", "0"]).as_array().unwrap().iter().all(|row| row["cl_ord_id"] != "after")
    );
    let held = || world.ask(&["positions"])[0]["quantity"].clone();
    assert_eq!(held(), "100");
    assert!(world.ask(&["status"])["alerts"].as_u64().unwrap() > 0, "the fill of the lost order");
    // And it trades, under ids that were never used.
    world.wait_quotes();
    let order = buy("again");
    assert!(!order["accepted"]["order"].as_str().unwrap().starts_with("G1-"), "{order}");
    world.wait_order("again", "filled");
    assert_eq!(held(), "200");
    assert!(node.terminate().success());
}
