//! The program itself: what it prints, for whom, and with which exit code.
#![cfg(feature = "quickfix")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use model::{Input, RecordBody, ShardId, Timestamp};
use rustix::process::{Pid, Signal, kill_process};
use wire::client::Client;

fn gannet(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gannet")).args(words).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What it prints; it must succeed.
fn says(folder: &Path, words: &[&str]) -> String {
    let output = gannet(folder, words);
    assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

struct Node(Child);

impl Node {
    fn start(folder: &Path) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_gannet"))
            .arg("run")
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let node = Self(child);
        Client::connect_within(&folder.join("gannet.sock"), Duration::from_mins(2)).unwrap();
        node
    }

    fn terminate(mut self) -> bool {
        let pid = Pid::from_raw(i32::try_from(self.0.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        self.0.wait().unwrap().success()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A configuration whose broker and quotes are ports that nobody listens on.
fn init(folder: &Path) {
    says(folder, &["init", "."]);
    let dead_port = || TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port().to_string();
    let path = folder.join("node.toml");
    let node = std::fs::read_to_string(&path).unwrap();
    let node = node.replace("9010", &dead_port()).replace("9011", &dead_port());
    std::fs::write(path, node).unwrap();
}

#[test]
fn a_day_at_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    init(folder);
    assert!(says(folder, &["check"]).contains("  + account INCOME-3 in INCOME over PAPER-1\n"));
    let node = Node::start(folder);
    let deposit = ["deposit", "-a", "GROWTH-1", "1000000.50", "USD", "--reference", "wire 1"];
    assert!(says(folder, &deposit).starts_with("done at 0:"));
    assert!(says(folder, &deposit).ends_with("done before, nothing was done again\n"));
    let shown = says(folder, &["cash"]);
    assert!(shown.starts_with("Cash\nACCOUNT   CCY "), "{shown}");
    assert!(
        shown.contains("GROWTH-1  USD  1,000,000.5          0         0  1,000,000.5          0\n"),
        "{shown}"
    );
    let denied = gannet(folder, &["submit", "-a", "GROWTH-1", "buy", "100", "IBM", "--limit", "181.25"]);
    assert_eq!(denied.status.code(), Some(1));
    assert!(text(&denied.stderr).contains("denied (202 SessionNotReady)"), "{}", text(&denied.stderr));
    let denied = gannet(folder, &["submit", "-a", "GROWTH-1", "buy", "100", "IBM", "--json"]);
    assert_eq!(denied.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&denied.stdout).unwrap();
    assert_eq!(json["denied"]["number"], 202);
    says_of_the_past_while_it_runs(folder);
    says(folder, &["limit", "set", "-a", "GROWTH-1", "price_band_bps", "250"]);
    says(folder, &["halt", "--firm"]);
    assert!(says(folder, &["status"]).contains("PAPER-1      0  down          0  "));
    let live: serde_json::Value = serde_json::from_str(&says(folder, &["status", "--json"])).unwrap();
    assert!(says(folder, &["check"]).ends_with("  ~ account GROWTH-1: price_band_bps 250 → 500\n"));
    let busy = gannet(folder, &["run"]);
    assert_eq!(busy.status.code(), Some(1));
    assert!(text(&busy.stderr).contains("open for writing elsewhere"), "{}", text(&busy.stderr));
    assert!(node.terminate(), "SIGTERM ends it in order");

    let read: serde_json::Value =
        serde_json::from_str(&says(folder, &["status", "--journal", "journal", "--json"])).unwrap();
    assert_eq!((&read["halts"], &read["accounts"]), (&live["halts"], &live["accounts"]));
    assert_eq!(read["shards"][0]["digest"], live["shards"][0]["digest"]);
    let replayed: serde_json::Value = serde_json::from_str(&says(folder, &["replay", "--json"])).unwrap();
    assert_eq!(replayed[0]["digest"], live["shards"][0]["digest"]);
    let verified = says(folder, &["replay", "--verify", "node.toml"]);
    assert!(
        verified.starts_with("Replayed against what was recorded\n") && !verified.contains("NO"),
        "{verified}"
    );
    assert!(says(folder, &["journal", "snapshot"]).contains("/shard-0/snapshots/"));
    let of_snapshot: serde_json::Value =
        serde_json::from_str(&says(folder, &["status", "--journal", "journal", "--json"])).unwrap();
    assert_eq!(of_snapshot["shards"][0]["digest"], live["shards"][0]["digest"]);
    assert!(says(folder, &["journal", "verify"]).starts_with("Journals are whole\n"));
    assert_eq!(says(folder, &["journal", "dump", "-n", "3"]).lines().count(), 3);
    assert!(says(folder, &["journal", "stat", "--json"]).contains("\"incarnation\": 1"));
}

fn says_of_the_past_while_it_runs(folder: &Path) {
    let words =
        ["submit", "-a", "GROWTH-1", "buy", "100", "IBM", "--limit", "181.25", "--cl-ord-id", "mine-1"];
    assert!(text(&gannet(folder, &words).stderr).contains("denied (202"));
    let why = says(folder, &["why", "mine-1"]);
    assert!(why.starts_with("No order, mine-1 of GROWTH-1\n"), "{why}");
    assert!(why.contains("→ denied: 202 session") && why.contains("session down; halted: nothing"), "{why}");
    let now = says(folder, &["state", "--at", "2200-01-01T00:00:00Z", "-a", "GROWTH-1"]);
    assert!(now.contains("GROWTH-1  USD  1,000,000.5") && !now.contains("INCOME"), "{now}");
    assert!(says(folder, &["diff", "0", "1"]).contains("Orders\n  none\n"));
    assert_eq!(says(folder, &["journal", "dump", "--follow", "-n", "3"]).lines().count(), 3);
    let head = says(folder, &["journal", "head"]);
    let verified = says(folder, &["journal", "verify", "--head", head.trim()]);
    assert!(verified.contains("are those the head was taken of"), "{verified}");
}

/// A journal whose digest another logic recorded.
fn journal_of_another_logic(folder: &Path) {
    let dir = folder.join("journal/shard-0");
    let mut writer = journal::open(&journal::Options::new(dir, ShardId::new(0))).unwrap().writer;
    let opened = Input::Opened { incarnation: writer.incarnation(), logic_version: 0, anchor: None };
    for input in [opened, Input::Tick, Input::Tick] {
        writer.append(Timestamp::from_nanos(1), &input).unwrap();
    }
    writer.append(Timestamp::from_nanos(1), &RecordBody::Digest([7; 16])).unwrap();
    writer.close().unwrap();
}

#[test]
fn a_journal_that_this_program_decides_otherwise_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    init(folder);
    journal_of_another_logic(folder);
    let output = gannet(folder, &["replay", "--verify", "journal"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    assert!(said.contains("Shard 0: records 0:1 to 0:4 lead elsewhere than they did."), "{said}");
    assert!(said.contains("is among them: 1 opened, 1 digest, 2 tick."), "{said}");
    let refused = gannet(folder, &["run"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr);
    assert!(said.contains("decided by logic version 0, this program has"), "{said}");
    // With what the other program made of each record, the first one is named.
    assert!(!gannet(folder, &["replay", "--write-outcomes", "out"]).status.success());
    let mut outcomes = Vec::from(*b"GNTOUT\0\0");
    outcomes.extend([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
    outcomes.resize(24 + 64, 0);
    std::fs::write(folder.join("out/shard-0.outcomes"), outcomes).unwrap();
    let output = gannet(folder, &["replay", "--verify", "--outcomes", "out", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json[0]["first"]["position"], "0:1");
    assert_eq!(json[0]["proven"], false);
}

#[test]
fn without_a_node_or_a_journal_it_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (words, says) in [
        (&["status"][..], "no node is running on gannet.sock"),
        (&["cash", "--journal", "nowhere"], "no journal here"),
        (&["replay"], "no journal here"),
        (&["state", "--at", "1"], "no journal here"),
        (&["diff", "1", "2"], "no journal here"),
        (&["why", "G1-0-1"], "no journal here"),
        (&["journal", "head"], "no journal here"),
        (&["run"], "node.toml: cannot be read"),
        (&["check", "other.toml"], "other.toml: cannot be read"),
    ] {
        let output = gannet(folder, words);
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        assert!(text(&output.stderr).contains(says), "{words:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty());
    }
    assert_eq!(gannet(folder, &["nonsense"]).status.code(), Some(2));
}

#[test]
fn what_is_there_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    says(folder.path(), &["init", "."]);
    let again = gannet(folder.path(), &["init", "."]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("node.toml"));
}

#[test]
fn a_mistake_in_the_configuration_is_named_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    init(folder.path());
    let path = folder.path().join("node.toml");
    let node = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, node.replace("durability = \"process\"", "durability = \"disc\"")).unwrap();
    let output = gannet(folder.path(), &["check"]);
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output.stderr);
    assert!(
        shown.contains("node.toml:") && shown.contains("node.durability: \"disc\" is not one of"),
        "{shown}"
    );
}
