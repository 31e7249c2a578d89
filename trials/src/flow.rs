//! The orders of the day: seeded, mostly sensible, some that must be denied.

use std::collections::BTreeMap;

use model::{ClOrdId, Decimal, Name, OrderType, Price, Quantity, Quote, Side, Symbol, TimeInForce};
use wire::{Cancel, Replace, Request, Submit};

use super::market::Market;

/// One account the flow trades for.
#[derive(Clone, Debug)]
pub(crate) struct Trader {
    pub(crate) account: Name,
    pub(crate) strategies: Vec<Name>,
    pub(crate) short_sale: bool,
}

/// What to do next.
pub(crate) struct Flow {
    dice: Dice,
    traders: Vec<Trader>,
    next: u32,
    /// What each account bought less what it sold, as ordered: a strategy's own guess of its position.
    guess: BTreeMap<(Name, Symbol), i64>,
    /// Limit orders that may still work, by account and identifier.
    working: Vec<Working>,
}

#[derive(Clone, Copy)]
struct Working {
    account: Name,
    cl_ord_id: ClOrdId,
    quantity: Quantity,
    price: Price,
}

/// `SplitMix64` (Steele, Lea, Flood 2014): small, seeded, good enough to choose orders.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to `below - 1`.
    pub(crate) fn below(&mut self, below: u64) -> u64 {
        self.roll() % below.max(1)
    }

    fn percent(&mut self) -> u64 {
        self.below(100)
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        let index = usize::try_from(self.below(u64::try_from(from.len()).ok()?)).ok()?;
        from.get(index).cloned()
    }
}

/// Orders that are remembered for cancels and replaces.
const REMEMBERED: usize = 200;

impl Flow {
    pub(crate) fn new(seed: u64, traders: Vec<Trader>) -> Self {
        Self { dice: Dice::new(seed), traders, next: 0, guess: BTreeMap::new(), working: Vec::new() }
    }

    /// The next request; `None` while there are no quotes to trade on.
    pub(crate) fn next(&mut self, market: &Market) -> Option<Request> {
        let symbols = market.symbols();
        match self.dice.percent() {
            0..=9 if !self.working.is_empty() => self.cancel(),
            10..=17 if !self.working.is_empty() => self.replace(),
            18..=22 => self.mistake(market, &symbols),
            _ => self.order(market, &symbols).map(Request::Submit),
        }
    }

    fn order(&mut self, market: &Market, symbols: &[Symbol]) -> Option<Submit> {
        let trader = self.dice.pick(&self.traders)?;
        let symbol = self.dice.pick(symbols)?;
        let quote = market.quote(symbol)?;
        let guess = self.guess.get(&(trader.account, symbol)).copied().unwrap_or(0);
        let quantity = i64::try_from((1 + self.dice.below(12)) * 25).unwrap_or(25);
        let may_sell = trader.short_sale || guess >= quantity;
        let side = if may_sell && self.dice.percent() < 55 { Side::Sell } else { Side::Buy };
        let price = self.limit_price(&quote, side);
        let order_type =
            if price.is_none() || self.dice.percent() < 30 { OrderType::Market } else { OrderType::Limit };
        let time_in_force = match self.dice.percent() {
            0..=54 => TimeInForce::Day,
            55..=69 => TimeInForce::GoodTillCancel,
            70..=86 => TimeInForce::ImmediateOrCancel,
            _ => TimeInForce::FillOrKill,
        };
        let signed = if side == Side::Buy { quantity } else { -quantity };
        *self.guess.entry((trader.account, symbol)).or_default() += signed;
        let submit = Submit {
            account: trader.account,
            strategy: self.dice.pick(&trader.strategies),
            cl_ord_id: self.identifier(),
            symbol,
            side,
            order_type,
            time_in_force,
            quantity: Quantity::new(quantity.into()),
            limit_price: if order_type == OrderType::Limit { price } else { None },
        };
        self.remember(&submit);
        Some(submit)
    }

    /// Around the touch: some cross it, some wait behind it.
    fn limit_price(&mut self, quote: &Quote, side: Side) -> Option<Price> {
        let (bid, ask) = (quote.bid.get(), quote.ask.get());
        if bid.is_zero() || ask.is_zero() {
            return None;
        }
        let tick = Decimal::new(2, 2);
        let away = tick * Decimal::from(self.dice.below(8)) - tick * Decimal::TWO;
        let price = if side == Side::Buy { ask - away } else { bid + away };
        let ticks = (price / tick).floor();
        Some(Price::new(ticks * tick)).filter(|price| price.is_positive())
    }

    fn remember(&mut self, submit: &Submit) {
        let rests = matches!(submit.time_in_force, TimeInForce::Day | TimeInForce::GoodTillCancel);
        if let (true, Some(price)) = (rests, submit.limit_price) {
            let Submit { account, cl_ord_id, quantity, .. } = *submit;
            self.working.push(Working { account, cl_ord_id, quantity, price });
            if self.working.len() > REMEMBERED {
                self.working.remove(0);
            }
        }
    }

    fn cancel(&mut self) -> Option<Request> {
        let index = usize::try_from(self.dice.below(u64::try_from(self.working.len()).ok()?)).ok()?;
        let Working { account, cl_ord_id, .. } = self.working.swap_remove(index);
        Some(Request::Cancel(Cancel { account, order: None, cl_ord_id: Some(cl_ord_id) }))
    }

    fn replace(&mut self) -> Option<Request> {
        let Working { account, cl_ord_id, quantity, price } = self.dice.pick(&self.working)?;
        let more = Decimal::from(self.dice.below(3) * 25);
        let closer = Decimal::new(i64::try_from(self.dice.below(4)).ok()? * 2, 2);
        Some(Request::Replace(Replace {
            account,
            order: None,
            cl_ord_id: Some(cl_ord_id),
            quantity: Quantity::new(quantity.get() + more),
            limit_price: Some(Price::new(price.get() + closer)),
        }))
    }

    /// What people and programs get wrong.
    fn mistake(&mut self, market: &Market, symbols: &[Symbol]) -> Option<Request> {
        let mut order = self.order(market, symbols)?;
        order.cl_ord_id = self.identifier();
        match self.dice.below(8) {
            0 => order.quantity = Quantity::ZERO,
            1 => order.quantity = Quantity::new(Decimal::new(105, 1)),
            2 => order.quantity = 1_000_000u32.into(),
            3 => order.symbol = Symbol::cut("NOSUCH"),
            4 => order.limit_price = Some(limit(&mut order, |price| price + Decimal::new(1, 3))),
            5 => order.limit_price = Some(limit(&mut order, |price| price * Decimal::TWO)),
            6 => (order.order_type, order.limit_price) = (OrderType::Limit, None),
            _ => {
                // An identifier that was used before, with other content.
                order.cl_ord_id = self.working.first()?.cl_ord_id;
                order.account = self.working.first()?.account;
                order.strategy = None;
                order.quantity = 7u32.into();
            }
        }
        Some(Request::Submit(order))
    }

    fn identifier(&mut self) -> ClOrdId {
        self.next += 1;
        ClOrdId::cut(&format!("D{:06}", self.next))
    }
}

/// A limit order at a price made from its own, or from 10 where it had none; bought, so that a high price hurts.
fn limit(order: &mut wire::Submit, change: impl FnOnce(Decimal) -> Decimal) -> Price {
    order.order_type = OrderType::Limit;
    order.side = Side::Buy;
    let price = order.limit_price.map_or(Decimal::TEN, Price::get);
    Price::new(change(price))
}
