//! The configuration: the example reads, and each mistake is named with its place and what is allowed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::path::Path;

use model::{LimitKind, Name, ShardId, StrategyId};
use node::config::{Config, ConfigError, EXAMPLE_INSTRUMENTS, EXAMPLE_NODE, Problem};

fn read(node: &str, instruments: &str) -> Result<Config, ConfigError> {
    Config::from_texts(node, instruments, Path::new("conf"))
}

/// Replaces the first `from`, which must be there, and gives the one problem that follows.
fn problem(from: &str, to: &str) -> Problem {
    let problems = problems(from, to);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems[0].clone()
}

fn problems(from: &str, to: &str) -> Vec<Problem> {
    let (node, instruments) = (EXAMPLE_NODE, EXAMPLE_INSTRUMENTS);
    assert!(node.contains(from) || instruments.contains(from), "the example lost {from:?}");
    let instruments =
        if node.contains(from) { instruments.to_owned() } else { instruments.replacen(from, to, 1) };
    read(&node.replacen(from, to, 1), &instruments).unwrap_err().problems().to_vec()
}

#[test]
fn the_example_reads() {
    let config = read(EXAMPLE_NODE, EXAMPLE_INSTRUMENTS).unwrap();
    assert_eq!(
        (config.node.journal.as_path(), config.node.segment_kib),
        (Path::new("conf/journal"), 64 * 1024)
    );
    let small = read(&EXAMPLE_NODE.replace("segment_kib = 65_536", ""), EXAMPLE_INSTRUMENTS).unwrap();
    assert_eq!(small.node.segment_kib, 64 * 1024, "the default");
    assert_eq!((config.portfolios.len(), config.accounts.len(), config.currencies.len()), (2, 6, 2));
    assert_eq!(config.portfolios[0].strategies[1], (Name::new("REVERSION").unwrap(), StrategyId::new(2)));
    assert_eq!(config.accounts[0].limits[0], (LimitKind::MaxOrderQuantity, 5000.into()));
    assert_eq!(config.accounts[0].fees.per_unit, "0.0035".parse().unwrap());
    assert_eq!(config.sessions[0].shard, ShardId::new(0));
}

#[test]
fn each_mistake_is_named_with_its_key_and_what_is_allowed() {
    #[rustfmt::skip]
    let table: &[(&str, &str, &str, &str)] = &[
        // in the example, instead, key, what the text says
        ("shards = 1", "shards = 0", "node.shards", "whole number from 1 to 256"),
        ("shards = 1", "shards = \"1\"", "node.shards", "whole number from 1 to 256"),
        ("shards = 1 ", "shard = 1 ", "node.shard", "did you mean \"shards\"?"),
        ("durability = \"process\"", "durability = \"disc\"", "node.durability", "did you mean \"disk\"?"),
        ("idle = \"park\"", "idle = \"nap\"", "node.idle", "one of \"spin\", \"yield\", \"park\""),
        ("log = \"info\"", "log = \"info,,=,\"", "node.log", "is not a log filter"),
        ("segment_kib = 65_536", "segment_kib = 64", "node.segment_kib", "whole number from 128 to 2097152"),
        ("segment_kib = 65_536", "segment_kib = 1023", "node.segment_kib", "1020 is the nearest below"),
        ("journal = \"journal\"", "journal = 5", "node.journal", "must be a string in quotes, not integer"),
        ("[market_data]", "[markt_data]", "markt_data", "did you mean \"market_data\"?"),
        ("address = \"127.0.0.1:9010\"", "address = \"nowhere\"", "market_data.address", "address and port"),
        ("[\"USD\", \"EUR\"]", "[\"USD\", \"EUR\", \"USD\"]", "currencies", "names USD twice"),
        ("[\"USD\", \"EUR\"]", "[\"USD\", \"EUR\", \"us dollar\"]", "currencies", "is not a currency"),
        ("port = 9011", "port = 0", "session.port", "whole number from 1 to 65535"),
        ("port = 9011", "port = 0x10", "session.port", "whole number from 1 to 65535"),
        ("broker = \"PAPER\"", "broker = \"PAPR\"", "session.broker", "did you mean \"PAPER\"?"),
        ("sender_comp_id = \"GANNET\"", "sender_comp_id = \"A B\"", "session.sender_comp_id", "letters, digits"),
        ("store = \"fix/PAPER-1\"", "", "session.store", "is missing"),
        ("shard = 0  ", "shard = 7  ", "session.shard", "there is no shard 7"),
        ("MOMENTUM = 1", "MOMENTUM = 2", "portfolio.strategies.REVERSION", "that of \"MOMENTUM\" already"),
        ("{ USD = 40_000_000", "{ GBP = 40_000_000", "portfolio.max_gross_exposure", "is not in currencies"),
        ("USD = 40_000_000", "USD = -1", "portfolio.max_gross_exposure.USD", "below zero"),
        ("portfolio = \"GROWTH\"", "portfolio = \"GROWHT\"", "account.portfolio", "did you mean \"GROWTH\"?"),
        ("session = \"PAPER-1\"", "session = \"PAPER-2\"", "account.session", "defined are \"PAPER-1\""),
        ("rate_bps = 0.5", "rate_bps = -0.5", "account.fees.rate_bps", "below zero"),
        ("rate_bps = 0.5", "rate_bps = 5e-1", "account.fees.rate_bps", "without exponent"),
        ("max_order_quantity = 5_000", "max_order_qty = 5_000", "account.limits.max_order_qty", "is not a limit"),
        ("price_band_bps = 500", "price_band_bps = 10_000", "account.limits.price_band_bps", "0 to 9999"),
        ("short_sale = true", "short_sale = 2", "account.limits.short_sale", "true or false"),
        ("max_position = 50_000", "max_gross_exposure = 5", "account.limits.max_gross_exposure", "of portfolios"),
        ("name = \"GROWTH-2\"", "name = \"GROWTH-1\"", "account.name", "is defined twice"),
        ("name = \"GROWTH-2\"", "name = \"a name of more than twenty-four\"", "account.name", "longer than 24"),
        ("tick = 0.01", "tick = 0", "instrument.tick", "0 is not above zero"),
        ("lot = 1", "lot = -1", "instrument.lot", "-1 is not above zero"),
        ("settlement_days = 1", "settlement_days = 31", "instrument.settlement_days", "from 0 to 30"),
        ("asset_class = \"equity\"", "asset_class = \"bond\"", "instrument.asset_class", "is not one of"),
        ("currency = \"USD\"", "currency = \"JPY\"", "instrument.currency", "is not in currencies"),
        ("symbol = \"BAC\"", "symbol = \"AIG\"", "instrument.symbol", "is defined twice"),
        ("symbol = \"BAC\"", "symbol = \"\"", "instrument.symbol", "is empty"),
        ("symbol = \"BAC\"", "symbol = BAC", "syntax", ""),
    ];
    for (from, to, key, text) in table {
        let problem = problem(from, to);
        assert_eq!(problem.key, *key, "{from} -> {to}: {problem}");
        assert!(problem.text.contains(text), "{from} -> {to}: {problem}");
    }
}

#[test]
fn a_problem_names_file_line_and_column() {
    let line = 1 + EXAMPLE_NODE.lines().position(|line| line.starts_with("durability")).unwrap();
    let problem = problem("durability = \"process\"", "durability = \"disc\"");
    assert_eq!((problem.at.line, problem.at.column), (line, 14));
    assert!(problem.to_string().starts_with(&format!("node.toml:{line}:14: node.durability: \"disc\"")));
}

#[test]
fn all_mistakes_are_reported_at_once_in_the_order_of_the_file() {
    const FEES: &str = "account.fees.rate_bps";
    let node = EXAMPLE_NODE
        .replace("shards = 1", "shards = 0")
        .replace("port = 9011", "port = 0")
        .replace("rate_bps = 0.5", "rate_bps = \"x\"");
    let error = read(&node, EXAMPLE_INSTRUMENTS).unwrap_err();
    let keys: Vec<&str> = error.problems().iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["node.shards", "session.port", FEES, FEES, FEES]);
}

#[test]
fn each_shard_has_a_core_or_none_has() {
    let with = |shards: &str, cores: &str| {
        let node = EXAMPLE_NODE.replace("shards = 1", shards).replace("cores = []", cores);
        read(&node, EXAMPLE_INSTRUMENTS)
    };
    assert!(with("shards = 1", "cores = []").unwrap().node.cores.is_empty());
    assert_eq!(with("shards = 2", "cores = [3, 1]").unwrap().node.cores, [3, 1]);
    for (shards, cores, said) in [
        ("shards = 2", "cores = [3]", "names 1 cores for 2 shards"),
        ("shards = 2", "cores = [3, 3]", "names core 3 twice"),
        ("shards = 1", "cores = [-1]", "whole number from 0"),
        ("shards = 1", "cores = 2", "must be a list of cores"),
    ] {
        let error = with(shards, cores).unwrap_err();
        assert_eq!(error.problems()[0].key, "node.cores");
        assert!(error.problems()[0].text.contains(said), "{error}");
    }
}

#[test]
fn an_account_and_its_portfolio_share_a_shard() {
    let node = EXAMPLE_NODE.replace("shards = 1", "shards = 2").replacen(
        "name = \"INCOME\"\nshard = 0",
        "name = \"INCOME\"\nshard = 1",
        1,
    );
    let error = read(&node, EXAMPLE_INSTRUMENTS).unwrap_err();
    assert_eq!(error.problems().len(), 3);
    for problem in error.problems() {
        assert_eq!(problem.key, "account.session");
        assert!(
            problem.text.contains("homed on shard 0") && problem.text.contains("lives on shard 1"),
            "{problem}"
        );
    }
}

#[test]
fn a_missing_section_and_a_missing_file_are_problems() {
    let error = read("currencies = [\"USD\"]\ninstruments = \"i.toml\"", EXAMPLE_INSTRUMENTS).unwrap_err();
    assert!(error.problems().iter().any(|problem| problem.key == "node"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.toml");
    assert!(matches!(Config::load(&path), Err(ConfigError::Unreadable { .. })));
    std::fs::write(&path, EXAMPLE_NODE).unwrap();
    let error = Config::load(&path).unwrap_err();
    assert_eq!(error.problems().len(), 1);
    assert_eq!(error.problems()[0].key, "instruments");
    std::fs::write(folder.path().join("instruments.toml"), EXAMPLE_INSTRUMENTS).unwrap();
    assert_eq!(Config::load(&path).unwrap().instruments.len(), 6);
}

fn with_csv(csv: &str) -> Result<Config, ConfigError> {
    read(&EXAMPLE_NODE.replace("instruments.toml", "instruments.csv"), csv)
}

#[test]
fn instruments_may_come_from_csv() {
    let csv = "# equities\nsymbol,asset_class,currency,tick,lot,settlement_days\nIBM,equity,USD,0.01,1,1\n";
    let config = with_csv(csv).unwrap();
    assert_eq!(config.instruments[0].symbol.as_str(), "IBM");
    assert_eq!(config.instruments[0].multiplier, 1.into());
    assert_eq!(config.instruments[0].at.line, 3);
}

#[test]
fn mistakes_in_csv_have_line_and_column() {
    const HEADER: &str = "symbol,asset_class,currency,tick,lot,settlement_days\n";
    let table = [
        ("IBM,equity,USD,0,1,1\n", 2, 16, "instrument.tick", "above zero"),
        ("IBM,equity,USD,0.01,1,x\n", 2, 23, "instrument.settlement_days", "whole number"),
        ("IBM,equity,USD,0.01,1\n", 2, 1, "instrument", "5 fields, the header 6"),
        ("\nIBM,eqity,USD,0.01,1,1\n", 3, 5, "instrument.asset_class", "did you mean \"equity\"?"),
    ];
    for (rows, line, column, key, text) in table {
        let error = with_csv(&format!("{HEADER}{rows}")).unwrap_err();
        let problem = error.problems().iter().find(|problem| problem.key == key).unwrap();
        assert_eq!((problem.at.line, problem.at.column), (line, column), "{problem}");
        assert!(problem.text.contains(text), "{problem}");
    }
    let error =
        with_csv("symbol,asset_class,currency,tik,lot,settlement_days\nA,equity,USD,1,1,1\n").unwrap_err();
    assert!(error.to_string().contains("did you mean \"tick\"?"), "{error}");
}
