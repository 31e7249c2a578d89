//! The state of one shard, and the table of contents of what can change it.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use machine::{Ask, Stamp};
use model::{
    AccountId, Broken, ClOrdId, Command, Date, ExecType, ExecutionReport, Incarnation, Input, Instrument,
    InstrumentId, Name, OrderId, Origin, PortfolioId, Position, Price, SessionDefinition, SessionId,
    SessionState, ShardId, Stamped, Timestamp, WireId,
};

use crate::asks::Asks;
use crate::executions::Executions;
use crate::fingerprint::Fingerprint;
use crate::orders::Orders;
use crate::provision::{Pieces, Provision, Want};
use crate::settlements::Settlements;
use crate::table::Table;
use crate::{Account, Order, Outcome, Portfolio, apply};

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
    pub(crate) executions: Executions,
    /// Accounts with something unsettled, by the date it settles.
    pub(crate) settlements: Settlements,
    pub(crate) suspense: Vec<Suspense>,
    pub(crate) asks: Asks,
    /// What broke, of whom is still set aside: one for each.
    pub(crate) broken: Vec<Broken>,
    /// No tick is made until an operator says so.
    pub(crate) ticks_set_aside: bool,
    /// Whom a tick is about just now: who is to be set aside should it fail.
    pub(crate) at_work: Option<AccountId>,
    /// Of every change that led here, and every message.
    pub(crate) changes: Fingerprint,
}

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

    /// Applies one stamped input; its consequences are added to `out`, which the caller has cleared.
    ///
    /// Every arm checks first (`check_*` never mutates) and then commits (`apply_*` never fails). What cannot be
    /// done is answered with [`model::Event::Denied`] or an alert.
    ///
    /// No input panics; a broken invariant does. The state is in question then, and whoever called must take it from the
    /// journal again, without that input and with [`Input::Broken`] behind it.
    pub fn apply(&mut self, stamp: Stamp, input: &Input, out: &mut Outcome) {
        match input {
            Input::Opened { incarnation, logic_version } => {
                apply::session::opened(self, *incarnation, *logic_version, out);
            }
            Input::Command { origin, cause, stamped, command } => {
                if cause.is_none_or(|cause| apply::asks::take(self, stamp, cause, out)) {
                    self.command(stamp, origin, stamped, command, out);
                }
            }
            Input::ExecutionReport(report) => apply::execution_report::apply(self, stamp, report, out),
            Input::CancelReject(reject) => apply::reject::cancel_reject(self, stamp, reject, out),
            Input::MessageReject(reject) => apply::reject::message_reject(self, stamp, reject, out),
            Input::Quarantined(message) => apply::reject::quarantined(self, message, out),
            Input::Session(change) => apply::session::change(self, stamp, *change, out),
            Input::Evidence(evidence) => apply::evidence::apply(self, stamp, *evidence, out),
            Input::Mark { instrument, quote } => apply::mark::apply(self, *instrument, quote, out),
            Input::Tick => apply::tick::apply(self, stamp, out),
            Input::AsksTaken { by, cause } => apply::asks::taken_by(self, *by, *cause, out),
            Input::Broken(broken) => apply::broken::apply(self, stamp, broken, out),
        }
        for message in &out.outbound {
            self.changes.message(message);
        }
    }

    /// Has what the decision about an input looks up first fetched, so that it is there when it is needed: from a large
    /// state that takes as long as the rest of the decision. Changes nothing, and may be left out.
    #[expect(clippy::inline_always, reason = "a call costs as much as what is fetched for an order")]
    #[inline(always)]
    pub fn anticipate(&self, input: &Input) {
        match input {
            Input::Command { command: Command::NewOrder(order), .. } => {
                self.orders.anticipate(order.account, &order.cl_ord_id);
            }
            Input::ExecutionReport(report) => self.anticipate_report(report),
            _ => {}
        }
    }

    /// Has the memory fetched that the next order will be written to. It changes nothing.
    #[inline]
    pub fn make_ready(&mut self) {
        self.orders.make_ready();
    }

    #[inline(never)]
    fn anticipate_report(&self, report: &ExecutionReport) {
        if let Some(id) = report.cl_ord_id {
            self.orders.anticipate_report(id);
        }
        if report.exec_type == ExecType::Trade {
            self.executions.anticipate(self.broker_of(report.session), report.exec_id);
        }
    }

    fn command(
        &mut self,
        stamp: Stamp,
        origin: &Origin,
        stamped: &Stamped,
        command: &Command,
        out: &mut Outcome,
    ) {
        match command {
            Command::NewOrder(order) => apply::new_order::apply(self, stamp, stamped, order, out),
            Command::CancelOrder(cancel) => apply::cancel_order::apply(self, stamp, stamped, cancel, out),
            Command::ReplaceOrder(replace) => apply::replace_order::apply(self, stamp, stamped, replace, out),
            Command::MoveCash(cash_move) => apply::move_cash::apply(self, cash_move, out),
            Command::Halt(scope) => apply::halt::apply(self, *scope, true, out),
            Command::Resume(scope) => apply::halt::apply(self, *scope, false, out),
            Command::SetLimit { actor, kind, currency, value } => {
                apply::limit::apply(self, *actor, *kind, *currency, *value, out);
            }
            Command::DefineInstrument(instrument) => apply::define::instrument(self, instrument, out),
            Command::DefinePortfolio(portfolio) => apply::define::portfolio(self, portfolio, out),
            Command::DefineAccount(account) => apply::define::account(self, account, out),
            Command::DefineSession(session) => apply::define::session(self, session, out),
            Command::CancelAll(cancel) => apply::asks::cancel_all(self, stamp, *origin, *cancel, out),
            Command::Release(aside) => apply::broken::release(self, *aside, out),
        }
    }

    /// The next time at which a `Tick` has something to do; `None` where nothing waits.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        if self.ticks_set_aside {
            return None;
        }
        let settles = self.settlements.next_date().map(Date::start);
        let retires = apply::tick::next_retirement(self).map(Date::start);
        settles.into_iter().chain(retires).min()
    }

    /// What should be made ahead, so that no order waits for memory; `None` where everything is there.
    #[inline]
    pub fn wants(&self) -> Option<Want> {
        let wants = self.orders.wants().or_else(|| self.executions.wants());
        wants.or_else(|| self.settlements.rooms.is_short().then_some(Want::Dates))
    }

    /// Takes what was made ahead. Changes nothing of the state, and nothing depends on it but time.
    pub fn provide(&mut self, provision: Provision) {
        match provision.0 {
            pieces @ (Pieces::Executions(_) | Pieces::ExecutionNames(_)) => self.executions.provide(pieces),
            Pieces::Dates(rooms) => self.settlements.rooms.provide(rooms),
            pieces => self.orders.provide(pieces),
        }
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

    /// How many finished orders were retired so far: the journal still explains them, this state no longer does.
    pub const fn retired_orders(&self) -> u64 {
        self.orders.retired()
    }
}
