//! Where values stand that must never move: on shelves of fixed size, each made at once. A place that is left is taken
//! again before a new one.

use alloc::vec::Vec;

/// Stands where there is no place.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// Shelves for `ROOM` values each; a power of two.
#[derive(Clone, Debug)]
pub(crate) struct Shelves<T, const ROOM: usize> {
    made: Vec<Shelf<T, ROOM>>,
    vacant: Vec<u32>,
    /// The next one, made ahead.
    spare: Option<Shelf<T, ROOM>>,
}

/// Room for `ROOM` values, not all of it taken.
#[derive(Debug)]
pub(crate) struct Shelf<T, const ROOM: usize> {
    values: Vec<T>,
}

impl<T, const ROOM: usize> Shelf<T, ROOM> {
    pub(crate) fn new() -> Self {
        Self { values: Vec::with_capacity(ROOM) }
    }

    /// Where its memory begins, and how many bytes that is.
    pub(crate) fn memory(&mut self) -> (*mut u8, usize) {
        let room = self.values.spare_capacity_mut();
        (room.as_mut_ptr().cast(), size_of_val(room))
    }
}

/// A copy has room for as many as the original.
impl<T: Clone, const ROOM: usize> Clone for Shelf<T, ROOM> {
    fn clone(&self) -> Self {
        let mut copy = Self::new();
        copy.values.extend_from_slice(&self.values);
        copy
    }
}

/// Shelves that can be listed before the list of them grows.
const SHELVES: usize = 64;

impl<T, const ROOM: usize> Default for Shelves<T, ROOM> {
    fn default() -> Self {
        Self { made: Vec::with_capacity(SHELVES), vacant: Vec::new(), spare: None }
    }
}

impl<T, const ROOM: usize> Shelves<T, ROOM> {
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

    /// Puts a value somewhere, and says where.
    #[inline]
    pub(crate) fn put(&mut self, value: T) -> u32 {
        if let Some(place) = self.vacant.pop()
            && let Some(taken) = self.get_mut(place)
        {
            *taken = value;
            return place;
        }
        if self.room_left() == 0 {
            self.begin_shelf();
        }
        let shelves = self.made.len();
        let Some(shelf) = self.made.last_mut() else { return NOWHERE };
        let place = (shelves - 1) * ROOM + shelf.values.len();
        shelf.values.push(value);
        // Four billion values do not fit the memory of any machine.
        u32::try_from(place).unwrap_or(NOWHERE)
    }

    /// The place is taken again by one of the next. The value there is the caller's to make unrecognisable.
    pub(crate) fn leave(&mut self, place: u32) {
        self.vacant.push(place);
    }

    /// On the shelf that is being filled.
    #[inline]
    fn room_left(&self) -> usize {
        self.made.last().map_or(0, |shelf| ROOM - shelf.values.len())
    }

    #[cold]
    fn begin_shelf(&mut self) {
        let shelf = self.spare.take().unwrap_or_else(Shelf::new);
        self.made.push(shelf);
    }

    /// True where the next shelf should be made.
    #[inline]
    pub(crate) const fn is_short(&self) -> bool {
        self.spare.is_none()
    }

    pub(crate) fn provide(&mut self, shelf: Shelf<T, ROOM>) {
        self.spare = Some(shelf);
    }

    #[cfg(test)]
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.made.iter().map(|shelf| shelf.values.len()).sum(), self.vacant.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_taken_again_and_shelves_are_used_when_they_are_there() {
        let mut shelves = Shelves::<u32, 4>::default();
        let places: Vec<u32> = (0..4).map(|value| shelves.put(value)).collect();
        assert_eq!(places, [0, 1, 2, 3]);
        assert!(shelves.is_short());
        let mut shelf = Shelf::new();
        let (made, _) = shelf.memory();
        shelves.provide(shelf);
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
        let mut shelves = Shelves::<u32, 8>::default();
        shelves.put(1);
        let mut copy = shelves.clone();
        let first = core::ptr::from_ref(copy.get(0).unwrap());
        (0..7).for_each(|value| assert!(copy.put(value) < 8));
        assert!(core::ptr::eq(first, copy.get(0).unwrap()));
    }
}
