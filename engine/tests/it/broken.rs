//! A broken invariant sets one account aside; the others trade on, and every replay agrees, by whatever program.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::path::Path;
use std::time::Instant;

use crate::common::{ACCOUNT, PATIENCE, Rig, SESSION, buy, config, fill, usd};
use actors::Core;
use engine::{OnBroken, Recovered, recover, replay, state_hash};
use journal::Reader;
use model::RecordBody;
use model::*;

const OTHER: AccountId = AccountId::new(1);

/// Beside the usual account another one with cash.
fn define_other(rig: &mut Rig) {
    let definition = AccountDefinition {
        id: OTHER,
        name: Name::new("G-2").unwrap(),
        portfolio: PortfolioId::new(0),
        session: SESSION,
        fees: FeeSchedule::FREE,
    };
    let money = Money { amount: 1_000_000u32.into(), currency: usd() };
    let reference = Reference::new("opening").unwrap();
    let deposit = CashMove { account: OTHER, kind: CashMoveKind::Deposit, money, reference };
    let (actor, kind) = (Actor::Account(OTHER), LimitKind::MaxQuoteAgeMs);
    let age = Command::SetLimit { actor, kind, currency: None, value: Some(86_400_000u32.into()) };
    for command in [Command::DefineAccount(definition), Command::MoveCash(deposit), age] {
        let answer = rig.call(command);
        assert!(!matches!(answer.event, Event::Denied { .. }), "{answer:?}");
    }
}

fn accepted(rig: &mut Rig, order: NewOrder) -> OrderId {
    match rig.call(Command::NewOrder(order)).event {
        Event::OrderAccepted { order, .. } => order,
        other => panic!("not accepted: {other:?}"),
    }
}

fn denied(rig: &mut Rig, command: Command) -> u16 {
    match rig.call(command).event {
        Event::Denied { denial, .. } => denial.reason.number(),
        other => panic!("not denied: {other:?}"),
    }
}

/// The records that name a failure, each directly behind the one it names.
fn broken_records(dir: &Path) -> Vec<Broken> {
    let mut reader = Reader::from_seq(dir, 1).unwrap();
    let mut found = Vec::new();
    while let Some(record) = reader.next().unwrap() {
        if let RecordBody::Input(Input::Broken(broken)) = record.body {
            assert_eq!(record.position.seq, broken.position.seq + 1);
            found.push(broken);
        }
    }
    found
}

fn same(one: &Recovered<Core>, other: &Recovered<Core>) {
    assert_eq!((one.digest, one.position), (other.digest, other.position));
    assert_eq!(state_hash(&one.core), state_hash(&other.core));
}

#[test]
fn one_account_is_set_aside_and_the_others_trade_on() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    let mut rig = Rig::ready(&config);
    define_other(&mut rig);
    let working = accepted(&mut rig, buy("before"));
    crash_point::plant("one-account-breaks");
    // The plant panics behind everything that the order changed: none of it may be left.
    assert_eq!(denied(&mut rig, Command::NewOrder(buy("one-account-breaks"))), 209);
    assert_eq!(denied(&mut rig, Command::NewOrder(buy("after"))), 209);
    let theirs = accepted(&mut rig, NewOrder { account: OTHER, ..buy("theirs") });
    rig.port.post(fill(theirs, "E1", 10, 10, 7)).unwrap();
    rig.port.post(fill(working, "E2", 10, 10, 8)).unwrap();
    rig.until(move |core| {
        let filled =
            |id: OrderId, units: u32| core.order(id).is_some_and(|order| order.cum_quantity == units.into());
        filled(theirs, 10) && core.suspense().len() == 1 && filled(working, 0)
    });
    let cancel = CancelOrder { account: ACCOUNT, order: Some(working), cl_ord_id: ClOrdId::EMPTY };
    assert!(matches!(rig.call(Command::CancelOrder(cancel)).event, Event::RequestAccepted { .. }));
    assert_eq!(rig.shard.replica().divergence(), None);
    let aside = Aside::Account(ACCOUNT);
    assert_eq!(rig.call(Command::Release(aside)).event, Event::Released { aside });
    accepted(&mut rig, buy("after"));
    drop(rig.client);
    let stopped = rig.shard.stop().unwrap();

    let journal = dir.path().join("shard-0");
    let failures = broken_records(&journal);
    assert!(matches!(failures[..], [Broken { invariant: Invariant::BooksBalance, .. }]), "{failures:?}");
    assert_eq!(failures[0].aside, aside);
    let faulty = replay::<Core>(&journal).unwrap();
    assert_eq!(faulty.digest, stopped.digest);
    assert!(faulty.core.order_by_cl_ord_id(ACCOUNT, &ClOrdId::cut("one-account-breaks")).is_none());
    // A program in which the fault is mended comes to the same state, from the first record and from a snapshot.
    crash_point::take_back("one-account-breaks");
    let mended = replay::<Core>(&journal).unwrap();
    same(&faulty, &mended);
    same(&faulty, &recover::<Core>(&journal).unwrap());
}

#[test]
fn a_report_that_breaks_is_passed_over_and_sets_its_account_aside() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    let mut rig = Rig::ready(&config);
    let working = accepted(&mut rig, buy("a"));
    crash_point::plant("a-report-breaks");
    rig.port.post(fill(working, "a-report-breaks", 10, 10, 7)).unwrap();
    rig.until(|core| core.account(ACCOUNT).is_some_and(|account| account.set_aside));
    rig.until(move |core| core.order(working).is_some_and(|order| order.cum_quantity.is_zero()));
    assert_eq!(rig.shard.replica().divergence(), None);
    drop(rig.client);
    let stopped = rig.shard.stop().unwrap();
    crash_point::take_back("a-report-breaks");
    let mended = replay::<Core>(dir.path().join("shard-0")).unwrap();
    assert_eq!(mended.digest, stopped.digest);
    assert_eq!(mended.core.suspense(), []);
}

#[test]
fn an_ask_that_breaks_is_not_taken_again() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    let mut rig = Rig::ready(&config);
    let orders = ["a", "b", "c"].map(|name| accepted(&mut rig, buy(name)));
    crash_point::plant("ask 1");
    let all = rig.call(Command::CancelAll(CancelAll { scope: Scope::Firm, shards: 0 }));
    assert!(matches!(all.event, Event::CancelsAsked { asked: 3, .. }), "{all:?}");
    rig.until(|core| core.account(ACCOUNT).is_some_and(|account| account.set_aside));
    // The one behind it leaves all the same.
    rig.until(move |core| !core.has_asks());
    rig.until(move |core| {
        orders.map(|id| core.order(id).is_some_and(|order| order.pending.is_some())) == [true, false, true]
    });
    assert_eq!(rig.shard.replica().divergence(), None);
    drop(rig.client);
    let stopped = rig.shard.stop().unwrap();
    let journal = dir.path().join("shard-0");
    let failures = broken_records(&journal);
    let cause = CausedBy { position: all.position, index: 1 };
    assert!(matches!(failures[..], [Broken { cause: Some(of), .. }] if of == cause), "{failures:?}");
    crash_point::take_back("ask 1");
    let mended = replay::<Core>(&journal).unwrap();
    assert_eq!((mended.digest, mended.core.has_asks()), (stopped.digest, false));
}

/// The shard's thread ends by the panic: nothing says yet that the input is to be passed over.
fn die_of(config: &engine::ShardConfig, order: &str) {
    let mut config = config.clone();
    config.on_broken = OnBroken::Panic;
    let mut rig = Rig::ready(&config);
    accepted(&mut rig, buy("before"));
    rig.client.submit(Command::NewOrder(buy(order))).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while rig.shard.is_running() {
        assert!(Instant::now() < deadline, "it went on");
        std::thread::yield_now();
    }
    drop(rig.client);
    assert!(rig.shard.stop().is_err());
}

#[test]
fn a_death_between_the_failure_and_its_record_is_made_up_for_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    crash_point::plant("dies-between");
    die_of(&config, "dies-between");
    let journal = dir.path().join("shard-0");
    assert_eq!(broken_records(&journal), []);
    for _ in 0..2 {
        let mut rig = Rig::start(&config);
        rig.make_ready();
        assert_eq!(denied(&mut rig, Command::NewOrder(buy("after"))), 209);
        assert_eq!(rig.shard.replica().divergence(), None);
        drop(rig.client);
        let stopped = rig.shard.stop().unwrap();
        assert_eq!(broken_records(&journal).len(), 1, "recorded once");
        assert_eq!(replay::<Core>(&journal).unwrap().digest, stopped.digest);
    }
    crash_point::take_back("dies-between");
    let mended = replay::<Core>(&journal).unwrap();
    assert!(mended.core.account(ACCOUNT).unwrap().set_aside);
}

#[test]
fn a_program_that_is_mended_before_the_start_has_nothing_to_pass_over() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    crash_point::plant("mended-in-time");
    die_of(&config, "mended-in-time");
    crash_point::take_back("mended-in-time");
    let mut rig = Rig::start(&config);
    rig.make_ready();
    let again = rig.call(Command::NewOrder(buy("mended-in-time"))).event;
    assert!(matches!(again, Event::OrderExists { .. }), "{again:?}");
    drop(rig.client);
    rig.shard.stop().unwrap();
    // A program with the fault still in it cannot follow that, and says so.
    crash_point::plant("mended-in-time");
    let refused = replay::<Core>(dir.path().join("shard-0")).map(drop).unwrap_err();
    assert!(matches!(refused, engine::EngineError::Broken { .. }), "{refused}");
    crash_point::take_back("mended-in-time");
}
