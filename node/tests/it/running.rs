//! A whole node but for its broker, which is down: started, used through its socket, stopped and started again.
#![cfg(feature = "quickfix")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use model::{ClOrdId, Name, OrderType, Reference, Side, Symbol, TimeInForce};
use node::config::{Config, EXAMPLE_INSTRUMENTS, EXAMPLE_NODE};
use node::running::{Node, NodeError, StartOptions};
use wire::client::Client;
use wire::{
    Answer, CashPage, CashRequest, Filter, RefusalKind, Request, ScopeName, Status, Submit, Subscribe,
};

/// A port nobody listens on.
fn dead_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// QuickFIX knows a pair of comp ids once in a process, and tests run beside each other.
static NEXT_COMP_ID: AtomicU32 = AtomicU32::new(1);

fn config(folder: &Path, change: impl FnOnce(String) -> String) -> Config {
    let comp_id = NEXT_COMP_ID.fetch_add(1, Ordering::Relaxed);
    let text = EXAMPLE_NODE
        .replace("\"GANNET\"", &format!("\"GANNET{comp_id}\""))
        .replace("port = 9011", &format!("port = {}", dead_port()))
        .replace("127.0.0.1:9010", &format!("127.0.0.1:{}", dead_port()));
    Config::from_texts(&change(text), EXAMPLE_INSTRUMENTS, folder).unwrap()
}

fn start(config: &Config) -> (Node, Client) {
    let node = Node::start(config, &StartOptions::default()).unwrap();
    let client = Client::connect(&config.node.socket).unwrap();
    (node, client)
}

fn deposit(client: &mut Client, account: &str, reference: &str) -> bool {
    let request = Request::Deposit(CashRequest {
        account: Name::new(account).unwrap(),
        amount: "250000.25".parse().unwrap(),
        currency: "USD".parse().unwrap(),
        reference: Reference::new(reference).unwrap(),
    });
    match client.call(&request).unwrap() {
        Answer::Done(carried) => carried.repeated,
        other => panic!("{other:?}"),
    }
}

fn status(client: &mut Client) -> Status {
    match client.call(&Request::Status {}).unwrap() {
        Answer::Status(status) => *status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_one_client_was_told_another_one_finds() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), |text| text);
    let (node, mut giver) = start(&config);
    let mut asker = Client::connect(&config.node.socket).unwrap();
    for times in 1u32..=100 {
        assert!(!deposit(&mut giver, "GROWTH-1", &format!("deposit {times}")));
        let Answer::Cash(CashPage { rows, .. }) = asker.call(&Request::Cash(Filter::default())).unwrap()
        else {
            panic!()
        };
        let expected: model::Amount = "250000.25".parse().unwrap();
        assert_eq!(
            rows[0].settled,
            (0..times).fold(model::Amount::ZERO, |sum, _| sum.plus(expected).unwrap())
        );
    }
    node.stop().unwrap();
}

#[test]
fn a_node_remembers_across_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), |text| text);
    let (node, mut client) = start(&config);
    assert!(!deposit(&mut client, "GROWTH-1", "first"));
    let Answer::Done(_) = client.call(&Request::Halt(ScopeName::Firm {})).unwrap() else { panic!() };
    let before = status(&mut client);
    assert_eq!((before.accounts, before.halts.len(), before.sessions.len()), (6, 1, 1));
    let stopped = node.stop().unwrap();

    let (node, mut client) = start(&config);
    assert!(deposit(&mut client, "GROWTH-1", "first"), "the same deposit is booked once");
    let after = status(&mut client);
    assert_eq!(after.shards[0].incarnation, before.shards[0].incarnation + 1);
    assert!(after.shards[0].position.seq > stopped[0].position.seq);
    assert_eq!((after.accounts, after.halts), (6, before.halts));
    let Answer::Cash(CashPage { rows, .. }) = client.call(&Request::Cash(Filter::default())).unwrap() else {
        panic!()
    };
    assert_eq!(rows[0].settled, "250000.25".parse().unwrap());
    node.stop().unwrap();
}

#[test]
fn an_order_without_a_broker_is_denied_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), |text| text);
    let (_node, mut client) = start(&config);
    let submit = Request::Submit(Submit {
        account: Name::new("GROWTH-1").unwrap(),
        strategy: Some(Name::new("MOMENTUM").unwrap()),
        cl_ord_id: ClOrdId::new("a").unwrap(),
        symbol: Symbol::new("IBM").unwrap(),
        side: Side::Buy,
        order_type: OrderType::Market,
        time_in_force: TimeInForce::Day,
        quantity: 1.into(),
        limit_price: None,
    });
    let Answer::Denied(denied) = client.call(&submit).unwrap() else { panic!() };
    assert_eq!(denied.name, "SessionNotReady");
}

#[test]
fn a_session_that_is_down_says_why_and_since_when() {
    let folder = tempfile::tempdir().unwrap();
    let (node, mut client) = start(&config(folder.path(), |text| text));
    let deadline = Instant::now() + Duration::from_mins(1);
    let row = loop {
        let row = status(&mut client).sessions[0].clone();
        if row.reason.as_deref() == Some("logon_unanswered") {
            break row;
        }
        assert_eq!(row.reason.as_deref(), Some("starting"));
        assert!(Instant::now() < deadline, "{row:?}");
        std::thread::yield_now();
    };
    assert_eq!(row.state, model::SessionState::Down);
    assert_eq!(row.detail.as_deref(), Some("no connection, or no answer to our logon"));
    assert!(row.since.is_some_and(|since| since.starts_with("20") && since.ends_with('Z')));
    node.stop().unwrap();
}

#[test]
fn a_second_node_is_refused_and_the_first_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), |text| text);
    let (_node, mut client) = start(&config);
    let refused = Node::start(&config, &StartOptions::default()).err().unwrap();
    assert!(matches!(refused, NodeError::Engine(_)), "{refused}");
    let mut elsewhere = config.clone();
    elsewhere.node.journal = PathBuf::from(folder.path()).join("other");
    let refused = Node::start(&elsewhere, &StartOptions::default()).err().unwrap();
    assert!(matches!(refused, NodeError::Server(_)), "{refused}");
    assert!(!deposit(&mut client, "GROWTH-1", "still here"));
}

#[test]
fn a_changed_limit_is_applied_only_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let first = config(folder.path(), |text| text);
    start(&first).0.stop().unwrap();
    let changed =
        config(folder.path(), |text| text.replacen("price_band_bps = 500", "price_band_bps = 250", 1));
    let band = |node: &Node| {
        let name = Name::new("GROWTH-1").unwrap();
        let at = model::Position::default();
        node.shards()[0]
            .replica()
            .read(at, |core| core.account_named(&name).unwrap().limits.price_band_bps)
            .unwrap()
    };
    let node = Node::start(&changed, &StartOptions::default()).unwrap();
    assert_eq!(band(&node), 500);
    node.stop().unwrap();
    let node =
        Node::start(&changed, &StartOptions { apply_changes: true, ..StartOptions::default() }).unwrap();
    assert_eq!(band(&node), 250);
}

#[test]
fn shards_cannot_be_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let two = config(folder.path(), |text| text.replace("shards = 1", "shards = 2"));
    start(&two).0.stop().unwrap();
    let one = config(folder.path(), |text| text);
    let refused = Node::start(&one, &StartOptions::default()).err().unwrap();
    assert!(matches!(refused, NodeError::FewerShards { journals: 2, configured: 1 }), "{refused}");
}

#[test]
fn a_halt_of_the_firm_reaches_every_shard_and_every_event_its_subscriber() {
    let folder = tempfile::tempdir().unwrap();
    let two = config(folder.path(), |text| text.replace("shards = 1", "shards = 2"));
    let (_node, mut client) = start(&two);
    let mut subscriber = Client::connect(&two.node.socket).unwrap();
    let id = subscriber.send(&Request::Subscribe(Subscribe::default())).unwrap();
    assert_eq!(subscriber.answer_to(id).unwrap(), Answer::Subscribed {});
    let Answer::Done(carried) = client.call(&Request::Halt(ScopeName::Firm {})).unwrap() else { panic!() };
    assert_eq!(carried.positions.len(), 2);
    let deadline = Instant::now() + Duration::from_mins(1);
    let mut halted = Vec::new();
    while halted.len() < 2 {
        assert!(Instant::now() < deadline, "{halted:?}");
        let (_, Answer::Event(published)) = subscriber.next_answer().unwrap() else { panic!() };
        if published.event.get("halt_changed").is_some() {
            halted.push(published.position.shard.index);
        }
    }
    halted.sort_unstable();
    assert_eq!(halted, [0, 1]);
}

#[test]
fn a_node_that_traces_says_where_its_slowest_inputs_were() {
    let folder = tempfile::tempdir().unwrap();
    let traced = config(folder.path(), |text| text.replace("trace = 0 ", "trace = 100 "));
    let (node, mut client) = start(&traced);
    for number in 0..40 {
        assert!(!deposit(&mut client, "GROWTH-1", &format!("deposit {number}")));
    }
    let deadline = Instant::now() + Duration::from_mins(1);
    let report = loop {
        let Answer::Latency(report) = client.call(&Request::Latency { worst: 5 }).unwrap() else { panic!() };
        // Definitions, the opening, and the forty; a hundred at most, and the collector is a moment behind.
        if report.kept >= 40 && report.rows.iter().any(|row| row.ring_ns.is_some()) {
            break report;
        }
        assert!(Instant::now() < deadline, "{report:?}");
    };
    assert_eq!(report.rows.len(), 5);
    assert!(report.rows.is_sorted_by_key(|row| std::cmp::Reverse(row.total_ns)));
    assert!(report.rows[0].total_ns >= report.median_ns);
    for row in &report.rows {
        let spans = [row.ring_ns.unwrap_or(0), row.journal_ns, row.decide_ns, row.release_ns];
        assert_eq!(spans.iter().sum::<u64>() + row.gateway_ns.unwrap_or(0), row.total_ns, "{row:?}");
        assert!(!row.detail.is_empty());
    }
    node.stop().unwrap();
}

#[test]
fn a_node_that_does_not_trace_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (node, mut client) = start(&config(folder.path(), |text| text));
    match client.call(&Request::Latency { worst: 20 }).unwrap() {
        Answer::Refused(refusal) => assert_eq!(refusal.kind, RefusalKind::NotTraced),
        other => panic!("{other:?}"),
    }
    node.stop().unwrap();
}

#[test]
fn a_journal_goes_on_in_segments_of_another_size() {
    let folder = tempfile::tempdir().unwrap();
    let sizes = || {
        let stat = journal::stat(folder.path().join("journal/shard-0")).unwrap();
        (stat.segments[0].len_bytes, stat.allocated_bytes)
    };
    for (mib, first, allocated) in [(2, 2, 4), (1, 2, 3)] {
        let size = format!("segment_kib = {}", mib * 1024);
        let config = config(folder.path(), |text| text.replace("segment_kib = 65_536", &size));
        Node::start(&config, &StartOptions::default()).unwrap().stop().unwrap();
        assert_eq!(sizes(), (first << 20, allocated << 20), "a segment, and one in advance");
    }
}
