//! Places by record number: an order's identity is the number of the record that submitted it, that of a request about
//! one the number of the record that asked for it.

use alloc::boxed::Box;
use alloc::vec::Vec;

use indexmap::IndexMap;
use model::{Invariant, OrderId, there};
use rustc_hash::FxBuildHasher;

use crate::store::growth::{Piece, Spare};
use crate::store::shelves::NOWHERE;

/// Places by record number, page by page.
#[derive(Clone, Debug, Default)]
pub(super) struct Pages {
    pages: IndexMap<u64, Box<Page>, FxBuildHasher>,
    spare: Spare<Box<Page>>,
}

/// Of 4,096 records.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    places: [u32; RECORDS],
    in_use: u32,
}

const RECORDS: usize = 4096;

impl Piece for Box<Page> {
    const AHEAD: usize = 8;

    fn make() -> Self {
        Self::new(Page { places: [NOWHERE; RECORDS], in_use: 0 })
    }
}

/// A page, and where on it.
#[inline]
fn page_of(id: OrderId) -> (u64, usize) {
    let records = RECORDS as u64;
    (id.seq / records, usize::try_from(id.seq % records).unwrap_or(0))
}

impl Pages {
    #[inline]
    pub(super) fn place(&self, id: OrderId) -> Option<u32> {
        let (page, at) = page_of(id);
        self.pages.get(&page)?.places.get(at).copied()
    }

    #[inline]
    pub(super) fn add(&mut self, id: OrderId, place: u32) {
        let (number, at) = page_of(id);
        let page = self.page(number);
        *there(page.places.get_mut(at), Invariant::RoomIsThere) = place;
        page.in_use += 1;
    }

    /// Orders come in the order of their records: it is nearly always the last page.
    #[inline]
    fn page(&mut self, number: u64) -> &mut Page {
        if self.pages.last().is_none_or(|(last, _)| *last != number) {
            return self.page_before(number);
        }
        there(self.pages.last_mut().map(|(_, page)| &mut **page), Invariant::PlaceIsTaken)
    }

    #[cold]
    fn page_before(&mut self, number: u64) -> &mut Page {
        let spare = &mut self.spare;
        self.pages.entry(number).or_insert_with(|| spare.take())
    }

    pub(super) fn remove(&mut self, id: OrderId) {
        let (number, at) = page_of(id);
        let page = there(self.pages.get_mut(&number), Invariant::PlaceIsTaken);
        *there(page.places.get_mut(at), Invariant::PlaceIsTaken) = NOWHERE;
        page.in_use -= 1;
        if page.in_use == 0
            && let Some(page) = self.pages.swap_remove(&number)
        {
            // Nothing stands on it, as on a new one.
            self.spare.give_back(page);
        }
    }

    /// What has a place stands somewhere else from here on.
    pub(super) fn set(&mut self, id: OrderId, place: u32) {
        let (number, at) = page_of(id);
        let slot = self.pages.get_mut(&number).and_then(|page| page.places.get_mut(at));
        *there(slot, Invariant::PlaceIsTaken) = place;
    }

    /// True where pages should be made ahead.
    #[inline]
    pub(super) const fn is_short(&self) -> bool {
        self.spare.is_short()
    }

    pub(super) fn provide(&mut self, pages: Vec<Box<Page>>) {
        self.spare.provide(pages);
    }

    #[cfg(test)]
    pub(super) fn in_use(&self) -> usize {
        self.pages.values().map(|page| page.in_use as usize).sum()
    }
}
