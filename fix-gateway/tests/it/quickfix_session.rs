//! QuickFIX on both sides of a loopback connection: this crate's session and a broker of the test's.
#![cfg(feature = "quickfix")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use fix_gateway::{DoubtKind, Failure, GatewayError, Health, RunningSession, Session, SessionSettings};
use model::{Delivery, Input, Name, SessionState};

use crate::support::broker::{BrokerApp, Mood, free_port, with_broker};
use crate::support::eventually;
use crate::support::shard::{FakeShard, SESSION, cancel, doubt, id, new_order};

fn settings(firm: &str, broker: &str, port: u16, store: &Path) -> SessionSettings {
    let name = Name::new(firm).unwrap();
    SessionSettings::new(SESSION, name, firm, broker, ("127.0.0.1", port), store)
}

fn start(settings: &SessionSettings, shard: &Arc<FakeShard>) -> RunningSession {
    Session::start(settings.clone(), Arc::<FakeShard>::clone(shard)).unwrap()
}

/// A broker and the settings of a session to it; the directories live as long as this.
struct Pair {
    broker: BrokerApp,
    settings: SessionSettings,
    port: u16,
    theirs: tempfile::TempDir,
    ours: tempfile::TempDir,
}

/// QuickFIX knows sessions by name in the whole process: each test has its own, also beside those of other files.
fn pair(test: &str) -> Pair {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (firm, broker) = (format!("F-PAIR-{test}"), format!("B-PAIR-{test}"));
    let port = free_port();
    let settings = settings(&firm, &broker, port, ours.path());
    Pair { broker: BrokerApp::new(&broker, &firm), settings, port, theirs, ours }
}

impl Pair {
    fn with_broker<T>(&self, body: impl FnOnce() -> T) -> T {
        with_broker(&self.broker, self.port, self.theirs.path(), body)
    }

    fn our_file(&self, suffix: &str) -> std::path::PathBuf {
        let (broker, firm) = &self.broker.session;
        self.ours.path().join(format!("FIX.4.4-{firm}-{broker}.{suffix}"))
    }

    fn their_file(&self, suffix: &str) -> std::path::PathBuf {
        let (broker, firm) = &self.broker.session;
        self.theirs.path().join(format!("FIX.4.4-{broker}-{firm}.{suffix}"))
    }
}

#[test]
fn an_order_goes_out_and_its_fill_comes_back() {
    let pair = pair("FILL");
    let shard = FakeShard::new();
    pair.with_broker(|| {
        let session = start(&pair.settings, &shard);
        assert_eq!(shard.wait_ready(1), 0);
        shard.send(new_order(id(7), 100));
        let fill = eventually("the fill", || shard.trades().pop());
        assert_eq!(fill.cl_ord_id, Some(id(7)));
        assert_eq!((fill.last_quantity, fill.last_price), (100u32.into(), 33u32.into()));
        assert_eq!(session.health(), Health::Ready);
        session.stop().unwrap();
    });
    assert_eq!(pair.broker.count("D", "G1-0-7"), 1);
    assert_eq!(shard.states().last().unwrap().0, SessionState::Down);
}

#[test]
fn a_broker_that_is_down_at_the_start_is_found_when_it_comes() {
    let pair = pair("LATE");
    let shard = FakeShard::new();
    let session = start(&pair.settings, &shard);
    shard.send(new_order(id(1), 100));
    eventually("evidence", || (shard.evidence() == [(id(1), Delivery::NeverSent)]).then_some(()));
    pair.with_broker(|| {
        shard.wait_ready(1);
        session.stop().unwrap();
    });
    assert_eq!(pair.broker.count("D", "G1-0-1"), 0);
}

#[test]
fn a_broker_that_goes_away_and_comes_back_gets_each_order_once() {
    let pair = pair("AWAY");
    let shard = FakeShard::new();
    let session = pair.with_broker(|| {
        let session = start(&pair.settings, &shard);
        shard.wait_ready(1);
        shard.send(new_order(id(1), 100));
        eventually("the first fill", || (shard.trades().len() == 1).then_some(()));
        session
    });
    shard.wait_down(1);
    shard.send(new_order(id(2), 100));
    eventually("evidence", || (shard.evidence() == [(id(2), Delivery::NeverSent)]).then_some(()));
    pair.with_broker(|| {
        shard.wait_ready(2);
        shard.send(new_order(id(2), 100));
        eventually("the second fill", || (shard.trades().len() == 2).then_some(()));
        session.stop().unwrap();
    });
    assert_eq!((pair.broker.count("D", "G1-0-1"), pair.broker.count("D", "G1-0-2")), (1, 1));
}

#[test]
fn a_fill_that_was_not_journalled_comes_again_at_the_next_start() {
    let pair = pair("AGAIN");
    pair.with_broker(|| {
        let shard = FakeShard::new();
        let session = start(&pair.settings, &shard);
        shard.wait_ready(1);
        shard.send(new_order(id(1), 100));
        shard.send(new_order(id(2), 100));
        eventually("both fills", || (shard.trades().len() == 2).then_some(()));
        session.stop().unwrap();
        let first = shard.trades()[0];
        // The journal of the next process ends with the first fill.
        let shard = FakeShard::new();
        shard.set_high_water(first.msg_seq_num);
        let session = start(&pair.settings, &shard);
        shard.wait_ready(1);
        let again = eventually("the second fill", || shard.trades().pop());
        assert_eq!((again.cl_ord_id, again.poss_dup), (Some(id(2)), true));
        session.stop().unwrap();
        assert_eq!(shard.trades().len(), 1);
    });
}

#[test]
fn orders_the_broker_asks_for_again_are_not_sent_again() {
    let pair = pair("STALE");
    let shard = FakeShard::new();
    pair.with_broker(|| {
        let session = start(&pair.settings, &shard);
        shard.wait_ready(1);
        shard.send(new_order(id(1), 100));
        shard.send(cancel(id(2), id(1)));
        eventually("the cancel", || (pair.broker.count("F", "G1-0-2") == 1).then_some(()));
        session.stop().unwrap();
    });
    // The broker forgets all it received, as after a crash with a store that was not synced.
    let text = fs::read_to_string(pair.their_file("seqnums")).unwrap();
    let sender = text.split(" : ").next().unwrap().to_owned();
    fs::write(pair.their_file("seqnums"), format!("{sender} : {:020}", 1)).unwrap();
    shard.set_doubts(&[doubt(id(1), id(1), DoubtKind::NewOrder)]);
    pair.with_broker(|| {
        let session = start(&pair.settings, &shard);
        shard.wait_ready(2);
        shard.send(new_order(id(3), 100));
        eventually("the new order", || (pair.broker.count("D", "G1-0-3") == 1).then_some(()));
        session.stop().unwrap();
    });
    assert_eq!((pair.broker.count("D", "G1-0-1"), pair.broker.count("F", "G1-0-2")), (1, 1));
    assert_eq!(pair.broker.count("H", "G1-0-1"), 1);
}

#[test]
fn a_store_of_an_earlier_day_is_kept() {
    let pair = pair("DAY");
    pair.with_broker(|| {
        let shard = FakeShard::new();
        let session = start(&pair.settings, &shard);
        shard.wait_ready(1);
        shard.send(new_order(id(1), 100));
        eventually("the fill", || shard.trades().pop());
        session.stop().unwrap();
        let high_water = shard.trades()[0].msg_seq_num;
        fs::write(pair.our_file("session"), "20200101-00:00:00").unwrap();
        let shard = FakeShard::with_doubts(&[doubt(id(1), id(1), DoubtKind::NewOrder)]);
        shard.set_high_water(high_water);
        let session = start(&pair.settings, &shard);
        // QuickFIX would have begun at 1, and the order would look as if it had never been sent.
        assert_eq!(shard.wait_ready(1), 0);
        assert!(shard.evidence().is_empty());
        assert_eq!(shard.reports()[0].cl_ord_id, Some(id(1)));
        session.stop().unwrap();
    });
}

#[test]
fn a_fill_with_a_repeating_group_is_booked_and_not_rejected() {
    let pair = pair("GROUP");
    let shard = FakeShard::new();
    pair.with_broker(|| {
        pair.broker.set_mood(Mood::Silent);
        let session = start(&pair.settings, &shard);
        shard.wait_ready(1);
        pair.broker.send_fill_with_parties("G1-0-1");
        let fill = eventually("the fill", || shard.trades().pop());
        assert_eq!((fill.cl_ord_id, fill.exec_id.as_str()), (Some(id(1)), "P1"));
        pair.broker.set_mood(Mood::Fills);
        shard.send(new_order(id(2), 100));
        eventually("another fill", || (shard.trades().len() == 2).then_some(()));
        session.stop().unwrap();
    });
    assert_eq!(pair.broker.rejects.load(Ordering::SeqCst), 0);
    assert_eq!(shard.trades().len(), 2);
}

#[test]
fn a_panic_in_a_callback_stops_the_session_and_the_message_comes_again() {
    let pair = pair("PANIC");
    pair.with_broker(|| {
        let shard = FakeShard::new();
        let session = start(&pair.settings, &shard);
        shard.wait_ready(1);
        shard.panics.store(true, Ordering::SeqCst);
        shard.send(new_order(id(1), 100));
        shard.wait_down(1);
        let health = session.health();
        assert!(matches!(&health, Health::Failed(Failure::Panicked { place: "from_app", .. })), "{health:?}");
        session.stop().unwrap();
        // The acknowledgement was lost in the panic; nothing after it was taken.
        assert!(shard.reports().is_empty());
        let shard = FakeShard::new();
        let session = start(&pair.settings, &shard);
        shard.wait_ready(1);
        eventually("the fill", || shard.trades().pop());
        assert_eq!(shard.reports().len(), 2);
        session.stop().unwrap();
    });
}

#[test]
fn a_broker_that_rejects_everything_is_heard() {
    let pair = pair("REJECT");
    let shard = FakeShard::new();
    pair.with_broker(|| {
        pair.broker.set_mood(Mood::RejectsAll);
        let session = start(&pair.settings, &shard);
        shard.wait_ready(1);
        shard.send(new_order(id(1), 100));
        shard.send(cancel(id(2), id(1)));
        eventually("both rejects", || {
            let refused: Vec<_> = shard
                .inputs()
                .iter()
                .filter_map(|input| match input {
                    Input::MessageReject(reject) => reject.refused,
                    _ => None,
                })
                .collect();
            (refused == [id(1), id(2)]).then_some(())
        });
        assert_eq!(session.health(), Health::Ready);
        session.stop().unwrap();
    });
}

#[test]
fn a_broker_that_does_not_answer_leaves_the_doubt() {
    let pair = pair("MUTE");
    let shard = FakeShard::new();
    pair.with_broker(|| {
        pair.broker.set_mood(Mood::Silent);
        pair.broker.set_answers_status(false);
        let settings =
            SessionSettings { sweep_timeout: std::time::Duration::from_millis(300), ..pair.settings.clone() };
        let session = start(&settings, &shard);
        shard.wait_ready(1);
        shard.send(new_order(id(1), 100));
        eventually("the order", || (pair.broker.count("D", "G1-0-1") == 1).then_some(()));
        session.stop().unwrap();
        shard.set_doubts(&[doubt(id(1), id(1), DoubtKind::NewOrder)]);
        let session = start(&settings, &shard);
        assert_eq!(shard.wait_ready(2), 1);
        assert_eq!(shard.evidence(), [(id(1), Delivery::Unanswered)]);
        session.stop().unwrap();
    });
}

#[test]
fn one_identity_runs_once() {
    let pair = pair("TWICE");
    let shard = FakeShard::new();
    let session = start(&pair.settings, &shard);
    let error = Session::start(pair.settings.clone(), FakeShard::new()).unwrap_err();
    assert!(matches!(error, GatewayError::InUse { .. }), "{error}");
    session.stop().unwrap();
    start(&pair.settings, &FakeShard::new()).stop().unwrap();
}

#[test]
fn a_lost_store_is_an_error_and_not_a_new_beginning() {
    let pair = pair("LOST");
    let shard = FakeShard::new();
    shard.set_high_water(42);
    let error = Session::start(pair.settings.clone(), shard).unwrap_err();
    assert!(matches!(error, GatewayError::StoreLost { high_water: 42, .. }), "{error}");
}
