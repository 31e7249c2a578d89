//! A node killed while it sends: nothing is lost, nothing goes out twice.
//!
//! A process of its own: it starts itself again, with the name of the test below that is the node, and kills that.
#![cfg(feature = "quickfix")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use fix_gateway::{DoubtKind, RunningSession, Session, SessionSettings};
use model::{Delivery, ExecType, Name};

use support::broker::{BrokerApp, Mood, free_port, with_broker};
use support::eventually;
use support::shard::{FakeShard, SESSION, doubt, id, new_order};

/// More orders than the node can send before it is killed.
const ORDERS: u64 = 20_000;
const PORT: &str = "GATEWAY_KILL_TEST_PORT";
const STORE: &str = "GATEWAY_KILL_TEST_STORE";

fn start(port: u16, store: &Path, shard: &Arc<FakeShard>) -> RunningSession {
    let name = Name::new("F-KILL").unwrap();
    let settings = SessionSettings::new(SESSION, name, "F-KILL", "B-KILL", ("127.0.0.1", port), store);
    Session::start(settings, Arc::<FakeShard>::clone(shard)).unwrap()
}

/// The node: sends orders until it is killed. Does nothing when run as a test.
#[test]
fn node_that_sends_until_it_is_killed() {
    let (Ok(port), Ok(store)) = (std::env::var(PORT), std::env::var(STORE)) else { return };
    let shard = FakeShard::new();
    let session = start(port.parse().unwrap(), &PathBuf::from(store), &shard);
    shard.wait_ready(1);
    for number in 1..=ORDERS {
        shard.send(new_order(id(number), 100));
    }
    std::thread::sleep(Duration::from_mins(1));
    session.stop().unwrap();
}

fn kill_a_node(port: u16, store: &Path, when: impl FnOnce()) {
    let mut node = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "node_that_sends_until_it_is_killed"])
        .env(PORT, port.to_string())
        .env(STORE, store)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    when();
    // SIGKILL.
    node.kill().unwrap();
    node.wait().unwrap();
}

#[test]
fn after_a_kill_each_order_has_one_fate() {
    for delivered_before in [1, 17, 250] {
        check_one_kill(delivered_before);
    }
}

fn check_one_kill(delivered_before: usize) {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let broker = BrokerApp::new("B-KILL", "F-KILL");
    broker.set_mood(Mood::Silent);
    let port = free_port();
    let doubts: Vec<_> =
        (1..=ORDERS).map(|number| doubt(id(number), id(number), DoubtKind::NewOrder)).collect();
    let shard = FakeShard::with_doubts(&doubts);
    with_broker(&broker, port, theirs.path(), || {
        kill_a_node(port, ours.path(), || {
            eventually("orders at the broker", || {
                (broker.received().len() >= delivered_before).then_some(())
            });
        });
        let session = start(port, ours.path(), &shard);
        assert_eq!(shard.wait_ready(1), 0);
        session.stop().unwrap();
    });
    let known: Vec<_> =
        shard.reports().iter().filter(|r| r.exec_type == ExecType::OrderStatus).copied().collect();
    let evidence = shard.evidence();
    let (never, unknown): (Vec<_>, Vec<_>) =
        evidence.iter().partition(|(_, how)| *how == Delivery::NeverSent);
    assert!(unknown.iter().all(|(_, how)| *how == Delivery::UnknownToBroker));
    assert_eq!(known.len() + never.len() + unknown.len(), doubts.len(), "each order has one fate");
    assert!(known.len() >= delivered_before && !never.is_empty(), "the kill was in the middle");
    for report in &known {
        assert_eq!(broker.count("D", &report.cl_ord_id.unwrap().to_string()), 1);
    }
    for (request, _) in never.into_iter().chain(unknown) {
        assert_eq!(broker.count("D", &request.to_string()), 0);
    }
}
