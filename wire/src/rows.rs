//! What queries answer: rows for tables and programs. Numbers are exact decimals as strings.

use model::{
    Amount, ClOrdId, Currency, Name, OrdStatus, OrderId, OrderType, PendingKind, Position, Price, Quantity,
    SessionState, Side, Symbol, TimeInForce,
};
use serde::{Deserialize, Serialize};

use super::clock::ClockRow;
use super::request::Cursor;
use super::text::{by_text, by_text_list, by_text_option, by_word, by_word_option, parsed, parsed_option};
use super::vocabulary::worded;

worded! {
/// A page of orders.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OrderPage {
    /// In the order of their ids.
    pub rows: Vec<OrderRow>,
    /// What to ask for `after` to get the next page; absent on the last.
    #[serde(with = "by_text_option")]
    pub next: Option<OrderId>,
    /// How many finished orders, of every account, are no longer kept and so are not listed.
    #[serde(default)]
    pub retired: u64,
    /// Where each shard stood when its rows were made.
    #[serde(default, with = "by_text_list")]
    pub at: Vec<Position>,
}
}

worded! {
/// A page of rows by account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PageOf<R> {
    /// By shard, by account's name, and within an account as the rows say.
    pub rows: Vec<R>,
    /// What to ask for `after` to get the next page; absent on the last.
    pub next: Option<Cursor>,
    /// Where the shard stood when the rows were made.
    #[serde(default, with = "by_text_list")]
    pub at: Vec<Position>,
}
}

/// A page of positions: within an account by instrument.
pub type PositionPage = PageOf<PositionRow>;

/// A page of cash: within an account by currency.
pub type CashPage = PageOf<CashRow>;

impl<R> Default for PageOf<R> {
    fn default() -> Self {
        Self { rows: Vec::new(), next: None, at: Vec::new() }
    }
}

worded! {
/// An order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderRow {
    /// Our identity.
    #[serde(with = "by_text")]
    pub order: OrderId,
    /// The submitter's identifier.
    #[serde(deserialize_with = "parsed")]
    pub cl_ord_id: ClOrdId,
    /// The account's name.
    #[serde(deserialize_with = "parsed")]
    pub account: Name,
    /// The strategy's name, or its number where the configuration has lost it; absent for a person.
    #[serde(deserialize_with = "parsed_option")]
    pub strategy: Option<Name>,
    /// What.
    #[serde(deserialize_with = "parsed")]
    pub symbol: Symbol,
    /// Buy or sell.
    #[serde(with = "by_word")]
    pub side: Side,
    /// Market or limit.
    #[serde(rename = "type", with = "by_word")]
    pub order_type: OrderType,
    /// How long.
    #[serde(with = "by_word")]
    pub time_in_force: TimeInForce,
    /// Units ordered.
    #[serde(deserialize_with = "parsed")]
    pub quantity: Quantity,
    /// Of a limit order.
    #[serde(deserialize_with = "parsed_option")]
    pub limit_price: Option<Price>,
    /// Where it stands.
    #[serde(with = "by_word")]
    pub status: OrdStatus,
    /// A request that the broker has not answered.
    #[serde(with = "by_word_option")]
    pub pending: Option<PendingKind>,
    /// True where it is not certain what the broker knows.
    pub in_doubt: bool,
    /// Units executed.
    #[serde(deserialize_with = "parsed")]
    pub cum_quantity: Quantity,
    /// The average price of what is executed; absent before the first execution.
    #[serde(deserialize_with = "parsed_option")]
    pub average_price: Option<Price>,
    /// Units that the broker counts as executed and has not told: not in `cum_quantity`, and reserved. Absent where there
    /// are none.
    #[serde(default, deserialize_with = "parsed_option")]
    pub missing_quantity: Option<Quantity>,
}
}

worded! {
/// A position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PositionRow {
    /// The account's name.
    #[serde(deserialize_with = "parsed")]
    pub account: Name,
    /// What.
    #[serde(deserialize_with = "parsed")]
    pub symbol: Symbol,
    /// Units held; negative where short.
    #[serde(deserialize_with = "parsed")]
    pub quantity: Quantity,
    /// What a unit cost on average; absent where nothing is held.
    #[serde(deserialize_with = "parsed_option")]
    pub average_price: Option<Price>,
    /// The price it is valued at; absent before the first.
    #[serde(deserialize_with = "parsed_option")]
    pub mark: Option<Price>,
    /// Profit realised, before fees.
    #[serde(deserialize_with = "parsed")]
    pub realised: Amount,
    /// Profit at the mark; absent without one.
    #[serde(deserialize_with = "parsed_option")]
    pub unrealised: Option<Amount>,
    /// Of prices and profits.
    #[serde(with = "by_text")]
    pub currency: Currency,
}
}

worded! {
/// Cash of an account in one currency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CashRow {
    /// The account's name.
    #[serde(deserialize_with = "parsed")]
    pub account: Name,
    /// Of what.
    #[serde(with = "by_text")]
    pub currency: Currency,
    /// Settled.
    #[serde(deserialize_with = "parsed")]
    pub settled: Amount,
    /// Traded, not yet settled, net.
    #[serde(deserialize_with = "parsed")]
    pub unsettled: Amount,
    /// Held back for open orders.
    #[serde(deserialize_with = "parsed")]
    pub reserved: Amount,
    /// What a new order may use.
    #[serde(deserialize_with = "parsed")]
    pub available: Amount,
    /// Fees paid so far.
    #[serde(deserialize_with = "parsed")]
    pub fees: Amount,
}
}

impl PositionRow {
    /// Where a page ends whose last row this is.
    pub const fn cursor(&self) -> Cursor {
        Cursor { account: self.account, last: self.symbol }
    }
}

impl CashRow {
    /// Where a page ends whose last row this is.
    pub fn cursor(&self) -> Cursor {
        Cursor { account: self.account, last: Symbol::cut(&self.currency.to_string()) }
    }
}

worded! {
/// How the node stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Of the program.
    pub version: String,
    /// Its process; absent where a journal was read instead of a node.
    pub pid: Option<u32>,
    /// By number.
    pub shards: Vec<ShardRow>,
    /// By name.
    pub sessions: Vec<SessionRow>,
    /// What is halted.
    pub halts: Vec<HaltRow>,
    /// Who is set aside after a broken invariant.
    #[serde(default)]
    pub set_aside: Vec<AsideRow>,
    /// Fills that could not be booked, and are kept for a person to decide.
    #[serde(default)]
    pub suspense: u64,
    /// Clocks that are not trusted: new orders are denied, and no date rolls.
    #[serde(default)]
    pub clock: Vec<ClockRow>,
    /// Accounts defined.
    pub accounts: u64,
    /// Orders that are not finished.
    pub open_orders: u64,
    /// Alerts raised since the journals begin.
    pub alerts: u64,
    /// Alerts that nobody has acknowledged.
    #[serde(default)]
    pub open_alerts: u64,
    /// Requests that wait for a second person.
    #[serde(default)]
    pub waiting_approvals: u64,
}
}

worded! {
/// How a shard stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShardRow {
    /// The last record that is applied.
    #[serde(with = "by_text")]
    pub position: Position,
    /// How often the journal has been opened for writing.
    pub incarnation: u32,
    /// The running digest of inputs and outcomes at that position, in hexadecimal.
    pub digest: String,
    /// The record at which the audit found shard and replica to differ; absent where they agree.
    #[serde(default, with = "by_text_option", skip_serializing_if = "Option::is_none")]
    pub diverged_at: Option<Position>,
    /// How many records the shard has recorded that are not applied here yet.
    #[serde(default)]
    pub behind: u64,
}
}

worded! {
/// How a session stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionRow {
    /// Its name.
    #[serde(deserialize_with = "parsed")]
    pub session: Name,
    /// The shard it is homed on.
    pub shard: u16,
    /// Where it stands.
    #[serde(with = "by_word")]
    pub state: SessionState,
    /// Requests that may or may not have reached the broker.
    pub in_doubt: u64,
    /// While it is down: why, in one word. Absent where a journal was read instead of a node.
    #[serde(default)]
    pub reason: Option<String>,
    /// The same in a sentence.
    #[serde(default)]
    pub detail: Option<String>,
    /// Since when it is down.
    #[serde(default)]
    pub since: Option<String>,
}
}

worded! {
/// Somebody who is set aside after a broken invariant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AsideRow {
    /// `account`, `portfolio`, `instrument`, `ticks` or `firm`.
    pub kind: String,
    /// The name; empty for ticks and the firm.
    pub name: String,
    /// The record of the input that had no effect.
    #[serde(with = "by_text")]
    pub position: Position,
    /// The number of the invariant.
    pub invariant: u16,
    /// What must hold, and did not.
    pub text: String,
}
}

worded! {
/// Something that is halted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HaltRow {
    /// `firm`, `portfolio`, `account`, `strategy` or `instrument`.
    pub kind: String,
    /// The name; empty for the firm, and of a strategy the portfolio, a slash and its own.
    pub name: String,
}
}
