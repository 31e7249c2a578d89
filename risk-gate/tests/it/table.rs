//! Every rule with every reason it may refuse with: what just passes, what just fails, and the two numbers.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

use model::DenyReason::{self, SessionNotReady};
use model::{
    Amount, AssetClass, Currency, Denial, FeeSchedule, Instrument, InstrumentId, Limits, OrderType, Quantity,
    Quote, SessionState, Side, Symbol, TimeInForce, Timestamp,
};
use risk_gate::{Facts, Halted, RULES, Terms, approve};

mod rows;

use rows::{TABLE, market, sell};

pub(crate) fn n<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// Buy 10 at 100 with bid 99 and ask 101: passes every rule.
fn base() -> Facts {
    let now = Timestamp::from_nanos(1_000_000_000_000);
    Facts {
        terms: Terms {
            side: Side::Buy,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Day,
            quantity: n("10"),
            limit_price: Some(n("100")),
        },
        instrument: Instrument {
            id: InstrumentId::new(1),
            symbol: Symbol::new("ACME").unwrap(),
            asset_class: AssetClass::Equity,
            currency: Currency::new("USD").unwrap(),
            tick: n("0.01"),
            lot: n("1"),
            multiplier: n("1"),
            settlement_days: 1,
        },
        limits: Limits::default(),
        fees: FeeSchedule::FREE,
        quote: Some(Quote {
            bid: n("99"),
            bid_quantity: n("1"),
            ask: n("101"),
            ask_quantity: n("1"),
            received: now,
        }),
        now,
        halted: Halted::default(),
        clock_suspect: false,
        session: SessionState::Ready,
        backlog: None,
        filled: Quantity::ZERO,
        position: Quantity::ZERO,
        open_buy: Quantity::ZERO,
        open_sell: Quantity::ZERO,
        available_cash: n("1000000"),
        gross_exposure: Amount::ZERO,
        max_gross_exposure: None,
    }
}

#[test]
fn each_rule_passes_up_to_its_limit_and_refuses_beyond_it() {
    for (index, row) in TABLE.iter().enumerate() {
        let mut case = base();
        (row.passes)(&mut case);
        assert!(
            approve(&case.by_reference()).is_ok(),
            "row {index} {}: {:?}",
            row.rule,
            approve(&case.by_reference())
        );
        let mut case = base();
        (row.fails)(&mut case);
        let numbers = row.numbers.map(|(limit, actual)| (n::<Amount>(limit), n::<Amount>(actual)));
        let expected =
            Denial { reason: row.reason, limit: numbers.map(|two| two.0), actual: numbers.map(|two| two.1) };
        assert_eq!(approve(&case.by_reference()).unwrap_err(), expected, "row {index} {}", row.rule);
    }
}

#[test]
fn the_table_names_each_rule_in_order_with_exactly_its_reasons() {
    let mut listed: Vec<(&str, Vec<DenyReason>)> = Vec::new();
    for row in TABLE {
        match listed.last_mut() {
            Some((rule, reasons)) if *rule == row.rule => {
                if !reasons.contains(&row.reason) {
                    reasons.push(row.reason);
                }
            }
            _ => listed.push((row.rule, vec![row.reason])),
        }
    }
    let rules: Vec<_> = RULES.iter().map(|rule| (rule.name, rule.reasons.to_vec())).collect();
    assert_eq!(listed, rules);
}

/// Where several rules would refuse, the earliest does.
#[test]
fn the_first_refusal_wins() {
    for row in TABLE {
        let mut case = base();
        (row.fails)(&mut case);
        case.session = SessionState::Up;
        let before = [DenyReason::Halted, DenyReason::ClockSuspect];
        let first = if before.contains(&row.reason) { row.reason } else { SessionNotReady };
        assert_eq!(approve(&case.by_reference()).unwrap_err().reason, first, "{}", row.rule);
        case.halted.strategy = true;
        assert_eq!(approve(&case.by_reference()).unwrap_err().reason, DenyReason::Halted, "{}", row.rule);
    }
}

#[test]
fn the_document_lists_the_rules_in_the_same_order() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../ARCHITECTURE.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut from = 0;
    for rule in RULES {
        let cell = format!("`{}`", rule.name);
        let Some(found) = text[from..].find(&cell) else {
            panic!("{cell} is missing in ARCHITECTURE.md, or out of order");
        };
        from += found;
    }
}

#[test]
fn what_is_approved_carries_its_reservation() {
    let mut case = base();
    case.fees = FeeSchedule { rate_bps: n("1.5"), per_unit: n("0") };
    case.filled = n("4");
    let reservation = *approve(&case.by_reference()).unwrap().reservation();
    assert_eq!((reservation.open, reservation.unit_price), (n("6"), n("100")));
    assert_eq!((reservation.notional, reservation.cash), (n("600"), n("600.09")));
    sell(&mut case, "6");
    let reservation = *approve(&case.by_reference()).unwrap().reservation();
    assert_eq!((reservation.notional, reservation.cash), (n("600"), Amount::ZERO));
    market(&mut case, Side::Sell);
    assert_eq!(approve(&case.by_reference()).unwrap().reservation().unit_price, n("99"));
}
