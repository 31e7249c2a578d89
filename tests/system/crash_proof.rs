//! The crash proof, a short one; and the proof that it can fail: what a kept world left is doctored, and each check
//! must notice what is its own.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::common::{gannet, succeed};
use journal::{Durability, Options, Reader};
use model::{RecordBody, ShardId};
use serde_json::Value;

const CHECKS: [&str; 7] = [
    "orders_lost",
    "orders_duplicated",
    "fills_lost",
    "fills_twice",
    "sequence_mismatches",
    "ledger_nonzero",
    "digest_mismatches",
];

#[test]
fn kills_at_every_crash_point_lose_and_duplicate_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("proof.json");
    let words = ["crash-proof", "--quiet", "--kills", "60", "--seed", "5", "--json"];
    succeed(gannet().args(words).arg(&file));
    let proof: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    for check in CHECKS {
        assert_eq!(proof[check], 0, "{check}: {}", proof["findings"]);
    }
    assert!(proof["kills"].as_u64().unwrap() >= 59, "{proof}");
    assert!(proof["fills"].as_u64().unwrap() > 500, "{proof}");
    assert_eq!(proof["not_struck"], Value::Array(Vec::new()));
    let points = proof["points"].as_object().unwrap();
    assert!(points.values().all(|point| point["reached"].as_u64() > Some(0)), "{proof}");
}

#[test]
fn what_cannot_be_proved_is_refused() {
    let refused = |words: &[&str], says: &str| {
        let output = gannet().arg("crash-proof").args(words).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && stderr.contains(says), "{words:?}: {stderr}");
    };
    refused(
        &["--point", "append.never"],
        "there is no crash point \"append.never\"; there are append.before,",
    );
    refused(&["--point", "sync.after", "--durability", "process"], "only come to under disk durability");
    let output = gannet().env("GANNET_CRASH_AT", "append.after:x").arg("status").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("\"x\" is not a number from 1"));
}

/// What a world left after three kills, everything in order. Made once.
fn kept() -> &'static Path {
    static KEPT: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, root) = KEPT.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let keep = dir.path().join("kept");
        let words = ["crash-proof", "--quiet", "--kills", "3", "--point", "append.after", "--keep"];
        succeed(gannet().args(words).arg(&keep));
        let root = keep.join("records");
        (dir, root)
    });
    root
}

/// A copy of it, to be doctored.
struct Copy {
    dir: tempfile::TempDir,
}

impl Copy {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        copy(kept(), dir.path());
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn journal(&self) -> PathBuf {
        self.path("journal/shard-0")
    }

    fn edit(&self, name: &str, edit: impl FnOnce(String) -> String) {
        let path = self.path(name);
        let before = std::fs::read_to_string(&path).unwrap();
        let after = edit(before.clone());
        assert_ne!(before, after, "nothing was doctored");
        std::fs::write(path, after).unwrap();
    }

    /// The counts by check, as judged.
    fn judged(&self) -> Value {
        let file = self.path("judged.json");
        let output =
            gannet().args(["crash-proof", "--judge"]).arg(self.dir.path()).arg("--json").arg(&file).output();
        let output = output.unwrap();
        let judged: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let sound = CHECKS.iter().all(|check| judged[check] == 0);
        assert_eq!(output.status.success(), sound, "{}", String::from_utf8_lossy(&output.stderr));
        judged
    }

    /// The check must notice, and with it only those that `may` notice too.
    fn noticed(&self, check: &str, may: &[&str]) {
        let judged = self.judged();
        assert!(judged[check].as_u64().unwrap() > 0, "{check} noticed nothing: {judged}");
        for other in CHECKS.iter().filter(|other| **other != check && !may.contains(other)) {
            assert_eq!(judged[other], 0, "{other}: {}", judged["findings"]);
        }
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&path, &target);
        } else if path.is_file() {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// The first line of the broker's log of this kind.
fn line<'a>(log: &'a str, kind: &str) -> &'a str {
    let wanted = format!("\"kind\":\"{kind}\"");
    log.lines().find(|line| line.contains(&wanted)).unwrap()
}

#[test]
fn nothing_is_found_where_nothing_was_doctored() {
    let judged = Copy::new().judged();
    for check in CHECKS {
        assert_eq!(judged[check], 0, "{check}: {}", judged["findings"]);
    }
    assert!(judged["orders"].as_u64().unwrap() > 10 && judged["fills"].as_u64().unwrap() > 10, "{judged}");
}

#[test]
fn a_lost_order_is_noticed() {
    let copy = Copy::new();
    copy.edit("acknowledged.json", |text| {
        text.replacen("[[", "[[\"G1-0-999999\",\"GROWTH-1\",\"D999999\"],[", 1)
    });
    copy.noticed("orders_lost", &[]);
}

/// The journal's end is taken away: orders, executions and numbers that the broker knows are no longer there.
#[test]
fn a_lost_end_of_the_journal_is_noticed() {
    let copy = Copy::new();
    let mut reader = Reader::open(copy.journal()).unwrap();
    let mut last = 0;
    while let Some(record) = reader.next::<RecordBody>().unwrap() {
        last = record.position.seq;
    }
    journal::repair_to(copy.journal(), last / 2).unwrap();
    let judged = copy.judged();
    for check in ["orders_lost", "fills_lost", "sequence_mismatches", "ledger_nonzero"] {
        assert!(judged[check].as_u64().unwrap() > 0, "{check} noticed nothing: {judged}");
    }
}

#[test]
fn an_order_that_arrived_twice_is_noticed() {
    let copy = Copy::new();
    copy.edit("broker/broker.log", |log| format!("{log}{}\n", line(&log, "received_new")));
    copy.noticed("orders_duplicated", &[]);
}

#[test]
fn a_lost_fill_is_noticed() {
    let copy = Copy::new();
    copy.edit("broker/broker.log", |log| {
        let fill: Value = serde_json::from_str(line(&log, "fill")).unwrap();
        let exec_id = fill["exec_id"].as_str().unwrap();
        format!("{log}{}\n", line(&log, "fill").replace(exec_id, "E9-9"))
    });
    copy.noticed("fills_lost", &[]);
}

/// Booked as often as the broker executed, but at another price.
#[test]
fn a_fill_at_another_price_is_noticed() {
    let copy = Copy::new();
    copy.edit("broker/broker.log", |log| {
        let fill: Value = serde_json::from_str(line(&log, "fill")).unwrap();
        let price = format!("\"last_px\":{}", fill["last_px"]);
        log.replacen(line(&log, "fill"), &line(&log, "fill").replace(&price, "\"last_px\":\"0.01\""), 1)
    });
    copy.noticed("fills_lost", &[]);
}

#[test]
fn a_fill_that_was_booked_and_not_made_is_noticed() {
    let copy = Copy::new();
    copy.edit("broker/broker.log", |log| log.replacen(&format!("{}\n", line(&log, "fill")), "", 1));
    copy.noticed("fills_twice", &[]);
}

#[test]
fn a_wrong_number_is_noticed() {
    let copy = Copy::new();
    copy.edit("fix/PAPER-1/FIX.4.4-GANNET-PAPER.seqnums", |text| {
        let (out, into) = text.split_once(" : ").unwrap();
        format!("{:020} : {into}", out.parse::<u64>().unwrap() + 1)
    });
    copy.noticed("sequence_mismatches", &[]);
}

/// The broker received a request under another number than it went out with.
#[test]
fn a_request_under_another_number_is_noticed() {
    let copy = Copy::new();
    copy.edit("broker/broker.log", |log| {
        let order: Value = serde_json::from_str(line(&log, "received_new")).unwrap();
        let number = format!("\"msg_seq_num\":{}", order["msg_seq_num"]);
        let doctored = line(&log, "received_new").replace(&number, "\"msg_seq_num\":1");
        log.replacen(line(&log, "received_new"), &doctored, 1)
    });
    copy.noticed("sequence_mismatches", &[]);
}

/// The journal written once more, record by record, with other digests in it.
#[test]
fn a_wrong_digest_is_noticed() {
    let copy = Copy::new();
    let old = copy.path("old");
    std::fs::rename(copy.journal(), &old).unwrap();
    let options =
        Options { durability: Durability::Process, ..Options::new(copy.journal(), ShardId::new(0)) };
    let mut writer = journal::open(&options).unwrap().writer;
    let mut reader = Reader::open(&old).unwrap();
    while let Some(record) = reader.next().unwrap() {
        match record.body {
            RecordBody::Input(input) => writer.append(record.time, &input).unwrap(),
            RecordBody::Digest(digest) => {
                writer.append(record.time, &RecordBody::Digest(digest.map(|byte| !byte))).unwrap()
            }
        };
    }
    writer.close().unwrap();
    copy.noticed("digest_mismatches", &[]);
}
