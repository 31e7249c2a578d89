//! A wall clock that jumps under a whole node, as an operator sees it at the command line.
#![cfg(feature = "quickfix")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use engine::{Clock, Reading, SystemClock};
use model::{BootId, Timestamp};
use node::config::Config;
use node::running::{Node, StartOptions};

const DAY_NS: i64 = 86_400_000_000_000;

/// The machine's clocks, and how far somebody has set the wall clock off.
#[derive(Clone, Default)]
struct SetClock {
    off_ns: Arc<AtomicI64>,
}

impl SetClock {
    fn set_off(&self, days: i64) {
        self.off_ns.store(days * DAY_NS, Ordering::Relaxed);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(SystemClock.now().nanos + self.off_ns.load(Ordering::Relaxed))
    }
    fn monotonic_ns(&self) -> i64 {
        SystemClock.monotonic_ns()
    }
    fn boot(&self) -> Option<BootId> {
        SystemClock.boot()
    }
    fn read(&self) -> Reading {
        Reading { wall: self.now(), monotonic_ns: self.monotonic_ns() }
    }
}

fn gannet(folder: &Path, words: &[&str]) -> (bool, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_gannet")).args(words).current_dir(folder).output().unwrap();
    let said = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
    (status.success(), said)
}

/// Asks until it says that.
fn until(folder: &Path, words: &[&str], text: &str) -> String {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let (_, said) = gannet(folder, words);
        if said.contains(text) {
            return said;
        }
        assert!(Instant::now() < deadline, "{words:?} never said {text:?}: {said}");
    }
}

fn config(folder: &Path) -> Config {
    assert!(gannet(folder, &["init", "."]).0);
    let dead_port = || TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port().to_string();
    let path = folder.join("node.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text.replace("9010", &dead_port()).replace("9011", &dead_port());
    std::fs::write(&path, text.replace("\"GANNET\"", "\"JUMPS\"")).unwrap();
    Config::load(&path).unwrap()
}

const SUBMIT: [&str; 9] =
    ["submit", "-a", "GROWTH-1", "buy", "100", "IBM", "--limit", "181.25", "--cl-ord-id"];

fn submit(folder: &Path, cl_ord_id: &str) -> String {
    gannet(folder, &[&SUBMIT[..], &[cl_ord_id]].concat()).1
}

#[test]
fn an_operator_sees_how_far_it_jumped_and_what_accepting_does() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (config, clock) = (config(folder), SetClock::default());
    let node = Node::start_by(&config, &StartOptions::default(), clock.clone()).unwrap();
    assert_eq!(gannet(folder, &["clock"]), (true, "The clock is trusted.\n".to_owned()));
    let (accepted, said) = gannet(folder, &["clock", "accept", "--yes"]);
    assert!(!accepted && said.contains("there is nothing to accept"), "{said}");

    clock.set_off(3);
    let said = until(folder, &["clock"], "the clock is 3 d 0 h 0 min");
    assert!(said.contains("ahead, since") && said.contains("the shard's time steps ahead to"), "{said}");
    assert!(until(folder, &["status"], "SHARD 0").contains("AHEAD"));
    assert!(submit(folder, "a").contains("denied (208 ClockSuspect)"));
    let (accepted, said) = gannet(folder, &["clock", "accept"]);
    assert!(!accepted && said.contains("Accepting it:") && said.contains("nothing was done"), "{said}");
    let (accepted, said) = gannet(folder, &["clock", "accept", "--yes"]);
    assert!(accepted && said.contains("done at 0:"), "{said}");
    assert_eq!(gannet(folder, &["clock"]).1, "The clock is trusted.\n");
    assert!(submit(folder, "b").contains("denied (202"), "only its session is missing");
    node.stop().unwrap();

    // Set right while the node is down: the machine knows that three days have not passed backwards.
    clock.set_off(0);
    let node = Node::start_by(&config, &StartOptions::default(), clock).unwrap();
    let said = until(folder, &["clock", "--json"], "jumped_while_down");
    assert!(said.contains("\"direction\": \"behind\""), "{said}");
    assert!(gannet(folder, &["clock", "accept", "--yes"]).0);
    node.stop().unwrap();
    let (_, dump) = gannet(folder, &["journal", "dump"]);
    let uid = format!("\"uid\":{}", rustix::process::getuid().as_raw());
    let accepted: Vec<&str> = dump.lines().filter(|line| line.contains("accept_clock")).collect();
    assert_eq!(accepted.len(), 2);
    assert!(accepted.iter().all(|line| line.replace(' ', "").contains(&uid)), "{accepted:?}");
}
