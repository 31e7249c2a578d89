//! Goes over the whole state: what is kept twice must agree, and every book must balance.
//!
//! Each change asserts what can be seen where it is made. What only the whole shows is looked at here: in tests after every
//! input, in the simulated world, and by `gannet replay`. It takes as long as the state is large.

use alloc::collections::BTreeMap;

use machine::Violation;
use model::{
    AccountId, Amount, Certainty, Currency, InstrumentId, Invariant, PortfolioId, Quantity, Side, there,
};

use crate::must::must;
use crate::{Account, Asset, Core, Order};

type Checked = Result<(), Violation>;

/// Sums by key. One that has too many digits is not known, and agrees with everything.
struct Sums<K> {
    sums: BTreeMap<K, Option<Amount>>,
}

impl<K> Default for Sums<K> {
    fn default() -> Self {
        Self { sums: BTreeMap::new() }
    }
}

impl<K: Ord> Sums<K> {
    fn add(&mut self, key: K, amount: Amount) {
        let sum = self.sums.entry(key).or_insert(Some(Amount::ZERO));
        *sum = sum.and_then(|sum| sum.plus(amount).ok());
    }

    /// True where it is that much; it is gone then.
    fn take(&mut self, key: &K, expected: Amount) -> bool {
        self.sums.remove(key).unwrap_or(Some(Amount::ZERO)).is_none_or(|sum| sum == expected)
    }

    /// True where nothing but zeros is left.
    fn is_spent(&self) -> bool {
        self.sums.values().flatten().all(|sum| sum.is_zero())
    }
}

/// What the accounts of a portfolio come to together.
#[derive(Default)]
struct Exposed {
    units: Sums<(PortfolioId, InstrumentId)>,
    positions: Sums<(PortfolioId, Currency)>,
    open_orders: Sums<(PortfolioId, Currency)>,
}

impl Core {
    /// Checks that the state agrees with itself, its parts included. What it finds is a mistake of the program or of the
    /// memory: no input may lead to it.
    pub fn verify(&self) -> Checked {
        let mut exposed = Exposed::default();
        for account in self.accounts() {
            self.verify_armed(account)?;
            self.verify_books(account)?;
            self.verify_finished(account.definition.id)?;
            self.expose(account, &mut exposed);
        }
        self.verify_exposures(exposed)?;
        self.verify_counts()?;
        self.verify_parts()
    }

    fn currency_of(&self, instrument: InstrumentId) -> Currency {
        there(self.instrument(instrument), Invariant::InstrumentIsThere).definition.currency
    }

    /// What is armed is what the limits arm.
    fn verify_armed(&self, account: &Account) -> Checked {
        let portfolio = there(self.portfolio(account.definition.portfolio), Invariant::PortfolioIsThere);
        let is_armed = account.armed == account.arms() && portfolio.armed == portfolio.arms();
        let of = format_args!("account {}", account.definition.id.index);
        must(is_armed, "what is armed is what the limits arm", of)
    }

    /// Books balance, and what is reserved and open is the sum over the open orders.
    fn verify_books(&self, account: &Account) -> Checked {
        let id = account.definition.id;
        let (mut reserved, mut open) = (Sums::default(), Sums::default());
        for order in self.open_orders(id) {
            let (asset, promised) = match order.side {
                Side::Buy => (Asset::Cash(self.currency_of(order.instrument)), order.reservation.cash),
                Side::Sell => (Asset::Units(order.instrument), order.reservation.open.into()),
            };
            reserved.add(asset, promised);
            open.add((order.instrument, order.side == Side::Buy), order.reservation.open.into());
        }
        for (asset, book) in account.ledger().books() {
            let of = format_args!("account {}, {asset:?}: {book:?}", id.index);
            must(book.sum().map_or(true, Amount::is_zero), "the balances of a book sum to zero", of)?;
            must(book.available().is_ok(), "what is available of an asset is an exact number", of)?;
            must(reserved.take(asset, book.reserved()), "what is reserved is what open orders reserve", of)?;
        }
        for (instrument, holding) in account.holdings() {
            let buys = open.take(&(*instrument, true), holding.open_buy.into());
            let sells = open.take(&(*instrument, false), holding.open_sell.into());
            let of = format_args!("account {}, instrument {}: {holding:?}", id.index, instrument.index);
            must(buys && sells, "what a holding has open is what open orders have open", of)?;
            let owned = account.ledger().book(Asset::Units(*instrument)).map(crate::Book::owned);
            let is_owned =
                owned.unwrap_or(Ok(Amount::ZERO)).is_ok_and(|owned| owned == holding.position.into());
            must(is_owned, "a position is what the book of its units owns", of)?;
        }
        let is_spent = reserved.is_spent() && open.is_spent();
        must(is_spent, "what open orders reserve stands in a book", format_args!("account {}", id.index))
    }

    /// Finished orders are over.
    fn verify_finished(&self, account: AccountId) -> Checked {
        self.orders.finished(account).try_for_each(|order| {
            let Order { reservation, pending, .. } = order;
            let is_over = reservation.open.is_zero() && reservation.cash.is_zero();
            let is_over =
                is_over && reservation.notional.is_zero() && pending.is_none() && order.is_finished();
            let of = format_args!("account {}: {order:?}", account.index);
            must(is_over, "a finished order reserves nothing and waits for nothing", of)
        })
    }

    fn expose(&self, account: &Account, exposed: &mut Exposed) {
        let portfolio = account.definition.portfolio;
        for (instrument, holding) in account.holdings() {
            exposed.units.add((portfolio, *instrument), holding.position.abs().into());
        }
        for order in self.open_orders(account.definition.id) {
            let key = (portfolio, self.currency_of(order.instrument));
            exposed.open_orders.add(key, order.reservation.notional);
        }
    }

    /// The exposure of a portfolio is that of its accounts.
    fn verify_exposures(&self, mut exposed: Exposed) -> Checked {
        for portfolio in self.portfolios() {
            let id = portfolio.definition.id;
            for book in self.instruments() {
                let units: Quantity = portfolio.gross_units(book.definition.id);
                let is_sum = exposed.units.take(&(id, book.definition.id), units.into());
                let of = format_args!("portfolio {}: {units} of {}", id.index, book.definition.symbol);
                must(is_sum, "gross units are the sum of the positions", of)?;
                let value = book.mark.map(|mark| mark.notional(units, book.definition.factor()));
                if let Some(Ok(value)) = value {
                    exposed.positions.add((id, book.definition.currency), value);
                }
            }
            for (currency, exposure) in portfolio.exposures() {
                let positions = exposed.positions.take(&(id, *currency), exposure.positions);
                let open_orders = exposed.open_orders.take(&(id, *currency), exposure.open_orders);
                let of = format_args!("portfolio {}: {exposure:?} in {currency}", id.index);
                must(positions, "the exposure of positions is their value at the mark", of)?;
                must(open_orders, "the exposure of open orders is what they may still cost", of)?;
            }
        }
        let is_spent = exposed.positions.is_spent() && exposed.open_orders.is_spent();
        must(is_spent, "who is exposed is so in a portfolio", format_args!("all portfolios"))
    }

    /// What is counted as it comes and goes is what there is.
    fn verify_counts(&self) -> Checked {
        let (mut open, mut doubts) = (0u64, BTreeMap::new());
        for order in self.accounts().flat_map(|account| self.open_orders(account.definition.id)) {
            open += 1;
            if order.certainty == Certainty::InDoubt {
                *doubts.entry(order.session).or_insert(0u64) += 1;
            }
        }
        let are_doubts = self.sessions().all(|book| {
            let id = book.definition.id;
            self.orders_in_doubt(id) == doubts.get(&id).copied().unwrap_or(0)
        });
        let is_counted = self.count_open_orders() == open && are_doubts;
        must(is_counted, "open orders and doubts are as many as were counted", format_args!("{open} open"))
    }
}
