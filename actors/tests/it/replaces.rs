//! Replace requests: FIX 4.4 appendix D, replaces and their races with fills. The worse of old and new stays
//! reserved until answered.

use model::{AlertKind, Delivery, DenyReason, ExecType, ExecutionReport, OrdStatus, WireId};

use crate::world::{World, amount, price, units};

fn replaced(world: &mut World, id: WireId, request: WireId) -> Vec<AlertKind> {
    let report = world.said(id, ExecType::Replaced);
    world.hear(ExecutionReport { cl_ord_id: Some(request), orig_cl_ord_id: Some(id), ..report })
}

#[test]
fn more_quantity_is_reserved_at_once() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let request = world.replace(id, 150, "10");
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::PendingReplace, amount("1500")));
    assert!(world.report(request, ExecType::PendingReplace).is_empty());
    assert!(replaced(&mut world, id, request).is_empty());
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::New, amount("1500")));
    assert_eq!((world.at(id).quantity, world.at(id).wire_id), (units(150), request));
    assert!(!world.told_refused(request));
}

#[test]
fn less_quantity_is_freed_only_when_the_broker_agrees() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    world.fill(id, 30, "10");
    let request = world.replace(id, 60, "9.5");
    assert_eq!(world.reserved(), amount("700"));
    replaced(&mut world, id, request);
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::PartiallyFilled, amount("285")));
    assert_eq!(world.at(id).limit_price, Some(price("9.5")));
}

#[test]
fn the_worse_of_two_terms_is_not_their_product() {
    let mut world = World::ready();
    // 9,000 at 10 are 90,000; 4,500 at 11 are 49,500; 9,000 at 11 would be more than there is.
    let id = world.working("a", 9_000, "10");
    world.replace(id, 4_500, "11");
    assert_eq!(world.reserved(), amount("90000"));
    assert_eq!(world.holding(crate::world::ALPHA, crate::world::ACME).open_buy, units(9_000));
    assert!(!world.available(crate::world::ALPHA, crate::world::usd()).is_negative());
}

#[test]
fn a_refused_replace_restores_the_old_terms() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let request = world.replace(id, 200, "10.5");
    assert_eq!(world.reserved(), amount("2100"));
    world.refuse(id, request);
    assert!(world.told_refused(request));
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::New, amount("1000")));
    assert_eq!((world.at(id).quantity, world.at(id).wire_id), (units(100), id));
}

#[test]
fn fills_meanwhile_count_against_both_terms() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let request = world.replace(id, 80, "10");
    assert!(world.fill(id, 50, "10").is_empty());
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::PendingReplace, amount("500")));
    replaced(&mut world, id, request);
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::PartiallyFilled, amount("300")));
}

#[test]
fn an_order_filled_meanwhile_opens_again_when_the_larger_terms_are_accepted() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let request = world.replace(id, 150, "10");
    assert!(world.fill(id, 100, "10").is_empty());
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::Filled, amount("500")));
    assert!(replaced(&mut world, id, request).is_empty());
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::PartiallyFilled, amount("500")));
    let report = world.execution(id, 50, "10");
    assert!(world.hear(ExecutionReport { cl_ord_id: Some(request), ..report }).is_empty());
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::Filled, amount("0")));
}

#[test]
fn an_order_filled_meanwhile_stays_filled_when_the_replace_is_refused() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let request = world.replace(id, 150, "10");
    world.fill(id, 100, "10");
    world.refuse(id, request);
    assert!(world.told_refused(request));
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::Filled, amount("0")));
    assert_eq!(world.core.open_orders(crate::world::ALPHA).count(), 0);
}

#[test]
fn a_replace_to_what_is_filled_meanwhile_ends_the_order() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let request = world.replace(id, 60, "10");
    world.fill(id, 60, "10");
    replaced(&mut world, id, request);
    assert_eq!((world.status(id), world.reserved()), (OrdStatus::Filled, amount("0")));
}

#[test]
fn the_same_answer_again_changes_nothing_and_a_strange_one_is_told() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let request = world.replace(id, 150, "10");
    replaced(&mut world, id, request);
    let before = world.at(id);
    assert!(replaced(&mut world, id, request).is_empty());
    assert_eq!(world.at(id), before);
    assert_eq!(replaced(&mut world, request, id), [AlertKind::UnusualReport]);
    assert_eq!(world.at(id), before);
}

#[test]
fn requests_chain_from_the_last_acknowledged_id() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let first = world.replace(id, 150, "10");
    replaced(&mut world, id, first);
    let second = world.replace(id, 200, "10");
    let model::OutboundKind::OrderCancelReplaceRequest { orig_cl_ord_id, .. } = world.last.outbound[0].kind
    else {
        panic!("{:?}", world.last.outbound)
    };
    assert_eq!(orig_cl_ord_id, first);
    world.refuse(first, second);
    world.cancel(id);
    let model::OutboundKind::OrderCancelRequest { orig_cl_ord_id, quantity, .. } =
        world.last.outbound[0].kind
    else {
        panic!("{:?}", world.last.outbound)
    };
    assert_eq!((orig_cl_ord_id, quantity), (first, units(150)));
}

#[test]
fn a_replace_is_judged_by_the_whole_gate_without_counting_itself() {
    let mut world = World::ready();
    let id = world.buy("a", 9_000, "10");
    let early = world.replace_command(id, 9_500, "10");
    assert_eq!(world.refused(early), DenyReason::OrderInDoubt);
    world.report(id, ExecType::New);
    let beyond = world.replace_command(id, 10_001, "10");
    assert_eq!(world.refused(beyond), DenyReason::AvailableCash);
    world.fill(id, 100, "10");
    let below = world.replace_command(id, 100, "10");
    assert_eq!(world.refused(below), DenyReason::QuantityBelowFilled);
    world.replace(id, 10_000, "10");
    assert_eq!(world.available(crate::world::ALPHA, crate::world::usd()), amount("0"));
}

#[test]
fn a_replace_does_not_stand_in_its_own_way() {
    let mut world = World::ready();
    let alpha = model::Actor::Account(crate::world::ALPHA);
    world.limit(alpha, model::LimitKind::MaxPosition, "100");
    world.limit(model::Actor::Portfolio(crate::world::FUND), model::LimitKind::MaxGrossExposure, "1000");
    let id = world.working("a", 90, "10");
    let beyond = world.replace_command(id, 101, "9");
    assert_eq!(world.refused(beyond), DenyReason::PositionLimit);
    let dear = world.replace_command(id, 100, "10.01");
    assert_eq!(world.refused(dear), DenyReason::GrossExposure);
    world.replace(id, 100, "10");
}

#[test]
fn a_cancel_ends_with_an_order_that_a_replace_fills_after_all() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    let given_up = world.replace(id, 1, "10");
    world.evidence(given_up, Delivery::LongOverdue);
    world.evidence(given_up, Delivery::UnknownToBroker);
    let cancel = world.cancel(id);
    world.fill(id, 1, "10");
    assert_eq!(replaced(&mut world, id, given_up), [AlertKind::UnusualReport]);
    assert_eq!((world.status(id), world.at(id).pending), (OrdStatus::Filled, None));
    assert!(world.told_refused(cancel));
}
