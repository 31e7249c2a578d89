//! What the tables grow by, made ahead by whoever has the time, so that no input waits for memory.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::executions::BookedShelf;
use crate::ledger::Dates;
use crate::names::Segment;
use crate::orders::{AmendedShelf, CellShelf, Page, RequestShelf};
use crate::shelves::Shelf;

/// Something that a table of the state grows by, as many pieces as should be there ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Room for orders.
    Orders,
    /// Room for their names.
    Names,
    /// Room for their identities, and those of requests.
    Pages,
    /// Room for what replaced and cancelled orders have beside.
    Amended,
    /// Room for cancel and replace requests.
    Requests,
    /// Room for executions.
    Executions,
    /// Room for their names.
    ExecutionNames,
    /// Room for what an account is to get or to pay on some days.
    Dates,
}

/// Pieces made ahead. They change nothing of the state.
#[derive(Debug)]
pub struct Provision(pub(crate) Pieces);

#[derive(Debug)]
pub(crate) enum Pieces {
    Orders(Vec<CellShelf>),
    Names(Vec<Box<Segment>>),
    Pages(Vec<Box<Page>>),
    Amended(Vec<AmendedShelf>),
    Requests(Vec<RequestShelf>),
    Executions(Vec<BookedShelf>),
    ExecutionNames(Vec<Box<Segment>>),
    Dates(Vec<Dates>),
}

impl Provision {
    /// Allocates it.
    pub fn new(want: Want) -> Self {
        Self(match want {
            Want::Orders => Pieces::Orders(made_ahead()),
            Want::Names => Pieces::Names(made_ahead()),
            Want::Pages => Pieces::Pages(made_ahead()),
            Want::Amended => Pieces::Amended(made_ahead()),
            Want::Requests => Pieces::Requests(made_ahead()),
            Want::Executions => Pieces::Executions(made_ahead()),
            Want::ExecutionNames => Pieces::ExecutionNames(made_ahead()),
            Want::Dates => Pieces::Dates(made_ahead()),
        })
    }

    /// Memory that is allocated and was never written, each with where it begins and how many bytes that is: whoever
    /// makes it may have the kernel provide it at once. Nothing of what has been written.
    pub fn untouched(&mut self) -> Vec<(*mut u8, usize)> {
        match &mut self.0 {
            Pieces::Orders(shelves) => shelves.iter_mut().map(Shelf::memory).collect(),
            Pieces::Amended(shelves) => shelves.iter_mut().map(Shelf::memory).collect(),
            Pieces::Requests(shelves) => shelves.iter_mut().map(Shelf::memory).collect(),
            Pieces::Executions(shelves) => shelves.iter_mut().map(Shelf::memory).collect(),
            Pieces::Names(_) | Pieces::Pages(_) | Pieces::ExecutionNames(_) | Pieces::Dates(_) => Vec::new(),
        }
    }
}

/// Something that tables grow by.
pub(crate) trait Piece {
    /// How many should be there ahead.
    const AHEAD: usize;

    fn make() -> Self;
}

fn made_ahead<T: Piece>() -> Vec<T> {
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
