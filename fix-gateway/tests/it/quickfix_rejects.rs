//! What QuickFIX would reject: which messages are taken all the same, and that one in another name never is.
#![cfg(feature = "quickfix")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use fix_gateway::{RunningSession, Session, SessionSettings};
use model::{Name, QuarantineCause};

use crate::support::eventually;
use crate::support::raw::{RawBroker, RawSession, field, seq};
use crate::support::shard::{FakeShard, SESSION, id};

fn start(firm: &str, broker: &RawBroker, store: &Path, shard: &Arc<FakeShard>) -> RunningSession {
    let name = Name::new(firm).unwrap();
    let target = format!("B{}", &firm[1..]);
    let settings = SessionSettings::new(SESSION, name, firm, &target, ("127.0.0.1", broker.port()), store);
    Session::start(settings, Arc::<FakeShard>::clone(shard)).unwrap()
}

fn fill(cl_ord_id: u64) -> String {
    format!(
        "11=G1-0-{cl_ord_id}|37=O|17=E{cl_ord_id}|150=F|39=2|55=MSFT|54=1|32=100|31=33|14=100|151=0|6=33|"
    )
}

/// Answers test requests and gives everything else until `done`, or the end of the connection.
fn hear(line: &mut RawSession, until: &str) -> Vec<String> {
    let mut heard = Vec::new();
    while let Some(message) = line.next_or_end() {
        let is_last = field(&message, "35") == until;
        heard.push(message);
        if is_last {
            break;
        }
    }
    heard
}

#[test]
fn every_reject_in_the_list_is_overruled_and_the_fill_is_booked() {
    // The reasons of `quickfix/rejects.rs`, and a fill that QuickFIX rejects for each.
    let cases = [
        (4, format!("{}58=|", fill(1))),
        (13, format!("{}453=2|448=A|452=1|448=B|452=2|", fill(2))),
        (14, format!("{}57=DESK|", fill(3))),
    ];
    let store = tempfile::tempdir().unwrap();
    let (broker, shard) = (RawBroker::new("B-TAKEN", "F-TAKEN"), FakeShard::new());
    let session = start("F-TAKEN", &broker, store.path(), &shard);
    let mut line = broker.accept();
    let mut next = line.bring_up(1);
    shard.wait_ready(1);
    for (number, (reason, body)) in (1..).zip(&cases) {
        line.send("8", next, body);
        next += 1;
        let booked = eventually(&format!("the fill rejected for {reason}"), || {
            shard.trades().get(number - 1).copied()
        });
        assert_eq!(booked.cl_ord_id, Some(id(number as u64)), "{reason}");
    }
    line.send("1", next, "112=last|");
    let heard = hear(&mut line, "0");
    // A heartbeat stands where each reject would have been, with its number.
    assert!(heard.iter().all(|message| field(message, "35") != "3"), "{heard:?}");
    drop(line);
    session.stop().unwrap();
}

/// One fill in other names; the kinds of messages that answer it, and then the same number in the right ones.
fn foreign(test: &str, begin: &str, names: &str, more: &str, answers: &[(&str, &str)]) {
    let store = tempfile::tempdir().unwrap();
    let (firm, target) = (format!("F-{test}"), format!("B-{test}"));
    let (broker, shard) = (RawBroker::new(&target, &firm), FakeShard::new());
    let session = start(&firm, &broker, store.path(), &shard);
    let mut line = broker.accept();
    let next = line.bring_up(1);
    shard.wait_ready(1);
    let names = names.replace("FIRM", &firm).replace("BROKER", &target);
    line.send_as(begin, &names, "8", next, &format!("{}{more}", fill(1)));
    // Sent in the right names, but behind what nobody trusts: it comes again.
    line.send("8", next + 1, &fill(2));
    let heard = hear(&mut line, "5");
    let kinds: Vec<_> = heard
        .iter()
        .filter(|m| matches!(field(m, "35"), "3" | "5"))
        .map(|m| (field(m, "35"), field(m, "373")))
        .collect();
    assert_eq!(kinds, answers, "{test}: {heard:?}");
    shard.wait_down(1);
    assert_eq!(session.standing().reason.word(), "comp_id_problem");
    drop(line);
    let (mut line, _) = broker.accept_logon();
    assert!(shard.trades().is_empty(), "{test}: {:?}", shard.trades());
    assert_eq!(shard.incidents(), [(QuarantineCause::CompIdProblem, next)]);
    // Its number is expected again, for the message that belongs there.
    line.send("A", next, "98=0|108=30|");
    let ping = line.wait_for("1");
    line.send("8", next + 1, &fill(3));
    line.send("0", next + 2, &format!("112={}|", field(&ping, "112")));
    shard.wait_ready(2);
    let trades: Vec<_> = shard.trades().iter().map(|trade| (trade.msg_seq_num, trade.cl_ord_id)).collect();
    assert_eq!(trades, [(next + 1, Some(id(3)))]);
    drop(line);
    session.stop().unwrap();
}

#[test]
fn a_fill_in_the_name_of_another_ends_the_session_and_is_not_booked() {
    foreign("SENDER", "FIX.4.4", "49=MALLORY|56=FIRM|", "", &[("3", "9"), ("5", "")]);
}

#[test]
fn a_fill_for_another_ends_the_session_and_is_not_booked() {
    foreign("TARGET", "FIX.4.4", "49=BROKER|56=SOMEBODY|", "", &[("3", "9"), ("5", "")]);
}

#[test]
fn a_foreign_fill_that_would_be_rejected_for_its_tags_is_not_overruled() {
    foreign("BOTH", "FIX.4.4", "49=MALLORY|56=FIRM|", "58=|", &[("3", "9"), ("5", "")]);
}

#[test]
fn a_fill_without_a_sender_is_not_booked() {
    foreign("NOBODY", "FIX.4.4", "56=FIRM|", "", &[("5", "")]);
}

#[test]
fn a_fill_of_another_version_is_not_booked() {
    foreign("VERSION", "FIX.4.2", "49=BROKER|56=FIRM|", "", &[("5", "")]);
}

#[test]
fn a_logon_in_another_name_is_no_logon() {
    let store = tempfile::tempdir().unwrap();
    let (broker, shard) = (RawBroker::new("B-LOGON", "F-LOGON"), FakeShard::new());
    let session = start("F-LOGON", &broker, store.path(), &shard);
    let (mut line, logon) = broker.accept_logon();
    assert_eq!(seq(&logon), 1);
    line.send_as("FIX.4.4", "49=MALLORY|56=F-LOGON|", "A", 1, "98=0|108=30|");
    assert!(hear(&mut line, "none").iter().all(|message| field(message, "35") != "1"));
    let causes = eventually("the alert", || Some(shard.incidents()).filter(|all| !all.is_empty()));
    assert_eq!(causes, [(QuarantineCause::CompIdProblem, 1)]);
    eventually("the reason", || (session.standing().reason.word() == "comp_id_problem").then_some(()));
    assert!(shard.states().is_empty());
    let mut line = broker.accept();
    line.bring_up(1);
    shard.wait_ready(1);
    drop(line);
    session.stop().unwrap();
}
