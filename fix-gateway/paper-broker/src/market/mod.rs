//! Where quotes come from: a seeded random walk, or a file of real ones.

mod driver;
mod replay;
mod seeded;

use rust_decimal::Decimal;

pub(crate) use driver::{Driver, QuoteSource};
pub use replay::QuoteFile;
pub use seeded::SeededMarket;

/// The best bid and offer of one symbol. A side that is absent has a zero price and quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// When, nanoseconds since 1970 UTC.
    pub ts_utc_ns: i64,
    /// Of what.
    pub symbol: String,
    /// Best bid.
    pub bid: Decimal,
    /// Units bid.
    pub bid_qty: Decimal,
    /// Best offer.
    pub ask: Decimal,
    /// Units offered.
    pub ask_qty: Decimal,
}

/// The first line of a quotes file and of the feed.
pub const HEADER: &str = "ts_utc_ns,symbol,bid,bid_qty,ask,ask_qty";

/// 70 thousand million. With at most 18 decimal places, every sum and difference of such numbers is exact in
/// the 28 digits of a [`Decimal`], and no product overflows.
pub(crate) const MAX_NUMBER: Decimal = Decimal::from_parts(0x4C53_3C00, 0x10, 0, false, 0);

/// True where arithmetic on the number is exact.
pub(crate) fn fits(value: Decimal) -> bool {
    value.abs() <= MAX_NUMBER && value.normalize().scale() <= 18
}

impl Quote {
    /// The line of the feed: the columns of [`HEADER`], an absent side as blank fields, with a line feed.
    pub fn to_line(&self) -> String {
        let mut line = format!("{},{}", self.ts_utc_ns, self.symbol);
        for (price, qty) in [(self.bid, self.bid_qty), (self.ask, self.ask_qty)] {
            if price.is_zero() {
                line.push_str(",,");
            } else {
                line += &[",", &price.normalize().to_string(), ",", &qty.normalize().to_string()].concat();
            }
        }
        line.push('\n');
        line
    }

    /// From a line with the columns of [`HEADER`].
    ///
    /// A side with a blank price or quantity, or with a zero one, is absent as a whole. Wide and crossed
    /// quotes are taken as they are: real data has them.
    pub fn from_line(line: &str) -> Result<Self, String> {
        let mut fields = line.trim_end_matches(['\r', '\n']).split(',').map(str::trim);
        let mut next = |name: &str| fields.next().ok_or_else(|| format!("field {name} is missing"));
        let ts = next("ts_utc_ns")?;
        let ts_utc_ns = ts.parse().map_err(|_| format!("ts_utc_ns `{ts}` is not a whole number"))?;
        let symbol = next("symbol")?.to_owned();
        if symbol.is_empty() {
            return Err("symbol is blank".to_owned());
        }
        let (bid, bid_qty) = side(("bid", next("bid")?), ("bid_qty", next("bid_qty")?))?;
        let (ask, ask_qty) = side(("ask", next("ask")?), ("ask_qty", next("ask_qty")?))?;
        match fields.next() {
            Some(_) => Err("more than 6 fields".to_owned()),
            None => Ok(Self { ts_utc_ns, symbol, bid, bid_qty, ask, ask_qty }),
        }
    }
}

fn side(price: (&str, &str), qty: (&str, &str)) -> Result<(Decimal, Decimal), String> {
    let price = number(price.0, price.1)?;
    let qty = number(qty.0, qty.1)?;
    if price.is_zero() || qty.is_zero() { Ok((Decimal::ZERO, Decimal::ZERO)) } else { Ok((price, qty)) }
}

fn number(name: &str, text: &str) -> Result<Decimal, String> {
    if text.is_empty() {
        return Ok(Decimal::ZERO);
    }
    let value =
        Decimal::from_str_exact(text).map_err(|_| format!("{name} `{text}` is not a decimal number"))?;
    if value < Decimal::ZERO || !fits(value) {
        return Err(format!("{name} `{text}` is negative, above {MAX_NUMBER} or has more than 18 places"));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_reads_back_from_its_line() {
        for line in ["1,IBM,181.25,200,181.8,3000\n", "1,IBM,,,181.8,3000\n", "1,IBM,,,,\n", "1,X,9,1,8,1\n"]
        {
            assert_eq!(Quote::from_line(line).unwrap().to_line(), line);
        }
    }

    #[test]
    fn half_a_side_is_no_side() {
        assert_eq!(Quote::from_line("1,IBM,181.25,,181.8,0").unwrap().to_line(), "1,IBM,,,,\n");
    }

    #[test]
    fn bad_lines_are_named() {
        for (line, problem) in [
            ("x,IBM,1,1,1,1", "ts_utc_ns `x`"),
            ("1,,1,1,1,1", "symbol"),
            ("1,IBM,1,1,1", "ask_qty is missing"),
            ("1,IBM,1,1,1,1,1", "more than 6"),
            ("1,IBM,1e5,1,1,1", "bid `1e5`"),
            ("1,IBM,-1,1,1,1", "negative"),
            ("1,IBM,99999999999999999999,1,1,1", "above"),
        ] {
            let error = Quote::from_line(line).unwrap_err();
            assert!(error.contains(problem), "{line}: {error}");
        }
    }

    #[test]
    fn the_largest_number_is_what_it_says() {
        assert_eq!(MAX_NUMBER, Decimal::from(70_000_000_000_u64));
        let smallest = Decimal::new(1, 18);
        assert_eq!(MAX_NUMBER - smallest + smallest, MAX_NUMBER);
        assert_ne!(MAX_NUMBER - smallest, MAX_NUMBER);
    }
}
