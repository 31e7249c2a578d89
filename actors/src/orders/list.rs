//! Lists through the cells themselves: to append and to take out costs the same for one order and for a million.

use model::{Invariant, there};

use super::Cells;
use super::cell::Cell;
use super::links::{ALONE, Chain, Neighbours};
use crate::store::shelves::NOWHERE;

/// Where a list begins and ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    first: u32,
    last: u32,
}

impl Default for List {
    fn default() -> Self {
        Self { first: NOWHERE, last: NOWHERE }
    }
}

impl List {
    #[inline]
    pub(super) fn first(self) -> Option<u32> {
        (self.first != NOWHERE).then_some(self.first)
    }
}

/// Puts a place at the end of a list.
#[inline]
pub(super) fn append(cells: &mut Cells, list: &mut List, chain: Chain, place: u32) {
    if let Some(last) = cells.get_mut(list.last) {
        last.links.of_mut(chain).later = place;
    } else {
        list.first = place;
    }
    let cell = there(cells.get_mut(place), Invariant::PlaceIsTaken);
    *cell.links.of_mut(chain) = Neighbours { earlier: list.last, later: NOWHERE };
    list.last = place;
}

/// Takes a place out of a list that it is in.
pub(super) fn remove(cells: &mut Cells, list: &mut List, chain: Chain, place: u32) {
    let cell = there(cells.get_mut(place), Invariant::PlaceIsTaken);
    let Neighbours { earlier, later } = core::mem::replace(cell.links.of_mut(chain), ALONE);
    match cells.get_mut(earlier) {
        Some(cell) => cell.links.of_mut(chain).later = later,
        None => list.first = later,
    }
    match cells.get_mut(later) {
        Some(cell) => cell.links.of_mut(chain).earlier = earlier,
        None => list.last = earlier,
    }
}

/// The cells of a list.
pub(super) fn cells(cells: &Cells, list: List, chain: Chain) -> impl Iterator<Item = &Cell> {
    let first = list.first().and_then(|place| cells.get(place));
    core::iter::successors(first, move |cell| cells.get(cell.links.later(chain)?))
}
