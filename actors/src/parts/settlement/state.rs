//! Which accounts have something unsettled, by the date it settles: a bit for each account, so that one that trades again
//! costs nothing, and accounts are listed by identity.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use borsh::io::{Error, ErrorKind, Read, Result, Write};
use borsh::{BorshDeserialize, BorshSerialize};
use model::{AccountId, Date};

use crate::store::sorted::Sorted;
use crate::store::table::SLOTS;

/// Accounts by date.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settlements {
    dates: Sorted<Date, Accounts>,
    /// What was due and could not be settled: tried again when something else is due.
    held: BTreeSet<(Date, AccountId)>,
    /// Of dates that are past: their memory is used again.
    spare: Vec<Accounts>,
}

/// A set of accounts. Bits at the end may be zeros.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accounts {
    bits: Vec<u64>,
}

const BITS: usize = 64;

impl Accounts {
    #[inline]
    fn insert(&mut self, account: AccountId) {
        let (word, bit) = (account.slot() / BITS, account.slot() % BITS);
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        if let Some(bits) = self.bits.get_mut(word) {
            *bits |= 1 << bit;
        }
    }

    /// By identity.
    pub(crate) fn iter(&self) -> impl Iterator<Item = AccountId> {
        (0u32..).step_by(BITS).zip(&self.bits).flat_map(|(first, bits)| {
            let rest = core::iter::successors(Some(*bits), |bits| Some(bits & bits.wrapping_sub(1)));
            rest.take_while(|bits| *bits != 0).map(move |bits| AccountId::new(first + bits.trailing_zeros()))
        })
    }

    fn contains(&self, account: AccountId) -> bool {
        let (word, bit) = (account.slot() / BITS, account.slot() % BITS);
        self.bits.get(word).is_some_and(|bits| bits & 1 << bit != 0)
    }

    fn len(&self) -> u32 {
        self.bits.iter().map(|bits| bits.count_ones()).sum()
    }
}

impl Settlements {
    /// An account has something to settle on that date.
    #[inline]
    pub(crate) fn insert(&mut self, date: Date, account: AccountId) {
        match self.dates.get_mut(&date) {
            Some(accounts) => accounts.insert(account),
            None => self.begin(date, account),
        }
    }

    #[cold]
    fn begin(&mut self, date: Date, account: AccountId) {
        let mut accounts = self.spare.pop().unwrap_or_default();
        accounts.insert(account);
        self.dates.insert(date, accounts);
    }

    /// The next date on which something settles.
    pub(crate) fn next_date(&self) -> Option<Date> {
        self.dates.iter().next().map(|(date, _)| *date)
    }

    /// The dates up to that one on which something settles, with the number of accounts, and what was held.
    pub(crate) fn until(&self, last: Date) -> impl Iterator<Item = (Date, u64)> {
        let mut due: BTreeMap<Date, u64> = BTreeMap::new();
        for (date, accounts) in self.dates.iter().filter(|(date, _)| **date <= last) {
            *due.entry(*date).or_default() += u64::from(accounts.len());
        }
        if !due.is_empty() {
            self.held.iter().for_each(|(date, _)| *due.entry(*date).or_default() += 1);
        }
        due.into_iter()
    }

    /// Takes out the accounts of a date, to be given back once they are settled.
    pub(crate) fn take(&mut self, date: Date) -> Option<Accounts> {
        self.dates.remove(&date)
    }

    /// What an account has due on that date waits for a later tick, or for an operator.
    pub(crate) fn hold(&mut self, date: Date, account: AccountId) {
        self.held.insert((date, account));
    }

    /// What was held is due again.
    pub(crate) fn release(&mut self) {
        for (date, account) in core::mem::take(&mut self.held) {
            self.insert(date, account);
        }
    }

    /// What was due and could not be settled, by date.
    pub(crate) fn held(&self) -> impl Iterator<Item = (Date, AccountId)> {
        self.held.iter().copied()
    }

    /// True where a tick will settle what the account has due on that date, or it is held.
    pub(crate) fn is_listed(&self, date: Date, account: AccountId) -> bool {
        self.dates.get(&date).is_some_and(|accounts| accounts.contains(account))
            || self.held.contains(&(date, account))
    }

    pub(crate) fn give_back(&mut self, mut accounts: Accounts) {
        accounts.bits.clear();
        self.spare.push(accounts);
    }
}

impl PartialEq for Accounts {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl PartialEq for Settlements {
    fn eq(&self, other: &Self) -> bool {
        (&self.dates, &self.held) == (&other.dates, &other.held)
    }
}

impl Eq for Settlements {}

// A map of dates, each to a set of accounts.
impl BorshSerialize for Accounts {
    fn serialize<W: Write>(&self, writer: &mut W) -> Result<()> {
        self.len().serialize(writer)?;
        self.iter().try_for_each(|account| account.serialize(writer))
    }
}

impl BorshDeserialize for Accounts {
    fn deserialize_reader<R: Read>(reader: &mut R) -> Result<Self> {
        let mut accounts = Self::default();
        for _ in 0..u32::deserialize_reader(reader)? {
            let account = AccountId::deserialize_reader(reader)?;
            if account.slot() >= SLOTS {
                return Err(Error::new(ErrorKind::InvalidData, "there is no such account"));
            }
            accounts.insert(account);
        }
        Ok(accounts)
    }
}

impl BorshSerialize for Settlements {
    fn serialize<W: Write>(&self, writer: &mut W) -> Result<()> {
        self.dates.serialize(writer)?;
        self.held.serialize(writer)
    }
}

impl BorshDeserialize for Settlements {
    fn deserialize_reader<R: Read>(reader: &mut R) -> Result<Self> {
        let dates = BorshDeserialize::deserialize_reader(reader)?;
        let held = BorshDeserialize::deserialize_reader(reader)?;
        Ok(Self { dates, held, ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: RngSeed::Fixed(37), failure_persistence: None, ..ProptestConfig::default()
        })]

        /// Sets of a `BTreeMap` are the twin, in what they hold and in how they are encoded.
        #[test]
        fn they_are_sets_by_date(steps in proptest::collection::vec((0u8..6, 0i32..5, 0u32..300), 0..200)) {
            let mut settlements = Settlements::default();
            let mut twin = BTreeMap::<Date, BTreeSet<AccountId>>::new();
            for (kind, days, account) in steps {
                let (date, account) = (Date { days }, AccountId::new(account));
                if kind > 0 {
                    settlements.insert(date, account);
                    twin.entry(date).or_default().insert(account);
                } else if let Some(first) = settlements.next_date() {
                    let (expected, accounts) = twin.pop_first().unwrap();
                    prop_assert_eq!(first, expected);
                    let taken = settlements.take(first).unwrap();
                    prop_assert!(taken.iter().eq(accounts));
                    settlements.give_back(taken);
                }
            }
            let bytes = borsh::to_vec(&settlements).unwrap();
            // Nothing is held.
            let held = BTreeSet::<(Date, AccountId)>::new();
            prop_assert_eq!(&bytes, &borsh::to_vec(&(&twin, held)).unwrap());
            prop_assert!(borsh::from_slice::<Settlements>(&bytes).unwrap() == settlements);
        }
    }

    #[test]
    fn an_absurd_account_asks_for_no_memory() {
        let far = BTreeMap::from([(Date { days: 1 }, BTreeSet::from([AccountId::new(u32::MAX)]))]);
        assert!(borsh::from_slice::<Settlements>(&borsh::to_vec(&far).unwrap()).is_err());
    }
}
