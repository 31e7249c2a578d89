//! Double entry: every movement of cash or units is a set of legs that sum to zero for each asset.
//!
//! A posting is prepared (all new balances computed, nothing changed) and then committed (which cannot fail).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use arrayvec::ArrayVec;
use borsh::{BorshDeserialize, BorshSerialize};
use model::{Amount, ArithmeticError, Currency, Date, InstrumentId};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Asset {
    /// Money.
    Cash(Currency),
    /// Units of an instrument.
    Units(InstrumentId),
}

/// Where an asset stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bucket {
    /// Ours, in hand.
    Settled,
    /// Ours, or owed by us, on that date.
    Unsettled(Date),
    /// Promised to open orders.
    Reserved,
    /// The other side of `Reserved`: what open orders take from what is available.
    Earmarked,
    /// Paid for executions.
    Fees,
    /// The world outside the account.
    External,
}

/// One side of a movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Of what.
    pub asset: Asset,
    /// Where.
    pub bucket: Bucket,
    /// How much comes (positive) or goes (negative).
    pub amount: Amount,
}

/// The balances of one asset. Their sum is zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Book {
    settled: Amount,
    unsettled: Vec<(Date, Amount)>,
    reserved: Amount,
    earmarked: Amount,
    fees: Amount,
    external: Amount,
}

/// Why a posting was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerError {
    /// The legs do not sum to zero.
    Unbalanced,
    /// A new balance cannot be computed exactly.
    Arithmetic(ArithmeticError),
}

impl From<ArithmeticError> for LedgerError {
    fn from(error: ArithmeticError) -> Self {
        Self::Arithmetic(error)
    }
}

/// The most legs one movement needs: a fill moves cash, a fee, units, and releases both kinds of reservation.
const LEGS: usize = 12;

/// A posting that will not fail any more: the new balances.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prepared {
    balances: ArrayVec<Leg, LEGS>,
}

/// An account's books.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Ledger {
    books: BTreeMap<Asset, Book>,
}

impl Book {
    /// In hand.
    pub const fn settled(&self) -> Amount {
        self.settled
    }

    /// To come (positive) or to pay (negative), by date.
    pub fn unsettled(&self) -> &[(Date, Amount)] {
        &self.unsettled
    }

    /// Promised to open orders.
    pub const fn reserved(&self) -> Amount {
        self.reserved
    }

    /// Paid for executions.
    pub const fn fees(&self) -> Amount {
        self.fees
    }

    /// What the world outside has given (negative) or got (positive).
    pub const fn external(&self) -> Amount {
        self.external
    }

    /// The net of what is unsettled.
    pub fn unsettled_net(&self) -> Result<Amount, ArithmeticError> {
        self.unsettled.iter().try_fold(Amount::ZERO, |sum, (_, amount)| sum.plus(*amount))
    }

    /// Settled and unsettled: what is owned, whatever is promised.
    pub fn owned(&self) -> Result<Amount, ArithmeticError> {
        self.settled.plus(self.unsettled_net()?)
    }

    /// What an order may still take: owned less reserved. Trade-date accounting: proceeds count before they settle.
    pub fn available(&self) -> Result<Amount, ArithmeticError> {
        self.owned()?.plus(self.earmarked)
    }

    /// The sum over every bucket: zero, or the books are broken.
    pub fn sum(&self) -> Result<Amount, ArithmeticError> {
        self.owned()?.plus(self.reserved)?.plus(self.earmarked)?.plus(self.fees)?.plus(self.external)
    }

    /// Any sum of its balances and a posting's is exact without looking.
    fn is_small(&self) -> bool {
        let buckets = [self.settled, self.reserved, self.earmarked, self.fees, self.external];
        // With a posting's own dates there are at most eleven numbers in a sum.
        self.unsettled.len() <= 4
            && buckets.into_iter().all(is_small)
            && self.unsettled.iter().all(|(_, amount)| is_small(*amount))
    }

    fn balance(&self, bucket: Bucket) -> Amount {
        match bucket {
            Bucket::Settled => self.settled,
            Bucket::Unsettled(date) => self
                .unsettled
                .iter()
                .find(|(day, _)| *day == date)
                .map_or(Amount::ZERO, |(_, amount)| *amount),
            Bucket::Reserved => self.reserved,
            Bucket::Earmarked => self.earmarked,
            Bucket::Fees => self.fees,
            Bucket::External => self.external,
        }
    }

    fn set(&mut self, bucket: Bucket, balance: Amount) {
        match bucket {
            Bucket::Settled => self.settled = balance,
            Bucket::Unsettled(date) => self.set_unsettled(date, balance),
            Bucket::Reserved => self.reserved = balance,
            Bucket::Earmarked => self.earmarked = balance,
            Bucket::Fees => self.fees = balance,
            Bucket::External => self.external = balance,
        }
    }

    /// Kept sorted by date and free of zeros, so that equal states have equal encodings.
    fn set_unsettled(&mut self, date: Date, balance: Amount) {
        match (self.unsettled.binary_search_by_key(&date, |(day, _)| *day), balance.is_zero()) {
            (Ok(found), true) => drop(self.unsettled.remove(found)),
            (Ok(found), false) => {
                if let Some(entry) = self.unsettled.get_mut(found) {
                    entry.1 = balance;
                }
            }
            (Err(place), false) => self.unsettled.insert(place, (date, balance)),
            (Err(_), true) => {}
        }
    }
}

impl Ledger {
    /// The book of an asset, if it ever moved.
    pub fn book(&self, asset: Asset) -> Option<&Book> {
        self.books.get(&asset)
    }

    /// Every book.
    pub fn books(&self) -> impl Iterator<Item = (&Asset, &Book)> {
        self.books.iter()
    }

    /// See [`Book::available`]; zero where the asset never moved.
    pub fn available(&self, asset: Asset) -> Result<Amount, ArithmeticError> {
        self.book(asset).map_or(Ok(Amount::ZERO), Book::available)
    }

    /// Computes the balances after `legs`, and refuses legs that do not sum to zero for each asset. Legs of zero
    /// are dropped.
    pub(crate) fn prepare(&self, legs: &[Leg]) -> Result<Prepared, LedgerError> {
        let mut prepared = Prepared::default();
        for (index, leg) in legs.iter().enumerate() {
            if !legs.iter().take(index).any(|earlier| earlier.asset == leg.asset) {
                check_balanced(legs, leg.asset)?;
            }
            if leg.amount.is_zero() {
                continue;
            }
            let same = |entry: &&mut Leg| entry.asset == leg.asset && entry.bucket == leg.bucket;
            if let Some(entry) = prepared.balances.iter_mut().find(same) {
                entry.amount = entry.amount.plus(leg.amount)?;
                continue;
            }
            let before = self.book(leg.asset).map_or(Amount::ZERO, |book| book.balance(leg.bucket));
            prepared
                .balances
                .try_push(Leg { amount: before.plus(leg.amount)?, ..*leg })
                .map_err(|_| LedgerError::Unbalanced)?;
        }
        for (index, leg) in prepared.balances.iter().enumerate() {
            if !prepared.balances.iter().take(index).any(|earlier| earlier.asset == leg.asset) {
                self.check_sums(leg.asset, &prepared)?;
            }
        }
        Ok(prepared)
    }

    /// What an asset's balances will add up to must be exact too: a book whose available cash cannot be computed
    /// would refuse every order from then on.
    fn check_sums(&self, asset: Asset, prepared: &Prepared) -> Result<(), ArithmeticError> {
        let book = self.book(asset);
        let changed = prepared.balances.iter().filter(|leg| leg.asset == asset);
        if changed.clone().all(|leg| is_small(leg.amount)) && book.is_none_or(Book::is_small) {
            return Ok(());
        }
        let new = || prepared.balances.iter().filter(|leg| leg.asset == asset);
        let after = |bucket| {
            let changed = new().find(|leg| leg.bucket == bucket).map(|leg| leg.amount);
            changed.unwrap_or_else(|| book.map_or(Amount::ZERO, |book| book.balance(bucket)))
        };
        let mut owned = after(Bucket::Settled);
        let known = book.map_or(&[][..], Book::unsettled);
        for (date, _) in known {
            owned = owned.plus(after(Bucket::Unsettled(*date)))?;
        }
        for leg in new() {
            if let Bucket::Unsettled(date) = leg.bucket
                && !known.iter().any(|(day, _)| *day == date)
            {
                owned = owned.plus(leg.amount)?;
            }
        }
        owned.plus(after(Bucket::Earmarked))?;
        let sum = owned.plus(after(Bucket::Reserved))?.plus(after(Bucket::Earmarked))?;
        if new().any(|leg| matches!(leg.bucket, Bucket::Fees | Bucket::External)) {
            sum.plus(after(Bucket::Fees))?.plus(after(Bucket::External))?;
        }
        Ok(())
    }

    /// Takes over prepared balances.
    pub(crate) fn commit(&mut self, prepared: &Prepared) {
        for leg in &prepared.balances {
            self.books.entry(leg.asset).or_default().set(leg.bucket, leg.amount);
        }
    }
}

/// Less than 2^64 units of the eighth decimal at most: sixteen of these add up exactly in 96 bits, whatever their
/// scales, since 16 × 2^64 × 10^8 is below 2^96.
fn is_small(amount: Amount) -> bool {
    let number = amount.get();
    number.scale() <= 8 && u64::try_from(number.mantissa().unsigned_abs()).is_ok()
}

fn check_balanced(legs: &[Leg], asset: Asset) -> Result<(), LedgerError> {
    let mut sum = Amount::ZERO;
    for leg in legs.iter().filter(|leg| leg.asset == asset) {
        sum = sum.plus(leg.amount)?;
    }
    if sum.is_zero() { Ok(()) } else { Err(LedgerError::Unbalanced) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn usd() -> Asset {
        Asset::Cash(Currency::new("USD").unwrap())
    }

    fn leg(bucket: Bucket, amount: &str) -> Leg {
        Leg { asset: usd(), bucket, amount: amount.parse().unwrap() }
    }

    #[test]
    fn legs_that_do_not_balance_change_nothing() {
        let ledger = Ledger::default();
        let posting = [leg(Bucket::Settled, "10"), leg(Bucket::External, "-9.99")];
        assert_eq!(ledger.prepare(&posting).unwrap_err(), LedgerError::Unbalanced);
    }

    #[test]
    fn a_reservation_takes_from_what_is_available_only() {
        let mut ledger = Ledger::default();
        let deposit = ledger.prepare(&[leg(Bucket::Settled, "10"), leg(Bucket::External, "-10")]).unwrap();
        ledger.commit(&deposit);
        let hold = ledger.prepare(&[leg(Bucket::Reserved, "4"), leg(Bucket::Earmarked, "-4")]).unwrap();
        ledger.commit(&hold);
        let book = ledger.book(usd()).unwrap();
        assert_eq!(book.settled(), "10".parse().unwrap());
        assert_eq!(book.available().unwrap(), "6".parse().unwrap());
        assert!(book.sum().unwrap().is_zero());
    }

    proptest! {
        /// Any sequence of balanced postings leaves every book summing to zero, with unsettled entries sorted and
        /// without zeros.
        #[test]
        fn books_sum_to_zero(moves in proptest::collection::vec((0usize..5, -1000i64..1000, 0i32..4), 1..60)) {
            let mut ledger = Ledger::default();
            for (kind, cents, day) in moves {
                let amount = Amount::new(model::Decimal::new(cents, 2));
                let date = Date { days: day };
                let (from, to) = match kind {
                    0 => (Bucket::External, Bucket::Settled),
                    1 => (Bucket::External, Bucket::Unsettled(date)),
                    2 => (Bucket::Unsettled(date), Bucket::Settled),
                    3 => (Bucket::Earmarked, Bucket::Reserved),
                    _ => (Bucket::Unsettled(date), Bucket::Fees),
                };
                let legs = [
                    Leg { asset: usd(), bucket: from, amount: amount.negated() },
                    Leg { asset: usd(), bucket: to, amount },
                ];
                let prepared = ledger.prepare(&legs).unwrap();
                ledger.commit(&prepared);
                if let Some(book) = ledger.book(usd()) {
                    prop_assert!(book.sum().unwrap().is_zero());
                    prop_assert!(book.unsettled().windows(2).all(|pair| pair[0].0 < pair[1].0));
                    prop_assert!(book.unsettled().iter().all(|(_, amount)| !amount.is_zero()));
                }
            }
        }
    }
}
