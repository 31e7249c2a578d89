//! The broker from outside: over FIX, with a QuickFIX initiator.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

use std::path::Path;

use crate::client::{Client, Fields};
use paper_broker::{Config, Entry, PaperBroker, Running, SessionConfig, read_log};

const QUOTES: &str = "ts_utc_ns,symbol,bid,bid_qty,ask,ask_qty\n1,IBM,100,300,101,500\n";

/// A broker with one quote that never changes: IBM 100 x 300 / 101 x 500.
fn config(dir: &Path, target: &str) -> Config {
    let quotes = dir.join("quotes.csv");
    std::fs::write(&quotes, QUOTES).unwrap();
    let mut config = Config::new(dir.join("broker"));
    config.sessions = vec![SessionConfig { sender: "BROKER".to_owned(), target: target.to_owned() }];
    config.market.quotes = Some(quotes);
    config
}

fn start(config: &Config) -> Running {
    let running = PaperBroker::start(config.clone()).unwrap();
    // Market orders of these tests mean the quote.
    let deadline = std::time::Instant::now() + crate::client::DEADLINE;
    while !running.status().unwrap().replay_ended {
        assert!(std::time::Instant::now() < deadline);
        std::thread::yield_now();
    }
    running
}

fn limit_order<'a>(id: &'a str, side: &'a str, qty: &'a str, price: &'a str) -> Vec<(i32, &'a str)> {
    vec![(11, id), (1, "ACC"), (55, "IBM"), (54, side), (40, "2"), (59, "0"), (38, qty), (44, price)]
}

fn assert_fields(fields: &Fields, wanted: &[(u32, &str)]) {
    for (tag, value) in wanted {
        assert_eq!(fields.get(tag).map(String::as_str), Some(*value), "tag {tag} of {fields:?}");
    }
}

#[test]
fn an_order_is_acknowledged_filled_cancelled_and_known() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(&config(dir.path(), "T-LIFE"));
    let client = Client::log_on("T-LIFE", broker.port(), dir.path().join("client"));
    client.send("D", &limit_order("A1", "1", "800", "101"));
    assert_fields(&client.report("0"), &[(11, "A1"), (39, "0"), (1, "ACC"), (151, "800"), (44, "101")]);
    let fill = client.report("F");
    assert_fields(&fill, &[(39, "1"), (32, "500"), (31, "101"), (14, "500"), (151, "300"), (6, "101")]);
    assert_eq!(fill[&75].len(), 8);

    client.send("G", &[(11, "A2"), (41, "A1"), (55, "IBM"), (54, "1"), (40, "2"), (38, "700"), (44, "99")]);
    assert_fields(&client.report("5"), &[(11, "A2"), (41, "A1"), (39, "1"), (38, "700"), (151, "200")]);
    client.send("G", &[(11, "A3"), (41, "A2"), (55, "IBM"), (54, "1"), (40, "2"), (38, "500"), (44, "99")]);
    let refused = client.get(|fields| fields[&35] == "9");
    assert_fields(&refused, &[(11, "A3"), (41, "A2"), (434, "2"), (102, "99"), (39, "1")]);
    client.send("F", &[(11, "A4"), (41, "A2"), (55, "IBM"), (54, "1")]);
    assert_fields(&client.report("4"), &[(11, "A4"), (41, "A2"), (39, "4"), (14, "500"), (151, "0")]);
    for id in ["A1", "A2", "A3", "A4"] {
        client.send("H", &[(11, id), (55, "IBM"), (54, "1"), (790, id)]);
        assert_fields(&client.report("I"), &[(790, id), (11, "A4"), (41, "A2"), (39, "4"), (14, "500")]);
    }
    client.send("H", &[(11, "Z9"), (55, "IBM"), (54, "1")]);
    assert_fields(&client.report("I"), &[(11, "Z9"), (39, "8"), (103, "5"), (37, "NONE")]);
    client.send("D", &limit_order("A1", "1", "800", "101"));
    assert_fields(&client.report("8"), &[(11, "A1"), (39, "8"), (103, "6")]);
    assert_eq!(broker.status().unwrap().counts.duplicate_orders, 1);
    client.log_out();
    broker.stop().unwrap();
}

#[test]
fn what_cannot_be_understood_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(&config(dir.path(), "T-ODD"));
    let client = Client::log_on("T-ODD", broker.port(), dir.path().join("client"));
    for (msg_type, fields, reason) in [
        ("D", vec![(11, "B1"), (55, "IBM")], "5"),
        ("D", vec![(11, "B2"), (55, "IBM"), (54, "1"), (40, "2"), (38, "abc"), (44, "1")], "0"),
        ("D", vec![(11, "B3"), (55, "IBM"), (54, "5"), (40, "2"), (38, "1"), (44, "1")], "0"),
        ("q", vec![(11, "B4")], "3"),
    ] {
        client.send(msg_type, &fields);
        let refusal = client.get(|fields| fields[&35] == "j");
        assert_fields(&refusal, &[(380, reason), (379, fields[0].1), (372, msg_type)]);
    }
    client.log_out();
    broker.stop().unwrap();
}

#[test]
fn reports_made_while_logged_off_are_delivered_after_the_next_logon() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path(), "T-OFF");
    config.personality.ack_latency_min_us = 1_500_000;
    config.personality.ack_latency_max_us = 1_500_000;
    let broker = start(&config);
    let client = Client::log_on("T-OFF", broker.port(), dir.path().join("client"));
    client.send("D", &limit_order("C1", "1", "100", "101"));
    client.log_out();
    let deadline = std::time::Instant::now() + crate::client::DEADLINE;
    while broker.status().unwrap().counts.fills == 0 {
        assert!(std::time::Instant::now() < deadline);
        std::thread::yield_now();
    }
    let client = Client::log_on("T-OFF", broker.port(), dir.path().join("client"));
    assert_fields(&client.report("0"), &[(11, "C1"), (43, "Y")]);
    assert_fields(&client.report("F"), &[(11, "C1"), (39, "2"), (43, "Y")]);
    client.log_out();
    broker.stop().unwrap();
}

#[test]
fn a_restarted_broker_knows_its_orders_and_issues_new_identities() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path(), "T-AGAIN");
    let broker = start(&config);
    config.port = broker.port();
    let client = Client::log_on("T-AGAIN", broker.port(), dir.path().join("client"));
    client.send("D", &limit_order("D1", "1", "600", "101"));
    let fill = client.report("F");
    broker.stop().unwrap();

    let broker = start(&config);
    assert_eq!(broker.status().unwrap().run, 2);
    // The same quote comes again: the remaining 100 execute. A QuickFIX initiator does not reconnect by itself
    // after a logout by its counterparty (its `ConnectorWrapper::onError` forgets the session), so a new one does.
    client.log_out();
    let client = Client::log_on("T-AGAIN", broker.port(), dir.path().join("client"));
    let second = client.report("F");
    assert_fields(&second, &[(11, "D1"), (37, &fill[&37]), (14, "600"), (39, "2")]);
    assert_ne!(fill[&17], second[&17]);
    client.send("D", &limit_order("D1", "1", "600", "101"));
    assert_fields(&client.report("8"), &[(103, "6")]);
    client.log_out();
    broker.stop().unwrap();
    let lines = read_log(&dir.path().join("broker/broker.log")).unwrap();
    let count = |wanted: fn(&Entry) -> bool| lines.iter().filter(|line| wanted(&line.entry)).count();
    assert_eq!(count(|entry| matches!(entry, Entry::Fill(_))), 2);
    assert_eq!(count(|entry| matches!(entry, Entry::Opened { .. })), 2);
    assert_eq!(count(|entry| matches!(entry, Entry::SentLate { .. })), 0);
}

#[test]
fn what_was_logged_but_never_left_is_sent_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path(), "T-LATE");
    config.personality.fill_latency_min_us = 3_600_000_000;
    config.personality.fill_latency_max_us = 3_600_000_000;
    let broker = start(&config);
    let client = Client::log_on("T-LATE", broker.port(), dir.path().join("client"));
    client.send("D", &limit_order("E1", "1", "100", "101"));
    client.report("0");
    client.log_out();
    // As a kill would leave it: the fill is decided and logged, and waits to be sent.
    let copy = dir.path().join("copy");
    copy_dir(&config.dir, &copy);
    broker.stop().unwrap();

    config.dir = copy;
    config.personality = paper_broker::Personality::default();
    let broker = start(&config);
    let client = Client::log_on("T-LATE", broker.port(), dir.path().join("client"));
    let fill = client.report("F");
    assert_fields(&fill, &[(97, "Y"), (11, "E1"), (32, "100"), (39, "2")]);
    client.log_out();
    broker.stop().unwrap();
    let lines = read_log(&config.dir.join("broker.log")).unwrap();
    let late: Vec<&Entry> =
        lines.iter().map(|line| &line.entry).filter(|e| matches!(e, Entry::SentLate { .. })).collect();
    assert_eq!(late, [&Entry::SentLate { key: fill[&17].clone() }]);
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn garbage_comes_with_every_genuine_message() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path(), "T-GARBAGE");
    config.personality.mode = paper_broker::Mode::Garbage;
    let broker = start(&config);
    let client = Client::log_on("T-GARBAGE", broker.port(), dir.path().join("client"));
    for n in 0..30 {
        let id = format!("F{n}");
        client.send("D", &limit_order(&id, "1", "1", "101"));
        client.get(|fields| fields.get(&11) == Some(&id) && fields.get(&150).is_some_and(|t| t == "F"));
    }
    client.log_out();
    broker.stop().unwrap();
    let lines = read_log(&config.dir.join("broker.log")).unwrap();
    let garbage = lines.iter().filter(|line| matches!(line.entry, Entry::Garbage { .. })).count();
    assert_eq!(garbage, 60);
}

#[test]
fn several_sessions_each_get_their_own_reports() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path(), "T-MANY-0");
    config.sessions.push(SessionConfig { sender: "BROKER".to_owned(), target: "T-MANY-1".to_owned() });
    let broker = start(&config);
    let clients: Vec<Client> = ["T-MANY-0", "T-MANY-1"]
        .map(|name| Client::log_on(name, broker.port(), dir.path().join(name)))
        .into();
    for (n, client) in clients.iter().enumerate() {
        client.send("D", &limit_order(&format!("H{n}"), "1", "10", "101"));
    }
    for (n, client) in clients.iter().enumerate() {
        assert_fields(&client.report("F"), &[(11, &format!("H{n}")), (32, "10")]);
        // An order is known on every session.
        client.send("H", &[(11, "H0"), (55, "IBM"), (54, "1")]);
        assert_fields(&client.report("I"), &[(11, "H0"), (39, "2")]);
    }
    drop(clients);
    broker.stop().unwrap();
}

#[test]
fn a_store_of_an_earlier_day_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path(), "T-DAY");
    let broker = start(&config);
    // The same port again: the initiator finds the broker where it was.
    config.port = broker.port();
    let client = Client::log_on("T-DAY", broker.port(), dir.path().join("client"));
    client.send("D", &limit_order("D1", "1", "100", "101"));
    client.report("F");
    client.send("D", &limit_order("D2", "1", "100", "90"));
    client.report("0");
    client.log_out();
    broker.stop().unwrap();
    let store = |end: &str| config.dir.join(format!("fix/FIX.4.4-BROKER-T-DAY.{end}"));
    let numbers = std::fs::read_to_string(store("seqnums")).unwrap();
    std::fs::write(store("session"), "20200101-00:00:00").unwrap();

    let broker = start(&config);
    // Begun anew, its numbers would be 1 and 1, and the initiator would hang up on numbers that are too low.
    let client = Client::log_on("T-DAY", broker.port(), dir.path().join("client"));
    client.send("F", &[(11, "D3"), (41, "D2"), (55, "IBM"), (54, "1")]);
    assert_fields(&client.report("4"), &[(11, "D3"), (41, "D2"), (39, "4")]);
    client.log_out();
    broker.stop().unwrap();
    let later = std::fs::read_to_string(store("seqnums")).unwrap();
    assert!(later > numbers, "{numbers} → {later}");
}
