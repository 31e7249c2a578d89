//! What a decision is made from: every number is here, nothing is looked up while deciding.

use model::{
    Amount, Backlog, FeeSchedule, Instrument, Limits, OrderType, Price, Quantity, Quote, Side, TimeInForce,
    Timestamp,
};

/// What an order asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Buy or sell.
    pub side: Side,
    /// Market or limit.
    pub order_type: OrderType,
    /// How long.
    pub time_in_force: TimeInForce,
    /// The total quantity.
    pub quantity: Quantity,
    /// Present exactly for limit orders.
    pub limit_price: Option<Price>,
}

/// The state that one order is judged by. For a replace, the order's own open quantity, reservation and exposure
/// are *not* counted in `open_buy`, `open_sell`, `free_units`, `available_cash` and `gross_exposure`.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// What is asked.
    pub terms: Terms,
    /// Of what.
    pub instrument: &'a Instrument,
    /// The account's limits.
    pub limits: &'a Limits,
    /// The account's fees.
    pub fees: &'a FeeSchedule,
    /// The quote the shard stamped into the command.
    pub quote: Option<Quote>,
    /// The command's time.
    pub now: Timestamp,
    /// True where the firm, portfolio, account, strategy or instrument is halted.
    pub halted: bool,
    /// True where the broker's session takes orders.
    pub session_ready: bool,
    /// What the shard stamped where too much waits on the way to that session.
    pub backlog: Option<Backlog>,
    /// What the order has executed already: zero for a new order.
    pub filled: Quantity,
    /// The account's position, signed.
    pub position: Quantity,
    /// Units of open buy orders.
    pub open_buy: Quantity,
    /// Units of open sell orders.
    pub open_sell: Quantity,
    /// Cash neither spent nor reserved, in the instrument's currency.
    pub available_cash: Amount,
    /// The portfolio's gross exposure in the instrument's currency.
    pub gross_exposure: Amount,
    /// Its limit.
    pub max_gross_exposure: Option<Amount>,
}
