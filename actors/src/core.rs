//! The state of one shard. `trading.rs` says what changes it.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use arrayvec::ArrayVec;
use borsh::{BorshDeserialize, BorshSerialize};
use machine::Ask;
use model::{
    AccountId, Broken, ClOrdId, Command, Date, ExecutionReport, Incarnation, Instrument, InstrumentId,
    Invariant, Name, OrderId, PortfolioId, Position, Price, Remember, SessionDefinition, SessionId,
    SessionState, ShardId, WireId, there,
};

use crate::asks::Asks;
use crate::books::ledger::Dates;
use crate::clock::ClockBook;
use crate::executions::Executions;
use crate::fact::Fact;
use crate::fingerprint::Fingerprint;
use crate::orders::Orders;
use crate::parts::movements::Movements;
use crate::parts::names::Directories;
use crate::parts::settlement::Settlements;
use crate::remembered::Remembered;
use crate::store::growth::Spare;
use crate::store::table::Table;
use crate::{Account, Order, Portfolio};

/// The state of one shard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Core {
    pub(crate) incarnation: Incarnation,
    pub(crate) logic_version: u32,
    pub(crate) firm_halted: bool,
    pub(crate) instruments: Table<InstrumentBook>,
    pub(crate) sessions: Table<SessionBook>,
    pub(crate) portfolios: Table<Portfolio>,
    pub(crate) accounts: Table<Account>,
    /// Account names, so that defining the hundred-thousandth is as quick as the first.
    pub(crate) account_names: BTreeMap<Name, AccountId>,
    pub(crate) orders: Orders,
    /// Identifiers of orders that are retired.
    pub(crate) remembered: Remembered,
    pub(crate) executions: Executions,
    /// A part's.
    pub(crate) movements: Movements,
    /// A part's.
    pub(crate) names: Directories,
    /// A part's.
    pub(crate) settlements: Settlements,
    pub(crate) suspense: Vec<Suspense>,
    pub(crate) asks: Asks,
    /// What broke, of whom is still set aside: one for each.
    pub(crate) broken: Vec<Broken>,
    /// Whether the wall clock is trusted.
    pub(crate) clock: ClockBook,
    /// No tick is made until an operator says so.
    pub(crate) ticks_set_aside: bool,
    /// Whom a tick is about just now: who is to be set aside should it fail.
    pub(crate) at_work: Option<AccountId>,
    /// What the parts are to hear of this input.
    pub(crate) told: ArrayVec<Fact, TOLD>,
    /// For books that have something unsettled.
    pub(crate) rooms: Spare<Dates>,
    /// Of every change that led here, and every message.
    pub(crate) changes: Fingerprint,
}

/// Facts that one input leads to, at most.
const TOLD: usize = 2;

/// Which order a ClOrdID is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Route {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub order: OrderId,
}

/// An instrument and what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct InstrumentBook {
    /// What it is.
    pub definition: Instrument,
    /// True where new orders in it are denied.
    pub halted: bool,
    /// As [`Account::set_aside`], for orders in it; its mark stands still.
    pub set_aside: bool,
    /// What positions are valued at: the last journalled mark, before the first one the first execution's price.
    pub mark: Option<Price>,
}

/// A session and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SessionBook {
    /// Who it is.
    pub definition: SessionDefinition,
    /// Where it stands.
    pub state: SessionState,
    /// The highest MsgSeqNum of a message of the broker that is journalled.
    pub inbound_high_water: u64,
}

/// A fill that could not be booked: kept for a person to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Suspense {
    /// Which record.
    pub position: Position,
    /// What the broker said.
    pub report: ExecutionReport,
}

impl Core {
    /// An empty shard.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells the parts, once the input is applied.
    #[inline]
    pub(crate) fn tell(&mut self, fact: Fact) {
        there(self.told.try_push(fact).ok(), Invariant::RoomIsThere);
    }

    /// How often the journal behind this state was opened for writing.
    pub const fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// True where something is asked for that is no record yet, here or of another shard.
    #[inline]
    pub fn has_asks(&self) -> bool {
        !self.asks.is_empty()
    }

    /// What this shard is to take next of what it asks of itself: of sessions that are ready and that `has_room` says yes
    /// to. What goes out on another waits.
    pub fn next_ask(&self, mut has_room: impl FnMut(SessionId) -> bool) -> Option<&Ask<Command>> {
        let is_ready = |id| self.session(id).is_some_and(|session| session.state == SessionState::Ready);
        self.asks.next(|session| is_ready(session) && has_room(session))
    }

    /// What is asked of another shard, in order.
    pub fn asks_of(&self, shard: ShardId) -> impl Iterator<Item = &Ask<Command>> {
        self.asks.of(shard)
    }

    /// How many asks are no record yet, here and of other shards.
    pub fn asks_open(&self) -> usize {
        self.asks.len()
    }

    /// The fingerprint of every change that led here.
    pub const fn changes(&self) -> Fingerprint {
        self.changes
    }

    /// What is known of the clocks.
    pub const fn clock(&self) -> &ClockBook {
        &self.clock
    }

    /// True where the whole firm is halted.
    pub const fn is_firm_halted(&self) -> bool {
        self.firm_halted
    }

    /// One account.
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(id.slot())
    }

    /// Every account, by id.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.iter()
    }

    /// The account of that name.
    pub fn account_named(&self, name: &Name) -> Option<&Account> {
        self.account(*self.account_names.get(name)?)
    }

    /// One portfolio.
    pub fn portfolio(&self, id: PortfolioId) -> Option<&Portfolio> {
        self.portfolios.get(id.slot())
    }

    /// Every portfolio, by id.
    pub fn portfolios(&self) -> impl Iterator<Item = &Portfolio> {
        self.portfolios.iter()
    }

    /// One instrument.
    pub fn instrument(&self, id: InstrumentId) -> Option<&InstrumentBook> {
        self.instruments.get(id.slot())
    }

    /// Every instrument, by id.
    pub fn instruments(&self) -> impl Iterator<Item = &InstrumentBook> {
        self.instruments.iter()
    }

    /// One session.
    pub fn session(&self, id: SessionId) -> Option<&SessionBook> {
        self.sessions.get(id.slot())
    }

    /// Every session, by id.
    pub fn sessions(&self) -> impl Iterator<Item = &SessionBook> {
        self.sessions.iter()
    }

    /// What was due and could not be settled: by date, whose.
    pub fn held_settlements(&self) -> impl Iterator<Item = (Date, AccountId)> {
        self.settlements.held()
    }

    /// Fills that could not be booked.
    pub fn suspense(&self) -> &[Suspense] {
        &self.suspense
    }

    /// Which order a ClOrdID of ours is about; `None` where there is none, or it is retired.
    pub fn route(&self, id: WireId) -> Option<Route> {
        self.order(id).map(|order| Route { account: order.account, order: order.id })
    }

    /// The order that a ClOrdID of ours is about; `None` where there is none, or it is retired.
    #[inline]
    pub fn order(&self, id: WireId) -> Option<Order> {
        self.orders.about(id)
    }

    /// An account's order with this identity.
    pub fn order_of(&self, account: AccountId, id: OrderId) -> Option<Order> {
        self.orders.get(id).filter(|order| order.account == account)
    }

    /// The order that an account submitted under this identifier.
    #[inline]
    pub fn order_by_cl_ord_id(&self, account: AccountId, cl_ord_id: &ClOrdId) -> Option<Order> {
        self.orders.named(account, cl_ord_id)
    }

    /// The order that a request names: by our identity where it has that, else by the submitter's.
    #[inline]
    pub fn order_named(
        &self,
        account: AccountId,
        order: Option<OrderId>,
        cl_ord_id: &ClOrdId,
    ) -> Option<Order> {
        match order {
            Some(id) => self.order_of(account, id),
            None => self.order_by_cl_ord_id(account, cl_ord_id),
        }
    }

    /// An account's orders that the broker may still act on, oldest first.
    pub fn open_orders(&self, account: AccountId) -> impl Iterator<Item = Order> {
        self.orders.open(account)
    }

    /// How many orders the broker may still act on.
    pub const fn count_open_orders(&self) -> u64 {
        self.orders.tally().open
    }

    /// How many of those a session sent, and it is not certain what the broker knows.
    pub fn orders_in_doubt(&self, session: SessionId) -> u64 {
        self.orders.tally().in_doubt(session)
    }

    /// An account's orders that are not retired, finished ones first.
    pub fn orders(&self, account: AccountId) -> impl Iterator<Item = Order> {
        self.orders.finished(account).chain(self.orders.open(account))
    }

    /// For how many days identifiers are remembered.
    pub const fn remembers(&self) -> Remember {
        Remember { orders_days: self.remembered.for_days(), cash_days: self.movements.for_days() }
    }

    /// How many identifiers of retired orders are remembered.
    pub fn remembered_ids(&self) -> u64 {
        self.remembered.len()
    }

    /// How many finished orders were retired so far: the journal still explains them, this state no longer does.
    pub const fn retired_orders(&self) -> u64 {
        self.orders.retired()
    }
}
