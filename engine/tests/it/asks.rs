//! What a record asks for is carried out exactly once, here and by another shard, whoever dies when.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeMap;
use std::path::Path;

use crate::common::{Turned, buy, config, definitions, quote};
use actors::Core;
use engine::{Client, Replay, SessionOutlet, SessionPort, ShardConfig, Standby, Stepped, state_hash};
use journal::Reader;
use model::RecordBody;
use model::*;

const ORDERS: u32 = 3;
const SHARDS: [u16; 2] = [0, 1];

/// One shard with an account and a session of its own, which have the shard's number.
struct Half {
    shard: Stepped<Core, Turned>,
    client: Client<Core>,
    session: SessionId,
    port: SessionPort<Core>,
    outlet: SessionOutlet<Outbound>,
}

fn half_config(dir: &Path, index: u16) -> ShardConfig {
    let mut config = config(dir);
    config.journal.dir = dir.join(format!("shard-{index}"));
    config.journal.shard = ShardId::new(index);
    config
}

/// The definitions of the rig, for the session and account of this shard.
fn own(index: u16, command: Command) -> Command {
    let (session, account) = (SessionId::new(index), AccountId::new(index.into()));
    match command {
        Command::DefineSession(definition) => {
            Command::DefineSession(SessionDefinition { id: session, ..definition })
        }
        Command::DefineAccount(definition) => {
            Command::DefineAccount(AccountDefinition { id: account, session, ..definition })
        }
        Command::MoveCash(cash) => Command::MoveCash(CashMove { account, ..cash }),
        Command::SetLimit { kind, currency, value, .. } => {
            Command::SetLimit { actor: Actor::Account(account), kind, currency, value }
        }
        other => other,
    }
}

impl Half {
    fn open(dir: &Path, index: u16) -> Self {
        let config = half_config(dir, index);
        let mut shard = Standby::<Core>::open(&config).unwrap().start_stepped(Turned::new()).unwrap();
        let client = shard.client(1, 64);
        let session = SessionId::new(index);
        let (port, outlet) = shard.open_session(session);
        Self { shard, client, session, port, outlet }
    }

    fn turn(&mut self) -> bool {
        self.shard.turn().unwrap()
    }

    fn call(&mut self, command: Command) -> Event {
        self.client.submit(command).unwrap();
        while self.turn() {}
        self.client.poll().expect("it is answered").event
    }

    fn make_ready(&mut self) {
        self.shard.facts().send((crate::common::AIG, quote())).unwrap();
        for state in [SessionState::Up, SessionState::Ready] {
            let change = SessionChange { session: self.session, state, unresolved: 0 };
            self.port.post(Input::Session(change)).unwrap();
        }
        while self.turn() {}
    }

    fn trade(&mut self, index: u16) {
        for command in definitions() {
            assert!(!matches!(self.call(own(index, command)), Event::Denied { .. }));
        }
        self.make_ready();
        for number in 0..ORDERS {
            let order = NewOrder { account: AccountId::new(index.into()), ..buy(&format!("A{number}")) };
            let answer = self.call(Command::NewOrder(order));
            assert!(matches!(answer, Event::OrderAccepted { .. }), "{answer:?}");
        }
    }
}

fn open_both(dir: &Path) -> [Half; 2] {
    let mut halves = SHARDS.map(|index| Half::open(dir, index));
    let ports = [halves[0].shard.peer_port(), halves[1].shard.peer_port()];
    let [one, other] = ports;
    halves[0].shard.join_peer(other);
    halves[1].shard.join_peer(one);
    halves
}

/// Until neither has anything to do.
fn settle(halves: &mut [Half; 2]) {
    loop {
        let worked = halves.iter_mut().fold(false, |worked, half| half.turn() | worked);
        if !worked {
            break;
        }
    }
}

/// What stands in a journal: how often each order's cancel was accepted, and what asks did.
#[derive(Debug, Default)]
struct Told {
    cancels: BTreeMap<OrderId, u32>,
    /// The records of the kinds that a kill may fall between.
    cancel_all: Vec<u64>,
    asks_taken: Option<u64>,
    /// How often the word was carried out.
    carried_out: u32,
    last: u64,
}

fn told(dir: &Path, index: u16) -> Told {
    let folder = half_config(dir, index).journal.dir;
    let mut replay = Replay::<Core>::new(ShardId::new(index));
    let mut told = Told::default();
    let mut reader = Reader::open(&folder).unwrap();
    while let Some(record) = reader.next().unwrap() {
        told.last = record.position.seq;
        match &record.body {
            RecordBody::Input(Input::Command { command: Command::CancelAll(_), .. }) => {
                told.cancel_all.push(record.position.seq);
            }
            RecordBody::Input(Input::AsksTaken { .. }) => told.asks_taken = Some(record.position.seq),
            _ => {}
        }
        let events = &replay.step(&record).unwrap().events;
        for event in events {
            match event {
                Event::RequestAccepted { order, .. } => *told.cancels.entry(*order).or_default() += 1,
                Event::CancelsAsked { .. } => told.carried_out += 1,
                _ => {}
            }
        }
    }
    told
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// Both shards, three open orders each, and one word that cancels all of them.
fn cancelled(dir: &Path) {
    let mut halves = open_both(dir);
    for (half, index) in halves.iter_mut().zip(SHARDS) {
        half.trade(index);
    }
    let answer = halves[0].call(Command::CancelAll(CancelAll { scope: Scope::Firm, shards: 2 }));
    assert_eq!(answer, asked_for(1));
    settle(&mut halves);
    for half in &mut halves {
        let (mut orders, mut cancels) = (0, 0);
        while let Some(message) = half.outlet.poll() {
            match message.kind {
                OutboundKind::NewOrderSingle { .. } => orders += 1,
                OutboundKind::OrderCancelRequest { .. } => cancels += 1,
                _ => {}
            }
        }
        assert_eq!((orders, cancels, half.shard.core().asks_open()), (ORDERS, ORDERS, 0));
    }
    for half in halves {
        half.shard.stop().unwrap();
    }
}

fn asked_for(others: u32) -> Event {
    Event::CancelsAsked { scope: Scope::Firm, asked: ORDERS, left: 0, others }
}

fn assert_once(dir: &Path, what: &str) {
    for index in SHARDS {
        let told = told(dir, index);
        let counts: Vec<u32> = told.cancels.values().copied().collect();
        assert_eq!(counts, [1; ORDERS as usize], "shard {index}, {what}: {told:?}");
        assert_eq!(told.carried_out, 1, "shard {index}, {what}: {told:?}");
    }
}

#[test]
fn one_word_cancels_everything_on_both_shards_once() {
    let dir = tempfile::tempdir().unwrap();
    cancelled(dir.path());
    assert_once(dir.path(), "not killed");
}

/// The journals as they stood at every pair of instants that a kill of both shards, or of one, can leave behind.
#[test]
fn a_kill_of_either_shard_between_any_two_records_loses_and_repeats_nothing() {
    let whole = tempfile::tempdir().unwrap();
    cancelled(whole.path());
    let ends = SHARDS.map(|index| told(whole.path(), index));
    let asked = ends[0].cancel_all[0];
    let (heard, taken) = (ends[1].cancel_all[0], ends[0].asks_taken.unwrap());
    for here in asked..=ends[0].last {
        for there in heard - 1..=ends[1].last {
            // That it is on record there is told here only once it is.
            if here >= taken && there < heard {
                continue;
            }
            let dir = tempfile::tempdir().unwrap();
            copy(whole.path(), dir.path());
            for (index, seq) in SHARDS.into_iter().zip([here, there]) {
                journal::repair_to(half_config(dir.path(), index).journal.dir, seq).unwrap();
            }
            let mut halves = open_both(dir.path());
            settle(&mut halves);
            halves.iter_mut().for_each(Half::make_ready);
            settle(&mut halves);
            let what = format!("killed at {here} and {there}");
            let hashes = halves.each_ref().map(|half| {
                assert_eq!(half.shard.core().asks_open(), 0, "{what}");
                state_hash(half.shard.core())
            });
            for half in halves {
                half.shard.stop().unwrap();
            }
            assert_once(dir.path(), &what);
            for (index, hash) in SHARDS.into_iter().zip(hashes) {
                let replayed = engine::replay::<Core>(&half_config(dir.path(), index).journal.dir).unwrap();
                assert_eq!(state_hash(&replayed.core), hash, "{what}");
            }
        }
    }
}

#[test]
fn asks_wait_until_their_session_is_ready() {
    let dir = tempfile::tempdir().unwrap();
    let mut half = Half::open(dir.path(), 0);
    half.trade(0);
    half.port
        .post(Input::Session(SessionChange {
            session: half.session,
            state: SessionState::Down,
            unresolved: 0,
        }))
        .unwrap();
    while half.turn() {}
    let answer = half.call(Command::CancelAll(CancelAll { scope: Scope::Firm, shards: 1 }));
    assert_eq!(answer, asked_for(0));
    // While nobody is connected they are state; an opening and a crash do not change that.
    assert_eq!(half.shard.core().asks_open(), ORDERS as usize);
    drop(half);
    let mut half = Half::open(dir.path(), 0);
    while half.turn() {}
    assert_eq!(half.shard.core().asks_open(), ORDERS as usize);
    half.make_ready();
    assert_eq!(half.shard.core().asks_open(), 0);
    half.shard.stop().unwrap();
    let counts: Vec<u32> = told(dir.path(), 0).cancels.values().copied().collect();
    assert_eq!(counts, [1; ORDERS as usize]);
}
