//! A shard as its users see it: answers, messages, reads, restarts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use crate::common::{ACCOUNT, AIG, PATIENCE, Rig, buy, config, fill, quote};
use actors::Core;
use engine::{Idle, Refused, Shard, SystemClock, replay, state_hash};
use model::*;

fn temp() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn an_order_is_answered_sent_filled_and_read() {
    let dir = temp();
    let mut rig = Rig::ready(&config(dir.path()));
    let answer = rig.call(Command::NewOrder(buy("A1")));
    let Event::OrderAccepted { order, .. } = answer.event else { panic!("{answer:?}") };
    let sent = rig.outbound();
    assert_eq!(sent.position, answer.position);
    assert!(matches!(sent.kind, OutboundKind::NewOrderSingle { cl_ord_id, .. } if cl_ord_id == order));

    rig.port.post(fill(order, "E1", 10, 10, 2)).unwrap();
    rig.until(move |core| core.order(order).is_some_and(|order| order.status == OrdStatus::Filled));
    let holding =
        rig.shard.replica().read(answer.position, |core| core.account(ACCOUNT).unwrap().holding(AIG));
    assert_eq!(holding.unwrap().position, 10u32.into());
    rig.shard.stop().unwrap();
}

#[test]
fn the_state_after_a_restart_is_the_state_before() {
    let dir = temp();
    let config = config(dir.path());
    let mut rig = Rig::ready(&config);
    for index in 0..3000 {
        let answer = rig.call(Command::NewOrder(buy(&format!("A{index}"))));
        let Event::OrderAccepted { order, .. } = answer.event else { panic!("{answer:?}") };
        rig.outbound();
        if index % 3 == 0 {
            rig.port.post(fill(order, &format!("E{index}"), 10, 10, 2 + index)).unwrap();
        }
    }
    drop(rig.client);
    let stopped = rig.shard.stop().unwrap();
    let once = replay::<Core>(&config.journal.dir).unwrap();
    let again = replay::<Core>(&config.journal.dir).unwrap();
    assert_eq!(once.digest, stopped.digest);
    assert_eq!(once.position, stopped.position);
    assert!(once.digests >= 3, "digests are recorded on the way: {}", once.digests);
    assert_eq!(state_hash(&once.core), state_hash(&again.core));

    let shard = Shard::<Core>::start(&config, SystemClock).unwrap();
    assert_eq!(shard.recovered().digest, stopped.digest);
    assert_eq!(shard.recovery().incarnation.count, 2);
    // What the broker had not answered is in doubt now.
    let in_doubt = shard.replica().read(Position::new(ShardId::new(0), stopped.position.seq + 1), |core| {
        core.open_orders(ACCOUNT).filter(|o| o.certainty == Certainty::InDoubt).count()
    });
    assert_eq!(in_doubt.unwrap(), 2000);
    shard.stop().unwrap();
}

#[test]
fn a_second_node_on_the_same_journal_is_refused() {
    let dir = temp();
    let config = config(dir.path());
    let rig = Rig::start(&config);
    let error = Shard::<Core>::start(&config, SystemClock).unwrap_err();
    assert!(error.to_string().contains("open for writing elsewhere"), "{error}");
    drop(rig);
}

#[test]
fn a_full_answer_ring_is_a_typed_refusal_and_nothing_is_lost() {
    let dir = temp();
    let mut rig = Rig::ready(&config(dir.path()));
    let mut client = rig.shard.client(7, 4).unwrap();
    let mut taken = 0;
    let refused = loop {
        match client.submit(Command::NewOrder(buy(&format!("C{taken}")))) {
            Ok(_) => taken += 1,
            Err(refused) => break refused,
        }
    };
    assert_eq!((taken, refused), (4, Refused::TooManyInFlight { limit: 4 }));
    for _ in 0..4 {
        assert!(matches!(client.wait(PATIENCE).unwrap().event, Event::OrderAccepted { .. }));
    }
    assert!(client.submit(Command::NewOrder(buy("C4"))).is_ok());
    rig.client = client;
}

#[test]
fn a_stopped_shard_refuses() {
    let dir = temp();
    let Rig { shard, port, mut client, .. } = Rig::ready(&config(dir.path()));
    shard.stop().unwrap();
    assert_eq!(client.submit(Command::NewOrder(buy("A1"))), Err(Refused::Stopped));
    assert_eq!(port.post(Input::Tick), Err(Refused::Stopped));
}

#[test]
fn orders_under_disk_durability_leave_only_when_they_are_on_disk() {
    let dir = temp();
    let mut config = config(dir.path());
    config.journal.durability = journal::Durability::Disk;
    let mut rig = Rig::ready(&config);
    for index in 0..50 {
        let answer = rig.call(Command::NewOrder(buy(&format!("D{index}"))));
        assert!(matches!(answer.event, Event::OrderAccepted { .. }));
        // The journal on disk, read from outside, has it already.
        assert!(
            journal::verify::<model::RecordBody>(&config.journal.dir).unwrap().last_seq
                >= answer.position.seq
        );
        rig.outbound();
    }
}

#[test]
fn a_parked_shard_wakes_for_work() {
    let dir = temp();
    let mut config = config(dir.path());
    config.idle = Idle::Park { spins: 0 };
    let mut rig = Rig::ready(&config);
    for index in 0..200 {
        let answer = rig.call(Command::NewOrder(buy(&format!("P{index}"))));
        assert!(matches!(answer.event, Event::OrderAccepted { .. }));
        rig.outbound();
    }
}

#[test]
fn events_are_published_in_order_and_from_the_past() {
    let dir = temp();
    let mut rig = Rig::ready(&config(dir.path()));
    let first = rig.call(Command::NewOrder(buy("S1")));
    let subscription = rig.shard.replica().subscribe(Position { seq: 0, ..first.position }, 64).unwrap();
    let second = rig.call(Command::NewOrder(buy("S2")));
    let mut accepted = Vec::new();
    while accepted.len() < 2 {
        let published = subscription.next(PATIENCE).unwrap();
        if matches!(published.event, Event::OrderAccepted { .. }) {
            accepted.push(published.position);
        }
    }
    assert_eq!(accepted, [first.position, second.position]);
}

#[test]
fn without_a_quote_no_order_and_marks_follow_quotes() {
    let dir = temp();
    let mut config = config(dir.path());
    config.mark_interval_ms = 1;
    let mut rig = Rig::start(&config);
    for command in crate::common::definitions() {
        rig.call(command);
    }
    for state in [SessionState::Up, SessionState::Ready] {
        let change = SessionChange { session: crate::common::SESSION, state, unresolved: 0 };
        rig.port.post(Input::Session(change)).unwrap();
    }
    rig.until(|core| core.session(crate::common::SESSION).is_some_and(|s| s.state == SessionState::Ready));
    let denied = rig.call(Command::NewOrder(buy("N1")));
    let Event::Denied { denial, .. } = denied.event else { panic!("{denied:?}") };
    assert_eq!(denial.reason, DenyReason::NoFreshQuote);
    rig.shard.facts().send((AIG, quote())).unwrap();
    rig.until(|core| core.instrument(AIG).is_some_and(|book| book.mark == Some("48.51".parse().unwrap())));
    assert!(matches!(rig.call(Command::NewOrder(buy("N2"))).event, Event::OrderAccepted { .. }));
}
