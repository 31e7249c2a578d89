//! Numbers of up to 28 digits, of any scale and sign, wherever a number can come in: refused or exact, never a
//! panic, and never books that do not add up.

use model::{
    Actor, Amount, CashMoveKind, Command, Decimal, Event, ExecType, ExecutionReport, Input, Instrument,
    LimitKind, Money, NewOrder, Price, Quantity, Quote, Reference, ReplaceOrder, Side,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::world::{ACME, ALPHA, BETA, FUND, World, account, amount, instrument, usd};

fn decimal() -> impl Strategy<Value = Decimal> {
    let digits = prop_oneof![
        4 => -100_000i128..100_000,
        2 => -(10i128.pow(18))..10i128.pow(18),
        2 => -(1i128 << 96) + 1..1i128 << 96,
    ];
    let scale = prop_oneof![4 => 0u32..5, 2 => 0u32..=28];
    (digits, scale).prop_map(|(digits, scale)| Decimal::from_i128_with_scale(digits, scale))
}

#[derive(Clone, Copy, Debug)]
enum Wild {
    Order(bool, Decimal, Decimal),
    Replace(Decimal, Decimal),
    Fill(Decimal, Decimal, Option<Decimal>),
    Cash(bool, Decimal),
    Limit(usize, Decimal),
    Fees(Decimal, Decimal),
    Grain(Decimal, Decimal),
    Mark(Decimal, Decimal),
    Quote(Decimal, Decimal),
    Settle,
    End,
}

fn wild() -> impl Strategy<Value = Wild> {
    prop_oneof![
        4 => (any::<bool>(), decimal(), decimal()).prop_map(|(buy, a, b)| Wild::Order(buy, a, b)),
        2 => (decimal(), decimal()).prop_map(|(a, b)| Wild::Replace(a, b)),
        4 => (decimal(), decimal(), proptest::option::weighted(0.3, decimal()))
            .prop_map(|(a, b, c)| Wild::Fill(a, b, c)),
        3 => (any::<bool>(), decimal()).prop_map(|(deposit, a)| Wild::Cash(deposit, a)),
        2 => (0usize..7, decimal()).prop_map(|(kind, a)| Wild::Limit(kind, a)),
        1 => (decimal(), decimal()).prop_map(|(a, b)| Wild::Fees(a, b)),
        1 => (decimal(), decimal()).prop_map(|(a, b)| Wild::Grain(a, b)),
        2 => (decimal(), decimal()).prop_map(|(a, b)| Wild::Mark(a, b)),
        1 => (decimal(), decimal()).prop_map(|(a, b)| Wild::Quote(a, b)),
        1 => Just(Wild::Settle),
        1 => Just(Wild::End),
    ]
}

/// The input, about the newest order where it is about one.
fn input(world: &mut World, wild: Wild, count: usize) -> Option<Input> {
    let newest = world.core.orders(BETA).last().map(|order| order.id);
    let command = match wild {
        Wild::Order(buy, quantity, limit) => {
            let side = if buy { Side::Buy } else { Side::Sell };
            let order = world.order(&format!("w{count}"), side, 1, "1");
            let (quantity, limit_price) = (Quantity::new(quantity), Some(Price::new(limit)));
            Command::NewOrder(NewOrder { account: BETA, quantity, limit_price, ..order })
        }
        Wild::Replace(quantity, limit) => {
            let Command::ReplaceOrder(replace) = world.replace_command(newest?, 1, "1") else { return None };
            let (quantity, limit_price) = (Quantity::new(quantity), Some(Price::new(limit)));
            Command::ReplaceOrder(ReplaceOrder { quantity, limit_price, ..replace })
        }
        Wild::Fill(quantity, price, commission) => {
            let report = world.said(newest?, ExecType::Trade);
            return Some(Input::ExecutionReport(ExecutionReport {
                last_quantity: Quantity::new(quantity),
                last_price: Price::new(price),
                commission: commission.map(Amount::new),
                ..report
            }));
        }
        Wild::Cash(deposit, value) => {
            let kind = if deposit { CashMoveKind::Deposit } else { CashMoveKind::Withdrawal };
            let money = Money { amount: Amount::new(value), currency: usd() };
            let reference = Reference::new(&format!("w{count}")).unwrap();
            Command::MoveCash(model::CashMove { account: BETA, kind, money, reference })
        }
        Wild::Limit(kind, value) => {
            let kind = LimitKind::ALL[kind];
            let of_fund = kind == LimitKind::MaxGrossExposure;
            let actor = if of_fund { Actor::Portfolio(FUND) } else { Actor::Account(BETA) };
            Command::SetLimit { actor, kind, currency: Some(usd()), value: Some(Amount::new(value)) }
        }
        Wild::Fees(rate, per_unit) => {
            let mut definition = account(BETA);
            definition.fees =
                model::FeeSchedule { rate_bps: Amount::new(rate), per_unit: Amount::new(per_unit) };
            Command::DefineAccount(definition)
        }
        Wild::Grain(tick, lot) => Command::DefineInstrument(Instrument {
            tick: Price::new(tick),
            lot: Quantity::new(lot),
            ..instrument(ACME)
        }),
        Wild::Mark(bid, ask) => {
            let quote = Quote { bid: Price::new(bid), ask: Price::new(ask), ..Quote::default() };
            return Some(Input::Mark { instrument: ACME, quote });
        }
        Wild::Quote(bid, ask) => {
            world.quote = Some((Price::new(bid), Price::new(ask)));
            return None;
        }
        Wild::Settle => {
            world.wait_seconds(86_400);
            return Some(Input::Tick);
        }
        Wild::End => {
            let report = world.said(newest?, ExecType::New);
            return Some(Input::ExecutionReport(report));
        }
    };
    Some(Input::command(model::Origin::default(), world.stamped(&command), command))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        rng_seed: RngSeed::Fixed(28),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_number_is_exact_or_refused(steps in proptest::collection::vec(wild(), 1..30)) {
        let mut world = World::ready();
        world.limit(Actor::Account(BETA), LimitKind::PriceBandBps, "9999");
        for (count, wild) in steps.into_iter().enumerate() {
            let Some(input) = input(&mut world, wild, count) else { continue };
            let before = world.encoded();
            let (suspense, books) = (world.core.suspense().len(), world.core.account(BETA).unwrap().ledger().clone());
            world.input(input);
            if matches!(world.last.events.first(), Some(Event::Denied { .. })) {
                prop_assert_eq!(before, world.encoded());
            }
            if world.core.suspense().len() > suspense {
                prop_assert_eq!(&books, world.core.account(BETA).unwrap().ledger());
            }
        }
    }
}

#[test]
fn what_would_lock_the_books_is_refused() {
    let mut world = World::ready();
    // 28 digits before the point leave no room for cents of anything.
    world.cash(ALPHA, CashMoveKind::Deposit, "9000000000000000000000000000", usd(), "all");
    let id = world.working("a", 1, "10");
    let report = world.execution(id, 1, "10");
    let commission = Some(amount("0.0000000000000001"));
    let alerts = world.hear(ExecutionReport { commission, ..report });
    assert_eq!(alerts, [model::AlertKind::BookingFailed, model::AlertKind::ExecutionMissing]);
    assert!(world.core.account(ALPHA).unwrap().ledger().available(actors::Asset::Cash(usd())).is_ok());
    world.cancel(id);
}
