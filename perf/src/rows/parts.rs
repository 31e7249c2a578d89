//! The parts that decide, alone: the gate, and the core's `apply` of a new order.

use std::hint::black_box;

use model::{Command, FeeSchedule, Instrument, Limits, OrderType, Quantity, Side, TimeInForce, Timestamp};
use risk_gate::{Facts, Halted, Terms};
use workload::{Feed, Orders};

use crate::error::PerfError;
use crate::lab::Lab;
use crate::row::{Floor, Row};
use crate::samples::Samples;
use crate::ticks::now_ns;

const RISK: &str =
    "risk_gate::approve, every rule evaluated, every limit set; the clock's own part taken off";
const ARITHMETIC: &str = "sixteen 64-bit multiplications and additions, checked, each in need of the one before and held against a limit";
const APPLY: &str = "Core::apply of a new order: gate, books, order tables; the clock's own part taken off";

pub(crate) fn risk(lab: &mut Lab) -> Result<(), PerfError> {
    let floor = arithmetic(lab)?;
    let best = lab.best_of(|| approvals(lab))?;
    lab.rows.push(Row::new("risk.all_rules", best, RISK).beside(floor));
    Ok(())
}

/// What a core takes for about as much arithmetic as the rules come to, without rules: no memory, no other core.
fn arithmetic(lab: &mut Lab) -> Result<Floor, PerfError> {
    lab.floor("arithmetic", ARITHMETIC, |lab| lab.best_of(|| sums(lab)))
}

fn sums(lab: &Lab) -> Result<Samples, PerfError> {
    let _pinned = lab.pinned();
    let mut samples = Samples::new();
    let count = lab.sized(200_000u32, 1_000_000);
    for turn in 0..count + count / 10 {
        let mut term = i64::from(turn % 900);
        let terms = [(); 16].map(|()| {
            term += 1;
            term
        });
        let start = now_ns();
        let sum = black_box(sum(black_box(&terms), black_box(i64::MAX / 2)));
        let elapsed = now_ns() - start;
        sum.ok_or_else(|| PerfError::Unexpected("a sum beyond its limit".to_owned()))?;
        if turn >= count / 10 {
            samples.record(lab.net(elapsed));
        }
    }
    Ok(samples)
}

/// Each step needs the one before.
fn sum(terms: &[i64; 16], limit: i64) -> Option<i64> {
    terms.iter().try_fold(1i64, |sum, term| {
        let next = (sum & 0xffff).checked_mul(*term)?.checked_add(sum >> 8)?;
        (next <= limit).then_some(next)
    })
}

fn approvals(lab: &Lab) -> Result<Samples, PerfError> {
    let _pinned = lab.pinned();
    let (instrument, fees, mut limits) = (workload::instrument(0)?, workload::fees(), Limits::default());
    for (kind, value) in workload::ACCOUNT_LIMITS {
        if !limits.set(kind, Some(value.into())) {
            return Err(PerfError::Unexpected(format!("{kind} cannot be {value}")));
        }
    }
    let mut samples = Samples::new();
    let count = lab.sized(200_000u32, 1_000_000);
    for turn in 0..count + count / 10 {
        let facts = facts(turn, instrument, fees, limits);
        let facts = facts.by_reference();
        let start = now_ns();
        let verdict = black_box(risk_gate::approve(black_box(&facts)));
        let elapsed = now_ns() - start;
        verdict.map_err(|denial| PerfError::Unexpected(format!("the gate refused: {denial:?}")))?;
        if turn >= count / 10 {
            samples.record(lab.net(elapsed));
        }
    }
    Ok(samples)
}

/// An account in the middle of its day; quantities and prices differ from order to order.
fn facts(turn: u32, instrument: Instrument, fees: FeeSchedule, limits: Limits) -> Facts {
    let decimal = |number: i64, scale: u32| model::Decimal::new(number, scale);
    let now = Timestamp::from_nanos(1_763_629_323_456_789_000);
    Facts {
        terms: Terms {
            side: if turn.is_multiple_of(2) { Side::Buy } else { Side::Sell },
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Day,
            quantity: Quantity::from(100 + turn % 900),
            limit_price: Some(model::Price::new(decimal(4851 + i64::from(turn % 7) - 3, 2))),
        },
        instrument,
        limits,
        fees,
        quote: Some(workload::quote(now)),
        now,
        halted: Halted::default(),
        clock_suspect: false,
        session: model::SessionState::Ready,
        backlog: None,
        filled: Quantity::ZERO,
        position: Quantity::from(12_300),
        open_buy: Quantity::from(4_500),
        open_sell: Quantity::from(1_700),
        available_cash: model::Amount::new(decimal(1_234_567_891_234, 4)),
        gross_exposure: model::Amount::new(decimal(98_765_432_109, 2)),
        max_gross_exposure: Some(model::Amount::new(decimal(10_000_000_000_000, 2))),
    }
}

pub(crate) fn apply(lab: &mut Lab) -> Result<(), PerfError> {
    let best = lab.best_of(|| applications(lab))?;
    lab.rows.push(Row::new("core.apply.new_order", best, APPLY));
    Ok(())
}

fn applications(lab: &Lab) -> Result<Samples, PerfError> {
    let _pinned = lab.pinned();
    let mut feed = Feed::ready(workload::ACCOUNTS)?;
    let mut orders = Orders::default();
    let mut samples = Samples::new();
    let count = lab.sized(100_000u32, 400_000);
    for turn in 0..count + 20_000 {
        let order = orders.next();
        let input = workload::asked(Command::NewOrder(order), feed.time);
        let stamp = feed.stamp();
        feed.outcome.clear();
        let start = now_ns();
        feed.core.apply(stamp, black_box(&input), &mut feed.outcome);
        let elapsed = now_ns() - start;
        if feed.outcome.outbound.is_empty() {
            return Err(PerfError::Unexpected(format!("denied: {:?}", feed.outcome.events)));
        }
        if turn >= 20_000 {
            samples.record(lab.net(elapsed));
        }
    }
    Ok(samples)
}
