//! Every order that is not retired: stored once, found by identity or by the submitter's identifier, listed by account
//! and by when it was finished.
//!
//! Orders stand on shelves of fixed size and never move; a place that a retired order leaves is taken again. Places
//! are not part of the state: equal states may use different ones. What the tables grow by can be made ahead, by
//! another thread: see [`Provision`].

use alloc::boxed::Box;
use alloc::vec::Vec;

use indexmap::IndexMap;
use model::{AccountId, ClOrdId, OrderId, PendingKind, WireId};
use rustc_hash::FxBuildHasher;

use crate::names::{Names, Segment};
use crate::shelves::{NOWHERE, Shelf, Shelves};
use crate::{Order, Pending};

mod cell;
mod encoding;
mod list;
mod pages;
#[cfg(test)]
mod tests;

use cell::{Amended, Cell};
use list::{Chain, List};
use pages::{Page, Pages};

/// The orders of a shard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Orders {
    cells: Shelves<Cell, ORDERS>,
    amended: Shelves<Amended, AMENDED>,
    pages: Pages,
    names: Names,
    /// Cancel and replace requests, and which order each is about.
    requests: IndexMap<WireId, Request, FxBuildHasher>,
    accounts: Vec<OfAccount>,
    /// By when they were finished.
    finished: List,
    /// How many were retired so far.
    retired: u64,
}

/// An account's orders.
#[derive(Clone, Copy, Debug, Default)]
struct OfAccount {
    open: List,
    finished: List,
}

/// A cancel or replace request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, borsh::BorshSerialize, borsh::BorshDeserialize)]
struct Request {
    order: OrderId,
    /// What a replace asked for: the broker may carry it out after it was given up here.
    terms: Option<Pending>,
    /// The request about the same order before it.
    earlier: Option<WireId>,
}

/// Orders on a shelf: some 9 MB, so that most of it can be of large pages.
const ORDERS: usize = 32 * 1024;
const AMENDED: usize = 1024;

/// What the table of orders grows by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Room for orders.
    Shelf,
    /// Room for their names.
    Names,
    /// Room for their identities.
    Pages,
}

/// A piece that the table of orders grows by, made ahead by whoever has the time, so that no order waits for memory.
/// It changes nothing of the state.
#[derive(Debug)]
pub struct Provision(Piece);

#[derive(Debug)]
enum Piece {
    Shelf(Shelf<Cell, ORDERS>),
    Names(Vec<Box<Segment>>),
    Pages(Vec<Box<Page>>),
}

impl Provision {
    /// Allocates it.
    pub fn new(want: Want) -> Self {
        Self(match want {
            Want::Shelf => Piece::Shelf(Shelf::new()),
            Want::Names => Piece::Names(Names::made_ahead()),
            Want::Pages => Piece::Pages(Pages::made_ahead()),
        })
    }

    /// Where memory begins that is allocated and was never written, and how many bytes that is: whoever makes it may
    /// have the kernel provide it at once. `None` where it has been written.
    pub fn untouched(&mut self) -> Option<(*mut u8, usize)> {
        match &mut self.0 {
            Piece::Shelf(shelf) => Some(shelf.memory()),
            Piece::Names(_) | Piece::Pages(_) => None,
        }
    }
}

impl Orders {
    /// What should be made ahead.
    #[inline]
    pub(crate) fn wants(&self) -> Option<Want> {
        if self.cells.is_short() {
            Some(Want::Shelf)
        } else if self.names.is_short() {
            Some(Want::Names)
        } else if self.pages.is_short() {
            Some(Want::Pages)
        } else {
            None
        }
    }

    pub(crate) fn provide(&mut self, provision: Provision) {
        match provision.0 {
            Piece::Shelf(shelf) => self.cells.provide(shelf),
            Piece::Names(segments) => self.names.provide(segments),
            Piece::Pages(pages) => self.pages.provide(pages),
        }
    }

    #[inline]
    fn amended(&self, cell: &Cell) -> Option<&Amended> {
        // Nearly always there is none, and then nothing is looked at.
        if cell.amended == NOWHERE { None } else { self.amended.get(cell.amended) }
    }

    #[inline]
    fn order(&self, cell: &Cell) -> Order {
        cell.order(self.amended(cell))
    }

    #[inline]
    fn place(&self, id: OrderId) -> Option<u32> {
        let place = self.pages.place(id)?;
        // Records behind a torn tail are numbered again: another incarnation's id may end in the same number.
        (self.cells.get(place)?.id == id).then_some(place)
    }

    /// The order with this identity.
    #[inline]
    pub(crate) fn get(&self, id: OrderId) -> Option<Order> {
        Some(self.order(self.cells.get(self.place(id)?)?))
    }

    /// The order that this identifier on the wire is about: its own, or that of a request.
    #[inline]
    pub(crate) fn about(&self, id: WireId) -> Option<Order> {
        self.get(id).or_else(|| self.get(self.requests.get(&id)?.order))
    }

    /// The order that an account submitted under this identifier.
    #[inline]
    pub(crate) fn named(&self, account: AccountId, cl_ord_id: &ClOrdId) -> Option<Order> {
        let is_it = |place| {
            self.cells.get(place).is_some_and(|cell| cell.account == account && cell.cl_ord_id == *cl_ord_id)
        };
        Some(self.order(self.cells.get(self.names.find(account, cl_ord_id, is_it)?)?))
    }

    /// See [`crate::Core::anticipate`].
    #[inline]
    pub(crate) fn anticipate(&self, account: AccountId, cl_ord_id: &ClOrdId) {
        self.names.prefetch(account, cl_ord_id);
    }

    /// What this replace request asked for.
    pub(crate) fn asked_by(&self, request: WireId) -> Option<Pending> {
        self.requests.get(&request)?.terms
    }

    /// Takes in a new order.
    #[inline]
    pub(crate) fn add(&mut self, order: &Order) {
        let place = self.cells.put(Cell::of(order));
        self.pages.add(order.id, place);
        self.names.add(order.account, &order.cl_ord_id, place);
        if !Amended::is_plain(order) {
            self.amend(place, order);
        }
        self.enlist(place, order);
    }

    /// Takes over a change of an order that is there.
    #[inline]
    pub(crate) fn change(&mut self, order: &Order) {
        let Some(place) = self.place(order.id) else { return };
        let Some(cell) = self.cells.get(place) else { return };
        let was_finished = self.order(cell).is_finished();
        if cell.amended != NOWHERE || !Amended::is_plain(order) {
            self.amend(place, order);
        }
        if let Some(cell) = self.cells.get_mut(place) {
            cell.change(order);
        }
        if was_finished || order.is_finished() {
            self.delist(place, order.account, was_finished);
            self.enlist(place, order);
        }
    }

    /// Keeps what an order has that is not plain any more.
    fn amend(&mut self, place: u32, order: &Order) {
        let Some(cell) = self.cells.get(place) else { return };
        if let Some(amended) = self.amended.get_mut(cell.amended) {
            *amended = Amended::of(order, amended.last_request);
            return;
        }
        let at = self.amended.put(Amended::of(order, None));
        if let Some(cell) = self.cells.get_mut(place) {
            cell.amended = at;
        }
    }

    /// At the end of the lists where it belongs.
    #[inline]
    fn enlist(&mut self, place: u32, order: &Order) {
        let account = order.account.slot();
        if self.accounts.len() <= account {
            self.accounts.resize_with(account + 1, OfAccount::default);
        }
        let Some(lists) = self.accounts.get_mut(account) else { return };
        if order.is_finished() {
            list::append(&mut self.cells, &mut lists.finished, Chain::Account, place);
            list::append(&mut self.cells, &mut self.finished, Chain::Finished, place);
        } else {
            list::append(&mut self.cells, &mut lists.open, Chain::Account, place);
        }
    }

    fn delist(&mut self, place: u32, account: AccountId, was_finished: bool) {
        let Some(lists) = self.accounts.get_mut(account.slot()) else { return };
        if was_finished {
            list::remove(&mut self.cells, &mut lists.finished, Chain::Account, place);
            list::remove(&mut self.cells, &mut self.finished, Chain::Finished, place);
        } else {
            list::remove(&mut self.cells, &mut lists.open, Chain::Account, place);
        }
    }

    /// Remembers a request about an order.
    pub(crate) fn note_request(&mut self, pending: &Pending, order: OrderId) {
        let Some(place) = self.place(order) else { return };
        let earlier = self.set_last_request(place, pending.request);
        let terms = (pending.kind == PendingKind::Replace).then_some(*pending);
        self.requests.insert(pending.request, Request { order, terms, earlier });
    }

    /// The one before it.
    fn set_last_request(&mut self, place: u32, request: WireId) -> Option<WireId> {
        let cell = self.cells.get(place)?;
        if cell.amended == NOWHERE {
            let order = self.order(cell);
            self.amend(place, &order);
        }
        let at = self.cells.get(place)?.amended;
        self.amended.get_mut(at)?.last_request.replace(request)
    }

    /// The order that was finished first, of those that are there.
    #[inline]
    pub(crate) fn first_finished(&self) -> Option<Order> {
        Some(self.order(self.cells.get(self.finished.first()?)?))
    }

    /// Forgets that order, its names and its requests.
    pub(crate) fn retire_first(&mut self) {
        let Some(place) = self.finished.first() else { return };
        let Some(cell) = self.cells.get(place) else { return };
        let (id, account, cl_ord_id, amended) = (cell.id, cell.account, cell.cl_ord_id, cell.amended);
        let mut request = self.amended(cell).and_then(|amended| amended.last_request);
        self.delist(place, account, true);
        while let Some(known) = request.and_then(|id| self.requests.swap_remove(&id)) {
            request = known.earlier;
        }
        self.names.remove(account, &cl_ord_id, place);
        self.pages.remove(id);
        if amended != NOWHERE {
            self.amended.leave(amended);
        }
        if let Some(cell) = self.cells.get_mut(place) {
            cell.id = OrderId::default();
            self.cells.leave(place);
        }
        self.retired += 1;
    }

    /// How many were retired so far.
    pub(crate) const fn retired(&self) -> u64 {
        self.retired
    }

    /// An account's orders that the broker may still act on, oldest first.
    pub(crate) fn open(&self, account: AccountId) -> impl Iterator<Item = Order> {
        self.walk(self.of(account).open, Chain::Account)
    }

    /// An account's finished orders that are not retired, in the order they were finished.
    pub(crate) fn finished(&self, account: AccountId) -> impl Iterator<Item = Order> {
        self.walk(self.of(account).finished, Chain::Account)
    }

    /// The orders of a list.
    fn walk(&self, list: List, chain: Chain) -> impl Iterator<Item = Order> {
        list::cells(&self.cells, list, chain).map(|cell| self.order(cell))
    }

    fn of(&self, account: AccountId) -> OfAccount {
        self.accounts.get(account.slot()).copied().unwrap_or_default()
    }

    /// Every open order that `concerns` holds of is in doubt from here on; how many those are.
    pub(crate) fn doubt(&mut self, concerns: impl Fn(&Order) -> bool) -> u32 {
        let mut doubted = 0;
        for account in 0..self.accounts.len() {
            let mut next = self.accounts.get(account).and_then(|lists| lists.open.first());
            while let Some((place, cell)) = next.and_then(|place| Some((place, self.cells.get(place)?))) {
                next = cell.links.later(Chain::Account);
                if concerns(&self.order(cell)) {
                    doubted += 1;
                    if let Some(cell) = self.cells.get_mut(place) {
                        cell.doubt();
                    }
                }
            }
        }
        doubted
    }
}
