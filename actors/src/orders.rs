//! Every order that is not retired: stored once, found by identity or by the submitter's identifier, listed by account
//! and by when it was finished.
//!
//! Orders stand on shelves of fixed size and never move; a place that a retired order leaves is taken again. Places
//! are not part of the state: equal states may use different ones.

use alloc::boxed::Box;
use alloc::vec::Vec;

use indexmap::IndexMap;
use model::{AccountId, ClOrdId, OrderId, PendingKind, WireId};
use rustc_hash::FxBuildHasher;

use crate::names::Names;
use crate::{Order, Pending};

mod encoding;
mod list;
#[cfg(test)]
mod tests;

use list::{Chain, Links, List};

/// The orders of a shard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Orders {
    shelves: Vec<Vec<Cell>>,
    vacant: Vec<u32>,
    pages: IndexMap<u64, Box<Page>, FxBuildHasher>,
    names: Names,
    /// Cancel and replace requests, and which order each is about.
    requests: IndexMap<WireId, Request, FxBuildHasher>,
    accounts: Vec<OfAccount>,
    /// By when they were finished.
    finished: List,
    /// How many were retired so far.
    retired: u64,
}

/// One place on a shelf.
#[derive(Clone, Debug)]
struct Cell {
    /// Of sequence number 0 where the place is vacant: no order has that.
    order: Order,
    links: Links,
    /// The last request about it; the ones before are chained behind.
    last_request: Option<WireId>,
}

/// Places of orders by the record that submitted them: 4,096 records to a page.
#[derive(Clone, Debug)]
struct Page {
    places: [u32; PAGE_RECORDS],
    in_use: u32,
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

/// Orders on a shelf: some 110 KB.
const SHELF: usize = 256;
const PAGE_RECORDS: usize = 4096;
/// Vacant places made ahead.
const SPARE: usize = 1024;
/// Stands where there is no place.
const NOWHERE: u32 = u32::MAX;

/// A page, and where on it.
fn page_of(id: OrderId) -> (u64, usize) {
    let records = PAGE_RECORDS as u64;
    (id.seq / records, usize::try_from(id.seq % records).unwrap_or(0))
}

impl Orders {
    #[inline]
    fn cell(&self, place: u32) -> Option<&Cell> {
        let place = place as usize;
        self.shelves.get(place / SHELF)?.get(place % SHELF)
    }

    #[inline]
    fn cell_mut(&mut self, place: u32) -> Option<&mut Cell> {
        let place = place as usize;
        self.shelves.get_mut(place / SHELF)?.get_mut(place % SHELF)
    }

    #[inline]
    fn place(&self, id: OrderId) -> Option<u32> {
        let (page, at) = page_of(id);
        let place = *self.pages.get(&page)?.places.get(at)?;
        // Records behind a torn tail are numbered again: another incarnation's id may end in the same number.
        (self.cell(place)?.order.id == id).then_some(place)
    }

    /// The order with this identity.
    #[inline]
    pub(crate) fn get(&self, id: OrderId) -> Option<&Order> {
        Some(&self.cell(self.place(id)?)?.order)
    }

    /// The order that this identifier on the wire is about: its own, or that of a request.
    #[inline]
    pub(crate) fn about(&self, id: WireId) -> Option<&Order> {
        self.get(id).or_else(|| self.get(self.requests.get(&id)?.order))
    }

    /// The order that an account submitted under this identifier.
    #[inline]
    pub(crate) fn named(&self, account: AccountId, cl_ord_id: &ClOrdId) -> Option<&Order> {
        let is_it = |place| {
            self.cell(place)
                .is_some_and(|cell| cell.order.account == account && cell.order.cl_ord_id == *cl_ord_id)
        };
        Some(&self.cell(self.names.find(account, cl_ord_id, is_it)?)?.order)
    }

    /// What this replace request asked for.
    pub(crate) fn asked_by(&self, request: WireId) -> Option<Pending> {
        self.requests.get(&request)?.terms
    }

    /// Takes in a new order.
    #[inline]
    pub(crate) fn add(&mut self, order: &Order) {
        let place = self.put(order);
        let (page, at) = page_of(order.id);
        let page = self
            .pages
            .entry(page)
            .or_insert_with(|| Box::new(Page { places: [NOWHERE; PAGE_RECORDS], in_use: 0 }));
        if let Some(slot) = page.places.get_mut(at) {
            *slot = place;
            page.in_use += 1;
        }
        self.names.add(order.account, &order.cl_ord_id, place);
        self.enlist(place, order);
    }

    /// Puts an order on a shelf.
    #[inline]
    fn put(&mut self, order: &Order) -> u32 {
        if let Some(place) = self.vacant.pop()
            && let Some(cell) = self.cell_mut(place)
        {
            cell.order = *order;
            cell.last_request = None;
            return place;
        }
        self.put_behind(order)
    }

    /// Behind the last one, on a new shelf where that is full.
    fn put_behind(&mut self, order: &Order) -> u32 {
        if self.shelves.last().is_none_or(|shelf| shelf.len() == SHELF) {
            self.shelves.push(Vec::with_capacity(SHELF));
        }
        let shelves = self.shelves.len();
        let Some(shelf) = self.shelves.last_mut() else { return NOWHERE };
        let place = (shelves - 1) * SHELF + shelf.len();
        shelf.push(Cell { order: *order, links: Links::default(), last_request: None });
        // Four billion orders do not fit the memory of any machine.
        u32::try_from(place).unwrap_or(NOWHERE)
    }

    /// Puts one more vacant place on a shelf, up to [`SPARE`]. Any order serves to fill it.
    #[inline]
    pub(crate) fn prepare(&mut self) {
        if self.vacant.len() < SPARE
            && let Some(filler) = self.shelves.first().and_then(|shelf| shelf.first())
        {
            let order = Order { id: OrderId::default(), ..filler.order };
            let place = self.put_behind(&order);
            self.vacant.push(place);
        }
    }

    /// Takes over a change of an order that is there.
    #[inline]
    pub(crate) fn change(&mut self, order: &Order) {
        let Some(place) = self.place(order.id) else { return };
        let Some(cell) = self.cell_mut(place) else { return };
        let was_finished = cell.order.is_finished();
        cell.order = *order;
        if was_finished || order.is_finished() {
            self.delist(place, order.account, was_finished);
            self.enlist(place, order);
        }
    }

    /// At the end of the lists where it belongs.
    #[inline]
    fn enlist(&mut self, place: u32, order: &Order) {
        let account = order.account.slot();
        if self.accounts.len() <= account {
            self.accounts.resize_with(account + 1, OfAccount::default);
        }
        let Some(mut lists) = self.accounts.get(account).copied() else { return };
        if order.is_finished() {
            self.append(&mut lists.finished, Chain::Account, place);
            let mut finished = self.finished;
            self.append(&mut finished, Chain::Finished, place);
            self.finished = finished;
        } else {
            self.append(&mut lists.open, Chain::Account, place);
        }
        if let Some(old) = self.accounts.get_mut(account) {
            *old = lists;
        }
    }

    fn delist(&mut self, place: u32, account: AccountId, was_finished: bool) {
        let Some(mut lists) = self.accounts.get(account.slot()).copied() else { return };
        if was_finished {
            self.remove(&mut lists.finished, Chain::Account, place);
            let mut finished = self.finished;
            self.remove(&mut finished, Chain::Finished, place);
            self.finished = finished;
        } else {
            self.remove(&mut lists.open, Chain::Account, place);
        }
        if let Some(old) = self.accounts.get_mut(account.slot()) {
            *old = lists;
        }
    }

    /// Remembers a request about an order.
    pub(crate) fn note_request(&mut self, pending: &Pending, order: OrderId) {
        let Some(cell) = self.place(order).and_then(|place| self.cell_mut(place)) else { return };
        let earlier = cell.last_request.replace(pending.request);
        let terms = (pending.kind == PendingKind::Replace).then_some(*pending);
        self.requests.insert(pending.request, Request { order, terms, earlier });
    }

    /// The order that was finished first, of those that are there.
    #[inline]
    pub(crate) fn first_finished(&self) -> Option<&Order> {
        Some(&self.cell(self.finished.first()?)?.order)
    }

    /// Forgets that order, its names and its requests.
    pub(crate) fn retire_first(&mut self) {
        let Some(place) = self.finished.first() else { return };
        let Some(cell) = self.cell(place) else { return };
        let (order, mut request) = (cell.order, cell.last_request);
        self.delist(place, order.account, true);
        while let Some(known) = request.and_then(|id| self.requests.swap_remove(&id)) {
            request = known.earlier;
        }
        self.names.remove(order.account, &order.cl_ord_id, place);
        let (number, at) = page_of(order.id);
        if let Some(page) = self.pages.get_mut(&number) {
            if let Some(slot) = page.places.get_mut(at) {
                *slot = NOWHERE;
            }
            page.in_use -= 1;
            if page.in_use == 0 {
                self.pages.swap_remove(&number);
            }
        }
        if let Some(cell) = self.cell_mut(place) {
            cell.order.id = OrderId::default();
            self.vacant.push(place);
        }
        self.retired += 1;
    }

    /// How many were retired so far.
    pub(crate) const fn retired(&self) -> u64 {
        self.retired
    }

    /// An account's orders that the broker may still act on, oldest first.
    pub(crate) fn open(&self, account: AccountId) -> impl Iterator<Item = &Order> {
        self.walk(self.of(account).open, Chain::Account)
    }

    /// An account's finished orders that are not retired, in the order they were finished.
    pub(crate) fn finished(&self, account: AccountId) -> impl Iterator<Item = &Order> {
        self.walk(self.of(account).finished, Chain::Account)
    }

    fn of(&self, account: AccountId) -> OfAccount {
        self.accounts.get(account.slot()).copied().unwrap_or_default()
    }

    /// Changes what moves no money of every open order.
    pub(crate) fn for_each_open(&mut self, mut change: impl FnMut(&mut Order)) {
        for account in 0..self.accounts.len() {
            let mut next = self.accounts.get(account).and_then(|lists| lists.open.first());
            while let Some(cell) = next.and_then(|place| self.cell_mut(place)) {
                change(&mut cell.order);
                next = cell.links.later(Chain::Account);
            }
        }
    }
}
