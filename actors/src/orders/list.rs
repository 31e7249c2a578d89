//! Lists through the cells themselves: to append and to take out costs the same for one order and for a million.

use model::{Invariant, there};

use super::Cells;
use super::cell::Cell;
use crate::shelves::NOWHERE;

/// Which of a cell's two lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chain {
    /// Its account's open or finished orders.
    Account,
    /// Every finished order of the shard, by when it was finished.
    Finished,
}

/// Where a list begins and ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    first: u32,
    last: u32,
}

/// A cell's neighbours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links {
    account: Neighbours,
    finished: Neighbours,
}

#[derive(Clone, Copy, Debug)]
struct Neighbours {
    earlier: u32,
    later: u32,
}

const ALONE: Neighbours = Neighbours { earlier: NOWHERE, later: NOWHERE };

impl Default for List {
    fn default() -> Self {
        Self { first: NOWHERE, last: NOWHERE }
    }
}

impl Default for Links {
    fn default() -> Self {
        Self { account: ALONE, finished: ALONE }
    }
}

impl List {
    #[inline]
    pub(super) fn first(self) -> Option<u32> {
        (self.first != NOWHERE).then_some(self.first)
    }
}

impl Links {
    #[inline]
    pub(super) fn later(&self, chain: Chain) -> Option<u32> {
        let later = self.of(chain).later;
        (later != NOWHERE).then_some(later)
    }

    const fn of(&self, chain: Chain) -> Neighbours {
        match chain {
            Chain::Account => self.account,
            Chain::Finished => self.finished,
        }
    }

    const fn of_mut(&mut self, chain: Chain) -> &mut Neighbours {
        match chain {
            Chain::Account => &mut self.account,
            Chain::Finished => &mut self.finished,
        }
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
