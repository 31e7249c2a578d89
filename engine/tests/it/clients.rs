//! Several clients of one shard: none starves another, and what one handed over is carried out also when it is gone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use crate::common::{PATIENCE, Rig, SESSION, Turned, buy, config, definitions, quote};
use actors::Core;
use engine::{Client, Idle, SessionOutlet, Standby, Stepped};
use model::*;

fn temp() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A shard without threads, its session ready.
fn stepped(dir: &std::path::Path, ring: usize) -> (Stepped<Core, Turned>, SessionOutlet<Outbound>) {
    let mut config = config(dir);
    config.ring = ring;
    let mut shard = Standby::<Core>::open(&config).unwrap().start_stepped(Turned::new()).unwrap();
    let mut client = shard.client(1, 16);
    let (port, mut outlet) = shard.open_session(SESSION);
    for command in definitions() {
        client.submit(command).unwrap();
        while shard.turn().unwrap() {}
        assert!(!matches!(client.poll().unwrap().event, Event::Denied { .. }));
    }
    shard.facts().send((crate::common::AIG, quote())).unwrap();
    for state in [SessionState::Up, SessionState::Ready] {
        port.post(Input::Session(SessionChange { session: SESSION, state, unresolved: 0 })).unwrap();
    }
    while shard.turn().unwrap() {}
    assert!(matches!(outlet.poll().unwrap().kind, OutboundKind::Sweep));
    (shard, outlet)
}

fn order(client: &mut Client<Core>, cl_ord_id: &str) {
    client.submit(Command::NewOrder(buy(cl_ord_id))).unwrap();
}

#[test]
fn one_that_floods_its_lane_leaves_the_others_their_turn() {
    let dir = temp();
    let (mut shard, _outlet) = stepped(dir.path(), 4096);
    let (mut flood, mut calm) = (shard.client(2, 2000), shard.client(3, 8));
    (0..2000).for_each(|index| order(&mut flood, &format!("F{index}")));
    order(&mut calm, "C1");
    assert!(shard.turn().unwrap());
    assert!(matches!(calm.poll().unwrap().event, Event::OrderAccepted { .. }), "in one turn");
    while shard.turn().unwrap() {}
    for index in 0..2000 {
        assert_eq!(flood.poll().unwrap().ticket, index + 1, "each client's commands stay in order");
    }
}

#[test]
fn what_waits_when_its_client_goes_is_carried_out() {
    let dir = temp();
    let (mut shard, mut outlet) = stepped(dir.path(), 256);
    let mut client = shard.client(7, 128);
    // More than one turn takes: the others still wait in the client's lane when the shard hears that it is gone.
    (0..100).for_each(|index| order(&mut client, &format!("G{index}")));
    drop(client);
    while shard.turn().unwrap() {}
    let sent: Vec<_> = std::iter::from_fn(|| outlet.poll()).map(|message| message.position).collect();
    assert!(sent.len() == 100 && sent.is_sorted());
    // Its number is free of commands and answers; others go on.
    let mut client = shard.client(8, 1);
    order(&mut client, "AFTER");
    while shard.turn().unwrap() {}
    assert!(matches!(client.poll().unwrap().event, Event::OrderAccepted { .. }));
}

#[test]
fn a_hundred_silent_clients_are_heard_when_they_speak() {
    let dir = temp();
    let (mut shard, mut outlet) = stepped(dir.path(), 64);
    let mut clients: Vec<Client<Core>> = (0..100).map(|uid| shard.client(uid, 4)).collect();
    for round in 0..3 {
        // Long enough to fall silent.
        for _ in 0..10_000 {
            shard.turn().unwrap();
        }
        for (index, client) in clients.iter_mut().enumerate() {
            order(client, &format!("S{round}-{index}"));
            while shard.turn().unwrap() {}
            assert!(matches!(client.poll().unwrap().event, Event::OrderAccepted { .. }));
            assert!(outlet.poll().is_some());
        }
    }
    // What lies in a silent lane when the shard stops is recorded like everything else.
    for _ in 0..10_000 {
        shard.turn().unwrap();
    }
    let before = shard.position().seq;
    for (index, client) in clients.iter_mut().enumerate().take(60) {
        order(client, &format!("LAST-{index}"));
    }
    let stopped = shard.stop().unwrap();
    assert!(stopped.position.seq >= before + 60);
}

#[test]
fn a_parked_shard_hears_every_client() {
    let dir = temp();
    let mut config = config(dir.path());
    config.idle = Idle::Park { spins: 0 };
    let mut rig = Rig::ready(&config);
    let mut clients: Vec<Client<Core>> = (0..40).map(|uid| rig.shard.client(uid, 4).unwrap()).collect();
    for round in 0..5 {
        for (index, client) in clients.iter_mut().enumerate() {
            let command = Command::NewOrder(buy(&format!("K{round}-{index}")));
            assert!(matches!(client.call(command, PATIENCE).unwrap().event, Event::OrderAccepted { .. }));
            rig.outbound();
        }
    }
}

#[test]
fn a_cancel_by_the_submitters_own_identifier_stays_behind_its_order_and_one_by_ours_overtakes() {
    let dir = temp();
    let (mut shard, _outlet) = stepped(dir.path(), 64);
    let mut client = shard.client(5, 16);
    order(&mut client, "A");
    shard.turn().unwrap();
    let Event::OrderAccepted { order: first, account, .. } = client.poll().unwrap().event else { panic!() };
    let cancel = |order, cl_ord_id: &str| {
        Command::CancelOrder(CancelOrder { account, order, cl_ord_id: ClOrdId::new(cl_ord_id).unwrap() })
    };
    order(&mut client, "B");
    let own = client.submit(cancel(None, "B")).unwrap();
    let ours = client.submit(cancel(Some(first), "A")).unwrap();
    while shard.turn().unwrap() {}
    let answers: Vec<_> = std::iter::from_fn(|| client.poll()).collect();
    assert_eq!(answers.iter().map(|answer| answer.ticket).collect::<Vec<_>>(), [ours, own - 1, own]);
    // The one by the submitter's identifier found its order: it is behind it in the lane.
    assert!(answers.iter().all(|answer| !matches!(
        answer.event,
        Event::Denied { denial, .. } if denial.reason == DenyReason::UnknownOrder
    )));
}
