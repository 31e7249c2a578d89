//! Which cash movements were booked: by account and reference, so that each is booked once.

use borsh::{BorshDeserialize, BorshSerialize};
use indexmap::IndexMap;
use model::{AccountId, CashMove, Reference};
use rustc_hash::FxBuildHasher;

use crate::store::table::Table;

/// One account's movements, in the order they were booked.
pub(crate) type References = IndexMap<Reference, CashMove, FxBuildHasher>;

/// The movements of every account.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Movements {
    by_account: Table<References>,
}

impl Movements {
    /// The movement that an account booked under this reference.
    pub(crate) fn get(&self, account: AccountId, reference: &Reference) -> Option<&CashMove> {
        self.by_account.get(account.slot())?.get(reference)
    }

    /// Every movement, by account.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Reference, &CashMove)> {
        self.by_account.iter().flatten()
    }

    /// Remembers one that is booked.
    pub(crate) fn insert(&mut self, cash_move: &CashMove) {
        let slot = cash_move.account.slot();
        match self.by_account.get_mut(slot) {
            Some(references) => drop(references.insert(cash_move.reference, *cash_move)),
            None => {
                let mut references = References::default();
                references.insert(cash_move.reference, *cash_move);
                // An account's slot is one of a table's.
                let _ = self.by_account.insert(slot, references);
            }
        }
    }
}
