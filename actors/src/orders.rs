//! Every order that is not retired: stored once, found by identity or by the submitter's identifier, listed by account
//! and by when it was finished.
//!
//! Orders stand on shelves of fixed size and never move; a place that a retired order leaves is taken again. Places
//! are not part of the state: equal states may use different ones. What the tables grow by can be made ahead, by
//! another thread: see [`crate::Provision`].

use alloc::boxed::Box;
use alloc::vec::Vec;

use model::{AccountId, ClOrdId, Invariant, OrderId, PendingKind, WireId, holds, there};

use crate::store::growth::Grows;
use crate::store::names::{Names, Segment, hash_of};
use crate::store::shelves::{NOWHERE, Row, Shelf, Shelves};
use crate::want::Want;
use crate::{Order, Pending};

mod cell;
mod encoding;
mod links;
mod list;
mod pages;
mod tally;
#[cfg(test)]
mod tests;

use cell::{Amended, Cell};
use links::Chain;
use list::List;
pub(crate) use pages::Page;
use pages::Pages;
pub(crate) use tally::Tally;

/// The orders of a shard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Orders {
    cells: Cells,
    amended: Shelves<Amended, AMENDED, AMENDED_AHEAD>,
    /// Of orders and, with [`REQUEST`], of requests.
    pages: Pages,
    names: Names,
    /// Cancel and replace requests, and which order each is about. Where one is taken out, the last takes its place: that
    /// is the order they are encoded in.
    requests: Row<Request, REQUESTS, REQUESTS_AHEAD>,
    accounts: Vec<OfAccount>,
    /// By when they were finished.
    finished: List,
    /// How many were retired so far.
    retired: u64,
    tally: Tally,
}

/// An account's orders.
#[derive(Clone, Copy, Debug, Default)]
struct OfAccount {
    open: List,
    finished: List,
}

/// A cancel or replace request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, borsh::BorshSerialize, borsh::BorshDeserialize)]
pub(crate) struct Request {
    id: WireId,
    order: OrderId,
    /// What a replace asked for: the broker may carry it out after it was given up here.
    terms: Option<Pending>,
    /// The request about the same order before it.
    earlier: Option<WireId>,
}

/// Orders on a shelf: some 9 MB, so that most of it can be of large pages.
const ORDERS: usize = 32 * 1024;
/// The rest is smaller, and several shelves are there ahead.
const AMENDED: usize = 1024;
const AMENDED_AHEAD: usize = 8;
const REQUESTS: usize = 1024;
const REQUESTS_AHEAD: usize = 8;
/// Part of the place of a request, so that it is told from that of an order.
const REQUEST: u32 = 1 << 31;

#[cfg(test)]
pub(crate) const CELL_BYTES: usize = size_of::<Cell>();
type Cells = Shelves<Cell, ORDERS, 1>;
pub(crate) type CellShelf = Shelf<Cell, ORDERS, 1>;
pub(crate) type AmendedShelf = Shelf<Amended, AMENDED, AMENDED_AHEAD>;
pub(crate) type RequestShelf = Shelf<Request, REQUESTS, REQUESTS_AHEAD>;

#[inline]
fn name_hash(account: AccountId, cl_ord_id: &ClOrdId) -> u32 {
    hash_of(&(account, cl_ord_id))
}

/// An account's lists, made first where it has none.
#[inline]
fn lists_of(accounts: &mut Vec<OfAccount>, account: AccountId) -> &mut OfAccount {
    if accounts.len() <= account.slot() {
        accounts.resize_with(account.slot() + 1, OfAccount::default);
    }
    there(accounts.get_mut(account.slot()), Invariant::RoomIsThere)
}

impl Orders {
    /// What should be made ahead.
    #[inline]
    pub(crate) fn wants(&self) -> Option<Want> {
        if self.cells.is_short() {
            Some(Want::Orders)
        } else if self.names.is_short() {
            Some(Want::Names)
        } else if self.pages.is_short() {
            Some(Want::Pages)
        } else if self.amended.is_short() {
            Some(Want::Amended)
        } else if self.requests.is_short() {
            Some(Want::Requests)
        } else {
            None
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
        self.at(self.place(id)?)
    }

    /// The order that this identifier on the wire is about: its own, or that of a request.
    #[inline]
    pub(crate) fn about(&self, id: WireId) -> Option<Order> {
        self.at(self.place_about(id)?)
    }

    /// Where that order stands.
    #[inline]
    pub(crate) fn place_about(&self, id: WireId) -> Option<u32> {
        self.place(id).or_else(|| self.place(self.request(id)?.order))
    }

    /// The order that stands there.
    #[inline]
    pub(crate) fn at(&self, place: u32) -> Option<Order> {
        Some(self.order(self.cells.get(place)?))
    }

    /// Where a request stands.
    #[inline]
    fn request_place(&self, id: WireId) -> Option<u32> {
        let place = self.pages.place(id)?;
        let at = place & !REQUEST;
        (place != at && self.requests.get(at)?.id == id).then_some(at)
    }

    #[inline]
    fn request(&self, id: WireId) -> Option<&Request> {
        self.requests.get(self.request_place(id)?)
    }

    /// The order that an account submitted under this identifier.
    #[inline]
    pub(crate) fn named(&self, account: AccountId, cl_ord_id: &ClOrdId) -> Option<Order> {
        let is_it = |place| {
            self.cells.get(place).is_some_and(|cell| cell.account == account && cell.cl_ord_id == *cl_ord_id)
        };
        let hash = name_hash(account, cl_ord_id);
        Some(self.order(self.cells.get(self.names.find(hash, is_it)?)?))
    }

    /// See [`crate::Core::anticipate`].
    #[inline]
    pub(crate) fn anticipate(&self, account: AccountId, cl_ord_id: &ClOrdId) {
        self.names.prefetch(name_hash(account, cl_ord_id));
    }

    /// The same for what a broker says of an order.
    #[inline]
    pub(crate) fn anticipate_report(&self, id: WireId) {
        if let Some(cell) = self.pages.place(id).and_then(|place| self.cells.get(place)) {
            prefetch::to_read(cell);
        }
    }

    /// See [`crate::Core::make_ready`].
    #[inline]
    pub(crate) fn make_ready(&mut self) {
        self.cells.make_ready();
    }

    /// What this replace request asked for.
    pub(crate) fn asked_by(&self, request: WireId) -> Option<Pending> {
        self.request(request)?.terms
    }

    /// True for a cancel request, pending or given up.
    pub(crate) fn is_cancel(&self, request: WireId) -> bool {
        self.request(request).is_some_and(|request| request.terms.is_none())
    }

    /// Takes in a new order, which stands as it was submitted.
    #[inline]
    pub(crate) fn add(&mut self, order: &Order) {
        holds(!order.reservation.is_negative(), Invariant::ReservedIsNotNegative);
        let place = self.put(order);
        self.tally.begin(order.session, order.certainty);
        let lists = lists_of(&mut self.accounts, order.account);
        list::append(&mut self.cells, &mut lists.open, Chain::Account, place);
    }

    /// Takes in an order that is read back, whatever became of it.
    fn restore(&mut self, order: &Order) {
        let place = self.put(order);
        if !Amended::is_plain(order) {
            self.amend(place, order);
        }
        if !order.is_finished() {
            self.tally.begin(order.session, order.certainty);
        }
        self.enlist(place, order);
    }

    /// Where it stands then.
    #[inline]
    fn put(&mut self, order: &Order) -> u32 {
        let place = self.cells.put(Cell::of(order));
        self.pages.add(order.id, place);
        self.names.add(name_hash(order.account, &order.cl_ord_id), place);
        place
    }

    /// Takes over a change of an order that is there.
    #[inline]
    pub(crate) fn change(&mut self, order: &Order) {
        let place = there(self.place(order.id), Invariant::OrderIsThere);
        let cell = there(self.cells.get(place), Invariant::PlaceIsTaken);
        let was_finished = cell.is_finished(self.amended(cell));
        if !was_finished {
            self.tally.end(cell.session, cell.certainty);
        }
        if !order.is_finished() {
            self.tally.begin(order.session, order.certainty);
        }
        if cell.amended != NOWHERE || !Amended::is_plain(order) {
            self.amend(place, order);
        }
        there(self.cells.get_mut(place), Invariant::PlaceIsTaken).change(order);
        if was_finished || order.is_finished() {
            self.delist(place, order.account, was_finished);
            self.enlist(place, order);
        }
    }

    /// Keeps what an order has that is not plain any more.
    fn amend(&mut self, place: u32, order: &Order) {
        let cell = there(self.cells.get(place), Invariant::PlaceIsTaken);
        if let Some(amended) = self.amended.get_mut(cell.amended) {
            *amended = Amended::of(order, amended.last_request);
            return;
        }
        let at = self.amended.put(Amended::of(order, None));
        there(self.cells.get_mut(place), Invariant::PlaceIsTaken).amended = at;
    }

    /// At the end of the lists where it belongs.
    fn enlist(&mut self, place: u32, order: &Order) {
        let lists = lists_of(&mut self.accounts, order.account);
        if order.is_finished() {
            list::append(&mut self.cells, &mut lists.finished, Chain::Account, place);
            list::append(&mut self.cells, &mut self.finished, Chain::Finished, place);
        } else {
            list::append(&mut self.cells, &mut lists.open, Chain::Account, place);
        }
    }

    fn delist(&mut self, place: u32, account: AccountId, was_finished: bool) {
        let lists = there(self.accounts.get_mut(account.slot()), Invariant::PlaceIsTaken);
        if was_finished {
            list::remove(&mut self.cells, &mut lists.finished, Chain::Account, place);
            list::remove(&mut self.cells, &mut self.finished, Chain::Finished, place);
        } else {
            list::remove(&mut self.cells, &mut lists.open, Chain::Account, place);
        }
    }

    /// Remembers a request about an order.
    pub(crate) fn note_request(&mut self, pending: &Pending, order: OrderId) {
        let place = there(self.place(order), Invariant::OrderIsThere);
        let earlier = self.set_last_request(place, pending.request);
        let terms = (pending.kind == PendingKind::Replace).then_some(*pending);
        self.add_request(Request { id: pending.request, order, terms, earlier });
    }

    fn add_request(&mut self, request: Request) {
        let at = self.requests.push(request);
        self.pages.add(request.id, REQUEST | at);
    }

    /// The last one takes its place.
    fn remove_request(&mut self, id: WireId) -> Option<Request> {
        let at = self.request_place(id)?;
        let request = self.requests.swap_remove(at)?;
        self.pages.remove(id);
        if let Some(moved) = self.requests.get(at) {
            self.pages.set(moved.id, REQUEST | at);
        }
        Some(request)
    }

    /// The one before it.
    fn set_last_request(&mut self, place: u32, request: WireId) -> Option<WireId> {
        let cell = there(self.cells.get(place), Invariant::PlaceIsTaken);
        if cell.amended == NOWHERE {
            let order = self.order(cell);
            self.amend(place, &order);
        }
        let at = there(self.cells.get(place), Invariant::PlaceIsTaken).amended;
        there(self.amended.get_mut(at), Invariant::PlaceIsTaken).last_request.replace(request)
    }

    /// The order that was finished first, of those that are there.
    #[inline]
    pub(crate) fn first_finished(&self) -> Option<Order> {
        let first = self.finished.first()?;
        Some(self.order(there(self.cells.get(first), Invariant::PlaceIsTaken)))
    }

    /// Forgets that order, its names and its requests; which one that was.
    pub(crate) fn retire_first(&mut self) -> Option<OrderId> {
        let place = self.finished.first()?;
        let cell = there(self.cells.get(place), Invariant::PlaceIsTaken);
        let is_over = cell.is_finished(self.amended(cell)) && cell.reserves_nothing();
        holds(is_over, Invariant::RetiredIsFinished);
        let (id, account, cl_ord_id, amended) = (cell.id, cell.account, cell.cl_ord_id, cell.amended);
        let mut request = self.amended(cell).and_then(|amended| amended.last_request);
        self.delist(place, account, true);
        while let Some(known) = request.and_then(|id| self.remove_request(id)) {
            request = known.earlier;
        }
        self.names.remove(name_hash(account, &cl_ord_id), place);
        self.pages.remove(id);
        if amended != NOWHERE {
            self.amended.leave(amended);
        }
        there(self.cells.get_mut(place), Invariant::PlaceIsTaken).id = OrderId::default();
        self.cells.leave(place);
        self.retired += 1;
        Some(id)
    }

    /// What there is, counted.
    pub(crate) const fn tally(&self) -> &Tally {
        &self.tally
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
                    let cell = there(self.cells.get_mut(place), Invariant::PlaceIsTaken);
                    self.tally.end(cell.session, cell.certainty);
                    cell.doubt();
                    self.tally.begin(cell.session, cell.certainty);
                }
            }
        }
        doubted
    }
}

impl Grows<CellShelf> for Orders {
    fn provide(&mut self, shelves: Vec<CellShelf>) {
        self.cells.provide(shelves);
    }
}

impl Grows<Box<Segment>> for Orders {
    fn provide(&mut self, segments: Vec<Box<Segment>>) {
        self.names.provide(segments);
    }
}

impl Grows<Box<Page>> for Orders {
    fn provide(&mut self, pages: Vec<Box<Page>>) {
        self.pages.provide(pages);
    }
}

impl Grows<AmendedShelf> for Orders {
    fn provide(&mut self, shelves: Vec<AmendedShelf>) {
        self.amended.provide(shelves);
    }
}

impl Grows<RequestShelf> for Orders {
    fn provide(&mut self, shelves: Vec<RequestShelf>) {
        self.requests.provide(shelves);
    }
}
