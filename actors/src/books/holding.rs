//! What an account holds of one instrument: position, average cost, realised profit.

use borsh::{BorshDeserialize, BorshSerialize};
use model::{Amount, ArithmeticError, Price, Quantity, Rounding, Side};

/// One account's holding of one instrument. Long positions are positive, and so is their cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Holding {
    /// Units held (positive) or owed (negative), by trade date.
    pub position: Quantity,
    /// What the position cost: signed like the position. Cost over position is the average price.
    pub cost: Amount,
    /// Profit of what was closed, before fees.
    pub realised: Amount,
    /// Fees paid.
    pub fees: Amount,
    /// Units of open buy orders.
    pub open_buy: Quantity,
    /// Units of open sell orders.
    pub open_sell: Quantity,
}

/// The cost basis that leaves with a partial close is kept to this many decimals; the rest stays, so nothing is
/// created or lost.
const COST: Rounding = Rounding::HalfEven(8);

impl Holding {
    /// Of what was never traded.
    pub(crate) const NONE: Self = Self {
        position: Quantity::ZERO,
        cost: Amount::ZERO,
        realised: Amount::ZERO,
        fees: Amount::ZERO,
        open_buy: Quantity::ZERO,
        open_sell: Quantity::ZERO,
    };

    /// The holding after a fill, and what the fill realised. Average cost method; a fill through zero closes first
    /// and opens the rest at its own price.
    pub fn after_fill(
        &self,
        side: Side,
        quantity: Quantity,
        price: Price,
        multiplier: Quantity,
    ) -> Result<(Self, Amount), ArithmeticError> {
        self.after_execution(side, quantity, price, price.notional(quantity, multiplier)?, multiplier)
    }

    /// The same with the fill's notional at hand.
    #[inline]
    pub(crate) fn after_execution(
        &self,
        side: Side,
        quantity: Quantity,
        price: Price,
        notional: Amount,
        multiplier: Quantity,
    ) -> Result<(Self, Amount), ArithmeticError> {
        let signed = if side == Side::Buy { quantity } else { quantity.negated() };
        let mut next = *self;
        next.position = self.position.plus(signed)?;
        let opposite = self.position.is_negative() != signed.is_negative() && !self.position.is_zero();
        if !opposite {
            let paid = if side == Side::Buy { notional } else { notional.negated() };
            next.cost = self.cost.plus(paid)?;
            return Ok((next, Amount::ZERO));
        }
        self.closed(next, signed, price, multiplier)
    }

    /// After a fill on the other side, which made the position that of `next`.
    fn closed(
        &self,
        mut next: Self,
        signed: Quantity,
        price: Price,
        multiplier: Quantity,
    ) -> Result<(Self, Amount), ArithmeticError> {
        let closed = signed.abs().at_most(self.position.abs());
        let cost_out = self.cost.share(closed, self.position.abs(), COST)?;
        let closed_signed = if signed.is_negative() { closed.negated() } else { closed };
        let realised = price.notional(closed_signed, multiplier)?.negated().minus(cost_out)?;
        let opened = signed.minus(closed_signed)?;
        next.cost = self.cost.minus(cost_out)?.plus(price.notional(opened, multiplier)?)?;
        next.realised = self.realised.plus(realised)?;
        Ok((next, realised))
    }

    /// The average price of the position; `None` without one. Rounded to 8 decimals for people.
    pub fn average_price(&self, multiplier: Quantity) -> Option<Price> {
        if self.position.is_zero() {
            return None;
        }
        self.cost.per_unit(self.position, multiplier, COST).ok()
    }

    /// Profit of the open position at a mark.
    pub fn unrealised(&self, mark: Price, multiplier: Quantity) -> Result<Amount, ArithmeticError> {
        mark.notional(self.position, multiplier)?.minus(self.cost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Decimal;
    use proptest::prelude::*;

    fn fill(holding: &Holding, side: Side, quantity: u32, price: &str) -> (Holding, Amount) {
        holding.after_fill(side, quantity.into(), price.parse().unwrap(), Quantity::ONE).unwrap()
    }

    #[test]
    fn average_cost_realises_against_the_average() {
        let (long, _) = fill(&Holding::default(), Side::Buy, 100, "10");
        let (long, _) = fill(&long, Side::Buy, 100, "12");
        assert_eq!(long.average_price(Quantity::ONE), Some("11".parse().unwrap()));
        let (rest, realised) = fill(&long, Side::Sell, 50, "13");
        assert_eq!(realised, "100".parse().unwrap());
        assert_eq!(rest.cost, "1650".parse().unwrap());
    }

    #[test]
    fn a_fill_through_zero_closes_and_opens() {
        let (long, _) = fill(&Holding::default(), Side::Buy, 10, "100");
        let (short, realised) = fill(&long, Side::Sell, 25, "110");
        assert_eq!(realised, "100".parse().unwrap());
        assert_eq!(short.position, Quantity::from(15).negated());
        assert_eq!(short.average_price(Quantity::ONE), Some("110".parse().unwrap()));
        let (flat, realised) = fill(&short, Side::Buy, 15, "100");
        assert_eq!(realised, "150".parse().unwrap());
        assert!(flat.cost.is_zero() && flat.position.is_zero());
    }

    proptest! {
        /// Whatever is traded, realised and unrealised profit together are the cash that came in plus the value held.
        #[test]
        fn profit_is_conserved(trades in proptest::collection::vec((any::<bool>(), 1u32..500, 1i64..20_000), 1..80)) {
            let mut holding = Holding::default();
            let mut cash = Amount::ZERO;
            let mut last = Price::ZERO;
            for (buy, quantity, cents) in trades {
                last = Price::new(Decimal::new(cents, 2));
                let side = if buy { Side::Buy } else { Side::Sell };
                let value = last.notional(quantity.into(), Quantity::ONE).unwrap();
                cash = if buy { cash.minus(value) } else { cash.plus(value) }.unwrap();
                holding = holding.after_fill(side, quantity.into(), last, Quantity::ONE).unwrap().0;
                prop_assert_eq!(holding.position.is_zero(), holding.cost.is_zero());
            }
            let held = last.notional(holding.position, Quantity::ONE).unwrap();
            let profit = holding.realised.plus(holding.unrealised(last, Quantity::ONE).unwrap()).unwrap();
            prop_assert_eq!(profit, cash.plus(held).unwrap());
        }
    }
}
