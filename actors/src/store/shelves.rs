//! Where values stand on shelves of fixed size, each made at once: so that a table never moves what it holds, and never
//! grows in a leap.

use alloc::vec::Vec;

use model::{Invariant, there};

use crate::store::growth::{Piece, Spare};

/// Stands where there is no place.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// Values side by side, the way they stand in a `Vec`: on shelves for `ROOM` values each, a power of two, of which `AHEAD`
/// should be made ahead.
#[derive(Clone, Debug)]
pub(crate) struct Row<T, const ROOM: usize, const AHEAD: usize> {
    made: Vec<Shelf<T, ROOM, AHEAD>>,
    spare: Spare<Shelf<T, ROOM, AHEAD>>,
}

/// Values that never move. A place that is left is taken again before a new one.
#[derive(Clone, Debug)]
pub(crate) struct Shelves<T, const ROOM: usize, const AHEAD: usize> {
    row: Row<T, ROOM, AHEAD>,
    vacant: Vec<u32>,
}

/// Room for `ROOM` values, not all of it taken.
#[derive(Debug)]
pub(crate) struct Shelf<T, const ROOM: usize, const AHEAD: usize> {
    values: Vec<T>,
}

impl<T, const ROOM: usize, const AHEAD: usize> Shelf<T, ROOM, AHEAD> {
    /// Where the next value goes.
    #[inline]
    fn next(&mut self) -> Option<&mut core::mem::MaybeUninit<T>> {
        self.values.spare_capacity_mut().first_mut()
    }

    /// Where its memory begins, and how many bytes that is.
    pub(crate) fn memory(&mut self) -> (*mut u8, usize) {
        let room = self.values.spare_capacity_mut();
        (room.as_mut_ptr().cast(), size_of_val(room))
    }
}

impl<T, const ROOM: usize, const AHEAD: usize> Piece for Shelf<T, ROOM, AHEAD> {
    const AHEAD: usize = AHEAD;

    fn make() -> Self {
        Self { values: Vec::with_capacity(ROOM) }
    }
}

/// A copy has room for as many as the original.
impl<T: Clone, const ROOM: usize, const AHEAD: usize> Clone for Shelf<T, ROOM, AHEAD> {
    fn clone(&self) -> Self {
        let mut copy = Self::make();
        copy.values.extend_from_slice(&self.values);
        copy
    }
}

/// Shelves that can be listed before the list of them grows.
const SHELVES: usize = 64;

impl<T, const ROOM: usize, const AHEAD: usize> Default for Row<T, ROOM, AHEAD> {
    fn default() -> Self {
        Self { made: Vec::with_capacity(SHELVES), spare: Spare::default() }
    }
}

impl<T, const ROOM: usize, const AHEAD: usize> Default for Shelves<T, ROOM, AHEAD> {
    fn default() -> Self {
        Self { row: Row::default(), vacant: Vec::new() }
    }
}

impl<T, const ROOM: usize, const AHEAD: usize> Row<T, ROOM, AHEAD> {
    #[inline]
    pub(crate) fn get(&self, place: u32) -> Option<&T> {
        let place = place as usize;
        self.made.get(place / ROOM)?.values.get(place % ROOM)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, place: u32) -> Option<&mut T> {
        let place = place as usize;
        self.made.get_mut(place / ROOM)?.values.get_mut(place % ROOM)
    }

    /// Every shelf but the last is full, and the last is not empty.
    pub(crate) fn len(&self) -> usize {
        self.made.last().map_or(0, |last| (self.made.len() - 1) * ROOM + last.values.len())
    }

    /// In order of their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.made.iter().flat_map(|shelf| &shelf.values)
    }

    /// Puts a value at the end, and says where that is.
    #[inline]
    pub(crate) fn push(&mut self, value: T) -> u32 {
        if self.made.last().is_none_or(|shelf| shelf.values.len() == ROOM) {
            self.begin_shelf();
        }
        let shelves = self.made.len();
        let shelf = there(self.made.last_mut(), Invariant::RoomIsThere);
        let place = (shelves - 1) * ROOM + shelf.values.len();
        shelf.values.push(value);
        // Four billion values do not fit the memory of any machine.
        there(u32::try_from(place).ok().filter(|place| *place != NOWHERE), Invariant::RoomIsThere)
    }

    #[cold]
    fn begin_shelf(&mut self) {
        let shelf = self.spare.take();
        self.made.push(shelf);
    }

    fn pop(&mut self) -> Option<T> {
        let shelf = self.made.last_mut()?;
        let value = shelf.values.pop();
        if shelf.values.is_empty()
            && let Some(shelf) = self.made.pop()
        {
            self.spare.give_back(shelf);
        }
        value
    }

    /// Takes out the value of a place; the last one stands there then.
    pub(crate) fn swap_remove(&mut self, place: u32) -> Option<T> {
        self.get(place)?;
        let last = self.pop()?;
        Some(match self.get_mut(place) {
            Some(value) => core::mem::replace(value, last),
            None => last,
        })
    }

    /// True where shelves should be made ahead.
    #[inline]
    pub(crate) const fn is_short(&self) -> bool {
        self.spare.is_short()
    }

    pub(crate) fn provide(&mut self, shelves: Vec<Shelf<T, ROOM, AHEAD>>) {
        self.spare.provide(shelves);
    }
}

impl<T, const ROOM: usize, const AHEAD: usize> Shelves<T, ROOM, AHEAD> {
    #[inline]
    pub(crate) fn get(&self, place: u32) -> Option<&T> {
        self.row.get(place)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, place: u32) -> Option<&mut T> {
        self.row.get_mut(place)
    }

    /// Puts a value somewhere, and says where.
    #[inline]
    pub(crate) fn put(&mut self, value: T) -> u32 {
        if let Some(place) = self.vacant.pop()
            && let Some(taken) = self.row.get_mut(place)
        {
            *taken = value;
            return place;
        }
        self.row.push(value)
    }

    /// Asks for the memory of the next value.
    #[inline]
    pub(crate) fn make_ready(&mut self) {
        if let Some(place) = self.vacant.last().copied() {
            if let Some(value) = self.get_mut(place) {
                prefetch::to_write(value);
            }
        } else if let Some(place) = self.row.made.last_mut().and_then(Shelf::next) {
            prefetch::to_write(place);
        }
    }

    /// The place is taken again by one of the next. The value there is the caller's to make unrecognisable.
    pub(crate) fn leave(&mut self, place: u32) {
        self.vacant.push(place);
    }

    /// True where shelves should be made ahead.
    #[inline]
    pub(crate) const fn is_short(&self) -> bool {
        self.row.is_short()
    }

    pub(crate) fn provide(&mut self, shelves: Vec<Shelf<T, ROOM, AHEAD>>) {
        self.row.provide(shelves);
    }

    #[cfg(test)]
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.row.len(), self.vacant.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    #[test]
    fn places_are_taken_again_and_shelves_are_used_when_they_are_there() {
        let mut shelves = Shelves::<u32, 4, 1>::default();
        let places: Vec<u32> = (0..4).map(|value| shelves.put(value)).collect();
        assert_eq!(places, [0, 1, 2, 3]);
        assert!(shelves.is_short());
        let mut shelf = Shelf::make();
        let (made, _) = shelf.memory();
        shelves.provide(alloc::vec![shelf]);
        assert!(!shelves.is_short());
        assert_eq!(shelves.put(4), 4);
        assert_eq!(core::ptr::from_ref(shelves.get(4).unwrap()).cast::<u8>(), made.cast_const());
        shelves.leave(2);
        assert_eq!((shelves.put(5), shelves.put(6)), (2, 5));
        assert_eq!((shelves.get(2), shelves.get(5), shelves.get(6)), (Some(&5), Some(&6), None));
        *shelves.get_mut(0).unwrap() = 9;
        assert_eq!(shelves.counts(), (6, 0));
    }

    #[test]
    fn a_copy_goes_on_without_moving_anything() {
        let mut shelves = Shelves::<u32, 8, 1>::default();
        shelves.put(1);
        let mut copy = shelves.clone();
        let first = core::ptr::from_ref(copy.get(0).unwrap());
        (0..7).for_each(|value| assert!(copy.put(value) < 8));
        assert!(core::ptr::eq(first, copy.get(0).unwrap()));
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: RngSeed::Fixed(31), failure_persistence: None, ..ProptestConfig::default()
        })]

        /// A `Vec` is the twin, over several shelves, whether one is there ahead or not.
        #[test]
        fn a_row_is_a_vec(steps in proptest::collection::vec((0u8..8, any::<prop::sample::Index>()), 0..200)) {
            let (mut row, mut twin) = (Row::<u32, 4, 2>::default(), Vec::new());
            for (number, (kind, at)) in (0u32..).zip(steps) {
                match kind {
                    0 => row.provide(alloc::vec![Shelf::make()]),
                    1..=3 if !twin.is_empty() => {
                        let at = at.index(twin.len());
                        prop_assert_eq!(row.swap_remove(u32::try_from(at).unwrap()), Some(twin.swap_remove(at)));
                    }
                    _ => {
                        prop_assert_eq!(row.push(number) as usize, twin.len());
                        twin.push(number);
                    }
                }
                prop_assert_eq!(row.len(), twin.len());
                prop_assert!(row.iter().eq(&twin));
                let end = u32::try_from(twin.len()).unwrap();
                prop_assert_eq!(row.get(end), None);
                prop_assert_eq!(row.swap_remove(end), None);
            }
        }
    }
}
