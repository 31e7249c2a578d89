//! What the tables of the state grow by, made ahead by whoever has the time, so that no input waits for memory.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::Core;
use crate::books::ledger::Dates;
use crate::executions::{BookedShelf, Executions};
use crate::orders::{AmendedShelf, CellShelf, Orders, Page, RequestShelf};
use crate::store::growth::{Grows, Spare, made_ahead};
use crate::store::names::Segment;
use crate::store::shelves::Shelf;
use crate::want::Want;

/// Pieces made ahead. They change nothing of the state.
#[derive(Debug)]
pub struct Provision(Pieces);

#[derive(Debug)]
enum Pieces {
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

impl Provision {
    /// Gives the pieces to the table that they are for.
    pub(crate) fn give(self, orders: &mut Orders, executions: &mut Executions, rooms: &mut Spare<Dates>) {
        match self.0 {
            Pieces::Orders(shelves) => orders.provide(shelves),
            Pieces::Names(segments) => orders.provide(segments),
            Pieces::Pages(pages) => orders.provide(pages),
            Pieces::Amended(shelves) => orders.provide(shelves),
            Pieces::Requests(shelves) => orders.provide(shelves),
            Pieces::Executions(shelves) => executions.provide(shelves),
            Pieces::ExecutionNames(segments) => executions.provide(segments),
            Pieces::Dates(dates) => rooms.provide(dates),
        }
    }
}

impl Core {
    /// What should be made ahead, so that no order waits for memory; `None` where everything is there.
    #[inline]
    pub fn wants(&self) -> Option<Want> {
        let wants = self.orders.wants().or_else(|| self.executions.wants());
        wants.or_else(|| self.rooms.is_short().then_some(Want::Dates))
    }

    /// Takes what was made ahead. Changes nothing of the state, and nothing depends on it but time.
    pub fn provide(&mut self, provision: Provision) {
        provision.give(&mut self.orders, &mut self.executions, &mut self.rooms);
    }
}
