//! What a client may ask.

use model::{
    Amount, ClOrdId, Currency, LimitKind, Name, OrderId, OrderType, Position, Price, Quantity, Reference,
    Side, Symbol, TimeInForce,
};
use serde::{Deserialize, Serialize};

use super::office::{OfficeFilter, OfficeNote};
use super::text::{by_text, by_text_list, by_text_option, by_word, by_word_option, parsed, parsed_option};
use super::vocabulary::{requests, worded};

requests! {
/// One request: `{"submit": {...}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Are you there, and which protocol do you speak?
    Ping {} => ["pong"] by [],
    /// Submit an order.
    Submit(Submit) => ["accepted", "exists", "denied"] by ["submit"],
    /// Cancel an order.
    Cancel(Cancel) => ["requested", "denied"] by ["cancel"],
    /// Cancel every open order in a scope.
    CancelAll(ScopeName) => ["cancels_asked", "denied"] by ["cancel"],
    /// Change quantity and price of an order.
    Replace(Replace) => ["requested", "denied"] by ["replace"],
    /// Stop new orders of the firm, a portfolio, an account, a strategy or an instrument.
    Halt(ScopeName) => ["done", "denied"] by ["halt"],
    /// End a halt of exactly that scope.
    Resume(ScopeName) => ["done", "denied"] by ["resume"],
    /// Take back who was set aside after a broken invariant.
    Release(AsideName) => ["done", "denied"] by ["release"],
    /// Set or lift a limit.
    SetLimit(SetLimit) => ["done", "denied"] by ["limit set"],
    /// Bring cash into an account.
    Deposit(CashRequest) => ["done", "waiting", "denied"] by ["deposit"],
    /// Take cash out of an account.
    Withdraw(CashRequest) => ["done", "waiting", "denied"] by ["withdraw"],
    /// List orders.
    Orders(OrderFilter) => ["orders"] by ["orders"],
    /// List positions with profit and loss.
    Positions(Filter) => ["positions"] by ["positions"],
    /// List cash.
    Cash(Filter) => ["cash"] by ["cash"],
    /// Show how a node stands.
    Status {} => ["status"] by ["status"],
    /// Which clocks are not trusted, and what accepting them would do.
    Clock {} => ["clock"] by ["clock"],
    /// Trust a shard's clock again, as it was found.
    ClockAccept {
        /// The newest record that says where: `found` of `clock`.
        #[serde(with = "by_text")]
        found: Position,
    } => ["done", "denied"] by ["clock accept"],
    /// List the configurations that came into force.
    ConfigHistory(OfficeFilter) => ["config_history"] by ["config history"],
    /// List alerts.
    Alerts(OfficeFilter) => ["alerts"] by ["alerts"],
    /// Say that somebody has seen an alert.
    AcknowledgeAlert(OfficeNote) => ["done", "denied"] by ["alerts ack"],
    /// List requests for an approval.
    Approvals(OfficeFilter) => ["approvals"] by ["approvals"],
    /// Approve a request that somebody else made.
    Approve {
        /// Its number.
        number: u64,
    } => ["done", "denied"] by ["approve"],
    /// Refuse a request.
    Refuse(OfficeNote) => ["done", "denied"] by ["refuse"],
    /// The slowest inputs that the node keeps, and why each was slow.
    Latency {
        /// How many, from 1 to 1000.
        worst: u32,
    } => ["latency"] by ["latency explain"],
    /// Send every event from here on, under this request's id, until the connection ends.
    Subscribe(Subscribe) => ["subscribed", "event"] by [],
}
}

worded! {
/// See [`model::NewOrder`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submit {
    /// The account's name.
    #[serde(deserialize_with = "parsed")]
    pub account: Name,
    /// The strategy's name in the account's portfolio; absent for a person.
    #[serde(default, deserialize_with = "parsed_option", skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Name>,
    /// The client's own identifier, unique in the account: the same order with the same identifier is done once.
    #[serde(deserialize_with = "parsed")]
    pub cl_ord_id: ClOrdId,
    /// The instrument.
    #[serde(deserialize_with = "parsed")]
    pub symbol: Symbol,
    /// Which way.
    #[serde(with = "by_word")]
    pub side: Side,
    /// At the market, or at a price of its own.
    #[serde(rename = "type", with = "by_word")]
    pub order_type: OrderType,
    /// How long it may rest.
    #[serde(with = "by_word")]
    pub time_in_force: TimeInForce,
    /// Units.
    #[serde(deserialize_with = "parsed")]
    pub quantity: Quantity,
    /// For limit orders.
    #[serde(default, deserialize_with = "parsed_option", skip_serializing_if = "Option::is_none")]
    pub limit_price: Option<Price>,
}
}

worded! {
/// See [`model::CancelOrder`]. One of `order` and `cl_ord_id` says which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cancel {
    /// The account's name.
    #[serde(deserialize_with = "parsed")]
    pub account: Name,
    /// Our identity of the order; goes before `cl_ord_id`.
    #[serde(default, with = "by_text_option", skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// The client's identifier of the order.
    #[serde(default, deserialize_with = "parsed_option", skip_serializing_if = "Option::is_none")]
    pub cl_ord_id: Option<ClOrdId>,
}
}

worded! {
/// See [`model::ReplaceOrder`]. One of `order` and `cl_ord_id` says which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replace {
    /// The account's name.
    #[serde(deserialize_with = "parsed")]
    pub account: Name,
    /// Our identity of the order; goes before `cl_ord_id`.
    #[serde(default, with = "by_text_option", skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// The client's identifier of the order.
    #[serde(default, deserialize_with = "parsed_option", skip_serializing_if = "Option::is_none")]
    pub cl_ord_id: Option<ClOrdId>,
    /// The new total quantity, what is filled already included.
    #[serde(deserialize_with = "parsed")]
    pub quantity: Quantity,
    /// The new price, for limit orders.
    #[serde(default, deserialize_with = "parsed_option", skip_serializing_if = "Option::is_none")]
    pub limit_price: Option<Price>,
}
}

worded! {
/// What a halt covers, by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ScopeName {
    /// `{"firm": {}}`: everything on the node.
    Firm {},
    /// `{"portfolio": "GROWTH"}`.
    Portfolio(#[serde(deserialize_with = "parsed")] Name),
    /// `{"account": "GROWTH-1"}`.
    Account(#[serde(deserialize_with = "parsed")] Name),
    /// `{"strategy": {"portfolio": "GROWTH", "strategy": "MOMENTUM"}}`.
    Strategy {
        /// The portfolio's name.
        #[serde(deserialize_with = "parsed")]
        portfolio: Name,
        /// The strategy's name.
        #[serde(deserialize_with = "parsed")]
        strategy: Name,
    },
    /// `{"instrument": "IBM"}`.
    Instrument(#[serde(deserialize_with = "parsed")] Symbol),
}
}

worded! {
/// Who was set aside after a broken invariant, by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AsideName {
    /// `{"account": "GROWTH-1"}`.
    Account(#[serde(deserialize_with = "parsed")] Name),
    /// `{"portfolio": "GROWTH"}`.
    Portfolio(#[serde(deserialize_with = "parsed")] Name),
    /// `{"instrument": "IBM"}`.
    Instrument(#[serde(deserialize_with = "parsed")] Symbol),
    /// `{"ticks": {}}`: settling and retiring by time.
    Ticks {},
    /// `{"firm": {}}`: what failed belonged to nobody in particular.
    Firm {},
}
}

worded! {
/// Whose limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Whose {
    /// `{"account": "GROWTH-1"}`.
    Account(#[serde(deserialize_with = "parsed")] Name),
    /// `{"portfolio": "GROWTH"}`.
    Portfolio(#[serde(deserialize_with = "parsed")] Name),
}
}

worded! {
/// Sets or lifts one limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetLimit {
    /// Whose.
    pub whose: Whose,
    /// Which, by its name in the configuration file.
    #[serde(with = "by_word")]
    pub kind: LimitKind,
    /// For `max_gross_exposure`.
    #[serde(default, with = "by_text_option", skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// The new value; absent or null lifts the limit.
    #[serde(default, deserialize_with = "parsed_option", skip_serializing_if = "Option::is_none")]
    pub value: Option<Amount>,
}
}

worded! {
/// Cash in or out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CashRequest {
    /// The account's name.
    #[serde(deserialize_with = "parsed")]
    pub account: Name,
    /// How much.
    #[serde(deserialize_with = "parsed")]
    pub amount: Amount,
    /// Of what.
    #[serde(with = "by_text")]
    pub currency: Currency,
    /// The mover's own identifier, unique in the account: the same move with the same reference is booked once.
    #[serde(deserialize_with = "parsed")]
    pub reference: Reference,
}
}

worded! {
/// Which orders. They come in the order of their ids, a page at a time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderFilter {
    /// Of one account.
    #[serde(default, deserialize_with = "parsed_option", skip_serializing_if = "Option::is_none")]
    pub account: Option<Name>,
    /// In one instrument.
    #[serde(default, deserialize_with = "parsed_option", skip_serializing_if = "Option::is_none")]
    pub symbol: Option<Symbol>,
    /// In one status.
    #[serde(default, with = "by_word_option", skip_serializing_if = "Option::is_none")]
    pub status: Option<model::OrdStatus>,
    /// Only those that are not finished.
    #[serde(default)]
    pub open: bool,
    /// Only this one.
    #[serde(default, with = "by_text_option", skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// Only those behind this one: `next` of the page before.
    #[serde(default, with = "by_text_option", skip_serializing_if = "Option::is_none")]
    pub after: Option<OrderId>,
    /// At most this many, from 1 to 1000; 500 where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}
}

impl OrderFilter {
    /// The longest page: it must fit a frame.
    pub const MOST: u32 = 1000;
    /// The page's length where none is asked for.
    pub const DEFAULT: u32 = 500;

    /// The page's length.
    pub fn page_len(&self) -> usize {
        page_len(self.limit)
    }
}

fn page_len(limit: Option<u32>) -> usize {
    let len = limit.unwrap_or(OrderFilter::DEFAULT).clamp(1, OrderFilter::MOST);
    usize::try_from(len).unwrap_or(usize::MAX)
}

worded! {
/// Which rows. They come by shard and by account's name, a page at a time; within an account by instrument or currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Of one account.
    #[serde(default, deserialize_with = "parsed_option", skip_serializing_if = "Option::is_none")]
    pub account: Option<Name>,
    /// Only those behind this one: `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Cursor>,
    /// At most this many, from 1 to 1000; 500 where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}
}

worded! {
/// Where a page ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The account of its last row.
    #[serde(deserialize_with = "parsed")]
    pub account: Name,
    /// The symbol or currency of its last row.
    #[serde(deserialize_with = "parsed")]
    pub last: Symbol,
}
}

impl Filter {
    /// The page's length.
    pub fn page_len(&self) -> usize {
        page_len(self.limit)
    }

    /// In this account, only what stands behind it is wanted.
    pub fn behind(&self, account: Name) -> Option<Symbol> {
        self.after.filter(|after| after.account == account).map(|after| after.last)
    }
}

worded! {
/// From where events are wanted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscribe {
    /// One position (`"0:17"`) for each shard: the first record whose events are wanted. A shard that is not
    /// named is followed from now on.
    #[serde(default, with = "by_text_list", skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<Position>,
}
}
