//! What tables grow by: pieces made ahead by whoever has the time, so that no input waits for memory.

use alloc::vec::Vec;

/// Something that tables grow by.
pub(crate) trait Piece {
    /// How many should be there ahead.
    const AHEAD: usize;

    fn make() -> Self;
}

/// Something that grows by such pieces.
pub(crate) trait Grows<P> {
    /// Takes pieces that were made ahead. Changes nothing of the state.
    fn provide(&mut self, pieces: Vec<P>);
}

/// As many as should be there ahead.
pub(crate) fn made_ahead<T: Piece>() -> Vec<T> {
    // With room for those that are left when these come.
    let mut pieces = Vec::with_capacity(2 * T::AHEAD);
    pieces.resize_with(T::AHEAD, T::make);
    pieces
}

// In line, what takes a piece would have room for one on the stack.
#[cold]
#[inline(never)]
fn made_now<T: Piece>() -> T {
    T::make()
}

/// Pieces that are there ahead, or were given back.
#[derive(Debug)]
pub(crate) struct Spare<T> {
    pieces: Vec<T>,
}

/// A copy of the state begins with none.
impl<T> Clone for Spare<T> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// What is made ahead is no part of the state.
impl<T> PartialEq for Spare<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> Eq for Spare<T> {}

impl<T> Default for Spare<T> {
    fn default() -> Self {
        Self { pieces: Vec::new() }
    }
}

impl<T: Piece> Spare<T> {
    /// True where more should be made: half of them are gone.
    #[inline]
    pub(crate) const fn is_short(&self) -> bool {
        self.pieces.len() < T::AHEAD.div_ceil(2)
    }

    /// Takes pieces made ahead, in their list, which has room for those that are left.
    pub(crate) fn provide(&mut self, mut pieces: Vec<T>) {
        pieces.append(&mut self.pieces);
        self.pieces = pieces;
    }

    /// The next one; made now where none is there.
    #[inline]
    pub(crate) fn take(&mut self) -> T {
        self.pieces.pop().unwrap_or_else(made_now)
    }

    /// One that is not needed any more.
    pub(crate) fn give_back(&mut self, piece: T) {
        self.pieces.push(piece);
    }
}
