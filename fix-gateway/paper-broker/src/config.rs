//! What a broker is started with. Every key has a default but `dir` and, in effect, `sessions`.

use std::path::{Path, PathBuf};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::market::fits;

/// Everything. See the crate's documentation for the keys as TOML.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the log (`broker.log`) and the FIX store (`fix/`) live; created if missing.
    pub dir: PathBuf,
    /// FIX port; 0 picks a free one.
    #[serde(default)]
    pub port: u16,
    /// Port of the quote feed; 0 picks a free one.
    #[serde(default)]
    pub feed_port: u16,
    /// Who may log on.
    #[serde(default = "default_sessions")]
    pub sessions: Vec<SessionConfig>,
    /// Where quotes come from.
    #[serde(default)]
    pub market: MarketConfig,
    /// How it behaves.
    #[serde(default)]
    pub personality: Personality,
}

/// One FIX session.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionConfig {
    /// Our `CompID`: FIX tag 49 in what we send.
    #[serde(default = "default_sender")]
    pub sender: String,
    /// The initiator's `CompID`: FIX tag 56 in what we send. Unique.
    pub target: String,
}

/// Where quotes come from: a file if `quotes` is set, the seeded market otherwise.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MarketConfig {
    /// A CSV or CSV.gz file to replay.
    pub quotes: Option<PathBuf>,
    /// How fast to replay it.
    pub speed: Speed,
    /// Quotes start only when so many clients are on the feed. Absent: 1 at speed `max`, else 0.
    pub wait_for_feed_clients: Option<usize>,
    /// The built-in market.
    pub seeded: SeededConfig,
}

/// How fast a file is replayed.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "SpeedText")]
pub enum Speed {
    /// So many times as fast as it happened.
    Times(f64),
    /// As fast as consumers take it.
    Max,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SpeedText {
    Whole(u32),
    Number(f64),
    Text(String),
}

impl TryFrom<SpeedText> for Speed {
    type Error = String;

    fn try_from(text: SpeedText) -> Result<Self, String> {
        match text {
            SpeedText::Whole(times) if times > 0 => Ok(Self::Times(f64::from(times))),
            SpeedText::Number(times) if times.is_finite() && times > 0.0 => Ok(Self::Times(times)),
            SpeedText::Text(word) => word.parse(),
            _ => Err("speed must be above zero, or \"max\"".to_owned()),
        }
    }
}

impl std::str::FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            _ if text == "max" => Ok(Self::Max),
            Ok(times) if times.is_finite() && times > 0.0 => Ok(Self::Times(times)),
            _ => Err(format!("speed `{text}` is neither a number above zero nor `max`")),
        }
    }
}

impl Default for Speed {
    fn default() -> Self {
        Self::Times(1.0)
    }
}

/// The built-in market.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeededConfig {
    /// Quotes per second, all symbols together; each symbol in turn.
    pub quotes_per_second: u32,
    /// How many of them lack a side.
    pub one_sided_probability: f64,
    /// How many of them are 40 spreads wide.
    pub wide_probability: f64,
    /// What is quoted.
    pub symbols: Vec<SymbolConfig>,
}

impl Default for SeededConfig {
    fn default() -> Self {
        let symbol = |name: &str, cents: i64| SymbolConfig {
            symbol: name.to_owned(),
            start_price: Decimal::new(cents, 2),
            tick: Decimal::new(1, 2),
            lot: Decimal::ONE_HUNDRED,
            ..SymbolConfig::default()
        };
        Self {
            quotes_per_second: 200,
            one_sided_probability: 0.002,
            wide_probability: 0.005,
            symbols: vec![
                symbol("AIG", 4_890),
                symbol("BAC", 1_384),
                symbol("IBM", 18_150),
                symbol("SPY", 16_735),
            ],
        }
    }
}

/// One symbol of the built-in market. Prices and sizes are texts, so that they stay exact.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SymbolConfig {
    /// FIX tag 55.
    pub symbol: String,
    /// The first bid.
    #[serde(with = "rust_decimal::serde::str")]
    pub start_price: Decimal,
    /// Prices are multiples of this.
    #[serde(with = "rust_decimal::serde::str")]
    pub tick: Decimal,
    /// Sizes are multiples of this.
    #[serde(with = "rust_decimal::serde::str")]
    pub lot: Decimal,
    /// A side shows from one lot to so many.
    pub max_lots: u32,
    /// The spread is from one tick to so many.
    pub spread_ticks: u32,
    /// A step moves the bid by at most so many ticks.
    pub step_ticks: u32,
}

impl Default for SymbolConfig {
    fn default() -> Self {
        Self {
            symbol: String::new(),
            start_price: Decimal::ONE_HUNDRED,
            tick: Decimal::new(1, 2),
            lot: Decimal::ONE,
            max_lots: 20,
            spread_ticks: 3,
            step_ticks: 2,
        }
    }
}

/// How the broker behaves. Probabilities are from 0 to 1; each is decided by the seed and the `ClOrdID`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Personality {
    /// The seed of the market and of every decision.
    pub seed: u64,
    /// The general attitude.
    pub mode: Mode,
    /// New orders that are rejected.
    pub reject_probability: f64,
    /// Cancel and replace requests that are rejected.
    pub cancel_reject_probability: f64,
    /// From receipt to the answer, at least. Microseconds.
    pub ack_latency_min_us: u64,
    /// From receipt to the answer, at most. Microseconds.
    pub ack_latency_max_us: u64,
    /// Answers that take `slow_ack_us` longer.
    pub slow_ack_probability: f64,
    /// How much longer a slow answer takes. Microseconds.
    pub slow_ack_us: u64,
    /// From execution to its report, at least. Microseconds.
    pub fill_latency_min_us: u64,
    /// From execution to its report, at most. Microseconds.
    pub fill_latency_max_us: u64,
    /// Executions that are reported as two.
    pub split_probability: f64,
    /// Reports that are sent again with the same `ExecID` and `PossResend=Y` (97).
    pub repeat_probability: f64,
    /// Orders the broker cancels by itself, if they still work after `unsolicited_cancel_after_us`.
    pub unsolicited_cancel_probability: f64,
    /// From the acknowledgement to such a cancel. Microseconds.
    pub unsolicited_cancel_after_us: u64,
    /// Day orders expire each time so much of the broker's run has passed; absent: never. Milliseconds.
    pub day_end_after_ms: Option<u64>,
}

/// The general attitude.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Orders are executed.
    #[default]
    Normal,
    /// Every order, cancel and replace is rejected.
    RejectEverything,
    /// As normal, but before each genuine message a malformed one goes out.
    Garbage,
}

impl Default for Personality {
    fn default() -> Self {
        Self {
            seed: 1,
            mode: Mode::Normal,
            reject_probability: 0.0,
            cancel_reject_probability: 0.0,
            ack_latency_min_us: 0,
            ack_latency_max_us: 0,
            slow_ack_probability: 0.0,
            slow_ack_us: 50_000,
            fill_latency_min_us: 0,
            fill_latency_max_us: 0,
            split_probability: 0.0,
            repeat_probability: 0.0,
            unsolicited_cancel_probability: 0.0,
            unsolicited_cancel_after_us: 100_000,
            day_end_after_ms: None,
        }
    }
}

fn default_sender() -> String {
    "BROKER".to_owned()
}

fn default_sessions() -> Vec<SessionConfig> {
    vec![SessionConfig { sender: default_sender(), target: "GANNET-0".to_owned() }]
}

impl Config {
    /// The defaults, in `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            port: 0,
            feed_port: 0,
            sessions: default_sessions(),
            market: MarketConfig::default(),
            personality: Personality::default(),
        }
    }

    /// Reads and checks a TOML file. Errors name file, line and key.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::file(path, source))?;
        let config: Self = toml::from_str(&text)
            .map_err(|error| Error::ConfigSyntax { path: path.to_owned(), message: error.to_string() })?;
        config.check()?;
        Ok(config)
    }

    /// What a type cannot say.
    pub fn check(&self) -> Result<(), Error> {
        self.check_sessions()?;
        self.personality.check()?;
        self.market.seeded.check()
    }

    fn check_sessions(&self) -> Result<(), Error> {
        if self.sessions.is_empty() {
            return Err(Error::value("sessions", "there must be at least one"));
        }
        for (index, session) in self.sessions.iter().enumerate() {
            for (key, id) in [("sender", &session.sender), ("target", &session.target)] {
                // The ids become file names in the FIX store.
                let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
                if id.is_empty() || !plain {
                    let key = format!("sessions[{index}].{key}");
                    return Err(Error::value(
                        key,
                        format!("`{id}` is not made of letters, digits and - _ ."),
                    ));
                }
            }
            if self.sessions.iter().take(index).any(|earlier| earlier.target == session.target) {
                let key = format!("sessions[{index}].target");
                return Err(Error::value(key, format!("`{}` is there twice", session.target)));
            }
        }
        Ok(())
    }
}

impl Personality {
    fn check(&self) -> Result<(), Error> {
        for (key, p) in [
            ("reject_probability", self.reject_probability),
            ("cancel_reject_probability", self.cancel_reject_probability),
            ("slow_ack_probability", self.slow_ack_probability),
            ("split_probability", self.split_probability),
            ("repeat_probability", self.repeat_probability),
            ("unsolicited_cancel_probability", self.unsolicited_cancel_probability),
        ] {
            probability(&format!("personality.{key}"), p)?;
        }
        for (key, min, max) in [
            ("ack_latency_min_us", self.ack_latency_min_us, self.ack_latency_max_us),
            ("fill_latency_min_us", self.fill_latency_min_us, self.fill_latency_max_us),
        ] {
            if min > max {
                return Err(Error::value(format!("personality.{key}"), "it is above its maximum"));
            }
        }
        if self.day_end_after_ms == Some(0) {
            return Err(Error::value("personality.day_end_after_ms", "it must be above zero"));
        }
        Ok(())
    }
}

impl SeededConfig {
    fn check(&self) -> Result<(), Error> {
        probability("market.seeded.one_sided_probability", self.one_sided_probability)?;
        probability("market.seeded.wide_probability", self.wide_probability)?;
        if self.quotes_per_second == 0 || self.quotes_per_second > 1_000_000 {
            return Err(Error::value("market.seeded.quotes_per_second", "it must be from 1 to 1000000"));
        }
        for (index, symbol) in self.symbols.iter().enumerate() {
            symbol.check().map_err(|(key, problem)| {
                Error::value(format!("market.seeded.symbols[{index}].{key}"), problem)
            })?;
            if self.symbols.iter().take(index).any(|earlier| earlier.symbol == symbol.symbol) {
                return Err(Error::value(
                    format!("market.seeded.symbols[{index}].symbol"),
                    "it is there twice",
                ));
            }
        }
        if self.symbols.is_empty() {
            return Err(Error::value("market.seeded.symbols", "there must be at least one"));
        }
        Ok(())
    }
}

impl SymbolConfig {
    fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if self.symbol.is_empty() || self.symbol.contains([',', '\n', '\r', '\u{1}', '\0']) {
            return Err(("symbol", "it is empty or has a comma, line end or control character"));
        }
        for (key, value) in [("start_price", self.start_price), ("tick", self.tick), ("lot", self.lot)] {
            if value <= Decimal::ZERO || value > Decimal::from(1_000_000) || !fits(value) {
                return Err((key, "it must be above zero, at most 1000000, with at most 18 places"));
            }
        }
        if self.start_price < self.tick {
            return Err(("start_price", "it is below one tick"));
        }
        for (key, value) in [
            ("max_lots", self.max_lots),
            ("spread_ticks", self.spread_ticks),
            ("step_ticks", self.step_ticks),
        ] {
            if value == 0 || value > 10_000 {
                return Err((key, "it must be from 1 to 10000"));
            }
        }
        Ok(())
    }
}

fn probability(key: &str, p: f64) -> Result<(), Error> {
    if (0.0..=1.0).contains(&p) { Ok(()) } else { Err(Error::value(key, format!("{p} is not from 0 to 1"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, Error> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("broker.toml");
        std::fs::write(&path, text).unwrap();
        Config::from_file(&path)
    }

    #[test]
    fn a_directory_is_enough() {
        let config = read("dir = 'x'").unwrap();
        assert_eq!(config.sessions, default_sessions());
        assert_eq!(config.market.speed, Speed::Times(1.0));
        assert_eq!(config.market.seeded.symbols.len(), 4);
    }

    #[test]
    fn every_key_is_read() {
        let config = read(
            "dir = 'x'\nport = 9876\nfeed_port = 9877\n[[sessions]]\ntarget = 'A'\n[[sessions]]\nsender = 'B2'\n\
             target = 'C'\n[market]\nquotes = 'q.csv.gz'\nspeed = 'max'\nwait_for_feed_clients = 2\n\
             [market.seeded]\nquotes_per_second = 5\n[[market.seeded.symbols]]\nsymbol = 'BTCUSDT'\n\
             start_price = '60000.5'\ntick = '0.1'\nlot = '0.001'\n[personality]\nseed = 9\nmode = 'garbage'\n\
             reject_probability = 0.25\nday_end_after_ms = 1000\n",
        )
        .unwrap();
        assert_eq!(config.sessions[0].sender, "BROKER");
        assert_eq!(config.market.speed, Speed::Max);
        assert_eq!(config.market.seeded.symbols[0].lot, Decimal::new(1, 3));
        assert_eq!(config.personality.mode, Mode::Garbage);
    }

    #[test]
    fn speeds() {
        for (text, speed) in [("2", Speed::Times(2.0)), ("0.5", Speed::Times(0.5)), ("'max'", Speed::Max)] {
            assert_eq!(read(&format!("dir='x'\nmarket.speed = {text}")).unwrap().market.speed, speed);
        }
        for text in ["0", "-1", "'fast'", "nan"] {
            assert!(read(&format!("dir='x'\nmarket.speed = {text}")).is_err(), "{text}");
        }
    }

    #[test]
    fn errors_name_the_key() {
        for (text, named) in [
            ("port = 1", "dir"),
            ("dir='x'\ntypo = 1", "typo"),
            ("dir='x'\nport = 70000", "port"),
            ("dir='x'\nsessions = []", "sessions"),
            ("dir='x'\nsessions = [{target='a/b'}]", "sessions[0].target"),
            ("dir='x'\nsessions = [{target='a'},{target='a'}]", "sessions[1].target"),
            ("dir='x'\npersonality.split_probability = 1.5", "personality.split_probability"),
            ("dir='x'\npersonality.ack_latency_min_us = 5", "personality.ack_latency_min_us"),
            ("dir='x'\nmarket.seeded.symbols = [{symbol='A', tick='0'}]", "market.seeded.symbols[0].tick"),
            ("dir='x'\nmarket.seeded.symbols = []", "market.seeded.symbols"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
