//! A broker that is not there, goes away, refuses, or talks nonsense.

use std::collections::VecDeque;

use wire::{Answer, Request};

use crate::common::books::{broker_log, compare, theirs};
use crate::common::world::{World, wait_for};

const RESTING: &str = "175.00";

#[test]
fn a_broker_that_is_down_at_the_start_is_traded_with_once_it_comes() {
    let world = World::new();
    let mut node = world.node();
    world.ask(&["deposit", "-a", "GROWTH-1", "1000000", "USD", "-r", "opening"]);
    assert_eq!(world.denied(&["submit", "-a", "GROWTH-1", "buy", "100", "IBM", "--cl-ord-id", "early"]), 202);
    let mut broker = world.broker();
    world.wait_session("ready");
    world.wait_quotes();
    // A denied order was never an order: the same identifier is free.
    let order = ["submit", "-a", "GROWTH-1", "buy", "100", "IBM", "--cl-ord-id", "early"];
    assert!(world.ask(&order)["accepted"].is_object());
    world.wait_order("early", "filled");
    assert!(node.terminate().success());
    assert!(broker.terminate().success());
    compare(&world);
}

fn buy(cl_ord_id: &str, limit: Option<&str>) -> Request {
    Request::Submit(wire::Submit {
        account: model::Name::new("GROWTH-1").unwrap(),
        strategy: None,
        cl_ord_id: model::ClOrdId::new(cl_ord_id).unwrap(),
        symbol: model::Symbol::new("IBM").unwrap(),
        side: model::Side::Buy,
        order_type: if limit.is_some() { model::OrderType::Limit } else { model::OrderType::Market },
        time_in_force: model::TimeInForce::GoodTillCancel,
        quantity: "1".parse().unwrap(),
        limit_price: limit.map(|price| price.parse().unwrap()),
    })
}

/// So many executions are in the broker's log before it is killed.
const EXECUTED: usize = 90;

/// Sends orders without a pause, half of them to rest, kills the broker in the middle of them, once it has executed
/// [`EXECUTED`], and goes on for 200 more. Gives the identifiers of those that were accepted.
fn kill_while_orders_flow(world: &World, broker: &mut crate::common::world::Process) -> Vec<String> {
    let mut client = world.client();
    let (mut waiting, mut accepted, mut denied) = (VecDeque::new(), Vec::new(), 0);
    let mut end = None;
    for number in 0.. {
        if end.is_none() && number >= 200 && number % 20 == 0 && theirs(world).len() >= EXECUTED {
            broker.kill();
            end = Some(number + 199);
        }
        let is_last = end == Some(number);
        assert!(number < 20_000, "the broker executes nothing");
        let name = format!("flow-{number}");
        let id = client.send(&buy(&name, (number % 2 == 0).then_some(RESTING))).unwrap();
        waiting.push_back((id, name));
        if waiting.len() < 16 && !is_last {
            continue;
        }
        let left = if is_last { waiting.len() } else { 1 };
        for (id, name) in waiting.drain(..left) {
            match client.answer_to(id).unwrap() {
                Answer::Accepted(_) => accepted.push(name),
                Answer::Denied(why) if why.number == 202 => denied += 1,
                other => panic!("{other:?}"),
            }
        }
        if is_last {
            break;
        }
    }
    assert!(accepted.len() >= 180, "{} accepted, {denied} denied", accepted.len());
    accepted
}

#[test]
fn a_broker_that_dies_with_orders_at_work_comes_back_and_nothing_is_lost_or_doubled() {
    let world = World::new();
    let (mut broker, mut node) = world.trading();
    world.ask(&["submit", "-a", "GROWTH-1", "buy", "100", "IBM", "-l", RESTING, "--cl-ord-id", "rests"]);
    world.wait_order("rests", "new");
    let accepted = kill_while_orders_flow(&world, &mut broker);
    world.wait_session("down");
    assert_eq!(world.denied(&["submit", "-a", "GROWTH-1", "buy", "100", "IBM"]), 202);
    assert_eq!(world.denied(&["cancel", "-a", "GROWTH-1", "--cl-ord-id", "rests"]), 202);

    let mut broker = world.broker();
    world.wait_session("ready");
    let in_doubt = || world.ask(&["status"])["sessions"][0]["in_doubt"].as_u64().unwrap();
    wait_for("the end of doubt", || in_doubt() == 0);
    let open = |limited: bool| {
        let rows = world.ask(&["orders", "--open", "-n", "0"]);
        rows.as_array().unwrap().iter().filter(|row| row["limit_price"].is_null() != limited).count()
    };
    wait_for("the market orders' fills", || open(false) == 0);
    let rows = world.ask(&["orders", "-n", "0"]);
    let status_of = |name: &String| {
        let row = rows.as_array().unwrap().iter().find(|row| row["cl_ord_id"] == **name);
        row.unwrap_or_else(|| panic!("{name} is lost"))["status"].as_str().unwrap().to_owned()
    };
    // Filled, at rest, or taken back since it never left: but never silent.
    for name in &accepted {
        assert!(
            ["filled", "new", "canceled"].contains(&status_of(name).as_str()),
            "{name}: {}",
            status_of(name)
        );
    }
    world.ask(&["cancel", "-a", "GROWTH-1", "--cl-ord-id", "rests"]);
    world.wait_order("rests", "canceled");
    let all = world.gannet(&["cancel", "--all"]).output().unwrap();
    assert!(all.status.success(), "{all:?}");
    wait_for("the last cancel", || open(true) == 0);
    for row in world.ask(&["cash"]).as_array().unwrap() {
        assert_eq!(row["reserved"], "0", "{row}");
    }
    assert!(node.terminate().success());
    assert!(broker.terminate().success());
    compare(&world);
    assert!(theirs(&world).len() >= EXECUTED);
}

#[test]
fn a_broker_that_rejects_everything_is_heard() {
    let world = World::new();
    world.personality("mode = \"reject_everything\"");
    let (mut broker, mut node) = world.trading();
    for number in 0..20 {
        let name = format!("r-{number}");
        assert!(
            world.ask(&["submit", "-a", "GROWTH-1", "buy", "1", "IBM", "--cl-ord-id", &name]).is_object()
        );
        world.wait_order(&name, "rejected");
    }
    let cash = world.ask(&["cash", "-a", "GROWTH-1"]);
    assert_eq!((&cash[0]["reserved"], &cash[0]["available"]), (&"0".into(), &"1000000".into()));
    assert_eq!(world.ask(&["status"])["sessions"][0]["state"], "ready");
    assert!(node.terminate().success());
    assert!(broker.terminate().success());
    compare(&world);
}

#[test]
fn a_broker_that_sends_garbage_costs_alerts_and_no_fill() {
    let world = World::new();
    world.personality("mode = \"garbage\"");
    let (mut broker, mut node) = world.trading();
    for number in 0..30 {
        let name = format!("g-{number}");
        assert!(
            world.ask(&["submit", "-a", "GROWTH-1", "buy", "1", "IBM", "--cl-ord-id", &name]).is_object()
        );
    }
    for number in 0..30 {
        world.wait_order(&format!("g-{number}"), "filled");
    }
    let status = world.ask(&["status"]);
    assert!(status["alerts"].as_u64().unwrap() > 0, "{status}");
    assert_eq!((&status["sessions"][0]["state"], &status["open_orders"]), (&"ready".into(), &0.into()));
    assert!(node.terminate().success());
    assert!(broker.terminate().success());
    let garbage = broker_log(&world).iter().filter(|line| line["kind"] == "garbage").count();
    assert!(garbage >= 30, "{garbage}");
    assert_eq!(world.ask(&["positions", "--journal", "journal"])[0]["quantity"], "30");
    compare(&world);
}
