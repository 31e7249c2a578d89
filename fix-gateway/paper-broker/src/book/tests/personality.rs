//! Latency, chance and moods.

use super::*;
use crate::config::Mode;
use crate::words::OrdStatus;

const MS: i64 = 1_000_000;

fn late() -> Personality {
    Personality { ack_latency_min_us: 1_000, ack_latency_max_us: 5_000, ..Personality::default() }
}

#[test]
fn answers_take_their_time_and_keep_their_order() {
    let mut bench = Bench::new(&late());
    bench.quote("99", "100", "100", "100");
    bench.order("A", Side::Buy, Tif::Day, "100", Some("50"));
    // Whatever the chance for each is: the cancel must not overtake the order.
    bench.change("X", "A", Side::Buy, None);
    assert!(bench.said.is_empty());
    assert_eq!(bench.status("A").ord_status, OrdStatus::PendingNew);
    let due = bench.book.next_due_ns().unwrap();
    assert!((MS..=5 * MS).contains(&due), "{due}");
    bench.settle(5 * MS);
    assert_eq!(bench.story()[1..], ["accepted A 0/100 New", "canceled X 0/100 Canceled"]);
}

#[test]
fn reports_of_one_order_leave_in_order() {
    let personality =
        Personality { fill_latency_min_us: 1, fill_latency_max_us: 9_000, split_probability: 1.0, ..late() };
    let mut bench = Bench::new(&personality);
    for n in 0..50 {
        bench.quote("99", "100", "100", "100");
        bench.order(&format!("A{n}"), Side::Buy, Tif::Ioc, "200", None);
        bench.settle(10 * MS);
    }
    for n in 0..50 {
        let id = format!("A{n}");
        let of_it = |outgoing: &&Outgoing| outgoing.entry.report().is_some_and(|r| r.cl_ord_id == id);
        let leaving: Vec<i64> = bench.said.iter().filter(of_it).map(|outgoing| outgoing.leave_ns).collect();
        // accepted, two halves of a fill, cancelled
        assert_eq!(leaving.len(), 4);
        assert!(leaving.is_sorted(), "{leaving:?}");
    }
}

#[test]
fn split_fills_add_up() {
    let mut bench = Bench::new(&Personality { split_probability: 1.0, ..Personality::default() });
    bench.quote("99", "100", "100", "7");
    bench.order("A", Side::Buy, Tif::Day, "7", None);
    bench.quote("99", "100", "100", "1");
    bench.order("B", Side::Buy, Tif::Day, "1", None);
    bench.quote("99", "100", "100", "0.003");
    bench.order("C", Side::Buy, Tif::Day, "0.003", None);
    assert_eq!(
        bench.story(),
        [
            "accepted A 0/7 New",
            "fill 3@100 A 3/7 PartiallyFilled",
            "fill 4@100 A 7/7 Filled",
            "accepted B 0/1 New",
            "fill 1@100 B 1/1 Filled",
            "accepted C 0/0.003 New",
            "fill 0.001@100 C 0.001/0.003 PartiallyFilled",
            "fill 0.002@100 C 0.003/0.003 Filled",
        ]
    );
}

#[test]
fn reports_come_twice_with_the_same_exec_id() {
    let mut bench = Bench::new(&Personality { repeat_probability: 1.0, ..Personality::default() });
    bench.quote("99", "100", "100", "7");
    bench.order("A", Side::Buy, Tif::Day, "7", None);
    let ids: Vec<&str> =
        bench.said.iter().map(|outgoing| outgoing.entry.report().unwrap().exec_id.as_str()).collect();
    assert_eq!(ids.len(), 4);
    assert_eq!((ids[0], ids[2]), (ids[1], ids[3]));
    assert_ne!(ids[0], ids[2]);
    assert!(matches!(bench.said[1].entry, Entry::Repeated(_)));
    assert_eq!(bench.book.counts().fills, 1);
}

#[test]
fn the_broker_cancels_unasked_what_still_works() {
    let personality = Personality {
        unsolicited_cancel_probability: 1.0,
        unsolicited_cancel_after_us: 1_000,
        ..Personality::default()
    };
    let mut bench = Bench::new(&personality);
    bench.quote("99", "100", "100", "7");
    bench.order("A", Side::Buy, Tif::Day, "7", None);
    bench.order("B", Side::Buy, Tif::Day, "7", None);
    bench.settle(MS);
    let tail = bench.story().split_off(2);
    assert_eq!(tail, ["accepted B 0/7 New", "canceled B 0/7 Canceled"]);
    let report = bench.said.last().unwrap().entry.report().unwrap();
    assert_eq!((report.cl_ord_id.as_str(), report.orig_cl_ord_id.as_deref()), ("B", None));
}

#[test]
fn a_broker_that_rejects_everything() {
    let mut bench = Bench::new(&Personality { mode: Mode::RejectEverything, ..Personality::default() });
    bench.order("A", Side::Buy, Tif::Day, "7", None);
    bench.change("X", "A", Side::Buy, None);
    assert_eq!(bench.story(), ["rejected A 0", "refused X 2"]);
}

#[test]
fn chance_rejects_the_same_orders_in_whatever_order_they_come() {
    let personality =
        Personality { reject_probability: 0.5, cancel_reject_probability: 0.5, ..Personality::default() };
    let run = |ids: Vec<u32>| {
        let mut bench = Bench::new(&personality);
        for n in ids {
            bench.order(&format!("A{n}"), Side::Buy, Tif::Day, "7", Some("1"));
            bench.change(&format!("X{n}"), &format!("A{n}"), Side::Buy, None);
        }
        let mut story = bench.story();
        story.sort();
        story
    };
    let story = run((0..100).collect());
    assert_eq!(story, run((0..100).rev().collect()));
    assert!(story.iter().filter(|line| line.starts_with("rejected")).count() > 30);
    assert!(story.iter().filter(|line| line.ends_with(" 2")).count() > 10);
}
