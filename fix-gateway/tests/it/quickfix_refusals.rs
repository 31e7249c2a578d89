//! Brokers that refuse, reset, or leave gaps; and records of what was sent that are older than the truth.
#![cfg(feature = "quickfix")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fix_gateway::{DoubtKind, RunningSession, Session, SessionSettings};
use model::{Delivery, Name, QuarantineCause};

use crate::support::eventually;
use crate::support::raw::{RawBroker, RawSession, field, seq};
use crate::support::shard::{FakeShard, SESSION, doubt, id, new_order};

/// A raw broker, the session's store and its shard.
struct Pair {
    broker: RawBroker,
    store: tempfile::TempDir,
    shard: Arc<FakeShard>,
    settings: SessionSettings,
}

fn pair(test: &str) -> Pair {
    let (firm, target) = (format!("F-{test}"), format!("B-{test}"));
    let (broker, store) = (RawBroker::new(&target, &firm), tempfile::tempdir().unwrap());
    let name = Name::new(&firm).unwrap();
    let address = ("127.0.0.1", broker.port());
    let settings = SessionSettings::new(SESSION, name, &firm, &target, address, store.path());
    Pair { broker, store, shard: FakeShard::new(), settings }
}

impl Pair {
    fn start(&self) -> RunningSession {
        Session::start(self.settings.clone(), Arc::<FakeShard>::clone(&self.shard)).unwrap()
    }

    /// A first run: orders 1 and 2 go out, and only the first is in the copy of the store that is put back. Gives the
    /// broker's next number, and the number that it expects of us.
    fn run_and_restore_an_older_copy(&self) -> (u64, u64) {
        let copy = tempfile::tempdir().unwrap();
        let session = self.start();
        let mut line = self.broker.accept();
        let next = line.bring_up(1);
        self.shard.wait_ready(1);
        self.shard.send(new_order(id(1), 100));
        line.wait_for("D");
        copy_files(self.store.path(), copy.path());
        self.shard.send(new_order(id(2), 100));
        line.wait_for("D");
        let logout = end(session, &mut line);
        self.shard.set_high_water(next - 1);
        copy_files(copy.path(), self.store.path());
        // Both are unanswered; the third was never sent.
        self.shard.set_doubts(&[1, 2, 3].map(|number| doubt(id(number), id(number), DoubtKind::NewOrder)));
        (next, seq(&logout) + 1)
    }
}

/// Stops the session; gives its logout.
fn end(session: RunningSession, line: &mut RawSession) -> String {
    let stopping = std::thread::spawn(move || session.stop().unwrap());
    let logout = line.wait_for("5");
    while line.next_or_end().is_some() {}
    stopping.join().unwrap();
    logout
}

fn copy_files(from: &Path, to: &Path) {
    for entry in fs::read_dir(to).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

fn refuse(line: &mut RawSession, next: u64, text: &str) {
    line.send("5", next, &format!("58={text}|"));
}

/// Answers the question about an order: the broker has it, or has never seen it.
fn answer(line: &mut RawSession, next: u64, has: bool) {
    let question = line.wait_for("H");
    let asked = field(&question, "11");
    let stands = if has { "39=0|151=100|" } else { "39=8|103=5|151=0|" };
    let body = format!("11={asked}|790={asked}|37=O|17=S{next}|150=I|{stands}55=MSFT|54=1|14=0|6=0|");
    line.send("8", next, &body);
}

/// Answers one question after the other.
fn answer_all(line: &mut RawSession, next: u64, has: [bool; 3]) {
    for (number, has) in (next..).zip(has) {
        answer(line, number, has);
    }
}

fn orders_of(shard: &FakeShard, delivery: Delivery) -> Vec<u64> {
    shard.evidence().iter().filter(|(_, found)| *found == delivery).map(|(id, _)| id.seq).collect()
}

#[test]
fn a_broker_that_expects_more_than_the_record_holds_is_believed_and_asked() {
    let pair = pair("STALE");
    let (next, expected) = pair.run_and_restore_an_older_copy();
    let session = pair.start();
    let (mut line, logon) = pair.broker.accept_logon();
    let sent = seq(&logon);
    assert!(sent < expected, "the copy is older: {sent} of {expected}");
    refuse(&mut line, next, &format!("MsgSeqNum too low, expecting {expected} but received {sent}"));
    drop(line);
    // One refusal, one step: exactly what the broker expects.
    let (mut line, logon) = pair.broker.accept_logon();
    assert_eq!(seq(&logon), expected);
    assert_eq!(pair.shard.incidents(), [(QuarantineCause::NumberTooLow, expected)]);
    let standing = session.standing();
    assert_eq!(standing.reason.word(), "number_too_low");
    assert!(standing.since.elapsed().unwrap() > Duration::ZERO);
    let next = line.bring_up(next + 1);
    answer_all(&mut line, next, [true, true, false]);
    assert_eq!(pair.shard.wait_ready(2), 0);
    assert_eq!(orders_of(&pair.shard, Delivery::NeverSent), [] as [u64; 0]);
    assert_eq!(orders_of(&pair.shard, Delivery::UnknownToBroker), [3]);
    end(session, &mut line);
}

#[test]
fn a_number_that_is_refused_without_a_word_of_what_is_expected_is_not_worn_down() {
    let pair = pair("MUTE");
    let (next, _) = pair.run_and_restore_an_older_copy();
    let session = pair.start();
    let mut numbers = Vec::new();
    for _ in 0..3 {
        let (mut line, logon) = pair.broker.accept_logon();
        numbers.push(seq(&logon));
        refuse(&mut line, next, "sequence number too low");
    }
    assert!(numbers.iter().all(|number| *number == numbers[0]), "{numbers:?}");
    // Each attempt is not an alert.
    assert_eq!(pair.shard.incidents(), [(QuarantineCause::NumberTooLow, 0)]);
    assert_eq!(session.standing().reason.word(), "number_too_low");
    session.stop().unwrap();
}

#[test]
fn a_broker_that_expects_something_else_each_time_is_followed_once() {
    let pair = pair("LIAR");
    let session = pair.start();
    let mut numbers = Vec::new();
    for expected in [100, 200, 300] {
        let (mut line, logon) = pair.broker.accept_logon();
        numbers.push(seq(&logon));
        refuse(
            &mut line,
            1,
            &format!("MsgSeqNum too low, expecting {expected} but received {}", seq(&logon)),
        );
    }
    assert_eq!(numbers, [1, 100, 100]);
    session.stop().unwrap();
}

#[test]
fn a_logon_that_is_refused_for_another_reason_says_which_and_is_no_alert() {
    let pair = pair("OTHER");
    let session = pair.start();
    for _ in 0..2 {
        let mut line = pair.broker.accept();
        refuse(&mut line, 1, "come back at 08:00");
    }
    let reason = eventually("the reason", || {
        Some(session.standing().reason).filter(|reason| reason.word() == "logon_refused")
    });
    assert_eq!(reason.to_string(), "the broker refuses our logon: come back at 08:00");
    assert!(pair.shard.incidents().is_empty());
    session.stop().unwrap();
}

/// Attempts that get no answer use up numbers until one fits the broker, which never said a word.
fn wear_down(pair: &Pair, expected: u64) -> (RawSession, u64, RunningSession) {
    let session = pair.start();
    let (line, logon) = pair.broker.accept_logon();
    let first = seq(&logon);
    assert!(first < expected);
    drop(line);
    loop {
        let (line, logon) = pair.broker.accept_logon();
        if seq(&logon) >= expected {
            return (line, first, session);
        }
    }
}

#[test]
fn a_number_that_fits_by_chance_proves_nothing() {
    let pair = pair("WORN");
    let (next, expected) = pair.run_and_restore_an_older_copy();
    let (mut line, first, session) = wear_down(&pair, expected);
    let next = line.bring_up(next);
    answer_all(&mut line, next, [true, true, false]);
    pair.shard.wait_ready(2);
    assert_eq!(orders_of(&pair.shard, Delivery::NeverSent), [] as [u64; 0]);
    assert_eq!(pair.shard.incidents(), [(QuarantineCause::RecordIncomplete, first)]);
    end(session, &mut line);
}

#[test]
fn a_broker_that_misses_all_attempts_shows_that_the_record_is_whole() {
    let pair = pair("WHOLE");
    let session = pair.start();
    let mut line = pair.broker.accept();
    let next = line.bring_up(1);
    pair.shard.wait_ready(1);
    let expected = seq(&end(session, &mut line)) + 1;
    pair.shard.set_high_water(next - 1);
    pair.shard.set_doubts(&[doubt(id(3), id(3), DoubtKind::NewOrder)]);
    let (mut line, first, session) = wear_down(&pair, expected + 1);
    assert_eq!(first, expected);
    line.send("A", next, "98=0|108=30|");
    line.send("2", next + 1, &format!("7={first}|16=0|"));
    line.wait_for("4");
    let ping = line.wait_for("1");
    line.send("0", next + 2, &format!("112={}|", field(&ping, "112")));
    pair.shard.wait_ready(2);
    assert_eq!(orders_of(&pair.shard, Delivery::NeverSent), [3]);
    end(session, &mut line);
}

#[test]
fn a_store_whose_messages_vanished_is_told_and_proves_nothing() {
    let pair = pair("GONE");
    let session = pair.start();
    let mut line = pair.broker.accept();
    let next = line.bring_up(1);
    pair.shard.wait_ready(1);
    pair.shard.send(new_order(id(1), 100));
    line.wait_for("D");
    end(session, &mut line);
    pair.shard.set_high_water(next - 1);
    for entry in fs::read_dir(pair.store.path()).unwrap() {
        let path = entry.unwrap().path();
        // The disk lost the end of the index; and with it, who knows what.
        if path.extension().is_some_and(|suffix| suffix == "header") {
            let header = fs::read_to_string(&path).unwrap();
            let kept: String = header.split_inclusive(' ').take(1).collect();
            fs::write(&path, kept).unwrap();
        }
    }
    pair.shard.set_doubts(&[doubt(id(2), id(2), DoubtKind::NewOrder)]);
    let session = pair.start();
    let mut line = pair.broker.accept();
    let next = line.bring_up(next);
    answer(&mut line, next, false);
    pair.shard.wait_ready(2);
    assert_eq!(orders_of(&pair.shard, Delivery::UnknownToBroker), [2]);
    assert_eq!(pair.shard.incidents(), [(QuarantineCause::RecordIncomplete, 0)]);
    end(session, &mut line);
}

#[test]
fn a_broker_that_resets_at_each_logon_gets_few_logons_and_is_told_of_once() {
    let pair = pair("STORM");
    let session = pair.start();
    let (mut logons, end) = (0, Instant::now() + Duration::from_secs(6));
    while Instant::now() < end {
        let (mut line, _) = pair.broker.accept_logon();
        logons += 1;
        line.send("A", 1, "98=0|108=30|141=Y|");
        while let Some(message) = line.next_or_end() {
            if field(&message, "35") == "A" {
                logons += 1;
                line.send("A", 1, "98=0|108=30|141=Y|");
            }
        }
    }
    // At 0, 1, 3 and 7 seconds: two each.
    assert!((4..=10).contains(&logons), "{logons} logons");
    assert_eq!(pair.shard.incidents(), [(QuarantineCause::SequenceReset, 0)]);
    eventually("the reason", || (session.standing().reason.word() == "reset_storm").then_some(()));
    assert!(pair.shard.states().is_empty());
    session.stop().unwrap();
}

#[test]
fn a_broker_that_begins_again_without_a_word_is_told_of() {
    let pair = pair("AGAIN");
    let session = pair.start();
    let mut line = pair.broker.accept();
    line.bring_up(1);
    pair.shard.wait_ready(1);
    drop(line);
    let (mut line, _) = pair.broker.accept_logon();
    line.send("A", 1, "98=0|108=30|");
    assert!(line.wait_for("5").contains("too low"));
    drop(line);
    eventually("the reason", || (session.standing().reason.word() == "broker_number_too_low").then_some(()));
    assert_eq!(pair.shard.incidents(), [(QuarantineCause::SequenceReset, 1)]);
    session.stop().unwrap();
}

#[test]
fn a_gap_that_is_never_filled_ends_the_session_with_a_reason() {
    let mut pair = pair("HOLE");
    pair.settings.heartbeat_s = 2;
    let session = pair.start();
    let mut line = pair.broker.accept();
    let next = line.bring_up(1);
    pair.shard.wait_ready(1);
    line.send("0", next + 4, "");
    assert!(line.wait_for("2").contains(&format!("|7={next}|")));
    // It goes on, but does not look back.
    for number in next + 5..next + 9 {
        line.send("0", number, "");
    }
    pair.shard.wait_down(1);
    assert_eq!(pair.shard.incidents(), [(QuarantineCause::GapUnfilled, next)]);
    assert_eq!(session.standing().reason.word(), "gap_unfilled");
    drop(line);
    session.stop().unwrap();
}
