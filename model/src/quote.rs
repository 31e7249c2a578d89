//! What the market says.

use crate::{Price, Quantity, Side, Timestamp};

journalled! {
    /// The best bid and offer. A zero price or quantity means that side is absent.
    #[derive(Default)]
    pub struct Quote {
        /// Best bid.
        pub bid: Price,
        /// Units bid.
        pub bid_quantity: Quantity,
        /// Best offer.
        pub ask: Price,
        /// Units offered.
        pub ask_quantity: Quantity,
        /// When we received it.
        pub received: Timestamp,
    }
}

impl Quote {
    /// True where the bid is above the ask. One of the two is late or wrong, and nobody can say which, so such a quote is
    /// no price: no position is valued with it and no order is judged by it, as LULD bands and auction references leave
    /// crossed quotes out. The last quote before it counts until it is too old. A *locked* quote, bid and ask the same,
    /// is a price.
    #[inline]
    pub fn is_crossed(&self) -> bool {
        self.ask.is_positive() && self.bid > self.ask
    }

    /// The price to value a position at: the middle, or the one side there is; `None` without any, and of a crossed
    /// quote.
    pub fn mark(&self) -> Option<Price> {
        if self.is_crossed() {
            return None;
        }
        match (self.bid.is_positive(), self.ask.is_positive()) {
            (true, true) => self.bid.midpoint(self.ask).ok(),
            (true, false) => Some(self.bid),
            (false, true) => Some(self.ask),
            (false, false) => None,
        }
    }

    /// The price a trade on `side` would meet: the offer for a buy, the bid for a sell.
    #[inline]
    pub fn opposite(&self, side: Side) -> Option<Price> {
        let price = match side {
            Side::Buy => self.ask,
            Side::Sell => self.bid,
        };
        price.is_positive().then_some(price)
    }
}
