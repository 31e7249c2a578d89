//! Journals with segments gone at the command line: no answer is given as if they were whole, and one that is asked for
//! up to the gap says so.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

use std::fs;
use std::path::Path;
use std::process::{Command as Program, Output, Stdio};

use model::{Command, Event};
use serde_json::Value;

use crate::common::{Rig, buy, config, fill};

/// A day of some segments, with snapshots; stopped.
fn day(folder: &Path) -> journal::Stat {
    let mut config = config(folder);
    config.snapshots.every_records = 400;
    let mut rig = Rig::ready(&config);
    for index in 0..600 {
        let answer = rig.call(Command::NewOrder(buy(&format!("A{index}"))));
        let Event::OrderAccepted { order, .. } = answer.event else { panic!("{answer:?}") };
        rig.outbound();
        rig.port.post(fill(order, &format!("E{index}"), 10, 10, 2 + index)).unwrap();
    }
    rig.shard.stop().unwrap();
    let stat = journal::stat(folder.join("shard-0")).unwrap();
    assert!(stat.segments.len() > 4, "{stat:?}");
    stat
}

fn gannet(folder: &Path, words: &[&str]) -> Output {
    let mut program = Program::new(env!("CARGO_BIN_EXE_gannet"));
    program.args(words).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

fn says(folder: &Path, words: &[&str]) -> String {
    let output = gannet(folder, words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(folder: &Path, words: &[&str]) -> Value {
    serde_json::from_str(&says(folder, words)).unwrap()
}

/// Every command that reads a journal and can be told to end at a gap, and whether it answers in lines of JSON.
const READERS: [(&[&str], bool); 14] = [
    (&["replay"], false),
    (&["replay", "--until", "0:9"], false),
    (&["replay", "--verify"], false),
    (&["cash"], false),
    (&["positions"], false),
    (&["orders"], false),
    (&["status"], false),
    (&["state", "--at", "9"], false),
    (&["state", "--at", "2200-01-01T00:00:00Z"], false),
    (&["diff", "8", "12"], false),
    (&["why", "A3"], false),
    (&["journal", "head"], false),
    (&["journal", "dump"], true),
    (&["journal", "dump", "--from", "3", "-n", "2"], true),
];

/// And every other one.
const OTHERS: [&[&str]; 9] = [
    &["replay", "--write-outcomes", "outcomes"],
    &["journal", "dump", "--follow"],
    &["journal", "stat"],
    &["journal", "verify"],
    &["journal", "snapshot"],
    &["journal", "archive", "attic"],
    &["backup", "copy"],
    &["why", "no-such-order"],
    &["state", "--at", "999999"],
];

#[test]
fn no_command_reads_a_journal_with_segments_gone_as_if_it_were_whole() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let stat = day(folder);
    let (segments, last_seq) = (&stat.segments, stat.last_seq);
    let last = segments.len();
    // The last ones, one in the middle, the first one.
    for lost in [last - 3..last, 2..3, 0..1] {
        let holds_to = segments[lost.start].first_seq - 1;
        for segment in &segments[lost.clone()] {
            fs::rename(&segment.path, folder.join(segment.path.file_name().unwrap())).unwrap();
        }
        let words = match lost.len() {
            1 => format!("missing segment {} with records {}", lost.end, holds_to + 1),
            _ => format!(
                "missing segments {} to {last} with records {} to at least {last_seq}",
                lost.start + 1,
                holds_to + 1
            ),
        };
        for command in READERS.iter().map(|(words, _)| *words).chain(OTHERS) {
            for as_json in [false, true] {
                if as_json && matches!(command, ["replay", "--write-outcomes", _] | ["journal", "archive", _])
                {
                    continue;
                }
                let mut said: Vec<&str> = [command, &["--journal", "."]].concat();
                if as_json {
                    said.push("--json");
                }
                let output = gannet(folder, &said);
                let error = String::from_utf8_lossy(&output.stderr).into_owned();
                assert_eq!(output.status.code(), Some(1), "{said:?}: {error}");
                assert!(output.stdout.is_empty(), "{said:?}: {}", String::from_utf8_lossy(&output.stdout));
                assert!(error.contains(&words) && error.contains("--up-to-gap"), "{said:?}: {error}");
                assert!(
                    !error.contains("passed over"),
                    "of a snapshot, though nothing is read: {said:?}: {error}"
                );
            }
        }
        for (command, in_lines) in READERS {
            answers_up_to(folder, command, in_lines, holds_to);
        }
        for segment in &segments[lost.clone()] {
            fs::rename(folder.join(segment.path.file_name().unwrap()), &segment.path).unwrap();
        }
    }
    // Whole again, the word changes nothing but that JSON says so.
    assert!(says(folder, &["cash", "--journal", ".", "--up-to-gap"]).starts_with("Cash"));
    let cash = json(folder, &["cash", "--journal", ".", "--up-to-gap", "--json"]);
    assert_eq!(cash["up_to_gap"], Value::Array(Vec::new()));
    assert_eq!(cash["answer"], json(folder, &["cash", "--journal", ".", "--json"]));
}

/// Told to end at the gap, a command answers and says up to where that holds; or refuses, where it is asked for more.
fn answers_up_to(folder: &Path, command: &[&str], in_lines: bool, holds_to: u64) {
    let (is_there, words) = (holds_to >= 12, [command, &["--journal", ".", "--up-to-gap"]].concat());
    let output = gannet(folder, &words);
    let said = format!("NOT WHOLE: this holds up to record 0:{holds_to} only");
    let asks_for_more =
        matches!(command, ["state", "--at", "9"] | ["diff" | "why", ..] | [.., "--from", _, _, _]);
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !is_there && asks_for_more {
        assert!(!output.status.success() && error.contains(&said), "{words:?}: {error}");
        return;
    }
    assert!(output.status.success() && out.starts_with(&said), "{words:?}: {out} {error}");
    let output = gannet(folder, &[&words[..], &["--json"]].concat());
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(String::from_utf8_lossy(&output.stderr).contains(&said), "{words:?}");
    let first = if in_lines { out.lines().next().unwrap() } else { &out };
    let gap = &serde_json::from_str::<Value>(first).unwrap()["up_to_gap"][0];
    assert_eq!(gap["holds_to"], format!("0:{holds_to}"), "{words:?}: {gap}");
    assert_eq!(gap["missing"][0]["first_seq"], holds_to + 1, "{words:?}: {gap}");
}

#[test]
fn what_is_answered_up_to_a_gap_is_the_state_there() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let stat = day(folder);
    // Behind a snapshot that stands behind the gap too: it is no way across.
    let lost = &stat.segments[stat.segments.len() - 2];
    let holds_to = lost.first_seq - 1;
    let at = holds_to.to_string();
    let whole = json(folder, &["state", "--at", &at, "--journal", ".", "--json"]);
    fs::remove_file(&lost.path).unwrap();
    let mut ended =
        json(folder, &["state", "--at", "2200-01-01T00:00:00Z", "--journal", ".", "--up-to-gap", "--json"]);
    assert_eq!(ended.as_object_mut().unwrap().remove("up_to_gap").unwrap().as_array().unwrap().len(), 1);
    assert_eq!(ended, whole);
    let cash = json(folder, &["cash", "--journal", ".", "--up-to-gap", "--json"]);
    assert_eq!(cash["answer"], whole["cash"]);
    let replayed = json(folder, &["replay", "--journal", ".", "--up-to-gap", "--json"]);
    assert_eq!(replayed["answer"][0]["position"], format!("0:{holds_to}"));
    let dumped = says(folder, &["journal", "dump", "--journal", ".", "--up-to-gap", "--json"]);
    assert_eq!(dumped.lines().count() as u64, holds_to + 1);
    // A node's answers have no gap.
    let node = gannet(folder, &["cash", "--up-to-gap"]);
    assert!(String::from_utf8_lossy(&node.stderr).contains("say which by --journal"));
    // A repair cuts at the gap, on purpose, and says what is given up.
    let output = gannet(folder, &["journal", "repair", "--journal", ".", "--to", &at]);
    let asked = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(asked.contains("what is damaged or missing") && asked.contains("missing segment"), "{asked}");
    says(folder, &["journal", "repair", "--journal", ".", "--to", &at, "--yes"]);
    assert_eq!(json(folder, &["cash", "--journal", ".", "--json"]), whole["cash"]);
}
