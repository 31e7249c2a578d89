//! How long identifiers are remembered: each for a stated time, and nothing for good.

use model::{CashMoveKind, Command, DenyReason, Event, ExecType, Input, NewOrder, Remember, Side};

use crate::world::{ALPHA, BETA, World, usd};

const DAY_SECONDS: i64 = 86_400;

impl World {
    fn remember(&mut self, orders_days: u16, cash_days: u16) {
        self.done(Command::Remember(Remember { orders_days, cash_days }));
    }

    fn days_pass(&mut self, days: i64) {
        self.wait_seconds(days * DAY_SECONDS);
        while self.core.next_deadline().is_some_and(|due| due.nanos <= self.now) {
            self.input(Input::Tick);
        }
    }

    /// An order that is over.
    fn over(&mut self, cl_ord_id: &str) -> NewOrder {
        let order = self.order(cl_ord_id, Side::Buy, 10, "10");
        let id = self.submit(order);
        self.report(id, ExecType::Canceled);
        order
    }

    fn deposit(&mut self, reference: &str, value: &str) -> Event {
        self.cash(ALPHA, CashMoveKind::Deposit, value, usd(), reference)
    }
}

#[test]
fn an_identifier_is_refused_for_as_long_as_the_firm_says() {
    let mut world = World::ready();
    world.remember(5, 400);
    let first = world.over("a");
    world.days_pass(1);
    assert!(matches!(world.command(Command::NewOrder(first)), Event::OrderExists { .. }), "as without it");
    for day in 2..=5 {
        world.days_pass(1);
        let other = NewOrder { quantity: 7.into(), ..first };
        for order in [first, other] {
            let refused = world.refused(Command::NewOrder(order));
            assert_eq!((refused, refused.number()), (DenyReason::ClOrdIdRemembered, 114), "day {day}");
        }
        let elsewhere = NewOrder { account: BETA, cl_ord_id: first.cl_ord_id, ..first };
        if day == 2 {
            world.submit(elsewhere);
        }
    }
    assert_eq!(world.core.remembered_ids(), 1);
    world.days_pass(1);
    assert_eq!(world.core.remembered_ids(), 0);
    world.submit(first);
}

#[test]
fn who_says_nothing_remembers_an_identifier_as_long_as_its_order_is_kept() {
    let mut world = World::ready();
    assert_eq!(world.core.remembers(), Remember { orders_days: 1, cash_days: 400 });
    let first = world.over("a");
    world.days_pass(2);
    assert_eq!(world.core.remembered_ids(), 0);
    world.submit(first);
}

#[test]
fn a_shorter_time_forgets_at_the_next_tick_and_a_longer_one_brings_nothing_back() {
    let mut world = World::ready();
    world.remember(30, 400);
    let first = world.over("a");
    world.days_pass(10);
    world.remember(9, 400);
    assert_eq!(world.refused(Command::NewOrder(first)), DenyReason::ClOrdIdRemembered);
    world.days_pass(0);
    world.remember(366, 400);
    world.submit(first);
}

#[test]
fn times_that_make_no_sense_are_refused_with_the_bound() {
    let mut world = World::ready();
    for (orders_days, cash_days) in [(0, 400), (367, 400), (1, 29), (1, 3_661)] {
        let refused = world.refused(Command::Remember(Remember { orders_days, cash_days }));
        assert_eq!(refused, DenyReason::BadLimit);
    }
    let Event::Denied { denial, .. } = world.last.events[0] else { panic!() };
    assert_eq!(denial.limit, Some(3_660.into()));
}

#[test]
fn a_cash_movement_is_booked_once_within_its_time_and_forgotten_behind_it() {
    let mut world = World::ready();
    world.remember(1, 30);
    assert!(matches!(world.deposit("in", "5"), Event::CashMoved { .. }));
    for _ in 0..30 {
        world.days_pass(1);
        assert_eq!(world.deposit("in", "5"), Event::CashMoveExists);
        assert!(matches!(world.deposit("in", "6"), Event::Denied { .. }), "with other content");
    }
    let before = world.encoded().len();
    world.days_pass(1);
    assert!(world.encoded().len() < before);
    assert!(matches!(world.deposit("in", "6"), Event::CashMoved { .. }));
}

/// Thousands of days of orders and cash end at the state that the first of them ended with.
#[test]
fn a_long_history_ends_at_the_size_it_had_after_its_first_days() {
    let mut world = World::ready();
    world.remember(5, 30);
    let mut sizes = Vec::new();
    for day in 0..2_000 {
        world.over(&format!("o{day:04}"));
        world.deposit(&format!("m{day:04}"), "1");
        let back = world.cash(ALPHA, CashMoveKind::Withdrawal, "1", usd(), &format!("w{day:04}"));
        assert!(matches!(back, Event::CashMoved { .. }));
        world.days_pass(1);
        if day > 40 {
            sizes.push(world.encoded().len());
        }
    }
    let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
    assert!(most - least < 64, "from {least} to {most} bytes");
    assert_eq!((world.core.remembered_ids(), world.core.retired_orders()), (4, 1_999));
}
