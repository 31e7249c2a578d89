//! The quote feed from outside, and the real day through it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use paper_broker::{Config, Error, HEADER, PaperBroker, Quote, QuoteFile, SessionConfig, Speed};

fn config(dir: &Path, target: &str) -> Config {
    let mut config = Config::new(dir.join("broker"));
    config.sessions = vec![SessionConfig { sender: "BROKER".to_owned(), target: target.to_owned() }];
    config
}

fn connect(port: u16) -> impl Iterator<Item = String> {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    BufReader::new(stream).lines().map(Result::unwrap)
}

fn replay(dir: &Path, target: &str, quotes: PathBuf) -> Config {
    let mut config = config(dir, target);
    config.market.quotes = Some(quotes);
    config.market.speed = Speed::Max;
    config
}

/// The shared data, where it is there.
fn real_day() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("GANNET_SHARED").map_or(default, PathBuf::from);
    let path = shared.join("data/us-equities-2013-10-07-quotes-1s.csv.gz");
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there", path.display());
    None
}

#[test]
fn the_real_day_is_usable_from_its_first_to_its_last_line() {
    let Some(path) = real_day() else { return };
    let symbols: Vec<String> = QuoteFile::check(&path).unwrap().into_iter().collect();
    assert_eq!(symbols, ["AIG", "BAC", "IBM", "SPY"]);
    let mut quotes = QuoteFile::open(&path).unwrap();
    let (mut count, mut crossed, mut last_ns) = (0, 0, 0);
    while let Some(quote) = quotes.read().unwrap() {
        assert!(quote.ts_utc_ns >= last_ns);
        last_ns = quote.ts_utc_ns;
        count += 1;
        crossed += usize::from(!quote.ask.is_zero() && quote.bid > quote.ask);
    }
    assert_eq!(count, 77_677);
    println!("{crossed} crossed quotes");
}

#[test]
fn at_full_speed_every_client_gets_every_quote_of_the_day() {
    let Some(path) = real_day() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut config = replay(dir.path(), "F-DAY", path.clone());
    config.market.wait_for_feed_clients = Some(2);
    let broker = PaperBroker::start(config).unwrap();
    let port = broker.feed_port();
    let clients: Vec<_> = (0..2).map(|_| std::thread::spawn(move || lines_to_end(port))).collect();
    let mut wanted = vec![HEADER.to_owned()];
    let mut quotes = QuoteFile::open(&path).unwrap();
    while let Some(quote) = quotes.read().unwrap() {
        wanted.push(quote.to_line().trim_end().to_owned());
    }
    for client in clients {
        assert!(client.join().unwrap() == wanted, "a client missed quotes");
    }
    assert!(broker.status().unwrap().replay_ended);
    // Who comes later gets the last quotes and the end.
    let late = lines_to_end(port);
    assert_eq!(late.len(), 5);
    broker.stop().unwrap();
}

fn lines_to_end(port: u16) -> Vec<String> {
    connect(port).take_while(|line| line != "#end").collect()
}

#[test]
fn the_seeded_market_comes_as_lines() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path(), "F-SEED");
    config.market.seeded.quotes_per_second = 1_000;
    let broker = PaperBroker::start(config).unwrap();
    let lines: Vec<String> = connect(broker.feed_port()).take(200).collect();
    assert_eq!(lines[0], HEADER);
    for line in &lines[1..] {
        assert_eq!(&Quote::from_line(line).unwrap().to_line(), &format!("{line}\n"));
    }
    broker.stop().unwrap();
}

#[test]
fn stopping_ends_the_feed_and_a_waiting_market() {
    let dir = tempfile::tempdir().unwrap();
    let quotes = dir.path().join("q.csv");
    std::fs::write(&quotes, format!("{HEADER}\n1,A,1,1,2,1\n")).unwrap();
    let mut config = replay(dir.path(), "F-STOP", quotes);
    config.market.wait_for_feed_clients = Some(5);
    let broker = PaperBroker::start(config).unwrap();
    let mut client = connect(broker.feed_port());
    assert_eq!(client.next().unwrap(), HEADER);
    broker.stop().unwrap();
    assert_eq!(client.next(), None);
}

#[test]
fn what_cannot_start_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let missing = replay(dir.path(), "F-BAD", dir.path().join("none.csv"));
    assert!(matches!(PaperBroker::start(missing), Err(Error::File { .. })));
    let quotes = dir.path().join("q.csv");
    std::fs::write(&quotes, format!("{HEADER}\n1,A,1,1,2,1\n1,A,1,1,x,1\n")).unwrap();
    assert!(matches!(
        PaperBroker::start(replay(dir.path(), "F-BAD", quotes)),
        Err(Error::QuoteLine { line: 3, .. })
    ));

    let broker = PaperBroker::start(config(dir.path(), "F-BUSY")).unwrap();
    assert!(matches!(PaperBroker::start(config(dir.path(), "F-BUSY2")), Err(Error::InUse { .. })));
    let other = tempfile::tempdir().unwrap();
    let mut taken = config(other.path(), "F-TAKEN");
    taken.port = broker.port();
    assert!(matches!(PaperBroker::start(taken.clone()), Err(Error::Port { .. })));
    (taken.port, taken.feed_port) = (0, broker.feed_port());
    assert!(matches!(PaperBroker::start(taken), Err(Error::Port { .. })));
    broker.stop().unwrap();
}
