//! SIGKILL at any moment: the broker answers every order once, and every execution arrives.
//! `PAPER_BROKER_KILL_SEED` chooses other moments.
//!
//! A process of its own: it starts itself again as the broker, and kills it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

mod client;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use client::Client;
use paper_broker::{Config, Entry, PaperBroker, Rng, SessionConfig, read_log};

const DIR: &str = "PAPER_BROKER_KILL_DIR";
const PORT: &str = "PAPER_BROKER_KILL_PORT";
const TARGET: &str = "T-KILL";

/// Not a test by itself: the broker process that the test below starts and kills.
#[test]
fn broker_process() {
    let (Ok(dir), Ok(port)) = (std::env::var(DIR), std::env::var(PORT)) else { return };
    let mut config = Config::new(dir);
    config.port = port.parse().unwrap();
    config.sessions = vec![SessionConfig { sender: "BROKER".to_owned(), target: TARGET.to_owned() }];
    config.market.seeded.quotes_per_second = 2_000;
    config.personality.ack_latency_max_us = 3_000;
    config.personality.fill_latency_max_us = 3_000;
    config.personality.split_probability = 0.3;
    let broker = PaperBroker::start(config).unwrap();
    println!("ready");
    broker.wait().unwrap();
}

fn start(dir: &Path, port: u16) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "broker_process", "--nocapture"])
        .env(DIR, dir)
        .env(PORT, port.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.map_while(Result::ok).any(|line| line.ends_with("ready"));
    assert!(ready, "the broker did not start");
    child
}

#[test]
fn nothing_is_lost_and_nothing_told_twice() {
    let dir = tempfile::tempdir().unwrap();
    let broker_dir = dir.path().join("broker");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let seed = std::env::var("PAPER_BROKER_KILL_SEED").map_or(20_131_007, |seed| seed.parse().unwrap());
    let mut rng = Rng::new(seed);
    let mut broker = start(&broker_dir, port);
    let client = Client::log_on(TARGET, port, dir.path().join("client"));
    let mut sent = 0;
    let mut heard = Heard::default();
    for _ in 0..6 {
        for _ in 0..30 {
            let id = format!("K{sent}");
            let side = if sent % 2 == 0 { "1" } else { "2" };
            client.send("D", &[(11, &id), (55, "IBM"), (54, side), (40, "1"), (59, "1"), (38, "700")]);
            sent += 1;
        }
        std::thread::sleep(Duration::from_micros(rng.below(20_000)));
        broker.kill().unwrap();
        broker.wait().unwrap();
        broker = start(&broker_dir, port);
        while !heard.take(&client.next()) {}
    }
    let log = broker_dir.join("broker.log");
    let deadline = Instant::now() + client::DEADLINE;
    while heard.finished() < received(&log) {
        assert!(Instant::now() < deadline, "{} of {} filled", heard.finished(), received(&log));
        heard.take(&client.next());
    }
    broker.kill().unwrap();
    broker.wait().unwrap();
    check_log(&log, &heard.exec_ids);
    client.log_out();
}

/// Every execution that arrived, each once.
#[derive(Default)]
struct Heard {
    filled: BTreeMap<String, u32>,
    exec_ids: BTreeSet<String>,
}

impl Heard {
    /// True where it was a logon.
    fn take(&mut self, fields: &client::Fields) -> bool {
        if fields.get(&150).is_some_and(|exec_type| exec_type == "F")
            && self.exec_ids.insert(fields[&17].clone())
        {
            *self.filled.entry(fields[&11].clone()).or_default() += fields[&32].parse::<u32>().unwrap();
        }
        fields.contains_key(&0)
    }

    fn finished(&self) -> usize {
        self.filled.values().filter(|qty| **qty == 700).count()
    }
}

fn received(log: &Path) -> usize {
    let orders = read_log(log).unwrap().into_iter().filter_map(|line| match line.entry {
        Entry::ReceivedNew(new) => Some(new.cl_ord_id),
        _ => None,
    });
    orders.collect::<BTreeSet<_>>().len()
}

fn check_log(log: &Path, exec_ids: &BTreeSet<String>) {
    let mut logged = BTreeSet::new();
    for line in read_log(log).unwrap() {
        match line.entry {
            Entry::Fill(report) => assert!(logged.insert(report.exec_id), "an ExecID was issued twice"),
            Entry::DuplicateOrder(report) => panic!("a duplicate order: {report:?}"),
            _ => {}
        }
    }
    assert_eq!(&logged, exec_ids, "the executions logged and those received differ");
}
