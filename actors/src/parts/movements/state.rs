//! Which cash movements were booked: by account and reference, so that each is booked once. They are forgotten so many days
//! later as was said: nothing is remembered for good.

use alloc::collections::{BTreeMap, VecDeque};

use borsh::{BorshDeserialize, BorshSerialize};
use indexmap::IndexMap;
use model::{AccountId, CashMove, Date, Invariant, Reference, Remember, holds};
use rustc_hash::FxBuildHasher;

use crate::store::table::Table;

/// One account's movements.
pub(crate) type References = IndexMap<Reference, CashMove, FxBuildHasher>;

/// The movements of every account.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Movements {
    by_account: Table<References>,
    /// In the order they were booked.
    days: BTreeMap<Date, VecDeque<(AccountId, Reference)>>,
    /// How many days behind the one on which it was booked each is remembered.
    for_days: u16,
}

/// Of which no day is known. It counts from the first day that is seen.
pub(crate) const UNDATED: Date = Date { days: i32::MIN };

impl Default for Movements {
    fn default() -> Self {
        let for_days = Remember::default().cash_days;
        Self { by_account: Table::default(), days: BTreeMap::new(), for_days }
    }
}

impl Movements {
    /// Those of a program that knew no days.
    pub(crate) fn undated(by_account: Table<References>) -> Self {
        let all = by_account.iter().flatten().map(|(_, known)| (known.account, known.reference));
        let undated: VecDeque<_> = all.collect();
        let days = if undated.is_empty() { BTreeMap::new() } else { BTreeMap::from([(UNDATED, undated)]) };
        Self { by_account, days, ..Self::default() }
    }

    pub(crate) const fn for_days(&self) -> u16 {
        self.for_days
    }

    /// What is older is forgotten by the ticks to come.
    pub(crate) const fn set_for_days(&mut self, days: u16) {
        self.for_days = days;
    }

    /// The movement that an account booked under this reference.
    pub(crate) fn get(&self, account: AccountId, reference: &Reference) -> Option<&CashMove> {
        self.by_account.get(account.slot())?.get(reference)
    }

    /// Every movement, by account.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Reference, &CashMove)> {
        self.by_account.iter().flatten()
    }

    /// Every movement, by day.
    pub(crate) fn dated(&self) -> impl Iterator<Item = (AccountId, Reference)> {
        self.days.values().flatten().copied()
    }

    /// Remembers one that is booked.
    pub(crate) fn insert(&mut self, cash_move: &CashMove, today: Date) {
        let slot = cash_move.account.slot();
        if self.by_account.get(slot).is_none() {
            holds(self.by_account.insert(slot, References::default()), Invariant::RoomIsThere);
        }
        if let Some(references) = self.by_account.get_mut(slot) {
            references.insert(cash_move.reference, *cash_move);
        }
        self.days.entry(today).or_default().push_back((cash_move.account, cash_move.reference));
    }

    /// What has no day has this one.
    pub(crate) fn begin_to_count(&mut self, today: Date) {
        if let Some(mut undated) = self.days.remove(&UNDATED) {
            let known = self.days.entry(today).or_default();
            undated.append(known);
            *known = undated;
        }
    }

    /// The day on which the next one is forgotten.
    pub(crate) fn next_forgotten(&self) -> Option<Date> {
        let (first, _) = self.days.range(Date { days: UNDATED.days + 1 }..).next()?;
        Some(Date { days: first.days.saturating_add(i32::from(self.for_days) + 1) })
    }

    /// Forgets the oldest.
    pub(crate) fn forget_first(&mut self) -> Option<(AccountId, Reference)> {
        let mut day = self.days.first_entry()?;
        let first = day.get_mut().pop_front();
        if day.get().is_empty() {
            day.remove();
        }
        let (account, reference) = first?;
        let references = self.by_account.get_mut(account.slot())?;
        references.swap_remove(&reference);
        if references.is_empty() {
            // Most accounts move cash seldom: their table's memory is not kept for the next time.
            *references = References::default();
        }
        Some((account, reference))
    }
}
