//! QuickFIX against a broker that speaks FIX by hand: what no well-behaved engine does.
#![cfg(feature = "quickfix")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use fix_gateway::{DoubtKind, Health, RunningSession, Session, SessionSettings};
use model::{Input, Name, QuarantineCause};

use crate::support::eventually;
use crate::support::raw::{RawBroker, RawSession, fix_time};
use crate::support::shard::{FakeShard, SESSION, doubt, id, new_order};

fn start(firm: &str, broker: &str, port: u16, store: &Path, shard: &Arc<FakeShard>) -> RunningSession {
    let name = Name::new(firm).unwrap();
    let settings = SessionSettings::new(SESSION, name, firm, broker, ("127.0.0.1", port), store);
    Session::start(settings, Arc::<FakeShard>::clone(shard)).unwrap()
}

/// FIX tag 112 of a message.
fn test_request(message: &str) -> String {
    message.split('|').find_map(|field| field.strip_prefix("112=")).unwrap().to_owned()
}

/// Answers the logon and the first test request, with the numbers 1 and 2.
fn bring_up(line: &mut RawSession) {
    line.send("A", 1, "98=0|108=30|");
    let ping = test_request(&line.wait_for("1"));
    line.send("0", 2, &format!("112={ping}|"));
}

fn fill(cl_ord_id: &str, exec_id: &str) -> String {
    format!("11={cl_ord_id}|37=O|17={exec_id}|150=F|39=2|55=MSFT|54=1|32=100|31=33|14=100|151=0|6=33|")
}

fn quarantined(shard: &FakeShard) -> Vec<(u64, QuarantineCause)> {
    let kept = |input: &Input| match input {
        Input::Quarantined(message) => Some((message.msg_seq_num, message.cause)),
        _ => None,
    };
    shard.inputs().iter().filter_map(kept).collect()
}

#[test]
fn messages_that_no_engine_likes_are_booked_or_kept() {
    let store = tempfile::tempdir().unwrap();
    let (broker, shard) = (RawBroker::new("B-ODD", "F-ODD"), FakeShard::new());
    let session = start("F-ODD", "B-ODD", broker.port(), store.path(), &shard);
    let mut line = broker.accept();
    bring_up(&mut line);
    shard.wait_ready(1);
    line.send("8", 3, &format!("{}58=|9999=x|", fill("G1-0-1", "E1")));
    line.send("8", 4, &format!("{}453=2|448=A|452=1|448=B|452=2|", fill("G1-0-2", "E2")));
    line.send("B", 5, "148=news|");
    line.send("8", 6, &fill("G1-0-3", "E3").replace("150=F", "150=H"));
    // A wrong checksum: ignored as FIX asks, and fetched again.
    line.send_bytes(b"8=FIX.4.4\x019=5\x0135=8\x0110=000\x01");
    line.send("8", 8, &fill("G1-0-5", "E5"));
    let request = line.wait_for("2");
    assert!(request.contains("|7=7|"), "{request}");
    let time = fix_time();
    line.send("8", 7, &format!("43=Y|122={time}|{}", fill("G1-0-4", "E4")));
    let trades = eventually("all fills", || Some(shard.trades()).filter(|trades| trades.len() == 4));
    let ids: Vec<_> = trades.iter().map(|trade| (trade.msg_seq_num, trade.cl_ord_id)).collect();
    assert_eq!(ids, [(3, Some(id(1))), (4, Some(id(2))), (7, Some(id(4))), (8, Some(id(5)))]);
    assert_eq!(
        quarantined(&shard),
        [(5, QuarantineCause::UnknownMessageType), (6, QuarantineCause::TradeCancel)]
    );
    assert_eq!(session.health(), Health::Ready);
    drop(line);
    session.stop().unwrap();
}

#[test]
fn a_reject_that_comes_early_does_not_cost_the_fill_it_overtook() {
    let store = tempfile::tempdir().unwrap();
    let (broker, shard) = (RawBroker::new("B-EARLY", "F-EARLY"), FakeShard::new());
    let session = start("F-EARLY", "B-EARLY", broker.port(), store.path(), &shard);
    let mut line = broker.accept();
    // We miss 1 and 2.
    line.send("A", 3, "98=0|108=30|");
    line.wait_for("2");
    line.send("3", 4, "45=1|373=99|58=early|");
    let (first, second) = (fill("G1-0-1", "E1"), fill("G1-0-2", "E2"));
    let time = fix_time();
    line.send("8", 1, &format!("43=Y|122={time}|{first}"));
    line.send("8", 2, &format!("43=Y|122={time}|{second}"));
    line.behave(&[(1, &first), (2, &second)], 5, || shard.states().len() == 2);
    let ids: Vec<_> = shard.trades().iter().map(|trade| (trade.msg_seq_num, trade.cl_ord_id)).collect();
    assert_eq!(ids, [(1, Some(id(1))), (2, Some(id(2)))]);
    let reject = shard.wait_for("the reject", |input| match input {
        Input::MessageReject(reject) => Some(*reject),
        _ => None,
    });
    assert_eq!((reject.msg_seq_num, reject.text.as_str()), (0, "early"));
    drop(line);
    session.stop().unwrap();
}

#[test]
fn a_session_is_not_up_before_the_broker_is_in_step() {
    let store = tempfile::tempdir().unwrap();
    let (broker, shard) = (RawBroker::new("B-STEP", "F-STEP"), FakeShard::new());
    let session = start("F-STEP", "B-STEP", broker.port(), store.path(), &shard);
    let mut line = broker.accept();
    line.send("A", 1, "98=0|108=30|");
    line.wait_for("1");
    // The broker says that it misses our first message: the test request falls into the gap.
    line.send("2", 2, "7=1|16=0|");
    line.wait_for("4");
    assert!(shard.states().is_empty());
    let ping = test_request(&line.wait_for("1"));
    line.send("0", 3, &format!("112={ping}|"));
    shard.wait_ready(1);
    drop(line);
    session.stop().unwrap();
}

#[test]
fn a_message_lost_on_a_live_connection_is_cleared_up_by_the_next() {
    let store = tempfile::tempdir().unwrap();
    let (broker, shard) = (RawBroker::new("B-LIVE", "F-LIVE"), FakeShard::new());
    let session = start("F-LIVE", "B-LIVE", broker.port(), store.path(), &shard);
    let mut line = broker.accept();
    bring_up(&mut line);
    shard.wait_ready(1);
    shard.send(new_order(id(1), 100));
    let order = line.wait_for("D");
    let seq = order.split('|').find_map(|field| field.strip_prefix("34=")).unwrap().to_owned();
    line.send("2", 3, &format!("7={seq}|16=0|"));
    assert!(line.wait_for("4").contains("|123=Y|"));
    line.wait_for("5");
    shard.wait_down(1);
    drop(line);
    let mut line = broker.accept();
    line.send("A", 4, "98=0|108=30|");
    let ping = test_request(&line.wait_for("1"));
    line.send("0", 5, &format!("112={ping}|"));
    shard.wait_ready(2);
    drop(line);
    session.stop().unwrap();
}

#[test]
fn a_broker_that_resets_the_numbers_is_asked_about_all_doubts() {
    let store = tempfile::tempdir().unwrap();
    let (broker, shard) = (RawBroker::new("B-RESET", "F-RESET"), FakeShard::new());
    let session = start("F-RESET", "B-RESET", broker.port(), store.path(), &shard);
    let mut line = broker.accept();
    bring_up(&mut line);
    shard.wait_ready(1);
    shard.send(new_order(id(1), 100));
    line.wait_for("D");
    shard.set_doubts(&[doubt(id(1), id(1), DoubtKind::NewOrder)]);
    drop(line);
    let mut line = broker.accept();
    line.send("A", 1, "98=0|108=30|141=Y|");
    let ping = test_request(&line.wait_for("1"));
    line.send("0", 2, &format!("112={ping}|"));
    assert!(line.wait_for("H").contains("|11=G1-0-1|"));
    line.send("8", 3, "11=G1-0-1|790=G1-0-1|37=O|17=S|150=I|39=0|55=MSFT|54=1|14=0|151=100|6=0|");
    assert_eq!(shard.wait_ready(2), 0);
    assert!(shard.evidence().is_empty(), "the store is gone, but the order was sent");
    drop(line);
    session.stop().unwrap();
}

#[test]
fn a_broker_that_logs_out_each_evening_is_found_again() {
    let store = tempfile::tempdir().unwrap();
    let (broker, shard) = (RawBroker::new("B-EVE", "F-EVE"), FakeShard::new());
    let session = start("F-EVE", "B-EVE", broker.port(), store.path(), &shard);
    let mut line = broker.accept();
    bring_up(&mut line);
    shard.wait_ready(1);
    line.send("5", 3, "58=good night|");
    line.wait_for("5");
    shard.wait_down(1);
    let mut line = broker.accept();
    line.send("A", 4, "98=0|108=30|");
    let ping = test_request(&line.wait_for("1"));
    line.send("0", 5, &format!("112={ping}|"));
    shard.wait_ready(2);
    drop(line);
    session.stop().unwrap();
}

#[test]
fn noise_on_the_line_does_not_kill_the_session() {
    let store = tempfile::tempdir().unwrap();
    let (broker, shard) = (RawBroker::new("B-NOISE", "F-NOISE"), FakeShard::new());
    let session = start("F-NOISE", "B-NOISE", broker.port(), store.path(), &shard);
    let mut line = broker.accept();
    bring_up(&mut line);
    shard.wait_ready(1);
    line.send_bytes(b"GET / HTTP/1.1\r\n\r\n\x00\xff\xfe8=FIX.4.4\x019=abc\x0135=8\x01");
    line.send_bytes(&[0x80; 5000]);
    let (first, second) = (fill("G1-0-1", "E1"), fill("G1-0-2", "E2"));
    line.send("8", 3, &first);
    line.send("8", 4, &second);
    // What the noise swallowed is asked for again, on this line or the next.
    drop(line);
    let mut line = broker.accept();
    line.send("A", 5, "98=0|108=30|");
    line.behave(&[(3, &first), (4, &second)], 6, || {
        shard.trades().len() == 2 && session.health() == Health::Ready
    });
    drop(line);
    session.stop().unwrap();
}
