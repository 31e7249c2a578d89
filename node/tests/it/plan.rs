//! From the configuration to commands: the difference, applied to real cores, is the configuration.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::path::Path;

use actors::{Core, Outcome, Stamp};
use front::definitions::Definitions;
use model::{AccountId, Event, Input, Name, Origin, Position, Remember, ShardId, Stamped, Timestamp};
use node::config::{Config, EXAMPLE_INSTRUMENTS, EXAMPLE_NODE};
use node::plan::{Plan, StepKind};

fn config(node: &str) -> Config {
    Config::from_texts(node, EXAMPLE_INSTRUMENTS, Path::new("")).unwrap()
}

#[derive(Default)]
struct Node {
    cores: Vec<Core>,
    seq: u64,
}

impl Node {
    fn new(shards: usize) -> Self {
        Self { cores: (0..shards).map(|_| Core::new()).collect(), seq: 0 }
    }

    fn definitions(&self, config: &Config) -> Definitions {
        let shards = (0..).map(ShardId::new).zip(&self.cores);
        Definitions::of(shards, &config.currencies)
    }

    fn plan(&self, config: &Config) -> Plan {
        Plan::new(config, &self.definitions(config)).unwrap()
    }

    /// Every step must be done, none denied.
    fn carry_out(&mut self, plan: &Plan) {
        let mut out = Outcome::default();
        for (shard, command) in plan.commands() {
            self.seq += 1;
            let stamp = Stamp { position: Position::new(shard, self.seq), time: Timestamp::from_nanos(1) };
            out.clear();
            let input = Input::command(Origin::default(), Stamped::default(), command);
            self.cores[shard.slot()].apply(stamp, &input, &mut out);
            assert_eq!(out.events, [Event::Done], "{command:?}");
        }
    }

    fn id(&self, account: &str) -> AccountId {
        let name = Name::new(account).unwrap();
        self.cores.iter().find_map(|core| core.account_named(&name)).unwrap().definition.id
    }
}

fn texts(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(ToString::to_string).collect()
}

#[test]
fn after_the_plan_is_carried_out_nothing_is_left_to_do() {
    let config = config(EXAMPLE_NODE);
    let mut node = Node::new(1);
    let plan = node.plan(&config);
    assert!(plan.steps.iter().all(|step| step.kind == StepKind::New));
    assert!(plan.unlisted.is_empty());
    node.carry_out(&plan);
    assert!(node.plan(&config).is_empty());
    assert_eq!(node.cores[0].accounts().count(), 6);
    assert_eq!(node.cores[0].accounts().next().unwrap().limits.price_band_bps, 500);
}

#[test]
fn ids_stay_when_the_file_is_reordered_and_grows() {
    let mut node = Node::new(1);
    node.carry_out(&node.plan(&config(EXAMPLE_NODE)));
    let before = (node.id("GROWTH-1"), node.id("INCOME-3"));
    let start = EXAMPLE_NODE.find("# Fees apply").unwrap();
    let (head, accounts) = EXAMPLE_NODE.split_at(start);
    let mut blocks: Vec<&str> = accounts.split("[[account]]").skip(1).collect();
    blocks.reverse();
    let added = "\nname = \"AAA\"\nportfolio = \"INCOME\"\nsession = \"PAPER-1\"\n";
    blocks.insert(0, added);
    let reordered = format!("{head}[[account]]{}", blocks.join("\n[[account]]"));
    let plan = node.plan(&config(&reordered));
    assert_eq!(texts(&plan), ["+ account AAA in INCOME over PAPER-1"]);
    node.carry_out(&plan);
    assert_eq!((node.id("GROWTH-1"), node.id("INCOME-3")), before);
    assert_eq!(node.id("AAA"), AccountId::new(6));
}

#[test]
fn a_changed_file_gives_only_the_difference() {
    let mut node = Node::new(1);
    node.carry_out(&node.plan(&config(EXAMPLE_NODE)));
    let changed = EXAMPLE_NODE
        .replacen("price_band_bps = 500", "price_band_bps = 250", 1)
        .replacen("rate_bps = 0.5", "rate_bps = 0.75", 1)
        .replacen("USD = 40_000_000", "USD = 50_000_000", 1);
    let plan = node.plan(&config(&changed));
    assert_eq!(
        texts(&plan),
        [
            "~ portfolio GROWTH: max_gross_exposure USD 40000000 → 50000000",
            "~ account GROWTH-1: fees.rate_bps 0.5 → 0.75",
            "~ account GROWTH-1: price_band_bps 500 → 250",
        ]
    );
    node.carry_out(&plan);
    assert!(node.plan(&config(&changed)).is_empty());
}

/// Each shard remembers for itself; what the file does not say stays.
#[test]
fn for_how_long_identifiers_are_remembered_is_a_step_for_each_shard() {
    let said = |orders: &str, cash: &str| {
        EXAMPLE_NODE
            .replacen("shards = 1", "shards = 2", 1)
            .replacen("remember_days = 1 ", orders, 1)
            .replacen("remember_days = 400", cash, 1)
    };
    let mut node = Node::new(2);
    node.carry_out(&node.plan(&config(&said("remember_days = 30 ", "remember_days = 400"))));
    assert_eq!(node.cores[1].remembers(), Remember { orders_days: 30, cash_days: 400 });
    let plan = node.plan(&config(&said("remember_days = 7 ", "remember_days = 31")));
    let step = "orders.remember_days 30 → 7, cash.remember_days 400 → 31";
    assert_eq!(texts(&plan), [format!("~ shard 0: {step}"), format!("~ shard 1: {step}")]);
    let plan = node.plan(&config(&said("", "remember_days = 400")));
    assert!(plan.steps.is_empty());
    assert_eq!(plan.unlisted, ["shard 0: orders.remember_days 30", "shard 1: orders.remember_days 30"]);
    for (orders, cash) in
        [("remember_days = 0 ", "remember_days = 400"), ("remember_days = 1 ", "remember_days = 29")]
    {
        let text = said(orders, cash);
        let error = Config::from_texts(&text, EXAMPLE_INSTRUMENTS, Path::new("")).unwrap_err();
        assert!(error.to_string().contains("remember_days"), "{error}");
    }
}

#[test]
fn what_is_gone_from_the_file_is_reported_and_left_alone() {
    let mut node = Node::new(1);
    node.carry_out(&node.plan(&config(EXAMPLE_NODE)));
    let start = EXAMPLE_NODE.find("[[account]]\nname = \"INCOME-3\"").unwrap();
    let shorter = EXAMPLE_NODE[..start].replacen(", max_position = 50_000", "", 1);
    let plan = node.plan(&config(&shorter));
    assert!(plan.steps.is_empty(), "{:?}", texts(&plan));
    assert_eq!(plan.unlisted, ["account GROWTH-1: max_position 50000", "account INCOME-3"]);
}

#[test]
fn what_would_change_the_past_is_an_error_with_its_place() {
    let mut node = Node::new(1);
    let first = config(EXAMPLE_NODE);
    node.carry_out(&node.plan(&first));
    let moved = EXAMPLE_NODE.replacen("portfolio = \"GROWTH\"", "portfolio = \"INCOME\"", 1);
    let error = Plan::new(&config(&moved), &node.definitions(&first)).unwrap_err();
    assert_eq!(error.problems()[0].key, "account.portfolio");
    let instruments = EXAMPLE_INSTRUMENTS.replacen("currency = \"USD\"", "currency = \"EUR\"", 1);
    let other = Config::from_texts(EXAMPLE_NODE, &instruments, Path::new("")).unwrap();
    let error = Plan::new(&other, &node.definitions(&first)).unwrap_err();
    assert_eq!(error.problems()[0].key, "instrument.currency");
    assert!(error.to_string().contains("instruments.toml:"), "{error}");
}

const TWO_BROKERS: &str = r#"
[[broker]]
name = "OTHER"

[[session]]
name = "OTHER-1"
broker = "OTHER"
host = "localhost"
port = 9012
sender_comp_id = "GANNET"
target_comp_id = "OTHER"
store = "fix/OTHER-1"
"#;

#[test]
fn a_broker_keeps_its_id_through_its_sessions() {
    let mut node = Node::new(1);
    let both = format!("{EXAMPLE_NODE}{TWO_BROKERS}");
    node.carry_out(&node.plan(&config(&both)));
    let broker =
        |node: &Node| node.cores[0].sessions().map(|s| s.definition.broker.index).collect::<Vec<_>>();
    assert_eq!(broker(&node), [0, 1]);
    let swapped = both
        .replace("name = \"PAPER\" ", "name = \"X\" ")
        .replace("name = \"OTHER\"\n", "name = \"PAPER\"\n");
    let swapped = swapped.replace("name = \"X\" ", "name = \"OTHER\" ");
    assert!(node.plan(&config(&swapped)).is_empty());
    let merged = both.replace("broker = \"OTHER\"", "broker = \"PAPER\"");
    let error = Plan::new(&config(&merged), &node.definitions(&config(&both))).unwrap_err();
    assert_eq!(error.problems()[0].key, "session.broker");
}

#[test]
fn instruments_are_defined_on_every_shard_and_the_rest_at_home() {
    let two = EXAMPLE_NODE.replace("shards = 1", "shards = 2");
    let second = TWO_BROKERS.replace("name = \"OTHER-1\"", "name = \"OTHER-1\"\nshard = 1");
    let two = format!("{two}{second}")
        .replace("name = \"INCOME\"\nshard = 0", "name = \"INCOME\"\nshard = 1")
        .replace(
            "portfolio = \"INCOME\"\nsession = \"PAPER-1\"",
            "portfolio = \"INCOME\"\nsession = \"OTHER-1\"",
        );
    let config = config(&two);
    let mut node = Node::new(2);
    node.carry_out(&node.plan(&config));
    assert_eq!(node.cores[0].instruments().count(), 6);
    assert_eq!(node.cores[1].instruments().count(), 6);
    assert_eq!((node.cores[0].accounts().count(), node.cores[1].accounts().count()), (3, 3));
    assert!(node.plan(&config).is_empty());
}

#[test]
fn a_strategy_and_a_broker_are_renamed_and_their_numbers_stay() {
    let mut node = Node::new(1);
    node.carry_out(&node.plan(&config(EXAMPLE_NODE)));
    let renamed = EXAMPLE_NODE.replace("\"PAPER\"", "\"PRIME\"").replacen("MOMENTUM = 1", "TREND = 1", 1);
    let plan = node.plan(&config(&renamed));
    assert_eq!(texts(&plan), ["~ broker PAPER → PRIME on shard 0", "~ strategy GROWTH/1: MOMENTUM → TREND"]);
    node.carry_out(&plan);
    assert!(node.plan(&config(&renamed)).is_empty());
    let names = Definitions::of([(ShardId::new(0), &node.cores[0])], &[]);
    assert_eq!(names.brokers.len(), 1);
}

#[test]
fn a_name_does_not_move_to_another_number() {
    let mut node = Node::new(1);
    let first = config(EXAMPLE_NODE);
    node.carry_out(&node.plan(&first));
    let renumbered = EXAMPLE_NODE.replacen("MOMENTUM = 1", "MOMENTUM = 7", 1);
    let error = Plan::new(&config(&renumbered), &node.definitions(&first)).unwrap_err();
    assert_eq!(error.problems()[0].key, "portfolio.strategies");
    let gone = EXAMPLE_NODE.replacen("MOMENTUM = 1, ", "", 1);
    let plan = node.plan(&config(&gone));
    assert_eq!((texts(&plan), plan.unlisted), (vec![], vec!["strategy MOMENTUM".to_owned()]));
}
