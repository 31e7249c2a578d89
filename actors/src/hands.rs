//! What a part may change beside its own state: postings, and no more.

use model::{AccountId, Amount, Date, Invariant, Timestamp, there};

use crate::books::ledger::{Dates, Prepared};
use crate::fingerprint::{Changed, Fingerprint};
use crate::store::growth::Spare;
use crate::store::table::Table;
use crate::{Account, Asset, Portfolio};

/// The hands of a part, while it carries out a command or what is due.
pub(crate) struct Hands<'a> {
    /// The time of the input.
    pub(crate) now: Timestamp,
    pub(crate) accounts: &'a mut Table<Account>,
    pub(crate) portfolios: &'a Table<Portfolio>,
    pub(crate) rooms: &'a mut Spare<Dates>,
    pub(crate) changes: &'a mut Fingerprint,
    pub(crate) at_work: &'a mut Option<AccountId>,
}

impl Hands<'_> {
    /// Commits a posting that was prepared on the same books.
    pub(crate) fn post(&mut self, account: AccountId, prepared: &Prepared) {
        prepared.tell(account, self.changes);
        let books = there(self.accounts.get_mut(account.slot()), Invariant::AccountIsThere);
        books.ledger.commit(prepared, self.rooms);
    }

    /// Moves what an account has unsettled for a date to what is in hand, and tells of each asset; false where something
    /// could not be moved.
    #[must_use]
    pub(crate) fn settle(
        &mut self,
        id: AccountId,
        date: Date,
        mut settled: impl FnMut(Asset, Amount),
    ) -> bool {
        let account = there(self.accounts.get_mut(id.slot()), Invariant::AccountIsThere);
        let changes = &mut *self.changes;
        account.ledger.settle(date, self.rooms, |asset, amount| {
            changes.settled(id, asset, date, amount);
            settled(asset, amount);
        })
    }

    /// True where the account or its portfolio is set aside.
    pub(crate) fn is_set_aside(&self, id: AccountId) -> bool {
        let account = there(self.accounts.get(id.slot()), Invariant::AccountIsThere);
        let portfolio = self.portfolios.get(account.definition.portfolio.slot());
        account.set_aside || portfolio.is_some_and(|portfolio| portfolio.set_aside)
    }

    /// Whom the part works for from here on: who is to be set aside should it fail.
    pub(crate) fn work_for(&mut self, account: Option<AccountId>) {
        *self.at_work = account;
    }

    /// Folds a change of the part's own state into the fingerprint.
    pub(crate) fn note(&mut self, changed: Changed, first: u64, second: u64) {
        self.changes.note(changed, first, second);
    }
}
