//! Double entry: every movement of cash or units is a set of legs that sum to zero for each asset.
//!
//! A posting is prepared (all new balances computed, nothing changed) and then committed (which cannot fail).

use alloc::vec::Vec;

use arrayvec::ArrayVec;
use borsh::{BorshDeserialize, BorshSerialize};
use model::{AccountId, Amount, ArithmeticError, Date, Invariant, holds};

use super::asset::{Asset, Bucket, Leg};
use crate::fingerprint::Fingerprint;
use crate::store::growth::{Piece, Spare};
use crate::store::sorted::Sorted;

mod exchange;

pub(crate) use exchange::Exchange;

/// The balances of one asset. Their sum is zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Book {
    balances: Balances,
    unsettled: Dates,
}

/// What is to come or to pay on some days. Most books are at rest and have none: the memory is handed on to others.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Dates {
    sorted: Vec<(Date, Amount)>,
}

/// Days that there is room for: what is traded every day and settles two days later has no more.
const ROOM: usize = 2;

impl Piece for Dates {
    const AHEAD: usize = 512;

    fn make() -> Self {
        Self { sorted: Vec::with_capacity(ROOM) }
    }
}

/// What stands in each bucket that is there once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Balances {
    settled: Amount,
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

/// The most assets one movement concerns: cash and units.
const ASSETS: usize = 2;

/// A posting that will not fail any more: the books that it changes, as they will be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prepared {
    changes: ArrayVec<Change, ASSETS>,
}

/// One book as it will be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    asset: Asset,
    balances: Balances,
    /// Of the date that the posting names.
    unsettled: Option<(Date, Amount)>,
}

/// The two sides of what is reserved, as they will be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reserved {
    pub(crate) reserved: Amount,
    earmarked: Amount,
}

/// An account's books.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Ledger {
    books: Sorted<Asset, Book>,
}

impl Book {
    /// In hand.
    pub const fn settled(&self) -> Amount {
        self.balances.settled
    }

    /// To come (positive) or to pay (negative), by date.
    pub fn unsettled(&self) -> &[(Date, Amount)] {
        &self.unsettled.sorted
    }

    /// Promised to open orders.
    pub const fn reserved(&self) -> Amount {
        self.balances.reserved
    }

    /// Paid for executions.
    pub const fn fees(&self) -> Amount {
        self.balances.fees
    }

    /// What the world outside has given (negative) or got (positive).
    pub const fn external(&self) -> Amount {
        self.balances.external
    }

    /// The net of what is unsettled.
    pub fn unsettled_net(&self) -> Result<Amount, ArithmeticError> {
        self.unsettled().iter().try_fold(Amount::ZERO, |sum, (_, amount)| sum.plus(*amount))
    }

    /// Settled and unsettled: what is owned, whatever is promised.
    #[inline]
    pub fn owned(&self) -> Result<Amount, ArithmeticError> {
        if self.unsettled().is_empty() {
            return Ok(self.balances.settled);
        }
        self.balances.settled.plus(self.unsettled_net()?)
    }

    /// What an order may still take: owned less reserved. Trade-date accounting: proceeds count before they settle.
    #[inline]
    pub fn available(&self) -> Result<Amount, ArithmeticError> {
        self.owned()?.plus(self.balances.earmarked)
    }

    /// The sum over every bucket: zero, or the books are broken.
    pub fn sum(&self) -> Result<Amount, ArithmeticError> {
        let Balances { reserved, earmarked, fees, external, .. } = self.balances;
        self.owned()?.plus(reserved)?.plus(earmarked)?.plus(fees)?.plus(external)
    }

    fn unsettled_on(&self, date: Date) -> Amount {
        let found = self.unsettled().iter().find(|(day, _)| *day == date);
        found.map_or(Amount::ZERO, |(_, amount)| *amount)
    }

    /// Kept sorted by date and free of zeros, so that equal states have equal encodings.
    fn set_unsettled(&mut self, date: Date, balance: Amount, rooms: &mut Spare<Dates>) {
        let sorted = &mut self.unsettled.sorted;
        match (sorted.binary_search_by_key(&date, |(day, _)| *day), balance.is_zero()) {
            (Ok(found), true) => {
                sorted.remove(found);
                if sorted.is_empty() {
                    rooms.give_back(core::mem::take(&mut self.unsettled));
                }
            }
            (Ok(found), false) => {
                if let Some(entry) = sorted.get_mut(found) {
                    entry.1 = balance;
                }
            }
            (Err(place), false) => {
                if sorted.capacity() == 0 {
                    *sorted = rooms.take().sorted;
                }
                sorted.insert(place, (date, balance));
            }
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
    #[inline]
    pub fn available(&self, asset: Asset) -> Result<Amount, ArithmeticError> {
        self.book(asset).map_or(Ok(Amount::ZERO), Book::available)
    }

    /// Computes the books after `legs`, and refuses legs that do not sum to zero for each asset. The legs of one
    /// asset stand side by side.
    pub(crate) fn prepare(&self, legs: &[Leg]) -> Result<Prepared, LedgerError> {
        let mut prepared = Prepared::default();
        for legs in legs.chunk_by(|one, next| one.asset == next.asset) {
            let Some(Leg { asset, .. }) = legs.first().copied() else { continue };
            if prepared.changes.iter().any(|change| change.asset == asset) {
                return Err(LedgerError::Unbalanced);
            }
            if legs.iter().all(|leg| leg.amount.is_zero()) {
                continue;
            }
            let change = self.changed(asset, legs)?;
            prepared.changes.try_push(change).map_err(|_| LedgerError::Unbalanced)?;
        }
        Ok(prepared)
    }

    /// One asset's book after its legs.
    fn changed(&self, asset: Asset, legs: &[Leg]) -> Result<Change, LedgerError> {
        let book = self.book(asset);
        let balances = book.map_or_else(Balances::default, |book| book.balances);
        let mut change = Change { asset, balances, unsettled: None };
        let mut sum = Amount::ZERO;
        for leg in legs.iter().filter(|leg| !leg.amount.is_zero()) {
            sum = sum.plus(leg.amount)?;
            let balance = change.balance(leg.bucket, book).ok_or(LedgerError::Unbalanced)?;
            *balance = balance.plus(leg.amount)?;
        }
        if !sum.is_zero() {
            return Err(LedgerError::Unbalanced);
        }
        change.check_sums(book)?;
        Ok(change)
    }

    /// What will be reserved and earmarked of an asset when `amount` more is reserved: one movement between the two, so
    /// that the legs balance.
    #[inline]
    pub(crate) fn reserved(&self, asset: Asset, amount: Amount) -> Result<Reserved, LedgerError> {
        let book = self.book(asset);
        let before = book.map_or_else(Balances::default, |book| book.balances);
        let reserved = before.reserved.plus(amount)?;
        let earmarked = before.earmarked.minus(amount)?;
        let change = Change { asset, balances: Balances { reserved, earmarked, ..before }, unsettled: None };
        change.check_sums(book)?;
        Ok(Reserved { reserved, earmarked })
    }

    /// Takes over a reservation.
    #[inline]
    pub(crate) fn commit_reserved(&mut self, asset: Asset, after: Reserved) {
        // A book that nothing ever moved in is not opened.
        if after.reserved.is_zero() && self.book(asset).is_none() {
            return;
        }
        holds(!after.reserved.is_negative(), Invariant::ReservedIsNotNegative);
        holds(after.earmarked == after.reserved.negated(), Invariant::BooksBalance);
        let book = self.books.entry(asset);
        (book.balances.reserved, book.balances.earmarked) = (after.reserved, after.earmarked);
    }

    /// Takes over prepared books; what is unsettled takes its room from `rooms`, and gives it back.
    #[inline]
    pub(crate) fn commit(&mut self, prepared: &Prepared, rooms: &mut Spare<Dates>) {
        for change in &prepared.changes {
            self.commit_change(change, rooms);
        }
    }

    /// Takes over one book.
    #[inline]
    pub(crate) fn commit_change(&mut self, change: &Change, rooms: &mut Spare<Dates>) {
        let book = self.books.entry(change.asset);
        holds(change.balances_with(&book.unsettled), Invariant::BooksBalance);
        book.balances = change.balances;
        if let Some((date, amount)) = change.unsettled {
            book.set_unsettled(date, amount, rooms);
        }
    }
}

impl Ledger {
    /// Moves what was unsettled for a date to what is in hand, and tells of each asset; false where a book has too many
    /// digits for that, and keeps it as unsettled.
    #[must_use]
    pub(crate) fn settle(
        &mut self,
        date: Date,
        rooms: &mut Spare<Dates>,
        mut settled: impl FnMut(Asset, Amount),
    ) -> bool {
        let mut is_whole = true;
        for at in 0.. {
            let Some((asset, book)) = self.books.nth(at) else { break };
            let (asset, amount) = (*asset, book.unsettled_on(date));
            if amount.is_zero() {
                continue;
            }
            let legs = [
                Leg { asset, bucket: Bucket::Unsettled(date), amount: amount.negated() },
                Leg { asset, bucket: Bucket::Settled, amount },
            ];
            // What is owned was exact when the trade was booked. What was settled since may have other digits.
            let Ok(prepared) = self.prepare(&legs) else {
                is_whole = false;
                continue;
            };
            self.commit(&prepared, rooms);
            settled(asset, amount);
        }
        is_whole
    }
}

impl Prepared {
    /// Folds in the books as they will be.
    pub(crate) fn tell(&self, account: AccountId, changes: &mut Fingerprint) {
        self.changes.iter().for_each(|change| change.tell(account, changes));
    }
}

impl Change {
    /// Folds in the book as it will be.
    #[inline]
    pub(crate) fn tell(&self, account: AccountId, changes: &mut Fingerprint) {
        let Balances { reserved, fees, external, .. } = self.balances;
        changes.book(account, self.asset, [reserved, fees, external], self.unsettled);
    }

    /// True where the book as it will be sums to zero: what is reserved against what is earmarked, and the rest by itself.
    #[inline]
    fn balances_with(&self, known: &Dates) -> bool {
        let Balances { settled, reserved, earmarked, fees, external } = self.balances;
        if earmarked != reserved.negated() {
            return false;
        }
        let named = self.unsettled.map(|(date, _)| date);
        let others = known.sorted.iter().filter(|(date, _)| Some(*date) != named);
        let mut unsettled = others.chain(&self.unsettled);
        let owned = unsettled.try_fold(settled, |sum, (_, amount)| sum.plus(*amount));
        // Numbers of so many digits that they cannot be added cannot be checked either; `prepare` refuses most.
        let ours = owned.and_then(|owned| if fees.is_zero() { Ok(owned) } else { owned.plus(fees) });
        ours.map_or(true, |ours| ours == external.negated())
    }

    /// What will stand in a bucket; `None` for a second date: no movement names two.
    #[inline]
    fn balance(&mut self, bucket: Bucket, book: Option<&Book>) -> Option<&mut Amount> {
        Some(match bucket {
            Bucket::Settled => &mut self.balances.settled,
            Bucket::Reserved => &mut self.balances.reserved,
            Bucket::Earmarked => &mut self.balances.earmarked,
            Bucket::Fees => &mut self.balances.fees,
            Bucket::External => &mut self.balances.external,
            Bucket::Unsettled(date) => {
                let before = || (date, book.map_or(Amount::ZERO, |book| book.unsettled_on(date)));
                let (day, amount) = self.unsettled.get_or_insert_with(before);
                (*day == date).then_some(amount)?
            }
        })
    }

    /// What an asset's balances will add up to must be exact too: a book whose available cash cannot be computed
    /// would refuse every order from then on.
    #[inline]
    fn check_sums(&self, book: Option<&Book>) -> Result<(), ArithmeticError> {
        let known = book.map_or(&[][..], Book::unsettled);
        let Balances { settled, reserved, earmarked, fees, external } = self.balances;
        // With the posting's own date there are at most ten numbers in a sum.
        let small = known.len() <= 4
            && [settled, reserved, earmarked, fees, external].into_iter().all(is_small)
            && known.iter().chain(&self.unsettled).all(|(_, amount)| is_small(*amount));
        if small { Ok(()) } else { self.check_large_sums(book) }
    }

    #[cold]
    fn check_large_sums(&self, book: Option<&Book>) -> Result<(), ArithmeticError> {
        let Balances { settled, reserved, earmarked, fees, external } = self.balances;
        let known = book.map_or(&[][..], Book::unsettled);
        let mut owned = settled;
        for (date, before) in known {
            let changed = self.unsettled.filter(|(day, _)| day == date);
            owned = owned.plus(changed.map_or(*before, |(_, amount)| amount))?;
        }
        if let Some((date, amount)) = self.unsettled
            && !known.iter().any(|(day, _)| *day == date)
        {
            owned = owned.plus(amount)?;
        }
        owned.plus(earmarked)?;
        let sum = owned.plus(reserved)?.plus(earmarked)?;
        let outside = book.map_or_else(Balances::default, |book| book.balances);
        if fees != outside.fees || external != outside.external {
            sum.plus(fees)?.plus(external)?;
        }
        Ok(())
    }
}

/// Less than 2^64 units of the eighth decimal at most: sixteen of these add up exactly in 96 bits, whatever their
/// scales, since 16 × 2^64 × 10^8 is below 2^96.
#[inline]
fn is_small(amount: Amount) -> bool {
    amount.is_small()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Currency;
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
        ledger.commit(&deposit, &mut Spare::default());
        let hold = ledger.prepare(&[leg(Bucket::Reserved, "4"), leg(Bucket::Earmarked, "-4")]).unwrap();
        ledger.commit(&hold, &mut Spare::default());
        let book = ledger.book(usd()).unwrap();
        assert_eq!(book.settled(), "10".parse().unwrap());
        assert_eq!(book.available().unwrap(), "6".parse().unwrap());
        assert!(book.sum().unwrap().is_zero());
    }

    /// 79 billion billion billion and a half has no room in 96 bits.
    #[test]
    fn what_cannot_be_settled_exactly_stays_unsettled_and_is_told() {
        let (date, half): (_, Amount) = (Date { days: 1 }, "0.5".parse().unwrap());
        let settled = "79000000000000000000000000000".parse().unwrap();
        let unsettled = Dates { sorted: alloc::vec![(date, half)] };
        let mut ledger = Ledger::default();
        let balances = Balances { settled, ..Balances::default() };
        ledger.books.insert(usd(), Book { balances, unsettled });
        assert!(!ledger.settle(date, &mut Spare::default(), |asset, _| panic!("{asset:?} is settled")));
        let book = ledger.book(usd()).unwrap();
        assert_eq!((book.settled(), book.unsettled_on(date)), (settled, half));
    }

    #[test]
    #[should_panic(expected = "invariant 9: the balances of a book sum to zero")]
    fn a_book_that_would_not_balance_is_never_taken_over() {
        let balances = Balances { settled: "1".parse().unwrap(), ..Balances::default() };
        let change = Change { asset: usd(), balances, unsettled: None };
        Ledger::default().commit_change(&change, &mut Spare::default());
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
                ledger.commit(&prepared, &mut Spare::default());
                if let Some(book) = ledger.book(usd()) {
                    prop_assert!(book.sum().unwrap().is_zero());
                    prop_assert!(book.unsettled().windows(2).all(|pair| pair[0].0 < pair[1].0));
                    prop_assert!(book.unsettled().iter().all(|(_, amount)| !amount.is_zero()));
                }
            }
        }
    }
}
