//! The tables against plain maps.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use model::{Certainty, ClOrdId, OrdStatus, OrderType, Quantity, Side, Text, TimeInForce, Timestamp};
use model::{InstrumentId, SessionId, StrategyId};
use model::{PendingKind, Price};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use risk_gate::Reservation;

use super::*;
use crate::executions::Executions;
use crate::store::growth::Spare;

fn id(seq: u64) -> OrderId {
    WireId { seq, incarnation: 1, shard: 0 }
}

fn name(number: u64) -> ClOrdId {
    ClOrdId::new(&alloc::format!("N{number}")).unwrap()
}

fn order(seq: u64, account: u32, number: u64) -> Order {
    Order {
        id: id(seq),
        account: AccountId::new(account),
        strategy: StrategyId::new(0),
        cl_ord_id: name(number),
        instrument: InstrumentId::new(0),
        session: SessionId::new(0),
        side: Side::Buy,
        order_type: OrderType::Market,
        time_in_force: TimeInForce::Day,
        submitted_quantity: 1u32.into(),
        submitted_price: None,
        quantity: 1u32.into(),
        limit_price: None,
        cum_quantity: Quantity::ZERO,
        cum_notional: model::Amount::ZERO,
        status: OrdStatus::New,
        pending: None,
        certainty: Certainty::Certain,
        wire_id: id(seq),
        broker_order_id: Text::EMPTY,
        reservation: Reservation::NONE,
        unit_price: Price::ZERO,
        created: Timestamp::default(),
        updated: Timestamp::default(),
        unexplained: None,
    }
}

/// The naive twin: maps by value, lists as vectors.
#[derive(Default)]
struct Twin {
    orders: BTreeMap<OrderId, Order>,
    finished: Vec<OrderId>,
    requests: BTreeMap<WireId, OrderId>,
}

impl Twin {
    fn named(&self, account: u32, name: &ClOrdId) -> Option<&Order> {
        self.orders.values().find(|order| order.account.index == account && order.cl_ord_id == *name)
    }

    fn retire(&mut self) {
        if self.finished.is_empty() {
            return;
        }
        let gone = self.finished.remove(0);
        self.orders.remove(&gone);
        self.requests.retain(|_, order| *order != gone);
    }
}

fn check(orders: &Orders, twin: &Twin, last: u64) {
    for seq in 1..=last {
        let expected = twin.orders.get(&id(seq)).copied();
        assert_eq!(orders.get(id(seq)), expected, "{seq}");
        let about = expected.or_else(|| twin.orders.get(twin.requests.get(&id(seq))?).copied());
        assert_eq!(orders.about(id(seq)), about, "{seq}");
        assert_eq!(orders.get(WireId { incarnation: 2, ..id(seq) }), None);
    }
    for account in 0..3 {
        for number in 0..12 {
            let found = orders.named(AccountId::new(account), &name(number));
            assert_eq!(found, twin.named(account, &name(number)).copied());
        }
        let of_account = |order: &Order| order.account.index == account;
        let is_open = |order: &Order| of_account(order) && !order.is_finished();
        let open: Vec<_> = twin.orders.values().copied().filter(is_open).collect();
        assert_eq!(orders.open(AccountId::new(account)).collect::<Vec<_>>(), open);
        let finished: Vec<_> =
            twin.finished.iter().filter_map(|id| twin.orders.get(id).copied()).filter(of_account).collect();
        assert_eq!(orders.finished(AccountId::new(account)).collect::<Vec<_>>(), finished);
    }
    assert_eq!(orders.first_finished().map(|order| order.id), twin.finished.first().copied());
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200, rng_seed: RngSeed::Fixed(17), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn any_history_leads_to_what_plain_maps_hold(
        steps in proptest::collection::vec((0u8..9, 0u32..3, 0u64..12, any::<prop::sample::Index>()), 1..400),
    ) {
        let (mut orders, mut twin) = (Orders::default(), Twin::default());
        let mut last = 0;
        for (kind, account, number, chosen) in steps {
            last += 1;
            if kind % 3 == 0
                && let Some(want) = orders.wants()
            {
                crate::Provision::new(want).give(&mut orders, &mut Executions::default(), &mut Spare::default());
            }
            let known: Vec<OrderId> = twin.orders.keys().copied().collect();
            let one = (!known.is_empty()).then(|| *chosen.get(&known));
            match (kind, one) {
                (0..=3, _) if twin.named(account, &name(number)).is_none() => {
                    let order = order(last, account, number);
                    orders.add(&order);
                    twin.orders.insert(order.id, order);
                }
                // Finished, told of again after the end, or (what no broker should do) working again.
                (4..=6, Some(one)) => {
                    let order = twin.orders.get_mut(&one).unwrap();
                    order.status = if kind == 6 { OrdStatus::New } else { OrdStatus::Canceled };
                    order.updated = Timestamp::from_nanos(last.cast_signed());
                    let reopened = kind == 6 && twin.finished.contains(&one);
                    twin.finished.retain(|other| *other != one);
                    if kind != 6 {
                        twin.finished.push(one);
                    }
                    if reopened {
                        // It would stand last among the open ones; the twin lists them by age.
                        order.status = OrdStatus::Canceled;
                        twin.finished.push(one);
                    }
                    // Sometimes with other terms, sometimes with the same again: what is kept aside comes and stays.
                    if number % 3 == 0 {
                        order.quantity = (u32::try_from(number).unwrap() + 1).into();
                        order.limit_price = (number > 6).then(|| Price::from(7));
                        order.wire_id = id(last);
                    }
                    let order = *order;
                    orders.change(&order);
                }
                (7, Some(one)) => {
                    let kind = if last % 2 == 0 { PendingKind::Replace } else { PendingKind::Cancel };
                    let (quantity, unit_price) = (Quantity::ZERO, Price::ZERO);
                    let pending =
                        Pending { request: id(last), kind, quantity, limit_price: None, unit_price };
                    orders.note_request(&pending, one);
                    let asked = orders.asked_by(id(last));
                    assert_eq!(asked, (kind == PendingKind::Replace).then_some(pending));
                    twin.requests.insert(id(last), one);
                }
                (8, _) => {
                    orders.retire_first();
                    twin.retire();
                }
                _ => {}
            }
        }
        check(&orders, &twin, last);
        prop_assert_eq!(orders.requests.len(), twin.requests.len());
        prop_assert_eq!(orders.pages.in_use(), twin.orders.len() + twin.requests.len());

        // Read back it is the same, and goes on the same.
        let bytes = borsh::to_vec(&orders).unwrap();
        let mut again = Orders::read(Orders::VERSION, &mut bytes.as_slice()).unwrap();
        prop_assert!(again == orders);
        prop_assert_eq!(borsh::to_vec(&again).unwrap(), bytes);
        while !twin.finished.is_empty() {
            again.retire_first();
            orders.retire_first();
            twin.retire();
            check(&again, &twin, last);
            prop_assert_eq!(borsh::to_vec(&again).unwrap(), borsh::to_vec(&orders).unwrap());
        }
        let (used, vacant) = orders.cells.counts();
        prop_assert_eq!(vacant + twin.orders.len(), used);
    }
}

#[test]
fn an_order_that_does_not_belong_where_it_stands_is_not_read() {
    let mut orders = Orders::default();
    orders.add(&order(1, 0, 0));
    let bytes = borsh::to_vec(&orders).unwrap();
    let mut twice = bytes.clone();
    // retired, then the number of open orders.
    twice[8] = 2;
    let at = 16;
    let one = bytes[at..bytes.len() - 12].to_vec();
    twice.splice(at..at, one);
    assert!(Orders::read(Orders::VERSION, &mut twice.as_slice()).is_err());
}
