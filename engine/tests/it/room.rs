//! A broker whose gateway takes nothing is in nobody's way but its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use crate::common::{ACCOUNT, AIG, SESSION, Turned, buy, config, definitions, fill, quote, usd};
use actors::Core;
use engine::{Client, SessionOutlet, SessionPort, ShardConfig, Standby, Stepped, replay};
use journal::Reader;
use model::RecordBody;
use model::*;

const OTHER_SESSION: SessionId = SessionId::new(1);
const OTHER_ACCOUNT: AccountId = AccountId::new(1);
/// Of each ring: 12 for orders, 2 more for replaces, 2 more for cancels.
const RING: u32 = 16;

/// Two brokers, an account with each.
struct Firm {
    shard: Stepped<Core, Turned>,
    client: Client<Core>,
    slow: (SessionPort<Core>, SessionOutlet<Outbound>),
    other: (SessionPort<Core>, SessionOutlet<Outbound>),
    heard: u64,
}

fn more_definitions() -> Vec<Command> {
    let name = |text| Name::new(text).unwrap();
    let money = Money { amount: 1_000_000_000u32.into(), currency: usd() };
    let reference = Reference::new("opening").unwrap();
    vec![
        Command::DefineSession(SessionDefinition {
            id: OTHER_SESSION,
            name: name("OTHER"),
            broker: BrokerId::new(1),
        }),
        Command::DefineAccount(AccountDefinition {
            id: OTHER_ACCOUNT,
            name: name("G-2"),
            portfolio: PortfolioId::new(0),
            session: OTHER_SESSION,
            fees: FeeSchedule::FREE,
        }),
        Command::MoveCash(CashMove { account: OTHER_ACCOUNT, kind: CashMoveKind::Deposit, money, reference }),
    ]
}

impl Firm {
    fn open(dir: &std::path::Path) -> (Self, ShardConfig) {
        let mut config = config(dir);
        config.ring = RING as usize;
        let mut shard = Standby::<Core>::open(&config).unwrap().start_stepped(Turned::new()).unwrap();
        let client = shard.client(1, 4096);
        let (slow, other) = (shard.open_session(SESSION), shard.open_session(OTHER_SESSION));
        let mut firm = Self { shard, client, slow, other, heard: 2 };
        for command in definitions().into_iter().chain(more_definitions()) {
            assert_eq!(denied(firm.call(command)), None);
        }
        firm.shard.facts().send((AIG, quote())).unwrap();
        for session in [SESSION, OTHER_SESSION] {
            let port = if session == SESSION { &firm.slow.0 } else { &firm.other.0 };
            for state in [SessionState::Up, SessionState::Ready] {
                port.post(Input::Session(SessionChange { session, state, unresolved: 0 })).unwrap();
            }
        }
        firm.turn();
        assert!(firm.slow.1.poll().is_some() && firm.other.1.poll().is_some());
        (firm, config)
    }

    fn turn(&mut self) {
        while self.shard.turn().unwrap() {}
    }

    fn call(&mut self, command: Command) -> Event {
        self.client.submit(command).unwrap();
        self.turn();
        self.client.poll().expect("it is answered").event
    }

    /// Orders of the slow broker's until one is denied; the accepted.
    fn fill_up(&mut self) -> Vec<OrderId> {
        let mut orders = Vec::new();
        loop {
            match self.call(order(ACCOUNT, &format!("S{}", self.shard.position().seq))) {
                Event::OrderAccepted { order, .. } => orders.push(order),
                refused => {
                    assert_eq!(denied(refused), Some(backlogged(12, 12)));
                    return orders;
                }
            }
        }
    }

    /// The broker acknowledges.
    fn acknowledge(&mut self, order: OrderId) {
        self.heard += 1;
        let Input::ExecutionReport(report) = fill(order, &format!("A{}", self.heard), 0, 0, self.heard)
        else {
            unreachable!()
        };
        let report = ExecutionReport {
            exec_type: ExecType::New,
            ord_status: OrdStatus::New,
            last_price: Price::ZERO,
            leaves_quantity: 10u32.into(),
            ..report
        };
        self.slow.0.post(Input::ExecutionReport(report)).unwrap();
        self.turn();
    }
}

fn order(account: AccountId, cl_ord_id: &str) -> Command {
    Command::NewOrder(NewOrder { account, ..buy(cl_ord_id) })
}

fn cancel(order: OrderId) -> Command {
    let (account, cl_ord_id) = (ACCOUNT, ClOrdId::EMPTY);
    Command::CancelOrder(CancelOrder { account, order: Some(order), cl_ord_id })
}

fn replace(order: OrderId) -> Command {
    Command::ReplaceOrder(ReplaceOrder {
        account: ACCOUNT,
        order: Some(order),
        cl_ord_id: ClOrdId::EMPTY,
        quantity: 9u32.into(),
        limit_price: Some("48.51".parse().unwrap()),
    })
}

fn denied(event: Event) -> Option<Denial> {
    match event {
        Event::Denied { denial, .. } => Some(denial),
        _ => None,
    }
}

fn backlogged(most: u32, waiting: u32) -> Denial {
    Denial::beyond(DenyReason::SessionBacklogged, most.into(), waiting.into())
}

#[test]
fn a_gateway_that_does_not_drain_stops_no_halt_no_cash_and_no_other_broker() {
    let dir = tempfile::tempdir().unwrap();
    let (mut firm, config) = Firm::open(dir.path());
    let orders = firm.fill_up();
    assert_eq!(orders.len(), 12);

    // The other broker's orders leave.
    assert!(matches!(firm.call(order(OTHER_ACCOUNT, "O1")), Event::OrderAccepted { .. }));
    assert!(matches!(firm.other.1.poll().unwrap().kind, OutboundKind::NewOrderSingle { .. }));
    // Cash moves, limits are set, an account is defined.
    let money = Money { amount: 5u32.into(), currency: usd() };
    let reference = Reference::new("more").unwrap();
    let deposit = CashMove { account: ACCOUNT, kind: CashMoveKind::Deposit, money, reference };
    assert!(matches!(firm.call(Command::MoveCash(deposit)), Event::CashMoved { .. }));
    for command in definitions().into_iter().filter(|command| !matches!(command, Command::MoveCash(_))) {
        assert_eq!(firm.call(command), Event::Done);
    }
    // What the slow broker says is booked.
    firm.slow.0.post(fill(orders[0], "E1", 10, 10, 2)).unwrap();
    firm.turn();
    assert_eq!(firm.shard.core().order(orders[0]).unwrap().status, OrdStatus::Filled);
    // An order to it can be cancelled, and the firm halted and resumed.
    assert!(matches!(firm.call(cancel(orders[1])), Event::RequestAccepted { .. }));
    for (command, halted) in [(Command::Halt(Scope::Firm), true), (Command::Resume(Scope::Firm), false)] {
        assert_eq!(firm.call(command), Event::HaltChanged { scope: Scope::Firm, halted });
    }
    // An order that is there is found, and what is wrong for another reason is denied for that.
    let existing = firm.shard.core().order(orders[2]).unwrap().cl_ord_id;
    let again = firm.call(order(ACCOUNT, existing.as_str()));
    assert!(matches!(again, Event::OrderExists { order, .. } if order == orders[2]), "{again:?}");
    // Once its gateway drains, it trades on.
    while firm.slow.1.poll().is_some() {}
    assert!(matches!(firm.call(order(ACCOUNT, "LATER")), Event::OrderAccepted { .. }));

    // What was refused for want of room is refused in every replay, though there the ring is not.
    let Firm { shard, client, .. } = firm;
    drop(client);
    let stopped = shard.stop().unwrap();
    let replayed = replay::<Core>(&config.journal.dir).unwrap();
    assert_eq!((replayed.digest, replayed.position), (stopped.digest, stopped.position));
    let mut reader = Reader::open(&config.journal.dir).unwrap();
    let mut backlogs = Vec::new();
    while let Some(record) = reader.next().unwrap() {
        if let RecordBody::Input(Input::Command { stamped, .. }) = record.body {
            backlogs.extend(stamped.backlog);
        }
    }
    // The order that was refused, and the one that was there already: that it was is the core's to know.
    assert_eq!(backlogs.len(), 2);
    assert_eq!(backlogs[0], Backlog { waiting: 12, most: 12 });
}

#[test]
fn cancels_find_room_when_orders_and_replaces_find_none() {
    let dir = tempfile::tempdir().unwrap();
    let (mut firm, _) = Firm::open(dir.path());
    // Six that work at the broker, then as many in the ring as there may be.
    let working: Vec<OrderId> = (0..6)
        .map(|index| match firm.call(order(ACCOUNT, &format!("W{index}"))) {
            Event::OrderAccepted { order, .. } => order,
            other => panic!("{other:?}"),
        })
        .collect();
    while firm.slow.1.poll().is_some() {}
    for order in &working {
        firm.acknowledge(*order);
    }
    assert_eq!(firm.fill_up().len(), 12);

    let [filled, still_open, .., first, second] = working[..] else { unreachable!() };
    for order in [first, second] {
        assert!(matches!(firm.call(replace(order)), Event::RequestAccepted { .. }));
    }
    assert_eq!(denied(firm.call(replace(still_open))), Some(backlogged(14, 14)));
    for order in [working[2], working[3]] {
        assert!(matches!(firm.call(cancel(order)), Event::RequestAccepted { .. }));
    }
    // Then there is no place at all, and who asks is told so.
    assert_eq!(denied(firm.call(cancel(still_open))), Some(backlogged(16, 16)));
    // What the gateway itself causes still finds its way, and its fills are booked.
    firm.slow.0.post(fill(filled, "E1", 10, 10, 99)).unwrap();
    let states = [SessionState::Down, SessionState::Up, SessionState::Ready];
    for state in states {
        let change = SessionChange { session: SESSION, state, unresolved: 0 };
        firm.slow.0.post(Input::Session(change)).unwrap();
    }
    firm.turn();
    assert_eq!(firm.shard.core().order(filled).unwrap().status, OrdStatus::Filled);
    assert_eq!(denied(firm.call(cancel(still_open))), Some(backlogged(16, 17)));
    let left = std::iter::from_fn(|| {
        let message = firm.slow.1.poll();
        firm.turn();
        message
    });
    assert_eq!(left.count(), 17, "in the ring and behind it");
    assert!(matches!(firm.call(cancel(still_open)), Event::RequestAccepted { .. }));
}

#[test]
fn a_flood_of_cancels_holds_nobody_up_for_more_than_a_turn() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path());
    config.ring = 1024;
    let mut shard = Standby::<Core>::open(&config).unwrap().start_stepped(Turned::new()).unwrap();
    let (mut flood, mut calm) = (shard.client(2, 8192), shard.client(3, 8));
    let nothing = OrderId { seq: 1, incarnation: 1, shard: 0 };
    for round in 0..20 {
        // Always more than a turn takes.
        while flood.submit(cancel(nothing)).is_ok() {}
        calm.submit(definitions()[0]).unwrap();
        assert!(shard.turn().unwrap());
        assert_eq!(calm.poll().expect("in one turn").event, Event::Done, "round {round}");
        // A halt finds a place though the cancels' lane is full, and is the first that is taken.
        while flood.submit(cancel(nothing)).is_ok() {}
        let seq = shard.position().seq;
        calm.submit(Command::Halt(Scope::Firm)).unwrap();
        assert!(shard.turn().unwrap());
        assert_eq!(calm.poll().unwrap().position.seq, seq + 1);
        while flood.poll().is_some() {}
    }
    // And cancels are not held up by a flood of anything else.
    while shard.turn().unwrap() {}
    while flood.poll().is_some() {}
    while flood.submit(definitions()[0]).is_ok() {}
    calm.submit(cancel(nothing)).unwrap();
    assert!(shard.turn().unwrap());
    assert!(calm.poll().is_some(), "in one turn");
}

#[test]
fn the_last_of_halt_and_resume_counts() {
    let dir = tempfile::tempdir().unwrap();
    let (mut firm, _) = Firm::open(dir.path());
    for last in [Command::Halt(Scope::Firm), Command::Resume(Scope::Firm)] {
        let first = if matches!(last, Command::Halt(_)) {
            Command::Resume(Scope::Firm)
        } else {
            Command::Halt(Scope::Firm)
        };
        firm.client.submit(first).unwrap();
        firm.client.submit(last).unwrap();
        firm.turn();
        while firm.client.poll().is_some() {}
        assert_eq!(firm.shard.core().is_firm_halted(), matches!(last, Command::Halt(_)));
    }
}
