//! An invariant breaks in a node that trades: one account is set aside, and nothing of anybody is lost.

use serde_json::{Value, json};

use crate::common::world::{World, wait_for};

const REFUSED: u64 = 209;

fn buy<'a>(account: &'a str, cl_ord_id: &'a str) -> [&'a str; 8] {
    ["submit", "-a", account, "buy", "100", "IBM", "--cl-ord-id", cl_ord_id]
}

fn status(world: &World) -> Value {
    world.ask(&["status"])
}

/// GROWTH-1 alone is set aside, and one fill of it is kept.
fn assert_set_aside(world: &World) {
    let status = status(world);
    let rows: Vec<_> =
        status["set_aside"].as_array().unwrap().iter().map(|row| (&row["name"], &row["invariant"])).collect();
    assert_eq!(rows, [(&json!("GROWTH-1"), &json!(9))], "{status}");
    assert_eq!((&status["suspense"], &status["halts"]), (&json!(1), &json!([])), "{status}");
    assert_eq!(world.denied(&buy("GROWTH-1", "later")), REFUSED);
    let positions = world.ask(&["positions"]);
    assert!(positions.as_array().unwrap().iter().all(|row| row["account"] != "GROWTH-1"), "{positions}");
}

/// The journals lead to what was recorded, also in a program in which the fault is mended.
fn assert_replays(world: &World, planted: &[&str]) {
    for names in planted {
        let mut replay = world.gannet(&["replay", "--verify"]);
        let proven = crate::common::json(replay.env(crash_point::BREAK_VARIABLE, names));
        assert_eq!(proven[0]["proven"], true, "{proven}");
    }
}

#[test]
fn one_account_is_set_aside_the_others_trade_on_and_a_kill_changes_nothing() {
    let world = World::new();
    let broker = world.broker();
    let mut node = world.planted_node("breaks");
    world.wait_session("ready");
    world.wait_quotes();
    for account in ["GROWTH-1", "GROWTH-2"] {
        world.ask(&["deposit", "-a", account, "1000000", "USD", "-r", account]);
    }
    let before = status(&world)["alerts"].as_u64().unwrap();
    // The broker stands still, so that the fill of this one comes after the account is set aside.
    broker.hold();
    assert!(world.ask(&buy("GROWTH-1", "caught"))["accepted"].is_object());
    assert_eq!(world.denied(&buy("GROWTH-1", "breaks")), REFUSED);
    assert!(world.ask(&buy("GROWTH-2", "theirs"))["accepted"].is_object(), "others trade on");
    broker.go_on();
    world.wait_order("theirs", "filled");
    wait_for("the fill is kept", || status(&world)["suspense"] == 1);
    assert_set_aside(&world);
    assert!(status(&world)["alerts"].as_u64().unwrap() >= before + 2, "{}", status(&world));
    assert!(world.said("node").contains("invariant 9"), "{}", world.said("node"));

    // With the fault still in the program, and in one in which it is mended.
    for names in ["breaks", "nothing"] {
        node.kill();
        assert_replays(&world, &["breaks", "nothing"]);
        node = world.planted_node(names);
        world.wait_session("ready");
        world.wait_quotes_with("GROWTH-2");
        assert_set_aside(&world);
    }

    world.ask(&["release", "GROWTH-1"]);
    assert_eq!(status(&world)["set_aside"], json!([]));
    assert!(world.ask(&buy("GROWTH-1", "later"))["accepted"].is_object());
    world.wait_order("later", "filled");
    assert!(node.terminate().success());
    assert_replays(&world, &["breaks", "nothing"]);
    // What was released stays so, and what was kept is still there to be decided.
    let _node = world.node();
    let status = status(&world);
    assert_eq!((&status["set_aside"], &status["suspense"]), (&json!([]), &json!(1)), "{status}");
}
