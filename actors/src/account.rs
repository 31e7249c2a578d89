//! One account: its orders, holdings and books.

use alloc::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};
use indexmap::IndexMap;
use model::{AccountDefinition, CashMove, ClOrdId, InstrumentId, Limits, OrderId, Reference};
use rustc_hash::FxBuildHasher;

use crate::{Holding, Ledger, Order};

type Orders = IndexMap<OrderId, Order, FxBuildHasher>;

/// The state of one account.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Account {
    /// Who it is.
    pub definition: AccountDefinition,
    /// What it may do.
    pub limits: Limits,
    /// True where new orders are denied.
    pub halted: bool,
    pub(crate) ledger: Ledger,
    pub(crate) holdings: BTreeMap<InstrumentId, Holding>,
    open: Orders,
    finished: Orders,
    by_cl_ord_id: IndexMap<ClOrdId, OrderId, FxBuildHasher>,
    pub(crate) cash_moves: IndexMap<Reference, CashMove, FxBuildHasher>,
}

impl Account {
    pub(crate) fn new(definition: AccountDefinition) -> Self {
        Self {
            definition,
            limits: Limits::default(),
            halted: false,
            ledger: Ledger::default(),
            holdings: BTreeMap::new(),
            open: Orders::default(),
            finished: Orders::default(),
            by_cl_ord_id: IndexMap::default(),
            cash_moves: IndexMap::default(),
        }
    }

    /// Its books.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What it holds or has open, by instrument.
    pub fn holdings(&self) -> impl Iterator<Item = (&InstrumentId, &Holding)> {
        self.holdings.iter()
    }

    /// Its holding of one instrument; an empty one where it never traded it.
    pub fn holding(&self, instrument: InstrumentId) -> Holding {
        self.holdings.get(&instrument).copied().unwrap_or_default()
    }

    /// The order with this identity.
    pub fn order(&self, id: OrderId) -> Option<&Order> {
        self.open.get(&id).or_else(|| self.finished.get(&id))
    }

    /// The order that was submitted under this identifier.
    pub fn order_by_cl_ord_id(&self, cl_ord_id: &ClOrdId) -> Option<&Order> {
        self.order(*self.by_cl_ord_id.get(cl_ord_id)?)
    }

    /// Orders that the broker may still act on.
    pub fn open_orders(&self) -> impl Iterator<Item = &Order> {
        self.open.values()
    }

    /// Every order, finished ones first.
    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.finished.values().chain(self.open.values())
    }

    pub(crate) fn open_orders_mut(&mut self) -> impl Iterator<Item = &mut Order> {
        self.open.values_mut()
    }

    /// Stores an order where it belongs: new, changed, finished or opened again.
    pub(crate) fn put(&mut self, order: &Order) {
        if order.is_finished() {
            self.open.swap_remove(&order.id);
            self.finished.insert(order.id, *order);
        } else if self.open.insert(order.id, *order).is_none()
            && self.finished.swap_remove(&order.id).is_none()
        {
            self.by_cl_ord_id.insert(order.cl_ord_id, order.id);
        }
    }
}
