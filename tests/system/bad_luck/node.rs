//! A node that is stopped while it trades, clients that misbehave, and a configuration that was edited.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use wire::client::ClientError;
use wire::{Answer, RefusalKind, Request, Submit};

use crate::common::books::compare;
use crate::common::world::{World, wait_for};

fn buy(number: u32) -> Request {
    Request::Submit(Submit {
        account: model::Name::new("GROWTH-1").unwrap(),
        strategy: None,
        cl_ord_id: model::ClOrdId::cut(&format!("s-{number}")),
        symbol: model::Symbol::new("IBM").unwrap(),
        side: model::Side::Buy,
        order_type: model::OrderType::Market,
        time_in_force: model::TimeInForce::Day,
        quantity: "1".parse().unwrap(),
        limit_price: None,
    })
}

/// Orders until the node says no more; gives how many were accepted. Every answer is one that was documented.
fn orders_until_the_end(world: &World, started: &std::sync::mpsc::Sender<()>) -> u32 {
    let mut client = world.client();
    let mut accepted = 0;
    for number in 0.. {
        let answer = match client.call(&buy(number)) {
            Ok(answer) => answer,
            Err(ClientError::Closed) => return accepted,
            Err(other) => panic!("{other}"),
        };
        match answer {
            Answer::Accepted(_) => accepted += 1,
            Answer::Refused(why) if why.kind == RefusalKind::Stopping => return accepted,
            Answer::Denied(why) if why.number == 202 => {}
            other => panic!("{other:?}"),
        }
        if number == 50 {
            started.send(()).unwrap();
        }
    }
    accepted
}

#[test]
fn a_node_that_is_stopped_while_it_trades_goes_on_where_it_was() {
    let world = World::new();
    let (mut broker, mut node) = world.trading();
    let (started, is_started) = std::sync::mpsc::channel();
    let accepted = std::thread::scope(|scope| {
        let trader = scope.spawn(|| orders_until_the_end(&world, &started));
        is_started.recv().unwrap();
        assert!(node.terminate().success());
        trader.join().unwrap()
    });
    assert!(accepted > 50);
    let stopped = world.ask(&["status", "--journal", "journal"]);
    assert!(world.said("node").contains(stopped["shards"][0]["digest"].as_str().unwrap()));
    world.ask(&["journal", "verify"]);

    let mut node = world.node();
    assert!(!world.said("node").contains("a torn tail was cut off"), "{}", world.said("node"));
    world.wait_session("ready");
    wait_for("an end of every order", || world.ask(&["status"])["open_orders"] == 0);
    let orders = world.ask(&["orders", "-n", "0"]);
    assert_eq!(orders.as_array().unwrap().len(), usize::try_from(accepted).unwrap());
    assert!(node.terminate().success());
    assert!(broker.terminate().success());
    compare(&world);
}

#[test]
fn clients_that_vanish_or_send_garbage_harm_nobody() {
    let world = World::new();
    let (_broker, mut node) = world.trading();
    let connect = || UnixStream::connect(world.path("gannet.sock")).unwrap();
    // A mebibyte of noise; the node may hang up before it has taken all of it.
    let mut noise = connect();
    let mut state = 0x9e37_79b9_u32;
    let bytes: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(1 << 20)
    .collect();
    let _ = noise.write_all(&bytes);
    let mut said = Vec::new();
    let _ = noise.read_to_end(&mut said);
    // The same as frames of a megabyte of text that is no JSON, of half a frame, and of nothing.
    let mut long = connect();
    let _ = long.write_all(&u32::try_from(1 << 20).unwrap().to_le_bytes());
    let _ = long.write_all(&vec![b'x'; 1 << 20]);
    drop(long);
    let mut half = connect();
    let _ = half.write_all(&[200, 0, 0, 0, b'{']);
    drop(half);
    drop(connect());
    // Whole orders, and nobody who waits for the answers.
    let mut gone = world.client();
    for number in 1000..1100 {
        gone.send(&buy(number)).unwrap();
    }
    gone.flush().unwrap();
    drop(gone);

    assert!(matches!(world.client().call(&buy(1)).unwrap(), Answer::Accepted(_)));
    world.wait_order("s-1", "filled");
    wait_for("an end of every order", || world.ask(&["status"])["open_orders"] == 0);
    assert!(!node.has_ended());
    assert!(node.terminate().success());
}

#[test]
fn an_edited_configuration_adds_shows_and_applies() {
    let world = World::new();
    assert!(world.node().terminate().success());
    let check = || {
        let shown = world.ask(&["check"]);
        (shown["steps"].to_string(), shown["unlisted"].to_string())
    };
    assert_eq!(check(), ("[]".to_owned(), "[]".to_owned()));

    // A new account is defined at the next start.
    let path = world.path("node.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let more = "\n[[account]]\nname = \"GROWTH-4\"\nportfolio = \"GROWTH\"\nsession = \"PAPER-1\"\n";
    std::fs::write(&path, format!("{text}{more}")).unwrap();
    assert!(check().0.contains("account GROWTH-4 in GROWTH"), "{}", check().0);
    let mut node = world.node();
    world.ask(&["deposit", "-a", "GROWTH-4", "5", "USD", "-r", "first"]);
    assert!(node.terminate().success());

    // A changed limit is shown, and applied only when that is asked for.
    std::fs::write(&path, text.replacen("max_order_quantity = 5_000", "max_order_quantity = 7", 1)).unwrap();
    let changed = "account GROWTH-1: max_order_quantity 5000 → 7";
    assert!(world.node().terminate().success());
    assert!(world.said("node").contains(&format!("not applied: ~ {changed}")), "{}", world.said("node"));
    assert!(check().0.contains(changed), "{}", check().0);
    // The account that is gone from the file is reported, and kept with its money.
    assert!(check().1.contains("GROWTH-4"), "{}", check().1);
    assert!(world.said("node").contains("GROWTH-4; it stays"), "{}", world.said("node"));

    let mut node = world.node_with(&["--apply"]);
    let cash = world.ask(&["cash", "-a", "GROWTH-4"]);
    assert_eq!(cash[0]["settled"], "5", "{cash}");
    assert!(node.terminate().success());
    assert_eq!(check().0, "[]");
    assert!(check().1.contains("GROWTH-4"), "{}", check().1);
}
