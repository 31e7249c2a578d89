//! Mistakes at the command line: each has its exit code and, where the core denied it, its stable number.

use crate::common::world::World;

/// Not understood: exit code 2, nothing is sent, and the words say why.
const NOT_UNDERSTOOD: &[(&[&str], &str)] = &[
    (&["submit", "-a", "GROWTH-1", "buy", "1e3", "IBM"], "not a decimal number"),
    (&["submit", "-a", "GROWTH-1", "buy", "0.12345678901234567890123456789", "IBM"], "not a decimal number"),
    (&["submit", "-a", "GROWTH-1", "buy", "99999999999999999999999999999999", "IBM"], "not a decimal number"),
    (&["submit", "-a", "GROWTH-1", "buy", "1,000", "IBM"], "not a decimal number"),
    (&["submit", "-a", "GROWTH-1", "hold", "1", "IBM"], "is not one of \"buy\", \"sell\""),
    (&["submit", "-a", "GROWTH-1", "buy", "1", "A-SYMBOL-THAT-IS-TOO-LONG"], "<SYMBOL>"),
    (
        &["submit", "-a", "GROWTH-1", "buy", "1", "IBM", "-t", "gtd"],
        "is not one of \"day\", \"gtc\", \"ioc\", \"fok\"",
    ),
    (&["limit", "set", "-a", "GROWTH-1", "max_order_quantty", "5"], "did you mean \"max_order_quantity\""),
    (&["limit", "set", "-a", "GROWTH-1", "max_position"], "required"),
    (&["limit", "set", "max_position", "5"], "required"),
    (&["deposit", "-a", "GROWTH-1", "5", "usd", "-r", "r"], "capital letters"),
    (&["deposit", "-a", "GROWTH-1", "5", "USD"], "--reference"),
    (&["cancel", "G1-0"], "not an order id"),
    (&["halt"], "required"),
];

/// Denied by the core: exit code 1, and this number.
const DENIED: &[(&[&str], u64)] = &[
    // who and what
    (&["submit", "-a", "NOBODY", "buy", "1", "IBM"], 101),
    (&["deposit", "-a", "NOBODY", "1", "USD", "-r", "r"], 101),
    (&["limit", "set", "-a", "NOBODY", "max_position", "1"], 101),
    (&["halt", "-a", "NOBODY"], 101),
    (&["submit", "-a", "GROWTH-1", "buy", "1", "NOTHING"], 102),
    (&["resume", "-i", "NOTHING"], 102),
    (&["cancel", "-a", "GROWTH-1", "--cl-ord-id", "never"], 103),
    (&["cancel", "-a", "GROWTH-1", "G1-0-999999"], 103),
    (&["replace", "-a", "GROWTH-1", "--cl-ord-id", "never", "-q", "1"], 103),
    (&["halt", "-p", "NOBODY"], 104),
    // numbers
    (&["submit", "-a", "GROWTH-1", "buy", "0", "IBM"], 301),
    (&["submit", "-a", "GROWTH-1", "buy", "--", "-5", "IBM"], 301),
    (&["submit", "-a", "GROWTH-1", "buy", "0.5", "IBM"], 302),
    (&["submit", "-a", "GROWTH-1", "buy", "1", "IBM", "-l", "0"], 305),
    (&["submit", "-a", "GROWTH-1", "buy", "1", "IBM", "--limit=-181"], 305),
    (&["submit", "-a", "GROWTH-1", "buy", "1", "IBM", "-l", "181.001"], 306),
    (&["submit", "-a", "GROWTH-1", "buy", "1", "IBM", "-l", "181.0000000000000000000000001"], 306),
    (&["deposit", "-a", "GROWTH-1", "0", "USD", "-r", "zero"], 308),
    (&["withdraw", "-a", "GROWTH-1", "-r", "minus", "--", "-5", "USD"], 308),
    (&["deposit", "-a", "GROWTH-1", "0.0000000000000000000000000001", "USD", "-r", "dust"], 307),
    (&["limit", "set", "-a", "GROWTH-1", "price_band_bps", "0.5"], 309),
    (&["limit", "set", "-a", "GROWTH-1", "max_gross_exposure", "5"], 309),
    (&["limit", "set", "-p", "GROWTH", "-c", "USD", "max_position", "5"], 309),
    // risk
    (&["submit", "-a", "GROWTH-1", "buy", "5001", "IBM"], 402),
    (&["submit", "-a", "GROWTH-1", "buy", "9999999999999999999999999999", "IBM"], 402),
    (&["submit", "-a", "GROWTH-1", "buy", "4000", "IBM"], 403),
    (&["submit", "-a", "GROWTH-1", "buy", "1", "IBM", "-l", "500"], 404),
    (&["submit", "-a", "GROWTH-1", "sell", "1", "IBM"], 406),
    (&["submit", "-a", "GROWTH-2", "buy", "1", "IBM"], 407),
    (&["withdraw", "-a", "GROWTH-1", "1000000.01", "USD", "-r", "all and more"], 407),
    (&["withdraw", "-a", "GROWTH-1", "1", "EUR", "-r", "what is not there"], 407),
];

#[test]
fn mistakes_are_told_from_each_other_by_exit_code_and_number() {
    let world = World::new();
    let (_broker, mut node) = world.trading();
    let mut wrong = Vec::new();
    for (words, says) in NOT_UNDERSTOOD {
        let output = world.gannet(words).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        if output.status.code() != Some(2) || !stderr.contains(says) {
            wrong.push(format!("{words:?}: {}, not \"{says}\": {stderr}", output.status));
        }
    }
    for (words, number) in DENIED {
        // Behind `--` there are no options any more.
        let values = words.iter().position(|word| *word == "--").unwrap_or(words.len());
        let (options, values) = words.split_at(values);
        let output = world.gannet(options).arg("--json").args(values).output().unwrap();
        let answer = serde_json::from_slice::<serde_json::Value>(&output.stdout);
        let denied = answer.as_ref().ok().and_then(|answer| answer["denied"]["number"].as_u64());
        if output.status.code() != Some(1) || denied != Some(*number) {
            let stderr = String::from_utf8_lossy(&output.stderr);
            wrong.push(format!("{words:?}: {}, not {number}: {answer:?} {stderr}", output.status));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let nothing = world.ask(&["orders"]);
    assert_eq!(nothing.as_array().unwrap().len(), 0, "{nothing}");
    let cash = world.ask(&["cash"]);
    assert_eq!((&cash[0]["settled"], &cash[0]["reserved"]), (&"1000000".into(), &"0".into()), "{cash}");
    assert!(node.terminate().success());
}

#[test]
fn an_identifier_means_one_thing() {
    let world = World::new();
    let (_broker, _node) = world.trading();
    let order = ["submit", "-a", "GROWTH-1", "buy", "10", "IBM", "-l", "175", "--cl-ord-id", "once"];
    let first = world.ask(&order);
    let again = world.ask(&order);
    assert_eq!(again["exists"]["order"], first["accepted"]["order"], "{again}");
    for other in [
        ["submit", "-a", "GROWTH-1", "buy", "11", "IBM", "-l", "175", "--cl-ord-id", "once"],
        ["submit", "-a", "GROWTH-1", "buy", "10", "IBM", "-l", "176", "--cl-ord-id", "once"],
        ["submit", "-a", "GROWTH-1", "sell", "10", "IBM", "-l", "175", "--cl-ord-id", "once"],
        ["submit", "-a", "GROWTH-1", "buy", "10", "SPY", "-l", "175", "--cl-ord-id", "once"],
    ] {
        assert_eq!(world.denied(&other), 110, "{other:?}");
    }
    assert_eq!(world.denied(&["deposit", "-a", "GROWTH-1", "1000001", "USD", "-r", "opening"]), 111);
    assert_eq!(world.denied(&["withdraw", "-a", "GROWTH-1", "1000000", "USD", "-r", "opening"]), 111);

    world.wait_order("once", "new");
    let id = first["accepted"]["order"].as_str().unwrap();
    world.ask(&["cancel", id]);
    world.wait_order("once", "canceled");
    assert_eq!(world.denied(&["cancel", id, "-a", "GROWTH-1"]), 204, "finished");
    assert_eq!(world.denied(&["replace", id, "-a", "GROWTH-1", "-q", "5", "-l", "174"]), 204, "finished");
    let exists = world.ask(&order);
    assert_eq!(exists["exists"]["status"], "canceled", "also when it is finished: {exists}");
    // A name that leads nowhere before anything is asked of the core.
    let output = world.gannet(&["cancel", "G1-0-999999"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no order G1-0-999999"));
}

#[test]
fn halts_are_said_twice_and_ended_twice_without_harm() {
    let world = World::new();
    let (_broker, _node) = world.trading();
    let order = ["submit", "-a", "GROWTH-1", "-s", "MOMENTUM", "buy", "1", "IBM"];
    for scope in [
        &["--firm"][..],
        &["-p", "GROWTH"],
        &["-p", "GROWTH", "-s", "MOMENTUM"],
        &["-a", "GROWTH-1"],
        &["-i", "IBM"],
    ] {
        for _ in 0..2 {
            world.ask(&[&["halt"], scope].concat());
        }
        assert_eq!(world.denied(&order), 201, "{scope:?}");
        for _ in 0..2 {
            world.ask(&[&["resume"], scope].concat());
        }
        assert!(world.ask(&order)["accepted"].is_object(), "{scope:?}");
    }
    assert_eq!(world.ask(&["status"])["halts"].as_array().unwrap().len(), 0);
    let refused = world.refused(&["submit", "-a", "GROWTH-1", "-s", "MOMENTOM", "buy", "1", "IBM"]);
    assert_eq!(refused["refused"]["kind"], "bad_request");
    assert!(refused["refused"]["text"].as_str().unwrap().contains("did you mean \"MOMENTUM\""), "{refused}");
}
