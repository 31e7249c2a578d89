//! The configuration in the crate's documentation is what the code reads, with its defaults.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

use paper_broker::Config;

#[test]
fn the_documented_configuration_holds_the_defaults() {
    let source = include_str!("../../src/lib.rs");
    let block = source.split("//! ```toml\n").nth(1).unwrap().split("//! ```").next().unwrap();
    let toml: String =
        block.lines().map(|line| line.trim_start_matches("//!").trim_start().to_owned() + "\n").collect();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("broker.toml");
    std::fs::write(&path, &toml).unwrap();
    let documented = Config::from_file(&path).unwrap();
    let defaults = Config::new("broker");
    assert_eq!(format!("{:?}", documented.personality), format!("{:?}", defaults.personality));
    assert_eq!(documented.sessions, defaults.sessions);
    assert_eq!((documented.port, documented.feed_port), (0, 0));
    assert_eq!(documented.market.speed, defaults.market.speed);
    let (seeded, default) = (documented.market.seeded, defaults.market.seeded);
    assert_eq!(seeded.quotes_per_second, default.quotes_per_second);
    let plain = paper_broker::SymbolConfig { symbol: "BTCUSDT".to_owned(), ..Default::default() };
    assert_eq!(format!("{:?}", seeded.symbols), format!("{:?}", [plain]));
    // Every key that is commented out is read, too.
    let all = toml.replace("\n# ", "\n");
    std::fs::write(&path, all).unwrap();
    assert_eq!(Config::from_file(&path).unwrap().personality.day_end_after_ms, Some(60_000));
}
