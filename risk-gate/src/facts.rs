//! What a decision is made from: every number is here, nothing is looked up while deciding. Who explains a decision
//! shows these same facts, kept.

use crate::Armed;
use model::{
    Amount, Backlog, FeeSchedule, Instrument, Limits, OrderType, Price, Quantity, Quote, SessionState, Side,
    TimeInForce, Timestamp,
};

/// What an order asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Facts {
    /// What is asked.
    pub terms: Terms,
    /// Of what.
    pub instrument: Instrument,
    /// The account's limits.
    pub limits: Limits,
    /// The account's fees.
    pub fees: FeeSchedule,
    /// The quote the shard stamped into the command.
    pub quote: Option<Quote>,
    /// The command's time.
    pub now: Timestamp,
    /// What is halted of what the order falls under.
    pub halted: Halted,
    /// True where the wall clock is not trusted since it jumped.
    pub clock_suspect: bool,
    /// Where the broker's session stands.
    pub session: SessionState,
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

/// [`Facts`] where they stand: what the gate judges by. It copies none of what is large.
#[derive(Clone, Copy, Debug)]
pub struct FactsRef<'a> {
    /// Which of the rules that a limit arms are to run. What only others look at is not here.
    pub armed: Armed,
    /// See [`Facts::terms`].
    pub terms: Terms,
    /// See [`Facts::instrument`].
    pub instrument: &'a Instrument,
    /// See [`Facts::limits`].
    pub limits: &'a Limits,
    /// See [`Facts::fees`].
    pub fees: &'a FeeSchedule,
    /// See [`Facts::quote`].
    pub quote: Option<&'a Quote>,
    /// See [`Facts::now`].
    pub now: Timestamp,
    /// See [`Facts::halted`].
    pub halted: Halted,
    /// See [`Facts::clock_suspect`].
    pub clock_suspect: bool,
    /// See [`Facts::session`].
    pub session: SessionState,
    /// See [`Facts::backlog`].
    pub backlog: Option<Backlog>,
    /// See [`Facts::filled`].
    pub filled: Quantity,
    /// See [`Facts::position`].
    pub position: Quantity,
    /// See [`Facts::open_buy`].
    pub open_buy: Quantity,
    /// See [`Facts::open_sell`].
    pub open_sell: Quantity,
    /// See [`Facts::available_cash`].
    pub available_cash: Amount,
    /// See [`Facts::gross_exposure`].
    pub gross_exposure: Amount,
    /// See [`Facts::max_gross_exposure`].
    pub max_gross_exposure: Option<Amount>,
}

impl FactsRef<'_> {
    /// The same, to be kept and shown.
    pub fn kept(&self) -> Facts {
        Facts {
            terms: self.terms,
            instrument: *self.instrument,
            limits: *self.limits,
            fees: *self.fees,
            quote: self.quote.copied(),
            now: self.now,
            halted: self.halted,
            clock_suspect: self.clock_suspect,
            session: self.session,
            backlog: self.backlog,
            filled: self.filled,
            position: self.position,
            open_buy: self.open_buy,
            open_sell: self.open_sell,
            available_cash: self.available_cash,
            gross_exposure: self.gross_exposure,
            max_gross_exposure: self.max_gross_exposure,
        }
    }
}

impl Facts {
    /// What the gate would judge by.
    pub fn by_reference(&self) -> FactsRef<'_> {
        FactsRef {
            armed: Armed::by(&self.limits).and(Armed::GROSS_EXPOSURE.when(self.max_gross_exposure.is_some())),
            terms: self.terms,
            instrument: &self.instrument,
            limits: &self.limits,
            fees: &self.fees,
            quote: self.quote.as_ref(),
            now: self.now,
            halted: self.halted,
            clock_suspect: self.clock_suspect,
            session: self.session,
            backlog: self.backlog,
            filled: self.filled,
            position: self.position,
            open_buy: self.open_buy,
            open_sell: self.open_sell,
            available_cash: self.available_cash,
            gross_exposure: self.gross_exposure,
            max_gross_exposure: self.max_gross_exposure,
        }
    }
}

/// What is halted of what an order falls under. Serialised as the list of what is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a halt of its own")]
pub struct Halted {
    /// Everything.
    pub firm: bool,
    /// The account's portfolio.
    pub portfolio: bool,
    /// The strategy that asks.
    pub strategy: bool,
    /// The account.
    pub account: bool,
    /// The instrument.
    pub instrument: bool,
}

impl Halted {
    /// True where something is.
    #[inline]
    pub const fn is_any(self) -> bool {
        self.firm | self.portfolio | self.strategy | self.account | self.instrument
    }

    /// What is, by name.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let all = [
            ("firm", self.firm),
            ("portfolio", self.portfolio),
            ("strategy", self.strategy),
            ("account", self.account),
            ("instrument", self.instrument),
        ];
        all.into_iter().filter(|(_, is_halted)| *is_halted).map(|(name, _)| name)
    }
}

impl serde::Serialize for Halted {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}
