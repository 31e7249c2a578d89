//! Every time in force, order type, replace and cancel path.

use super::*;
use crate::words::{ExecType, OrdStatus};

#[test]
fn a_limit_order_takes_what_is_shown_and_rests() {
    let mut bench = Bench::normal();
    bench.quote("99", "100", "100", "300");
    bench.order("A", Side::Buy, Tif::Day, "500", Some("100.5"));
    bench.quote("99", "100", "101", "900");
    bench.quote("99", "100", "100.5", "150");
    bench.quote("99", "100", "100", "900");
    assert_eq!(
        bench.story(),
        [
            "accepted A 0/500 New",
            "fill 300@100 A 300/500 PartiallyFilled",
            "fill 150@100.5 A 450/500 PartiallyFilled",
            "fill 50@100 A 500/500 Filled",
        ]
    );
    let last = bench.status("A");
    assert_eq!((last.leaves_qty, last.avg_px), (dec("0"), dec("100.15")));
}

#[test]
fn a_sell_meets_the_bid() {
    let mut bench = Bench::normal();
    bench.quote("99", "100", "100", "300");
    bench.order("A", Side::Sell, Tif::Gtc, "150", Some("99"));
    bench.quote("98.99", "100", "100", "300");
    bench.quote("99.5", "100", "100", "300");
    assert_eq!(
        bench.story(),
        ["accepted A 0/150 New", "fill 100@99 A 100/150 PartiallyFilled", "fill 50@99.5 A 150/150 Filled"]
    );
}

#[test]
fn a_market_order_fills_on_following_quotes() {
    let mut bench = Bench::normal();
    bench.order("A", Side::Buy, Tif::Day, "150", None);
    bench.quote("", "", "", "");
    bench.quote("99", "100", "100", "100");
    bench.quote("99", "100", "110", "100");
    assert_eq!(
        bench.story(),
        ["accepted A 0/150 New", "fill 100@100 A 100/150 PartiallyFilled", "fill 50@110 A 150/150 Filled"]
    );
}

#[test]
fn immediate_or_cancel_takes_what_it_gets() {
    let mut bench = Bench::normal();
    bench.quote("99", "100", "100", "100");
    bench.order("A", Side::Buy, Tif::Ioc, "150", Some("100"));
    bench.order("B", Side::Buy, Tif::Ioc, "10", None);
    bench.quote("99", "100", "100", "100");
    bench.order("C", Side::Buy, Tif::Ioc, "10", Some("99"));
    bench.order("D", Side::Buy, Tif::Ioc, "10", None);
    assert_eq!(
        bench.story(),
        [
            "accepted A 0/150 New",
            "fill 100@100 A 100/150 PartiallyFilled",
            "canceled A 100/150 Canceled",
            "accepted B 0/10 New",
            "canceled B 0/10 Canceled",
            "accepted C 0/10 New",
            "canceled C 0/10 Canceled",
            "accepted D 0/10 New",
            "fill 10@100 D 10/10 Filled",
        ]
    );
}

#[test]
fn fill_or_kill_is_all_or_nothing() {
    let mut bench = Bench::normal();
    bench.quote("99", "100", "100", "100");
    bench.order("A", Side::Buy, Tif::Fok, "101", Some("100"));
    bench.order("B", Side::Buy, Tif::Fok, "100", Some("99.9"));
    bench.order("C", Side::Buy, Tif::Fok, "100", Some("100"));
    assert_eq!(
        bench.story(),
        [
            "accepted A 0/101 New",
            "canceled A 0/101 Canceled",
            "accepted B 0/100 New",
            "canceled B 0/100 Canceled",
            "accepted C 0/100 New",
            "fill 100@100 C 100/100 Filled",
        ]
    );
}

#[test]
fn the_displayed_size_is_taken_once_and_in_turn() {
    let mut bench = Bench::normal();
    for (id, price) in [("A", Some("100")), ("B", Some("101")), ("C", Some("101")), ("M", None)] {
        bench.order(id, Side::Buy, Tif::Day, "100", price);
    }
    bench.quote("99", "100", "100", "350");
    bench.order("D", Side::Buy, Tif::Day, "10", Some("100"));
    let fills: Vec<String> = bench.story().into_iter().filter(|line| line.starts_with("fill")).collect();
    assert_eq!(
        fills,
        [
            "fill 100@100 M 100/100 Filled",
            "fill 100@100 B 100/100 Filled",
            "fill 100@100 C 100/100 Filled",
            "fill 50@100 A 50/100 PartiallyFilled",
        ]
    );
}

#[test]
fn bad_orders_are_rejected_with_their_reason() {
    let mut bench = Bench::normal();
    bench.order("A", Side::Buy, Tif::Day, "0", Some("1"));
    bench.order("B", Side::Buy, Tif::Day, "-1", Some("1"));
    bench.order("C", Side::Buy, Tif::Day, "1", Some("0"));
    bench.order("D", Side::Buy, Tif::Day, "99999999999", None);
    bench.order("E", Side::Buy, Tif::Day, "0.0000000000000000001", None);
    let mut unknown = bench.log.iter().find_map(|entry| match entry {
        Entry::ReceivedNew(new) => Some(new.clone()),
        _ => None,
    });
    let unknown = unknown.as_mut().unwrap();
    (unknown.symbol, unknown.cl_ord_id) = ("XYZ".to_owned(), "F".to_owned());
    bench.send(Request::New(unknown.clone()));
    assert_eq!(
        bench.story(),
        ["rejected A 13", "rejected B 13", "rejected C 99", "rejected D 13", "rejected E 13", "rejected F 1"]
    );
    assert_eq!(bench.status("A").ord_status, OrdStatus::Rejected);
}

#[test]
fn cancels() {
    let mut bench = Bench::normal();
    bench.order("A", Side::Buy, Tif::Day, "100", Some("50"));
    bench.change("X1", "A", Side::Sell, None);
    bench.change("X2", "A", Side::Buy, None);
    bench.change("X3", "A", Side::Buy, None);
    bench.change("X4", "nobody", Side::Buy, None);
    bench.quote("1", "100", "2", "100");
    assert_eq!(
        bench.story(),
        [
            "accepted A 0/100 New",
            "refused X1 99",
            "canceled X2 0/100 Canceled",
            "refused X3 0",
            "refused X4 1"
        ]
    );
    let report = bench.status("A");
    assert_eq!((report.cl_ord_id.as_str(), report.orig_cl_ord_id.as_deref()), ("X2", Some("A")));
    assert_eq!(report.leaves_qty, dec("0"));
}

#[test]
fn replaces() {
    let mut bench = Bench::normal();
    bench.quote("99", "100", "100", "100");
    bench.order("A", Side::Buy, Tif::Day, "300", Some("100"));
    bench.change("R1", "A", Side::Buy, Some(("100", Some("100"))));
    bench.change("R2", "A", Side::Buy, Some(("200", Some("98"))));
    bench.change("R3", "A", Side::Buy, Some(("250", Some("98"))));
    bench.change("R4", "R2", Side::Buy, Some(("250", None)));
    bench.quote("99", "100", "98.5", "100");
    bench.change("R5", "R2", Side::Buy, Some(("180", Some("98.5"))));
    assert_eq!(
        bench.story(),
        [
            "accepted A 0/300 New",
            "fill 100@100 A 100/300 PartiallyFilled",
            "refused R1 99",
            "replaced R2 100/200 PartiallyFilled",
            "refused R3 99",
            "refused R4 99",
            "replaced R5 100/180 PartiallyFilled",
            "fill 80@98.5 R5 180/180 Filled",
        ]
    );
    // Any identifier the order ever had leads to it, those of refused requests included.
    for id in ["A", "R1", "R2", "R3", "R4", "R5"] {
        let report = bench.status(id);
        assert_eq!((report.cl_ord_id.as_str(), report.orig_cl_ord_id.as_deref()), ("R5", Some("R2")), "{id}");
    }
}

#[test]
fn an_identifier_is_taken_once() {
    let mut bench = Bench::normal();
    bench.order("A", Side::Buy, Tif::Day, "100", Some("50"));
    bench.order("A", Side::Buy, Tif::Day, "100", Some("50"));
    bench.change("A", "A", Side::Buy, None);
    bench.change("X", "A", Side::Buy, None);
    bench.change("X", "A", Side::Buy, None);
    bench.order("X", Side::Buy, Tif::Day, "100", Some("50"));
    assert_eq!(
        bench.story(),
        [
            "accepted A 0/100 New",
            "duplicate A 6",
            "duplicate request A",
            "canceled X 0/100 Canceled",
            "duplicate request X",
            "duplicate X 6",
        ]
    );
    let counts = bench.book.counts();
    assert_eq!((counts.orders, counts.duplicate_orders, counts.duplicate_requests), (1, 2, 2));
}

#[test]
fn the_same_message_delivered_again_is_no_duplicate() {
    let mut bench = Bench::normal();
    bench.order("A", Side::Buy, Tif::Day, "100", Some("50"));
    let again = |bench: &Bench, msg_seq_num: u64| {
        let Some(Entry::ReceivedNew(new)) = bench.log.first().cloned() else { panic!() };
        let received = Received { poss_dup: true, msg_seq_num, ..new.received.clone() };
        Request::New(NewOrder { received, ..new })
    };
    bench.send(again(&bench, 1));
    assert_eq!(bench.story(), ["accepted A 0/100 New"]);
    bench.send(again(&bench, 2));
    assert_eq!(bench.story(), ["accepted A 0/100 New", "duplicate A 6"]);
}

#[test]
fn an_unknown_order_has_a_status_too() {
    let mut bench = Bench::normal();
    let report = bench.status("nobody");
    assert_eq!(report.exec_type, ExecType::OrderStatus);
    assert_eq!((report.ord_status, report.ord_rej_reason), (OrdStatus::Rejected, Some(5)));
}

#[test]
fn day_orders_expire_each_day() {
    let personality = Personality { day_end_after_ms: Some(1_000), ..Personality::default() };
    let mut bench = Bench::new(&personality);
    bench.order("A", Side::Buy, Tif::Day, "100", Some("50"));
    bench.order("G", Side::Buy, Tif::Gtc, "100", Some("50"));
    bench.settle(999_999_999);
    assert_eq!(bench.story().len(), 2);
    bench.settle(1);
    bench.order("B", Side::Buy, Tif::Day, "100", None);
    bench.settle(5_000_000_000);
    assert_eq!(
        bench.story(),
        [
            "accepted A 0/100 New",
            "accepted G 0/100 New",
            "expired A 0/100 Expired",
            "accepted B 0/100 New",
            "expired B 0/100 Expired",
        ]
    );
}
