//! Any history: what always holds, and that the log read back gives the same book.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::words::{ExecType, OrdStatus};

#[derive(Clone, Debug)]
enum Step {
    Quote(u8, u8, u8, u8),
    Order { buy: bool, tif: u8, qty: u8, price: Option<u8> },
    Cancel(u8),
    Replace(u8, u8, u8),
    Wait(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (90..110_u8, 0..9_u8, 90..110_u8, 0..9_u8).prop_map(|(b, bq, a, aq)| Step::Quote(b, bq, a, aq)),
        4 => (any::<bool>(), 0..4_u8, 0..20_u8, proptest::option::of(88..112_u8))
            .prop_map(|(buy, tif, qty, price)| Step::Order { buy, tif, qty, price }),
        1 => any::<u8>().prop_map(Step::Cancel),
        2 => (any::<u8>(), 0..30_u8, 88..112_u8).prop_map(|(order, qty, price)| Step::Replace(order, qty, price)),
        2 => (0..3_000_u16).prop_map(Step::Wait),
    ]
}

fn personality() -> impl Strategy<Value = Personality> {
    (any::<u64>(), 0..3_000_u64, 0..3_000_u64, any::<bool>()).prop_map(|(seed, ack, fill, moody)| {
        Personality {
            seed,
            ack_latency_max_us: ack,
            fill_latency_max_us: fill,
            reject_probability: 0.1,
            cancel_reject_probability: 0.1,
            split_probability: 0.3,
            repeat_probability: if moody { 0.2 } else { 0.0 },
            unsolicited_cancel_probability: if moody { 0.1 } else { 0.0 },
            day_end_after_ms: moody.then_some(20),
            ..Personality::default()
        }
    })
}

fn play(bench: &mut Bench, steps: &[Step]) {
    for (n, step) in steps.iter().enumerate() {
        let orders: Vec<(String, Side)> =
            bench.book.orders.iter().map(|order| (order.cl_ord_id.clone(), order.side)).collect();
        let pick = |index: u8| orders.get(usize::from(index) % orders.len().max(1)).cloned();
        match *step {
            Step::Quote(bid, bid_qty, ask, ask_qty) => {
                bench.quote(&bid.to_string(), &bid_qty.to_string(), &ask.to_string(), &ask_qty.to_string());
            }
            Step::Order { buy, tif, qty, price } => {
                let tif = [Tif::Day, Tif::Gtc, Tif::Ioc, Tif::Fok][usize::from(tif)];
                let side = if buy { Side::Buy } else { Side::Sell };
                let price = price.map(|price| price.to_string());
                bench.order(&format!("N{n}"), side, tif, &qty.to_string(), price.as_deref());
            }
            Step::Cancel(index) => {
                if let Some((id, side)) = pick(index) {
                    bench.change(&format!("C{n}"), &id, side, None);
                }
            }
            Step::Replace(index, qty, price) => {
                if let Some((id, side)) = pick(index) {
                    let (qty, price) = (qty.to_string(), price.to_string());
                    bench.change(&format!("R{n}"), &id, side, Some((&qty, Some(&price))));
                }
            }
            Step::Wait(us) => bench.settle(i64::from(us) * 1_000),
        }
    }
}

/// What must hold in any log, found out from its lines alone.
fn check(log: &[Entry]) {
    let mut cum: HashMap<String, Decimal> = HashMap::new();
    let mut exec_ids = HashSet::new();
    let mut finished = HashSet::new();
    for entry in log {
        let Some(report) = entry.report() else { continue };
        if matches!(entry, Entry::Repeated(_)) {
            assert!(exec_ids.contains(&report.exec_id));
            continue;
        }
        assert!(exec_ids.insert(report.exec_id.clone()), "an ExecID twice");
        if report.exec_type == ExecType::OrderStatus {
            continue;
        }
        assert!(!finished.contains(&report.order_id), "a report after the end: {report:?}");
        let sum = cum.entry(report.order_id.clone()).or_default();
        if let Entry::Fill(_) = entry {
            assert!(report.last_qty > Decimal::ZERO && report.last_px > Decimal::ZERO);
            *sum += report.last_qty;
            if let (Some(limit), Some(side)) = (report.price, report.side) {
                let beyond = if side == Side::Buy { report.last_px > limit } else { report.last_px < limit };
                assert!(!beyond, "beyond the limit: {report:?}");
            }
        }
        assert_eq!(report.cum_qty, *sum, "{report:?}");
        assert!(report.cum_qty <= report.qty || report.ord_status == OrdStatus::Rejected);
        if report.ord_status.is_final() {
            assert_eq!(report.leaves_qty, Decimal::ZERO);
            assert_eq!(
                report.ord_status == OrdStatus::Filled,
                report.cum_qty == report.qty && report.qty > Decimal::ZERO
            );
            finished.insert(report.order_id.clone());
        } else {
            assert_eq!(report.cum_qty + report.leaves_qty, report.qty);
        }
    }
}

fn picture(bench: &Bench) -> Vec<String> {
    let order = |o: &super::super::order::Order| {
        format!(
            "{} {} {:?} {:?} {} {:?} {} {} {:?}",
            o.order_id,
            o.cl_ord_id,
            o.orig_cl_ord_id,
            o.status,
            o.qty,
            o.price,
            o.cum_qty,
            o.avg_px(),
            o.key.is_some()
        )
    };
    let mut picture: Vec<String> = bench.book.orders.iter().map(order).collect();
    picture.push(format!("{:?}", bench.book.counts()));
    picture
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400, rng_seed: proptest::test_runner::RngSeed::Fixed(20_131_007), failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn fills_add_up_and_nothing_follows_an_end(p in personality(), steps in proptest::collection::vec(step(), 1..60)) {
        let mut bench = Bench::new(&p);
        play(&mut bench, &steps);
        bench.settle(100_000_000);
        check(&bench.log);
    }

    #[test]
    fn the_log_read_back_gives_the_same_book(p in personality(), steps in proptest::collection::vec(step(), 1..60)) {
        let mut bench = Bench::new(&p);
        play(&mut bench, &steps);
        // Without what is planned but not said: that the restarted broker does anew, at once.
        bench.settle(100_000_000);
        let calm = Personality { unsolicited_cancel_probability: 0.0, day_end_after_ms: None, ..p };
        prop_assert_eq!(picture(&bench), picture(&bench.restarted(&calm)));
    }

    /// Killed after any line: the restarted broker goes on, and the two runs together keep every promise.
    #[test]
    fn a_kill_after_any_line_breaks_no_promise(
        p in personality(), steps in proptest::collection::vec(step(), 1..40),
        more in proptest::collection::vec(step(), 1..20), cut in any::<prop::sample::Index>(),
    ) {
        let mut bench = Bench::new(&p);
        play(&mut bench, &steps);
        bench.log.truncate(cut.index(bench.log.len() + 1));
        let mut second = bench.restarted(&p);
        // Identifiers must be new in the second run, too.
        let padding = vec![Step::Wait(1); steps.len()];
        play(&mut second, &[padding, more].concat());
        second.settle(100_000_000);
        let mut whole = bench.log.clone();
        whole.extend(second.log.iter().cloned());
        check(&whole);
        let unanswered = whole.iter().filter(|entry| matches!(entry, Entry::ReceivedNew(_))).count();
        let answered = whole.iter().filter(|e| matches!(e, Entry::Accepted(_) | Entry::Rejected(_))).count();
        prop_assert_eq!(unanswered, answered);
    }
}
