//! The naive twin of the books: from the broker's log to positions and cash, in 128-bit integers.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

/// Everything, recomputed. Money at 8 decimals.
#[derive(Debug, Default)]
pub struct Books {
    pub fills: u64,
    pub holdings: BTreeMap<(String, String), Holding>,
    pub cash: BTreeMap<(String, String), Cash>,
}

#[derive(Debug, Default)]
pub struct Holding {
    pub fills: u64,
    pub position: i128,
    pub cost: i128,
    pub realised: i128,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Cash {
    pub moved: i128,
    pub fees: i128,
}

/// A decimal text as an integer of `10^-places`; panics where digits would be lost.
pub fn fixed(text: &str, places: u32) -> i128 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let missing = places as usize - fraction.len().min(places as usize);
    assert!(fraction.len() <= places as usize, "{text} has more than {places} decimals");
    let all: i128 = format!("{whole}{fraction}{}", "0".repeat(missing)).parse().unwrap();
    sign * all
}

/// Half to even.
fn divide(numerator: i128, denominator: i128) -> i128 {
    let (quotient, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    match (rest * 2).cmp(&denominator) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + quotient.rem_euclid(2),
    }
}

impl Books {
    /// Reads the broker's log, and the fees of each account from the configuration. `arrivals` are ExecIDs in the
    /// order in which the reports reached the node: what an average cost realises depends on it, and the broker
    /// sends each report after a delay of its own.
    pub fn from_log(kept: &Path, arrivals: &[String]) -> Self {
        let node: toml::Value =
            toml::from_str(&std::fs::read_to_string(kept.join("node.toml")).unwrap()).unwrap();
        let log = std::fs::read_to_string(kept.join("broker").join("broker.log")).unwrap();
        let mut fills: BTreeMap<String, Value> = log
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|line| line["kind"] == "fill")
            .map(|line| (line["exec_id"].as_str().unwrap().to_owned(), line))
            .collect();
        let mut books = Self::default();
        for exec_id in arrivals {
            // A report that came again is not there any more.
            if let Some(fill) = fills.remove(exec_id) {
                books.book(&fill, &node);
            }
        }
        assert!(fills.is_empty(), "{} fills never arrived", fills.len());
        books
    }

    fn book(&mut self, fill: &Value, node: &toml::Value) {
        let text = |key: &str| fill[key].as_str().unwrap().to_owned();
        let (account, symbol) = (text("account"), text("symbol"));
        let signed = if text("side") == "buy" { 1 } else { -1 } * fixed(&text("last_qty"), 0);
        let price = fixed(&text("last_px"), 8);
        self.fills += 1;
        let holding = self.holdings.entry((account.clone(), symbol)).or_default();
        holding.fill(signed, price);
        let fee = fee(node, &account, signed.abs() * price, signed.abs());
        // Every symbol of the file is quoted in dollars.
        let cash = self.cash.entry((account, "USD".to_owned())).or_default();
        cash.moved -= signed * price + fee;
        cash.fees += fee;
    }
}

impl Holding {
    /// Average cost: what closes leaves with its share of the cost, what opens brings its own.
    fn fill(&mut self, signed: i128, price: i128) {
        self.fills += 1;
        let opens = self.position == 0 || (self.position > 0) == (signed > 0);
        if opens {
            self.cost += signed * price;
        } else {
            let closed = signed.abs().min(self.position.abs());
            // In magnitude, then with the position's sign: halves round the same way on both sides of zero.
            let part = divide(self.cost.abs() * closed, self.position.abs()) * self.cost.signum();
            self.realised += -(signed.signum() * closed * price) - part;
            self.cost -= part;
            self.cost += (signed - signed.signum() * closed) * price;
        }
        self.position += signed;
    }
}

/// Basis points of the notional and an amount for each unit, to 4 decimals, half away from zero.
fn fee(node: &toml::Value, account: &str, notional: i128, units: i128) -> i128 {
    let accounts = node["account"].as_array().unwrap();
    let entry = accounts.iter().find(|entry| entry["name"].as_str() == Some(account)).unwrap();
    let number = |key: &str| match entry["fees"].get(key) {
        Some(toml::Value::Float(number)) => fixed(&number.to_string(), 8),
        Some(toml::Value::Integer(number)) => fixed(&number.to_string(), 8),
        _ => 0,
    };
    // notional at 10^-8, rate at 10^-8 basis points of 10^-4: 10^-20 in all.
    let exact = notional * number("rate_bps") + number("per_unit") * units * 1_000_000_000_000;
    let unit = 10_i128.pow(16);
    (exact + unit / 2) / unit * 10_000
}
