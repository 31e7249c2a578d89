//! One symbol: its latest quote, what is left of the displayed size, and the orders that work in it.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::order::{LaneKey, Order};
use crate::market::Quote;
use crate::words::Side;

/// One symbol.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    /// What a buy meets; zero where there is no offer.
    ask: Decimal,
    ask_left: Decimal,
    /// What a sell meets; zero where there is no bid.
    bid: Decimal,
    bid_left: Decimal,
    buys: BTreeMap<LaneKey, usize>,
    sells: BTreeMap<LaneKey, usize>,
}

impl Lane {
    /// A new quote: the displayed sizes are fresh.
    pub(crate) fn set_quote(&mut self, quote: &Quote) {
        (self.ask, self.ask_left) = (quote.ask, quote.ask_qty);
        (self.bid, self.bid_left) = (quote.bid, quote.bid_qty);
    }

    /// Price and remaining size that an order on `side` meets.
    pub(crate) fn opposite(&self, side: Side) -> (Decimal, Decimal) {
        match side {
            Side::Buy => (self.ask, self.ask_left),
            Side::Sell => (self.bid, self.bid_left),
        }
    }

    /// What of the displayed size an order can take now; zero where it does not cross.
    pub(crate) fn available_to(&self, order: &Order) -> Decimal {
        let (price, left) = self.opposite(order.side);
        if price.is_zero() || !order.accepts(price) { Decimal::ZERO } else { left.min(order.leaves_qty()) }
    }

    /// Takes `qty` of the size that an order on `side` meets.
    pub(crate) fn take(&mut self, side: Side, qty: Decimal) {
        let left = match side {
            Side::Buy => &mut self.ask_left,
            Side::Sell => &mut self.bid_left,
        };
        *left = left.saturating_sub(qty).max(Decimal::ZERO);
    }

    /// The order that is first in line on `side`.
    pub(crate) fn first(&self, side: Side) -> Option<usize> {
        let lane = match side {
            Side::Buy => &self.buys,
            Side::Sell => &self.sells,
        };
        lane.first_key_value().map(|(_, index)| *index)
    }

    /// Puts an order in line: market orders first, then the better price, then arrival.
    pub(crate) fn enter(&mut self, order: &mut Order, index: usize, arrival: u64) {
        let rank = match (order.price, order.side) {
            (None, _) => Decimal::MIN,
            (Some(limit), Side::Buy) => -limit,
            (Some(limit), Side::Sell) => limit,
        };
        order.key = Some((rank, arrival));
        self.lane(order.side).insert((rank, arrival), index);
    }

    /// Takes an order out of line.
    pub(crate) fn leave(&mut self, order: &mut Order) {
        if let Some(key) = order.key.take() {
            self.lane(order.side).remove(&key);
        }
    }

    fn lane(&mut self, side: Side) -> &mut BTreeMap<LaneKey, usize> {
        match side {
            Side::Buy => &mut self.buys,
            Side::Sell => &mut self.sells,
        }
    }
}
