//! Who is set aside after a broken invariant, what still happens to it, and how it comes back.

use model::{
    AccountId, AlertKind, Aside, Broken, CancelAll, CashMoveKind, CausedBy, Command, DenyReason, Event,
    Input, Invariant, OrdStatus, Origin, Position, Quote, Reference, Scope, ShardId, Side, Stamped,
    Timestamp,
};

use crate::world::*;

fn broken(aside: Aside) -> Broken {
    let position = Position::new(ShardId::new(0), 1);
    Broken {
        position,
        invariant: Invariant::BooksBalance,
        text: Reference::cut("a test"),
        aside,
        cause: None,
    }
}

impl World {
    fn done_release(&mut self, aside: Aside) {
        assert_eq!(self.command(Command::Release(aside)), Event::Released { aside });
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.now)
    }
}

fn break_for(world: &mut World, aside: Aside) {
    let broken = broken(aside);
    let events = &world.input(Input::Broken(broken)).events;
    assert_eq!(events[0], Event::SetAside { broken });
    assert_eq!(world.alerts(), [AlertKind::SetAside]);
    assert_eq!(world.core.broken(), [broken]);
}

#[test]
fn an_account_that_is_set_aside_opens_nothing_closes_all_and_loses_nothing() {
    let mut world = World::ready();
    let working = world.working("a", 10, "10");
    break_for(&mut world, Aside::Account(ALPHA));
    let refused = world.refused(Command::NewOrder(world.order("b", Side::Buy, 1, "10")));
    assert_eq!(
        (refused, refused.number(), refused.fix_ord_rej_reason()),
        (DenyReason::AccountSetAside, 209, 99)
    );
    assert_eq!(world.refused(world.replace_command(working, 20, "10")), DenyReason::AccountSetAside);
    // Others trade on.
    let mut other = world.order("c", Side::Buy, 1, "10");
    other.account = BETA;
    world.submit(other);
    // A fill is kept, with an alert, and booked nowhere.
    let before = world.holding(ALPHA, ACME);
    assert_eq!(world.fill(working, 4, "10"), [AlertKind::SetAside]);
    assert_eq!((world.holding(ALPHA, ACME), world.core.suspense().len()), (before, 1));
    // A cancel leaves, and what the broker says to it counts.
    world.cancel(working);
    world.report(working, model::ExecType::Canceled);
    assert_eq!(world.status(working), OrdStatus::Canceled);
    world.done_release(Aside::Account(ALPHA));
    world.buy("b", 1, "10");
    assert_eq!(world.core.broken(), []);
}

#[test]
fn what_is_set_aside_can_be_a_portfolio_an_instrument_or_the_firm() {
    for aside in [Aside::Portfolio(FUND), Aside::Instrument(ACME), Aside::Firm] {
        let mut world = World::ready();
        break_for(&mut world, aside);
        let expected = if aside == Aside::Firm { DenyReason::Halted } else { DenyReason::AccountSetAside };
        assert_eq!(world.refused(Command::NewOrder(world.order("a", Side::Buy, 1, "10"))), expected);
        world.done_release(aside);
        world.buy("a", 1, "10");
    }
}

#[test]
fn an_instrument_that_is_set_aside_keeps_its_mark() {
    let mut world = World::ready();
    let working = world.working("a", 10, "10");
    world.fill(working, 10, "10");
    break_for(&mut world, Aside::Instrument(ACME));
    let before = world.encoded();
    let quote = Quote { bid: price("9"), ask: price("9.2"), ..Quote::default() };
    world.input(Input::Mark { instrument: ACME, quote });
    assert_eq!(world.encoded(), before);
}

#[test]
fn what_is_due_to_whom_is_set_aside_is_held_told_and_settled_after_the_release() {
    let mut world = World::ready();
    let working = world.working("a", 20, "10");
    world.fill(working, 10, "10");
    break_for(&mut world, Aside::Account(ALPHA));
    let due = world.core.next_deadline().unwrap();
    world.wait_seconds((due.nanos - world.now().nanos) / SECOND_NS + 1);
    world.input(Input::Tick);
    assert_eq!(world.alerts(), [AlertKind::SettlementHeld]);
    let held: Vec<AccountId> = world.core.held_settlements().map(|(_, account)| account).collect();
    assert_eq!(held, [ALPHA]);
    assert!(world.core.next_deadline().is_none_or(|next| next > world.now()), "no tick after the other");
    world.done_release(Aside::Account(ALPHA));
    let events = world.input(Input::Tick).events.clone();
    assert!(matches!(events[..], [Event::CashSettled { account: ALPHA, .. }]), "{events:?}");
    assert_eq!((world.core.held_settlements().count(), world.core.suspense().len()), (0, 0));
}

#[test]
fn ticks_that_break_are_not_tried_again_until_somebody_says_so() {
    let mut world = World::ready();
    let working = world.working("a", 10, "10");
    world.fill(working, 10, "10");
    assert!(world.core.next_deadline().is_some());
    assert_eq!(world.core.concerned(&Input::Tick), Aside::Ticks);
    break_for(&mut world, Aside::Ticks);
    assert_eq!(world.core.next_deadline(), None);
    world.done_release(Aside::Ticks);
    assert!(world.core.next_deadline().is_some());
}

#[test]
fn whom_an_input_concerns_is_found_or_it_is_the_firm() {
    let mut world = World::ready();
    let working = world.working("a", 10, "10");
    let report = world.said(working, model::ExecType::New);
    assert_eq!(world.core.concerned(&Input::ExecutionReport(report)), Aside::Account(ALPHA));
    let strange = model::ExecutionReport { cl_ord_id: None, ..report };
    assert_eq!(world.core.concerned(&Input::ExecutionReport(strange)), Aside::Firm);
    world.cash(BETA, CashMoveKind::Deposit, "1", usd(), "b");
    let refused = world.refused(Command::Release(Aside::Account(AccountId::new(77))));
    assert_eq!(refused, DenyReason::UnknownAccount);
}

#[test]
fn an_ask_ends_with_the_input_that_it_became() {
    let mut world = World::ready();
    for name in ["a", "b"] {
        world.working(name, 10, "10");
    }
    world.command(Command::CancelAll(CancelAll { scope: Scope::Firm, shards: 0 }));
    let asked = world.core.next_ask(|_| true).unwrap().cause;
    let before = world.core.changes();
    let failed = Broken { cause: Some(asked), ..broken(Aside::Account(ALPHA)) };
    world.input(Input::Broken(failed));
    let left = world.core.next_ask(|_| true).unwrap().cause;
    assert_eq!((world.core.asks_open(), left.index), (1, asked.index + 1));
    assert_ne!(world.core.changes(), before);
}

#[test]
fn an_ask_of_another_shard_is_heard_also_where_it_breaks() {
    let mut world = World::ready();
    let cause = CausedBy { position: Position::new(ShardId::new(1), 7), index: 0 };
    world.input(Input::Broken(Broken { cause: Some(cause), ..broken(Aside::Firm) }));
    let command = Command::Resume(Scope::Firm);
    let (origin, stamped) = (Origin::default(), Stamped::default());
    let again = world.input(Input::Command { origin, cause: Some(cause), stamped, command });
    assert_eq!(again.events[..], [Event::AskRepeated { cause }]);
}
