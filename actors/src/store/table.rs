//! A table indexed by small identities: a lookup is an index, iteration is by identity.

use alloc::boxed::Box;
use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};

/// Rows by slot. Slots are bounded, so that a definition with an absurd id cannot ask for all memory.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Table<T: Clone> {
    rows: Vec<Option<Box<T>>>,
}

/// One more than the highest slot.
pub(crate) const SLOTS: usize = 1 << 20;

impl<T: Clone> Default for Table<T> {
    fn default() -> Self {
        Self { rows: Vec::new() }
    }
}

impl<T: Clone> Table<T> {
    pub(crate) fn get(&self, slot: usize) -> Option<&T> {
        self.rows.get(slot)?.as_deref()
    }

    pub(crate) fn get_mut(&mut self, slot: usize) -> Option<&mut T> {
        self.rows.get_mut(slot)?.as_deref_mut()
    }

    /// Puts a row in its slot; false, and nothing done, for a slot beyond [`SLOTS`].
    #[must_use]
    pub(crate) fn insert(&mut self, slot: usize, row: T) -> bool {
        if slot >= SLOTS {
            return false;
        }
        if self.rows.len() <= slot {
            self.rows.resize_with(slot + 1, || None);
        }
        if let Some(place) = self.rows.get_mut(slot) {
            *place = Some(Box::new(row));
        }
        true
    }

    /// The same slots with other rows.
    pub(crate) fn map<U: Clone>(self, mut row: impl FnMut(T) -> U) -> Table<U> {
        let rows = self.rows.into_iter().map(|place| place.map(|known| Box::new(row(*known)))).collect();
        Table { rows }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.rows.iter().filter_map(Option::as_deref)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.rows.iter_mut().filter_map(Option::as_deref_mut)
    }
}
