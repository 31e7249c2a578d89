//! What the gate approves, recomputed in plain 128-bit integers: a naive twin that shares no arithmetic with it.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use model::{
    Amount, AssetClass, Currency, Decimal, FeeSchedule, Instrument, InstrumentId, Limits, OrderType, Price,
    Quantity, Quote, SessionState, Side, Symbol, TimeInForce, Timestamp,
};
use proptest::prelude::*;
use risk_gate::{Armed, Facts, FactsRef, Halted, Terms, approve};

/// Prices in cents, quantities in tenths, amounts in cents; `None` is no limit.
#[derive(Clone, Copy, Debug)]
struct Numbers {
    buy: bool,
    limit_cents: Option<i64>,
    quantity_tenths: i64,
    filled_tenths: i64,
    bid_cents: i64,
    ask_cents: i64,
    age_ms: i64,
    band_bps: u16,
    max_quantity_tenths: Option<i64>,
    max_notional_cents: Option<i64>,
    max_position_tenths: Option<i64>,
    short_sale: bool,
    position_tenths: i64,
    open_buy_tenths: i64,
    open_sell_tenths: i64,
    cash_cents: i64,
    gross_cents: i64,
    max_gross_cents: Option<i64>,
    fee_bps: i64,
}

prop_compose! {
    fn order()(
        buy: bool,
        limit_cents in proptest::option::weighted(
            0.8, prop_oneof![9 => (1_700i64..2_400).prop_map(|ticks| ticks * 5), 1 => 8_500i64..12_000]),
        quantity_tenths in prop_oneof![9 => (0i64..60).prop_map(|lots| lots * 5), 1 => -10i64..300],
        filled_tenths in prop_oneof![3 => Just(0i64), 1 => 0i64..200],
        bid_cents in prop_oneof![1 => Just(0i64), 8 => 9_000i64..10_500],
        ask_cents in prop_oneof![1 => Just(0i64), 8 => 9_500i64..11_000],
        age_ms in prop_oneof![8 => Just(0i64), 1 => 0i64..9_000],
        band_bps in prop_oneof![Just(1000u16), 0u16..9_999],
    ) -> (bool, Option<i64>, i64, i64, i64, i64, i64, u16) {
        (buy, limit_cents, quantity_tenths, filled_tenths, bid_cents, ask_cents, age_ms, band_bps)
    }
}

prop_compose! {
    fn numbers()(
        order in order(),
        max_quantity_tenths in proptest::option::weighted(0.3, 50i64..300),
        max_notional_cents in proptest::option::weighted(0.3, 50_000i64..500_000),
        max_position_tenths in proptest::option::weighted(0.4, 50i64..500),
        short_sale: bool,
        position_tenths in -300i64..300,
        open_buy_tenths in 0i64..200,
        open_sell_tenths in 0i64..200,
        cash_cents in -1_000i64..800_000,
        gross_cents in 0i64..500_000,
        max_gross_cents in proptest::option::weighted(0.4, 100_000i64..800_000),
        fee_bps in 0i64..30,
    ) -> Numbers {
        let (buy, limit_cents, quantity_tenths, filled_tenths, bid_cents, ask_cents, age_ms, band_bps) = order;
        Numbers {
            buy, limit_cents, quantity_tenths, filled_tenths, bid_cents, ask_cents, age_ms, band_bps,
            max_quantity_tenths, max_notional_cents, max_position_tenths, short_sale, position_tenths,
            open_buy_tenths, open_sell_tenths, cash_cents, gross_cents, max_gross_cents, fee_bps,
        }
    }
}

/// Money at the scale of 10^-7: cents (2) × basis points (4) × tenths (1).
const CENT: i128 = 100_000;

/// Every invariant of an approved order; the cash it may need at worst, in 10^-7, rounded up to 10^-4.
fn naive(n: &Numbers) -> Option<i128> {
    let open = n.quantity_tenths - n.filled_tenths;
    // Lots are 0.5, ticks are 0.05.
    let well_formed = n.quantity_tenths > 0
        && n.quantity_tenths % 5 == 0
        && open > 0
        && n.limit_cents.is_none_or(|limit| limit > 0 && limit % 5 == 0);
    let (meets, other) = if n.buy { (n.ask_cents, n.bid_cents) } else { (n.bid_cents, n.ask_cents) };
    let crossed = n.ask_cents > 0 && n.bid_cents > n.ask_cents;
    let quoted = !crossed && n.age_ms <= 5_000 && (meets > 0 || (n.limit_cents.is_some() && other > 0));
    if !well_formed || !quoted {
        return None;
    }
    let reference = i128::from(if meets > 0 { meets } else { other });
    // In 10^-6.
    let sign = if n.buy { 1 } else { -1 };
    let bound = reference * (10_000 + sign * i128::from(n.band_bps));
    let worst_price = match n.limit_cents {
        None if n.buy => bound,
        None => reference * 10_000,
        Some(limit) => i128::from(limit) * 10_000,
    };
    let banded = if n.buy { worst_price <= bound } else { n.limit_cents.is_none() || worst_price >= bound };
    let notional = worst_price * i128::from(open);
    let total = worst_price * i128::from(n.quantity_tenths);
    let position = if n.buy {
        n.position_tenths + n.open_buy_tenths + open
    } else {
        -(n.position_tenths - n.open_sell_tenths - open)
    };
    let closes =
        if n.buy { n.position_tenths < 0 && position <= 0 } else { n.position_tenths > 0 && position <= 0 };
    // The fee in 10^-11, up to 10^-4, in 10^-7.
    let fee = (notional * i128::from(n.fee_bps) + 9_999_999) / 10_000_000 * 1_000;
    let cash = if n.buy { notional + fee } else { 0 };
    let sellable = n.buy || n.short_sale || open <= (n.position_tenths - n.open_sell_tenths).max(0);
    let approved = banded
        && n.max_quantity_tenths.is_none_or(|limit| n.quantity_tenths <= limit)
        && n.max_notional_cents.is_none_or(|limit| total <= i128::from(limit) * CENT)
        && n.max_position_tenths.is_none_or(|limit| position <= limit)
        && sellable
        && (cash == 0 || cash <= i128::from(n.cash_cents) * CENT)
        && n.max_gross_cents.is_none_or(|limit| {
            closes || i128::from(n.gross_cents) * CENT + notional <= i128::from(limit) * CENT
        });
    approved.then_some(cash)
}

fn price(cents: i64) -> Price {
    Price::new(Decimal::new(cents, 2))
}

fn tenths(count: i64) -> Quantity {
    Quantity::new(Decimal::new(count, 1))
}

fn cents(count: i64) -> Amount {
    Amount::new(Decimal::new(count, 2))
}

fn gate(n: &Numbers) -> Option<i128> {
    let now = Timestamp::from_nanos(1_000_000_000_000_000);
    let received = Timestamp::from_nanos(now.nanos - n.age_ms * 1_000_000);
    let instrument = Instrument {
        id: InstrumentId::new(1),
        symbol: Symbol::new("ACME").unwrap(),
        asset_class: AssetClass::Equity,
        currency: Currency::new("USD").unwrap(),
        tick: price(5),
        lot: tenths(5),
        multiplier: 1u32.into(),
        settlement_days: 1,
    };
    let limits = Limits {
        max_order_quantity: n.max_quantity_tenths.map(tenths),
        max_order_notional: n.max_notional_cents.map(cents),
        price_band_bps: n.band_bps,
        max_position: n.max_position_tenths.map(tenths),
        max_quote_age_ms: 5_000,
        short_sale: n.short_sale,
    };
    let facts = Facts {
        terms: Terms {
            side: if n.buy { Side::Buy } else { Side::Sell },
            order_type: if n.limit_cents.is_some() { OrderType::Limit } else { OrderType::Market },
            time_in_force: TimeInForce::Day,
            quantity: tenths(n.quantity_tenths),
            limit_price: n.limit_cents.map(price),
        },
        instrument,
        limits,
        fees: FeeSchedule { rate_bps: Amount::new(n.fee_bps.into()), per_unit: Amount::ZERO },
        quote: Some(Quote { bid: price(n.bid_cents), ask: price(n.ask_cents), received, ..Quote::default() }),
        now,
        halted: Halted::default(),
        clock_suspect: false,
        session: SessionState::Ready,
        backlog: None,
        filled: tenths(n.filled_tenths),
        position: tenths(n.position_tenths),
        open_buy: tenths(n.open_buy_tenths),
        open_sell: tenths(n.open_sell_tenths),
        available_cash: cents(n.cash_cents),
        gross_exposure: cents(n.gross_cents),
        max_gross_exposure: n.max_gross_cents.map(cents),
    };
    let judged = facts.by_reference();
    let approved = approve(&judged);
    // A rule that no limit arms would refuse nothing.
    assert_eq!(approve(&FactsRef { armed: Armed::ALL, ..judged }), approved);
    let approved = approved.ok()?;
    let mut cash = approved.reservation().cash.get();
    cash.rescale(7);
    Some(cash.mantissa())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]

    /// Approved exactly where every invariant holds, with exactly the cash it may need.
    #[test]
    fn the_gate_and_its_twin_agree(numbers in numbers()) {
        prop_assert_eq!(gate(&numbers), naive(&numbers));
    }
}
