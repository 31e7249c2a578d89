//! A market that is a function of its seed: per symbol a random walk on the tick grid.

use rust_decimal::Decimal;

use super::Quote;
use crate::config::{SeededConfig, SymbolConfig};
use crate::dice::Rng;

/// The walk. The same configuration and seed give the same quotes, step by step.
#[derive(Clone, Debug)]
pub struct SeededMarket {
    rng: Rng,
    one_sided: f64,
    wide: f64,
    walks: Vec<Walk>,
    /// The symbol whose turn it is.
    turn: usize,
}

#[derive(Clone, Debug)]
struct Walk {
    symbol: SymbolConfig,
    /// The bid, in ticks; at least 1.
    bid_ticks: i64,
}

impl SeededMarket {
    /// The market of a configuration and a seed.
    pub fn new(config: &SeededConfig, seed: u64) -> Self {
        let walks = config.symbols.iter().map(Walk::new).collect();
        // Its own stream: the order decisions of the same seed must not repeat the market's numbers.
        let rng = Rng::new(seed ^ 0x4D41_524B_4554);
        Self { rng, one_sided: config.one_sided_probability, wide: config.wide_probability, walks, turn: 0 }
    }

    /// Every symbol it has.
    pub fn symbols(&self) -> Vec<String> {
        self.walks.iter().map(|walk| walk.symbol.symbol.clone()).collect()
    }

    /// The next quote, of the symbols in turn; `None` only without symbols. The caller says when it is.
    pub fn step(&mut self, ts_utc_ns: i64) -> Option<Quote> {
        let index = self.turn;
        self.turn = index.checked_add(1).filter(|next| *next < self.walks.len()).unwrap_or(0);
        let walk = self.walks.get_mut(index)?;
        walk.advance(&mut self.rng);
        let mut quote = walk.quote(&mut self.rng, ts_utc_ns);
        if self.rng.chance(self.wide) {
            walk.widen(&mut quote);
        }
        if self.rng.chance(self.one_sided) {
            drop_side(&mut quote, self.rng.chance(0.5));
        }
        Some(quote)
    }
}

fn drop_side(quote: &mut Quote, bid: bool) {
    if bid {
        (quote.bid, quote.bid_qty) = (Decimal::ZERO, Decimal::ZERO);
    } else {
        (quote.ask, quote.ask_qty) = (Decimal::ZERO, Decimal::ZERO);
    }
}

impl Walk {
    fn new(symbol: &SymbolConfig) -> Self {
        let ticks =
            symbol.start_price.checked_div(symbol.tick).and_then(|ticks| i64::try_from(ticks.trunc()).ok());
        Self { symbol: symbol.clone(), bid_ticks: ticks.unwrap_or(1).max(1) }
    }

    fn advance(&mut self, rng: &mut Rng) {
        // Up to `step_ticks` either way, symmetric; a floor of one tick keeps the price above zero.
        let step = i64::try_from(rng.below(2 * u64::from(self.symbol.step_ticks) + 1)).unwrap_or(0);
        let step = step.saturating_sub(i64::from(self.symbol.step_ticks));
        self.bid_ticks = self.bid_ticks.saturating_add(step).clamp(1, MAX_TICKS);
    }

    fn quote(&self, rng: &mut Rng, ts_utc_ns: i64) -> Quote {
        let spread =
            i64::try_from(rng.below(u64::from(self.symbol.spread_ticks))).unwrap_or(0).saturating_add(1);
        Quote {
            ts_utc_ns,
            symbol: self.symbol.symbol.clone(),
            bid: self.price(self.bid_ticks),
            bid_qty: self.size(rng),
            ask: self.price(self.bid_ticks.saturating_add(spread)),
            ask_qty: self.size(rng),
        }
    }

    fn size(&self, rng: &mut Rng) -> Decimal {
        let lots = rng.below(u64::from(self.symbol.max_lots)).saturating_add(1);
        self.symbol.lot.saturating_mul(Decimal::from(lots))
    }

    fn price(&self, ticks: i64) -> Decimal {
        self.symbol.tick.saturating_mul(Decimal::from(ticks))
    }

    fn widen(&self, quote: &mut Quote) {
        let extra = i64::from(self.symbol.spread_ticks).saturating_mul(20);
        quote.ask = quote.ask.saturating_add(self.price(extra));
        quote.bid = self.price(self.bid_ticks.saturating_sub(extra).max(1));
    }
}

/// With ticks below 10^9 the price times any size stays far inside 28 digits.
const MAX_TICKS: i64 = 1_000_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> SeededConfig {
        SeededConfig { one_sided_probability: 0.05, wide_probability: 0.05, ..SeededConfig::default() }
    }

    fn run(seed: u64, steps: usize) -> Vec<Quote> {
        let mut market = SeededMarket::new(&config(), seed);
        (0..steps).map(|_| market.step(0).unwrap()).collect()
    }

    #[test]
    fn one_seed_is_one_history() {
        assert_eq!(run(42, 5_000), run(42, 5_000));
        assert_ne!(run(42, 50), run(43, 50));
    }

    #[test]
    fn quotes_stand_on_the_grid_and_are_never_crossed() {
        let config = config();
        let (mut one_sided, mut wide) = (0, 0);
        for quote in run(7, 20_000) {
            let symbol = config.symbols.iter().find(|s| s.symbol == quote.symbol).unwrap();
            for price in [quote.bid, quote.ask] {
                assert!((price % symbol.tick).is_zero(), "{quote:?}");
            }
            for qty in [quote.bid_qty, quote.ask_qty] {
                assert!((qty % symbol.lot).is_zero(), "{quote:?}");
            }
            if quote.bid.is_zero() || quote.ask.is_zero() {
                one_sided += 1;
            } else {
                assert!(quote.bid < quote.ask, "{quote:?}");
                wide += usize::from(quote.ask - quote.bid > symbol.tick * Decimal::from(symbol.spread_ticks));
            }
        }
        assert!(one_sided > 500 && wide > 500, "{one_sided} {wide}");
    }

    #[test]
    fn without_symbols_there_is_no_quote() {
        let config = SeededConfig { symbols: Vec::new(), ..SeededConfig::default() };
        assert_eq!(SeededMarket::new(&config, 1).step(0), None);
    }
}
