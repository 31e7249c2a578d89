//! A session's life with a broker that is down, goes away, rejects everything or talks garbage. No wire, no C++.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fix_gateway::{
    DoubtKind, Failure, GatewayError, Health, Incident, RunningSession, Session, SessionSettings, Stage,
};
use model::{Delivery, Input, Name, QuarantineCause, SessionState};

use crate::support::engine::FakeWire;
use crate::support::eventually;
use crate::support::shard::{FakeShard, SESSION, cancel, doubt, id, new_order};
use model::OutboundKind;

use SessionState::{Down, Ready, Up};

fn settings() -> SessionSettings {
    let name = Name::new("broker-a").unwrap();
    let mut settings =
        SessionSettings::new(SESSION, name, "US", "THEM", ("127.0.0.1", 1), PathBuf::from("unused"));
    settings.sweep_timeout = Duration::from_secs(2);
    settings
}

fn start(wire: &Arc<FakeWire>, shard: &Arc<FakeShard>) -> RunningSession {
    Session::start_with(settings(), wire.engine(), Arc::<FakeShard>::clone(shard)).unwrap()
}

/// Patient enough that only the test's own answers end a sweep.
fn start_patient(wire: &Arc<FakeWire>, shard: &Arc<FakeShard>) -> RunningSession {
    let patient = SessionSettings { sweep_timeout: Duration::from_mins(1), ..settings() };
    Session::start_with(patient, wire.engine(), Arc::<FakeShard>::clone(shard)).unwrap()
}

fn status(seq: u64, asked: &str, ord_status: &str, more: &str) -> String {
    format!(
        "35=8|34={seq}|11={asked}|790={asked}|37=B|17=S{seq}|150=I|39={ord_status}|54=1|14=0|151=100|{more}10=0|"
    )
}

#[test]
fn a_broker_that_is_down_gets_nothing_and_the_shard_hears_it() {
    let (wire, shard) = (FakeWire::new(), FakeShard::new());
    let session = start(&wire, &shard);
    shard.send(new_order(id(1), 100));
    shard.send(cancel(id(2), id(1)));
    eventually("evidence", || (shard.evidence().len() == 2).then_some(()));
    assert_eq!(shard.evidence(), [(id(1), Delivery::NeverSent), (id(2), Delivery::NeverSent)]);
    assert_eq!(session.health(), Health::Connecting);
    session.stop().unwrap();
    assert!(wire.gone().is_empty());
    assert!(shard.states().is_empty(), "it never was up, so it never goes down");
}

#[test]
fn a_logon_attempt_that_fails_is_no_change() {
    let (wire, shard) = (FakeWire::new(), FakeShard::new());
    let session = start(&wire, &shard);
    wire.log_out();
    wire.log_out();
    wire.log_on();
    shard.wait_ready(1);
    session.stop().unwrap();
    assert_eq!(shard.states(), [(Up, 0), (Ready, 0), (Down, 0)]);
}

#[test]
fn an_order_goes_out_and_its_reports_come_in() {
    let (wire, shard) = (FakeWire::new(), FakeShard::new());
    let session = start(&wire, &shard);
    wire.log_on();
    assert_eq!(shard.wait_ready(1), 0);
    assert_eq!(session.health(), Health::Ready);
    shard.send(new_order(id(7), 100));
    assert!(wire.wait_gone("D", 1).text.starts_with("11=G1-0-7|"));
    wire.receive("35=8|34=2|11=G1-0-7|37=B|17=E1|150=F|39=2|55=MSFT|54=1|32=100|31=33|14=100|151=0|10=0|");
    let fill = eventually("the fill", || shard.trades().pop());
    assert_eq!((fill.cl_ord_id, fill.msg_seq_num), (Some(id(7)), 2));
    session.stop().unwrap();
    assert!(wire.stopped.load(Ordering::SeqCst));
}

#[test]
fn a_broker_that_goes_away_in_the_middle_gets_nothing_twice() {
    let (wire, shard) = (FakeWire::new(), FakeShard::new());
    let session = start_patient(&wire, &shard);
    wire.log_on();
    shard.wait_ready(1);
    shard.send(new_order(id(7), 100));
    wire.wait_gone("D", 1);
    wire.log_out();
    shard.wait_down(1);
    shard.send(new_order(id(8), 100));
    eventually("evidence", || shard.evidence().contains(&(id(8), Delivery::NeverSent)).then_some(()));
    shard.set_doubts(&[doubt(id(7), id(7), DoubtKind::NewOrder), doubt(id(8), id(8), DoubtKind::NewOrder)]);
    wire.log_on();
    // Only what went out is asked about.
    assert_eq!(wire.wait_gone("H", 1).id, id(7));
    wire.receive(&status(5, "G1-0-7", "0", ""));
    assert_eq!(shard.wait_ready(1 + 1), 0);
    session.stop().unwrap();
    assert_eq!(wire.gone().len(), 2);
    assert_eq!(shard.states(), [(Up, 0), (Ready, 0), (Down, 0), (Up, 0), (Ready, 0), (Down, 0)]);
}

#[test]
fn a_sweep_tells_apart_all_that_can_have_happened() {
    let doubts = [
        doubt(id(1), id(1), DoubtKind::NewOrder),
        doubt(id(2), id(2), DoubtKind::NewOrder),
        doubt(id(3), id(3), DoubtKind::NewOrder),
        doubt(id(5), id(4), DoubtKind::Cancel),
        doubt(id(7), id(6), DoubtKind::Replace),
        doubt(id(8), id(8), DoubtKind::NewOrder),
    ];
    let (wire, shard) = (FakeWire::new(), FakeShard::with_doubts(&doubts));
    for sent in [2, 3, 5, 7, 8] {
        wire.sent_before(id(sent));
    }
    let session = start(&wire, &shard);
    wire.log_on();
    let question = wire.wait_gone("H", 5);
    assert_eq!(question.text, "11=G1-0-8|790=G1-0-8|1=ALPHA|55=MSFT|54=1|");
    let asked: Vec<_> = wire.gone().iter().map(|gone| gone.id).collect();
    assert_eq!(asked, [id(2), id(3), id(4), id(7), id(8)]);
    wire.receive(&status(2, "G1-0-2", "1", ""));
    wire.receive(&status(3, "G1-0-3", "8", "103=5|"));
    wire.receive(&status(4, "G1-0-4", "8", "103=5|"));
    wire.receive(&status(5, "G1-0-7", "0", ""));
    assert_eq!(shard.wait_ready(1), 1);
    let evidence = shard.evidence();
    assert_eq!(
        evidence,
        [
            (id(1), Delivery::NeverSent),
            (id(3), Delivery::UnknownToBroker),
            (id(5), Delivery::UnknownToBroker),
            (id(8), Delivery::Unanswered),
        ]
    );
    let reported: Vec<_> = shard.reports().iter().map(|report| report.cl_ord_id).collect();
    assert_eq!(reported, [Some(id(2)), Some(id(7))]);
    // The evidence stands before the word that says all is cleared up.
    assert!(matches!(shard.inputs().last(), Some(Input::Session(change)) if change.state == Ready));
    session.stop().unwrap();
}

#[test]
fn answers_that_come_twice_or_late_do_no_harm() {
    let doubts = [doubt(id(1), id(1), DoubtKind::NewOrder), doubt(id(2), id(2), DoubtKind::NewOrder)];
    let (wire, shard) = (FakeWire::new(), FakeShard::with_doubts(&doubts));
    wire.sent_before(id(1));
    wire.sent_before(id(2));
    let session = start(&wire, &shard);
    wire.log_on();
    wire.wait_gone("H", 2);
    wire.receive(&status(2, "G1-0-1", "0", ""));
    wire.receive(&status(3, "G1-0-1", "0", ""));
    assert_eq!(shard.wait_ready(1), 1);
    wire.receive(&status(4, "G1-0-2", "8", "103=5|"));
    let last = eventually("late evidence", || shard.evidence().get(1).copied());
    assert_eq!(last, (id(2), Delivery::UnknownToBroker));
    assert_eq!(shard.reports().len(), 2);
    session.stop().unwrap();
    assert_eq!(shard.states(), [(Up, 0), (Ready, 1), (Down, 0)]);
}

#[test]
fn a_logout_in_the_middle_of_a_sweep_starts_it_anew() {
    let (wire, shard) =
        (FakeWire::new(), FakeShard::with_doubts(&[doubt(id(1), id(1), DoubtKind::NewOrder)]));
    wire.sent_before(id(1));
    let session = start_patient(&wire, &shard);
    wire.log_on();
    wire.wait_gone("H", 1);
    assert_eq!(session.health(), Health::Clearing);
    wire.log_out();
    shard.wait_down(1);
    wire.log_on();
    wire.wait_gone("H", 2);
    assert_eq!(shard.states(), [(Up, 0), (Down, 0), (Up, 0)]);
    wire.receive(&status(9, "G1-0-1", "0", ""));
    assert_eq!(shard.wait_ready(1), 0);
    session.stop().unwrap();
}

#[test]
fn the_sweep_of_an_earlier_logon_is_void() {
    let (wire, shard) = (FakeWire::new(), FakeShard::new());
    shard.sweeps_by_hand.store(true, Ordering::SeqCst);
    let session = start(&wire, &shard);
    wire.log_on();
    wire.log_out();
    wire.log_on();
    eventually("up twice", || (shard.states().len() == 3).then_some(()));
    shard.send(OutboundKind::Sweep);
    shard.send(new_order(id(1), 100));
    wire.wait_gone("D", 1);
    assert_eq!(shard.states().len(), 3);
    shard.send(OutboundKind::Sweep);
    shard.wait_ready(1);
    session.stop().unwrap();
}

#[test]
fn a_copy_of_a_request_does_not_go_out_twice() {
    let (wire, shard) = (FakeWire::new(), FakeShard::new());
    let session = start(&wire, &shard);
    shard.send(new_order(id(1), 100));
    eventually("evidence", || shard.evidence().first().copied());
    wire.log_on();
    shard.wait_ready(1);
    // The core sends it again after "never sent"; an old copy may still be on its way.
    shard.send(new_order(id(1), 100));
    shard.send(new_order(id(1), 100));
    shard.send(new_order(id(2), 100));
    wire.wait_gone("D", 2);
    session.stop().unwrap();
    assert_eq!(wire.gone().iter().map(|gone| gone.id).collect::<Vec<_>>(), [id(1), id(2)]);
}

#[test]
fn after_a_crash_of_the_machine_absence_proves_nothing_until_all_is_settled() {
    let (wire, shard) =
        (FakeWire::new(), FakeShard::with_doubts(&[doubt(id(1), id(1), DoubtKind::NewOrder)]));
    wire.lose_proof();
    let session = start_patient(&wire, &shard);
    wire.log_on();
    assert_eq!(wire.wait_gone("H", 1).id, id(1));
    assert!(!wire.proves());
    wire.receive(&status(2, "G1-0-1", "8", "103=5|"));
    shard.wait_ready(1);
    assert!(wire.proves());
    session.stop().unwrap();
}

#[test]
fn what_the_broker_knew_after_a_crash_of_the_machine_is_never_called_unsent() {
    let (wire, shard) = (FakeWire::new(), FakeShard::with_doubts(&[doubt(id(5), id(4), DoubtKind::Cancel)]));
    wire.lose_proof();
    let session = start_patient(&wire, &shard);
    wire.log_on();
    wire.wait_gone("H", 1);
    // It works on the cancel: the doubt comes again, though absence from the record proves from here on.
    wire.receive(&status(2, "G1-0-4", "6", ""));
    shard.wait_ready(1);
    assert!(wire.proves());
    wire.log_out();
    shard.wait_down(1);
    wire.log_on();
    wire.wait_gone("H", 2);
    wire.receive(&status(3, "G1-0-4", "6", ""));
    shard.wait_ready(2);
    session.stop().unwrap();
    assert_eq!(shard.evidence(), []);
}

#[test]
fn a_record_without_what_the_broker_has_acknowledged_proves_nothing() {
    let doubts = [7, 8].map(|number| doubt(id(number), id(number), DoubtKind::NewOrder));
    for missing in [false, true] {
        let (wire, shard) = (FakeWire::new(), FakeShard::with_doubts(&doubts));
        wire.sent_before(id(5));
        let acknowledged = [id(5), id(6)];
        shard.set_acknowledged(if missing { &acknowledged } else { &acknowledged[..1] });
        let session = start_patient(&wire, &shard);
        wire.log_on();
        if missing {
            wire.wait_gone("H", 2);
            wire.receive(&status(2, "G1-0-7", "8", "103=5|"));
            wire.receive(&status(3, "G1-0-8", "0", ""));
        }
        shard.wait_ready(1);
        let never: Vec<_> =
            shard.evidence().iter().filter(|(_, how)| *how == Delivery::NeverSent).copied().collect();
        assert_eq!(never.is_empty(), missing, "{never:?}");
        let told = [(QuarantineCause::RecordIncomplete, 0)];
        assert_eq!(shard.incidents(), if missing { &told[..] } else { &[] });
        // What the record lacks counts as sent from here on, so that it is not accused again.
        wire.log_out();
        shard.wait_down(1);
        shard.set_doubts(&[doubt(id(9), id(9), DoubtKind::NewOrder)]);
        wire.log_on();
        shard.wait_ready(2);
        assert!(shard.evidence().contains(&(id(9), Delivery::NeverSent)));
        session.stop().unwrap();
    }
}

#[test]
fn an_incident_is_told_once_until_the_session_is_ready_and_distrusts_the_record_at_once() {
    let (wire, shard) = (FakeWire::new(), FakeShard::new());
    let session = start(&wire, &shard);
    let incident = |cause| Incident { cause, number: 14, raw: b"58=too low".to_vec() };
    wire.notice(incident(QuarantineCause::GapUnfilled));
    assert!(wire.proves(), "a gap of the broker's says nothing of our record");
    wire.notice(incident(QuarantineCause::NumberTooLow));
    assert!(!wire.proves());
    wire.notice(incident(QuarantineCause::NumberTooLow));
    let told = [(QuarantineCause::GapUnfilled, 14), (QuarantineCause::NumberTooLow, 14)];
    assert_eq!(shard.incidents(), told);
    wire.log_on();
    shard.wait_ready(1);
    eventually("ready", || (session.health() == Health::Ready).then_some(()));
    wire.notice(incident(QuarantineCause::GapUnfilled));
    assert_eq!(shard.incidents().len(), 3);
    session.stop().unwrap();
}

#[test]
fn a_record_that_is_distrusted_in_the_middle_of_a_sweep_stays_so() {
    let (wire, shard) =
        (FakeWire::new(), FakeShard::with_doubts(&[doubt(id(1), id(1), DoubtKind::NewOrder)]));
    wire.sent_before(id(1));
    let session = start_patient(&wire, &shard);
    wire.log_on();
    wire.wait_gone("H", 1);
    wire.notice(Incident { cause: QuarantineCause::SequenceReset, number: 0, raw: Vec::new() });
    wire.receive(&status(2, "G1-0-1", "0", ""));
    shard.wait_ready(1);
    assert!(!wire.proves(), "what was unanswered when it was lost has not been noted");
    session.stop().unwrap();
}

#[test]
fn a_record_that_cannot_be_read_proves_nothing() {
    let (wire, shard) =
        (FakeWire::new(), FakeShard::with_doubts(&[doubt(id(1), id(1), DoubtKind::NewOrder)]));
    wire.is_unreadable.store(true, Ordering::SeqCst);
    let session = start(&wire, &shard);
    wire.log_on();
    wire.wait_gone("H", 1);
    assert_eq!(shard.wait_ready(1), 1);
    session.stop().unwrap();
}

#[test]
fn a_broker_that_rejects_everything_leaves_the_session_up() {
    let (wire, shard) =
        (FakeWire::new(), FakeShard::with_doubts(&[doubt(id(1), id(1), DoubtKind::NewOrder)]));
    wire.sent_before(id(1));
    let session = start_patient(&wire, &shard);
    wire.log_on();
    let question = wire.wait_gone("H", 1);
    wire.receive(&format!("35=j|34=2|45={}|372=H|379=G1-0-1|380=3|10=0|", question.seq));
    assert_eq!(shard.wait_ready(1), 1);
    for number in 2..50 {
        shard.send(new_order(id(number), 100));
        let order = wire.wait_gone("D", usize::try_from(number).unwrap() - 1);
        wire.receive(&format!("35=3|34={}|45={}|373=5|10=0|", number + 1, order.seq));
    }
    let refused: Vec<_> = shard
        .inputs()
        .iter()
        .filter_map(|input| match input {
            Input::MessageReject(reject) => Some(reject.refused),
            _ => None,
        })
        .collect();
    let expected: Vec<_> = std::iter::once(None).chain((2..50).map(|number| Some(id(number)))).collect();
    assert_eq!(refused, expected);
    assert_eq!(shard.evidence(), [(id(1), Delivery::Unanswered)]);
    assert_eq!(session.health(), Health::Ready);
    session.stop().unwrap();
}

#[test]
fn garbage_is_kept_and_the_session_goes_on() {
    let (wire, shard) = (FakeWire::new(), FakeShard::new());
    let session = start(&wire, &shard);
    wire.log_on();
    shard.wait_ready(1);
    for garbage in
        ["", "\0\x01\x02", "35=8|", "35=ZZ|34=4|10=0|", "35=8|34=5|150=F|32=x|31=y|54=1|10=0|", "|||==|="]
    {
        wire.receive(garbage);
    }
    let kept: Vec<_> = shard
        .inputs()
        .iter()
        .filter_map(|input| match input {
            Input::Quarantined(message) => Some(message.cause),
            _ => None,
        })
        .collect();
    assert_eq!(kept.len(), 6);
    assert_eq!(kept[3], QuarantineCause::UnknownMessageType);
    assert_eq!(session.health(), Health::Ready);
    session.stop().unwrap();
}

#[test]
fn an_engine_that_cannot_record_stops_the_session() {
    let (wire, shard) = (FakeWire::new(), FakeShard::new());
    let session = start(&wire, &shard);
    wire.log_on();
    shard.wait_ready(1);
    wire.breaks.store(true, Ordering::SeqCst);
    shard.send(new_order(id(1), 100));
    shard.wait_down(1);
    assert_eq!(session.health(), Health::Failed(Failure::NotRecorded));
    assert!(shard.evidence().is_empty(), "whether it was sent is for the next sweep to say");
    session.stop().unwrap();
}

#[test]
fn a_node_that_stops_ends_the_session() {
    let (wire, shard) = (FakeWire::new(), FakeShard::new());
    let session = start(&wire, &shard);
    wire.log_on();
    shard.wait_ready(1);
    shard.close();
    wire.receive("35=8|34=2|11=G1-0-7|17=E1|150=F|39=2|54=1|32=100|31=33|10=0|");
    eventually("the end", || wire.stopped.load(Ordering::SeqCst).then_some(()));
    eventually("stopped", || (session.health() == Health::Stopped).then_some(()));
    session.stop().unwrap();
    assert!(shard.trades().is_empty());
}

#[test]
fn an_engine_that_does_not_start_is_an_error() {
    let (wire, shard) = (FakeWire::new(), FakeShard::new());
    wire.refuses_to_start.store(true, Ordering::SeqCst);
    let error = Session::start_with(settings(), wire.engine(), shard).unwrap_err();
    assert!(matches!(error, GatewayError::Engine { .. }), "{error}");
    assert_eq!(error.to_string(), "session broker-a: fake: refuses");
}

#[test]
fn a_dropped_session_is_stopped() {
    let (wire, shard) = (FakeWire::new(), FakeShard::new());
    let session = start(&wire, &shard);
    wire.log_on();
    shard.wait_ready(1);
    drop(session);
    assert!(wire.stopped.load(Ordering::SeqCst));
    assert_eq!(shard.states().last(), Some(&(Down, 0)));
}

#[test]
fn the_probe_sees_each_stage_in_order() {
    let (wire, shard) = (FakeWire::new(), FakeShard::new());
    let stages = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&stages);
    let probe: fix_gateway::Probe =
        Arc::new(move |position, stage, at| seen.lock().unwrap().push((position.seq, stage, at)));
    let settings = SessionSettings { probe: Some(probe), ..settings() };
    let session = Session::start_with(settings, wire.engine(), Arc::<FakeShard>::clone(&shard)).unwrap();
    wire.log_on();
    shard.wait_ready(1);
    shard.send(new_order(id(7), 100));
    wire.wait_gone("D", 1);
    session.stop().unwrap();
    let stages = stages.lock().unwrap();
    let of_order: Vec<_> = stages.iter().filter(|(seq, ..)| *seq == 2).map(|(_, stage, _)| *stage).collect();
    assert_eq!(of_order, [Stage::Taken, Stage::Sent]);
    assert!(stages.windows(2).all(|pair| pair[0].2 <= pair[1].2));
}
