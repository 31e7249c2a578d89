//! The office of a real node: configurations, alerts and approvals, across kills.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;

use serde_json::Value;

use crate::common::succeed;
use crate::common::world::{World, wait_for};

/// Two people of the machine that are not the node's user.
const ASKS: u32 = 61_001;
const APPROVES: u32 = 61_002;

fn text(command: &mut std::process::Command) -> String {
    String::from_utf8(succeed(command).stdout).unwrap()
}

/// What a command fails with: exit code 1, and words on stderr.
fn fails(world: &World, words: &[&str]) -> String {
    let output = world.gannet(words).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{words:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// Nothing in the journals leads elsewhere than it did, the office's included.
fn proven(world: &World) {
    let verified = world.ask(&["replay", "--verify"]);
    let rows = verified.as_array().unwrap();
    assert!(rows.iter().any(|row| row["shard"] == "office"), "{verified}");
    assert!(rows.iter().all(|row| row["proven"] == true), "{verified}");
    let whole = world.ask(&["journal", "verify", "--shard", "office"]);
    let dumped = text(&mut world.gannet(&["journal", "dump", "--shard", "office"]));
    assert_eq!(whole[0]["records"].as_u64(), Some(dumped.lines().count() as u64));
    assert!(dumped.starts_with("office:1 "), "{dumped}");
}

#[test]
fn each_configuration_that_came_into_force_is_kept_with_its_text() {
    let world = World::new();
    let mut node = world.node();
    node.kill();
    // The same again is nothing new, also after a kill.
    let mut node = world.node();
    node.terminate();
    let first = std::fs::read_to_string(world.path("node.toml")).unwrap();
    world.edit("price_band_bps = 500, max_position = 50_000", "price_band_bps = 400, max_position = 50_000");
    let mut node = world.node();
    let rows = world.ask(&["config", "history"]);
    assert_eq!(rows.as_array().unwrap().len(), 2, "{rows}");
    let (one, two) = (&rows[0], &rows[1]);
    assert_eq!((one["number"].as_u64(), two["number"].as_u64()), (Some(1), Some(2)));
    assert_eq!(one["by"]["door"], "the node itself");
    assert_eq!(one["by"]["uid"], rustix::process::getuid().as_raw());
    let said = |row: &Value, kind: &str, text: &str| {
        let changes = row["changes"].as_array().unwrap();
        changes.iter().any(|change| change["kind"] == kind && change["text"].as_str().unwrap().contains(text))
    };
    assert!(said(one, "applied", "portfolio GROWTH"), "{one}");
    assert!(said(two, "written", "account[GROWTH-1].limits.price_band_bps: 500 → 400"), "{two}");
    assert!(said(two, "left", "account GROWTH-1: price_band_bps"), "nobody asked for it: {two}");
    node.kill();
    let mut node = world.node_with(&["--apply"]);
    let rows = world.ask(&["config", "history"]);
    assert!(said(&rows[2], "applied", "account GROWTH-1: price_band_bps"), "the same text, applied: {rows}");
    node.kill();

    let at = |at: &str| text(&mut world.gannet(&["config", "show", "--at", at]));
    let of = |row: &Value| row["position"].as_str().unwrap().replace("65535:", "office:");
    assert!(at(&of(&rows[0])).contains(&first), "the first text, with every comment");
    assert!(!at(&of(&rows[1])).contains(&first));
    assert_eq!(at(rows[1]["by"]["time"].as_str().unwrap()), at(&of(&rows[1])), "by its time");
    assert_eq!(text(&mut world.gannet(&["config", "show"])), at(&of(&rows[2])));
    assert!(
        fails(&world, &["config", "show", "--at", "2020-01-01T00:00:00Z"])
            .contains("the first came at office:")
    );
    assert!(
        fails(&world, &["config", "show", "--at", "office:1"]).contains("no configuration was in force then")
    );
    assert!(fails(&world, &["config", "show", "--at", "office:999"]).contains("the journal ends at"));
    assert_eq!(
        world.ask(&["config", "history", "--journal", "journal"]),
        rows,
        "and from the journals on disk"
    );
    proven(&world);
}

/// An order under this name breaks an invariant: the account is set aside, with an alert.
fn set_aside(world: &World, name: &str) {
    let denied =
        world.denied(&["submit", "-a", "GROWTH-1", "buy", "1", "IBM", "-l", "100", "--cl-ord-id", name]);
    assert_eq!(denied, 209);
}

#[test]
fn an_alert_is_raised_once_acknowledged_once_and_stays_so_after_a_kill() {
    let world = World::new();
    let mut node = world.planted_node("breaks");
    set_aside(&world, "breaks");
    wait_for("the alert", || world.ask(&["alerts", "--open"]).as_array().unwrap().len() == 1);
    let alert = world.ask(&["alerts"])[0].clone();
    assert_eq!((alert["number"].as_u64(), alert["kind"].as_str()), (Some(1), Some("set_aside")));
    assert_eq!((alert["subject"].as_str(), alert["times"].as_u64()), (Some("shard 0"), Some(1)));
    assert_eq!(world.ask(&["status"])["open_alerts"], 1);
    // Nobody hears it a second time, whoever dies.
    node.kill();
    let mut node = world.node();
    assert_eq!(world.ask(&["alerts"])[0], alert);

    assert_eq!(world.denied(&["alerts", "ack", "7", "seen"]), 621);
    assert_eq!(world.denied(&["alerts", "ack", "1", " "]), 601);
    // Longer than a record: it must not come as far as the journal.
    assert_eq!(world.denied(&["alerts", "ack", "1", &"x".repeat(100_000)]), 602);
    world.ask(&["alerts", "ack", "1", "machine looked at"]);
    assert_eq!(world.denied(&["alerts", "ack", "1", "again"]), 622);
    assert_eq!(world.ask(&["status"])["open_alerts"], 0);
    node.kill();
    let _node = world.node();
    let alert = world.ask(&["alerts"])[0].clone();
    assert_eq!(alert["word"], "machine looked at");
    assert_eq!(alert["acknowledged"]["uid"], rustix::process::getuid().as_raw());
    assert_eq!(world.ask(&["alerts", "--open"]), serde_json::json!([]));
    proven(&world);
}

/// The node is killed before its ear has heard: the next start finds the alert in the shard's journal.
#[test]
fn an_alert_that_nobody_heard_before_a_kill_is_found_at_the_next_start() {
    let world = World::new();
    let mut node = world.planted_node("breaks");
    // What the office knows before the alert is all that it knows at the next start.
    let (office, before) = (world.path("journal/office"), world.path("before"));
    std::fs::create_dir(&before).unwrap();
    for file in std::fs::read_dir(&office).unwrap().map(|file| file.unwrap().path()) {
        std::fs::copy(&file, before.join(file.file_name().unwrap())).unwrap();
    }
    set_aside(&world, "breaks");
    node.kill();
    std::fs::remove_dir_all(&office).unwrap();
    std::fs::rename(&before, &office).unwrap();
    let _node = world.node();
    wait_for("the alert", || world.ask(&["alerts"]).as_array().unwrap().len() == 1);
    assert_eq!(world.ask(&["alerts"])[0]["times"], 1);
}

/// As another user of the machine.
fn as_user(world: &World, uid: u32, words: &[&str]) -> Value {
    let output = world.gannet(words).arg("--json").uid(uid).gid(uid).output().unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{words:?}: {error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// A node that everybody may speak to, where more than 1,000 USD needs a second person.
fn of_two() -> Option<World> {
    if !rustix::process::getuid().is_root() {
        eprintln!("skipped: only root can be two other people");
        return None;
    }
    let world = World::new();
    world.edit("socket_access = \"user\" ", "socket_access = \"all\" ");
    world.edit("cash_above = {} ", "cash_above = { USD = 1_000 } ");
    std::fs::set_permissions(world.path(""), std::fs::Permissions::from_mode(0o755)).unwrap();
    Some(world)
}

fn withdraw(world: &World, uid: u32, amount: &str, reference: &str) -> Value {
    as_user(world, uid, &["withdraw", "-a", "GROWTH-1", amount, "USD", "-r", reference])
}

fn settled(world: &World) -> String {
    let rows = world.ask(&["cash", "-a", "GROWTH-1"]);
    rows[0]["settled"].as_str().unwrap().to_owned()
}

/// What became of a request.
fn stands(world: &World, number: u64) -> String {
    let rows = world.ask(&["approvals"]);
    let row = rows.as_array().unwrap().iter().find(|row| row["number"] == number).unwrap();
    row["standing"].as_str().unwrap().to_owned()
}

#[test]
fn a_large_move_takes_two_people() {
    let Some(world) = of_two() else { return };
    let mut node = world.node();
    assert!(
        as_user(&world, ASKS, &["deposit", "-a", "GROWTH-1", "1000", "USD", "-r", "small"])["done"]
            .is_object()
    );
    let waits = as_user(&world, ASKS, &["deposit", "-a", "GROWTH-1", "9000", "USD", "-r", "large"]);
    assert_eq!(
        (waits["waiting"]["number"].as_u64(), waits["waiting"]["repeated"].as_bool()),
        (Some(1), Some(false))
    );
    assert_eq!(settled(&world), "1000", "nothing moved");
    assert_eq!(world.ask(&["status"])["waiting_approvals"], 1);

    let number = |answer: &Value| answer["denied"]["number"].as_u64();
    assert_eq!(number(&as_user(&world, ASKS, &["approve", "1"])), Some(632), "the same person");
    assert_eq!(number(&as_user(&world, APPROVES, &["approve", "9"])), Some(631));
    assert!(as_user(&world, APPROVES, &["approve", "1"])["done"].is_object());
    wait_for("the move", || stands(&world, 1) == "booked");
    assert_eq!(settled(&world), "10000");
    assert_eq!(number(&as_user(&world, APPROVES, &["approve", "1"])), Some(633), "once");
    let again = as_user(&world, ASKS, &["deposit", "-a", "GROWTH-1", "9000", "USD", "-r", "large"]);
    assert_eq!(
        (again["waiting"]["standing"].as_str(), again["waiting"]["repeated"].as_bool()),
        (Some("booked"), Some(true))
    );

    withdraw(&world, ASKS, "2000", "refused");
    as_user(&world, APPROVES, &["refuse", "2", "not on this account"]);
    assert_eq!(stands(&world, 2), "refused");
    withdraw(&world, ASKS, "50000", "too much");
    as_user(&world, APPROVES, &["approve", "3"]);
    wait_for("the shard's word", || stands(&world, 3) == "denied");
    assert_eq!(settled(&world), "10000", "approved, and more than there is");
    node.kill();
    let _node = world.node();
    assert_eq!([1, 2, 3].map(|number| stands(&world, number)), ["booked", "refused", "denied"]);
    proven(&world);
}

#[test]
fn an_approved_move_is_booked_once_wherever_the_node_dies() {
    // At `answer.before` the errand may have begun or not.
    for point in ["approval.given", "approval.moved", "answer.before"] {
        let Some(world) = of_two() else { return };
        let mut node = world.node();
        as_user(&world, ASKS, &["deposit", "-a", "GROWTH-1", "1000", "USD", "-r", "small"]);
        as_user(&world, ASKS, &["deposit", "-a", "GROWTH-1", "9000", "USD", "-r", "large"]);
        node.terminate();
        let mut node = world.doomed_node(point);
        // Its answer may be lost with the node.
        let _ = world.gannet(&["approve", "1"]).uid(APPROVES).gid(APPROVES).output().unwrap();
        wait_for(point, || node.has_ended());
        let _node = world.node();
        if stands(&world, 1) == "waiting" {
            as_user(&world, APPROVES, &["approve", "1"]);
        }
        wait_for("the move", || stands(&world, 1) == "booked");
        assert_eq!(settled(&world), "10000", "{point}");
        proven(&world);
    }
}

#[test]
fn backups_hold_the_office() {
    let world = World::new();
    let mut node = world.node();
    world.ask(&["backup", "backup"]);
    let rows = world.ask(&["config", "history"]);
    node.kill();
    std::fs::remove_dir_all(world.path("journal")).unwrap();
    let restored = world.ask(&["restore", "backup", "journal"]);
    let office = restored["shards"].as_array().unwrap().last().unwrap().clone();
    assert!(office["state_hash"].is_string(), "{restored}");
    assert_eq!(world.ask(&["config", "history", "--journal", "journal"]), rows);
    let _node = world.node();
    assert_eq!(world.ask(&["config", "history"]), rows, "the same text again is nothing new");
}
