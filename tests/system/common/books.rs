//! What was executed, by either side's own record, and whether both say the same.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::{gannet, succeed, world::World};

/// By ExecID: how often, and how many units.
pub type Executions = BTreeMap<String, (u32, String)>;

fn lines(bytes: &[u8]) -> Vec<Value> {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    serde_json::Deserializer::from_slice(&bytes[..whole]).into_iter().map(Result::unwrap).collect()
}

/// The lines of the broker's log.
pub fn broker_log(world: &World) -> Vec<Value> {
    lines(&std::fs::read(world.path("broker/broker.log")).unwrap())
}

/// The records of the node's journal.
pub fn journal(folder: &Path) -> Vec<Value> {
    lines(&succeed(gannet().args(["journal", "dump", "--json", "--journal"]).arg(folder)).stdout)
}

fn put(executions: &mut Executions, exec_id: &Value, quantity: &Value) {
    let exec_id = exec_id.as_str().unwrap().to_owned();
    let quantity = quantity.as_str().unwrap().to_owned();
    executions.entry(exec_id).or_insert((0, quantity)).0 += 1;
}

/// Executions in the broker's log.
pub fn theirs(world: &World) -> Executions {
    let mut executions = Executions::new();
    for line in broker_log(world).iter().filter(|line| line["kind"] == "fill") {
        put(&mut executions, &line["exec_id"], &line["last_qty"]);
    }
    executions
}

/// Nothing is lost or doubled: the same executions on both sides, positions that are their sum, no order that
/// arrived twice, no cash that is still held back, and a replay that gives what was recorded live.
pub fn compare(world: &World) {
    let theirs = theirs(world);
    assert!(theirs.values().all(|(times, _)| *times == 1), "{theirs:?}");
    // A report may come again after a restart, and is journalled again; it is booked once, as the positions show.
    let mut ours = Executions::new();
    for record in journal(&world.path("journal")) {
        let Some(report) = record.pointer("/body/execution_report") else { continue };
        // Without an ExecID it is no execution but garbage, kept for its alert.
        if report["exec_type"] == "trade" && report["exec_id"] != "" {
            put(&mut ours, &report["exec_id"], &report["last_quantity"]);
        }
    }
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    compare_positions(world);
    let mut arrived = BTreeMap::<String, u32>::new();
    for line in broker_log(world) {
        assert!(line["kind"] != "duplicate_order" && line["kind"] != "duplicate_request", "{line}");
        if line["kind"] == "received_new" {
            *arrived.entry(line["cl_ord_id"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    assert!(arrived.values().all(|times| *times == 1), "{arrived:?}");
    world.ask(&["replay"]);
}

fn compare_positions(world: &World) {
    let mut positions = BTreeMap::<(String, String), i64>::new();
    for line in broker_log(world).iter().filter(|line| line["kind"] == "fill") {
        let text = |key: &str| line[key].as_str().unwrap().to_owned();
        let units: i64 = text("last_qty").parse().unwrap();
        let signed = if line["side"] == "buy" { units } else { -units };
        *positions.entry((text("account"), text("symbol"))).or_default() += signed;
    }
    let rows = world.ask(&["positions", "--journal", "journal"]);
    for row in rows.as_array().unwrap() {
        let key = (row["account"].as_str().unwrap().to_owned(), row["symbol"].as_str().unwrap().to_owned());
        let units: i64 = row["quantity"].as_str().unwrap().parse().unwrap();
        assert_eq!(positions.remove(&key), Some(units), "{row}");
    }
    assert!(positions.values().all(|units| *units == 0), "{positions:?}");
}
