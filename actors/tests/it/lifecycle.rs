//! From submission to the end: FIX 4.4 appendix D, without cancel or replace requests.

use model::{AlertKind, Certainty, ExecType, ExecutionReport, OrdStatus, OrderType, Side, TimeInForce};

use crate::world::{ACME, ALPHA, World, amount, price, units};

#[test]
fn an_order_is_filled_in_parts() {
    let mut world = World::ready();
    let id = world.buy("a", 100, "10");
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::PendingNew, amount("1000")));
    assert!(world.report(id, ExecType::PendingNew).is_empty());
    assert_eq!(world.status(id), OrdStatus::PendingNew);
    assert!(world.report(id, ExecType::New).is_empty());
    assert_eq!(world.status(id), OrdStatus::New);
    assert!(world.fill(id, 20, "9.99").is_empty());
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::PartiallyFilled, amount("800")));
    assert_eq!(world.at(id).leaves_quantity(), units(80));
    assert!(world.fill(id, 80, "9.98").is_empty());
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::Filled, amount("0")));
    assert_eq!(world.position(), units(100));
    assert_eq!(world.holding(ALPHA, ACME).cost, amount("998.2"));
    assert_eq!(world.at(id).average_price(&crate::world::instrument(ACME)), Some(price("9.982")));
    assert_eq!(world.core.open_orders(ALPHA).count(), 0);
}

#[test]
fn a_rejected_order_frees_everything() {
    let mut world = World::ready();
    for acknowledged in [false, true] {
        let id = world.buy(if acknowledged { "b" } else { "a" }, 100, "10");
        if acknowledged {
            world.report(id, ExecType::New);
        }
        assert!(world.report(id, ExecType::Rejected).is_empty());
        assert_eq!((world.status(id), world.reserved()), (OrdStatus::Rejected, amount("0")));
    }
}

#[test]
fn an_order_expires_after_a_partial_fill() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    world.fill(id, 30, "10");
    assert!(world.report(id, ExecType::Expired).is_empty());
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::Expired, amount("0")));
    assert_eq!(world.at(id).cum_quantity, units(30));
}

#[test]
fn done_for_day_keeps_the_reservation_and_comes_back() {
    let mut world = World::ready();
    let mut order = world.order("a", Side::Buy, 100, "10");
    order.time_in_force = TimeInForce::GoodTillCancel;
    let id = world.submit(order);
    world.report(id, ExecType::New);
    assert!(world.report(id, ExecType::DoneForDay).is_empty());
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::DoneForDay, amount("1000")));
    world.fill(id, 40, "10");
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::PartiallyFilled, amount("600")));
}

#[test]
fn the_rest_of_an_immediate_order_is_cancelled_without_alarm() {
    for time_in_force in [TimeInForce::ImmediateOrCancel, TimeInForce::FillOrKill] {
        let mut world = World::ready();
        let order = crate::world::World::order(&world, "a", Side::Buy, 100, "10");
        let id = world.submit(model::NewOrder { time_in_force, ..order });
        world.report(id, ExecType::New);
        if time_in_force == TimeInForce::ImmediateOrCancel {
            world.fill(id, 40, "10");
        }
        assert!(world.report(id, ExecType::Canceled).is_empty());
        assert_eq!((world.status(id), world.reserved()), (OrdStatus::Canceled, amount("0")));
    }
}

#[test]
fn what_a_broker_says_of_a_finished_order_changes_nothing() {
    let mut world = World::ready();
    let filled = world.working("a", 10, "10");
    world.fill(filled, 10, "10");
    let rejected = world.buy("b", 10, "10");
    world.report(rejected, ExecType::Rejected);
    for id in [filled, rejected] {
        for exec_type in [
            ExecType::PendingNew,
            ExecType::New,
            ExecType::Rejected,
            ExecType::Expired,
            ExecType::DoneForDay,
            ExecType::Canceled,
        ] {
            let before = world.at(id);
            world.report(id, exec_type);
            assert_eq!(world.at(id), before, "{exec_type:?}");
        }
    }
}

#[test]
fn a_cancel_of_a_filled_order_is_a_contradiction() {
    let mut world = World::ready();
    let id = world.working("a", 10, "10");
    world.fill(id, 10, "10");
    assert_eq!(world.report(id, ExecType::Canceled), [AlertKind::UnusualReport]);
}

#[test]
fn unusual_reports_are_told_and_leave_the_order_working() {
    let mut world = World::ready();
    for (index, exec_type) in
        [ExecType::Stopped, ExecType::Suspended, ExecType::Calculated, ExecType::Restated]
            .into_iter()
            .enumerate()
    {
        let id = world.buy(&format!("o{index}"), 10, "10");
        assert_eq!(world.report(id, exec_type), [AlertKind::UnusualReport]);
        assert_eq!((world.status(id), world.at(id).certainty), (OrdStatus::New, Certainty::Certain));
    }
    let id = world.working("x", 10, "10");
    for exec_type in [ExecType::TradeCancel, ExecType::TradeCorrect] {
        assert_eq!(world.report(id, exec_type), [AlertKind::UnusualReport]);
        assert_eq!(world.position(), units(0));
    }
}

#[test]
fn a_final_report_with_another_executed_quantity_tells_of_a_missing_fill() {
    for exec_type in [ExecType::Canceled, ExecType::Expired, ExecType::DoneForDay] {
        let mut world = World::ready();
        let order = world.order("a", Side::Buy, 100, "10");
        let time_in_force = TimeInForce::ImmediateOrCancel;
        let id = world.submit(model::NewOrder { time_in_force, ..order });
        let report = world.said(id, exec_type);
        let report = ExecutionReport { cum_quantity: units(30), ..report };
        assert_eq!(world.hear(report), [AlertKind::ExecutionMissing]);
        if exec_type != ExecType::DoneForDay {
            assert!(world.hear(report).is_empty(), "told once");
        }
    }
}

#[test]
fn a_market_order_reserves_at_the_band_and_frees_it_on_fills() {
    let mut world = World::ready();
    let order = world.order("a", Side::Buy, 100, "10");
    let market = model::NewOrder { order_type: OrderType::Market, limit_price: None, ..order };
    let id = world.submit(market);
    // The default band is 10 %: 100 at 11.
    assert_eq!(world.reserved(), amount("1100"));
    world.fill(id, 50, "10.05");
    assert_eq!(world.reserved(), amount("550"));
    world.fill(id, 50, "10.05");
    assert_eq!(world.reserved(), amount("0"));
    assert_eq!(world.available(ALPHA, crate::world::usd()), amount("98995"));
}

#[test]
fn the_broker_order_id_is_kept_for_requests() {
    let mut world = World::ready();
    let id = world.buy("a", 100, "10");
    let report = world.said(id, ExecType::New);
    let broker_order_id = model::Text::new("B-7").unwrap();
    world.hear(ExecutionReport { broker_order_id, ..report });
    world.cancel(id);
    let model::OutboundKind::OrderCancelRequest { broker_order_id: sent, orig_cl_ord_id, .. } =
        world.last.outbound[0].kind
    else {
        panic!("{:?}", world.last.outbound)
    };
    assert_eq!((sent, orig_cl_ord_id), (broker_order_id, id));
}
