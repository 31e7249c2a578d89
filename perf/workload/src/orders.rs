//! The orders.

use model::{AccountId, ClOrdId, InstrumentId, NewOrder, OrderType, Quantity, Side, StrategyId, TimeInForce};

use crate::{ACCOUNTS, INSTRUMENTS, cents};

/// Buy orders without end, each with an identifier of its own.
#[derive(Debug)]
pub struct Orders {
    next: u64,
    accounts: u32,
}

impl Default for Orders {
    fn default() -> Self {
        Self::over(ACCOUNTS)
    }
}

impl Orders {
    /// Going round over so many accounts.
    pub const fn over(accounts: u32) -> Self {
        Self { next: 0, accounts }
    }

    /// The next order.
    #[expect(
        clippy::should_implement_trait,
        reason = "they never end: an iterator's `None` would never come"
    )]
    pub fn next(&mut self) -> NewOrder {
        let number = self.next;
        self.next += 1;
        let round = |over: u32| u32::try_from(number % u64::from(over)).unwrap_or(0);
        NewOrder {
            account: AccountId::new(round(self.accounts)),
            strategy: StrategyId::new(1),
            cl_ord_id: identifier(number),
            instrument: InstrumentId::new(round(INSTRUMENTS)),
            side: Side::Buy,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Day,
            quantity: Quantity::from(10),
            limit_price: Some(cents(4851)),
        }
    }
}

/// `P` and the number's digits; cheap, so that making an order does not disturb what is measured.
fn identifier(number: u64) -> ClOrdId {
    let mut digits = *b"P000000000000";
    let mut rest = number;
    for digit in digits.iter_mut().skip(1).rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    ClOrdId::cut(std::str::from_utf8(&digits).unwrap_or("P"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_differ() {
        assert_eq!(identifier(0).as_str(), "P000000000000");
        assert_eq!(identifier(1_234_567).as_str(), "P000001234567");
    }
}
