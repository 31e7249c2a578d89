//! What somebody asks the core to do: imperative words. Each is answered by exactly one [`crate::Event`].

use crate::{
    AccountId, ClOrdId, InstrumentId, Money, OrderId, OrderType, PortfolioId, Price, Quantity, Reference,
    Side, StrategyId, TimeInForce,
};

journalled! {
    /// Submit an order. FIX `NewOrderSingle` (35=D).
    pub struct NewOrder {
        /// For whom.
        pub account: AccountId,
        /// By which strategy of the account's portfolio; 0 for a person.
        pub strategy: StrategyId,
        /// The submitter's own identifier, unique in the account for the trading day and the next, as long as a
        /// finished order is kept (FIX asks for the day), and for [`Remember::orders_days`]. The same with the same
        /// content returns the order that exists; with other content, and once the order is retired, it is denied.
        pub cl_ord_id: ClOrdId,
        /// What.
        pub instrument: InstrumentId,
        /// Buy or sell.
        pub side: Side,
        /// Market or limit.
        pub order_type: OrderType,
        /// How long.
        pub time_in_force: TimeInForce,
        /// Units, above zero.
        pub quantity: Quantity,
        /// Present exactly for limit orders.
        pub limit_price: Option<Price>,
    }

    /// Which order is meant.
    pub struct CancelOrder {
        /// Whose order.
        pub account: AccountId,
        /// Our identity of it, if known.
        pub order: Option<OrderId>,
        /// The submitter's identifier of it; used where `order` is absent. FIX `OrigClOrdID`.
        pub cl_ord_id: ClOrdId,
    }

    /// Change quantity and price of an order. FIX `OrderCancelReplaceRequest` (35=G).
    pub struct ReplaceOrder {
        /// Whose order.
        pub account: AccountId,
        /// Our identity of it, if known.
        pub order: Option<OrderId>,
        /// The submitter's identifier of it; used where `order` is absent. FIX `OrigClOrdID`.
        pub cl_ord_id: ClOrdId,
        /// The new total quantity, what is already filled included (FIX tag 38).
        pub quantity: Quantity,
        /// The new limit price; present exactly for limit orders.
        pub limit_price: Option<Price>,
    }

    /// Cancel every open order in a scope. Each cancel is asked for by the shard itself and becomes a record of its own.
    pub struct CancelAll {
        /// Of whom.
        pub scope: Scope,
        /// The other shards that are to do the same: those numbered from 0 below this. 0 asks none.
        pub shards: u16,
    }

    /// Bring cash in or out. The same reference with the same content is booked once.
    pub struct CashMove {
        /// Whose.
        pub account: AccountId,
        /// Which way.
        pub kind: CashMoveKind,
        /// How much, above zero.
        pub money: Money,
        /// The mover's own identifier, unique in the account for [`Remember::cash_days`].
        pub reference: Reference,
    }

    /// Which way cash moves.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum CashMoveKind {
        /// From outside into settled cash.
        Deposit,
        /// From settled and available cash to outside.
        Withdrawal,
    }

    /// What a halt covers.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum Scope {
        /// Everything on the node.
        Firm,
        /// One portfolio and its accounts.
        Portfolio(PortfolioId),
        /// One account.
        Account(AccountId),
        /// One strategy of a portfolio.
        Strategy(PortfolioId, StrategyId),
        /// One instrument.
        Instrument(InstrumentId),
    }

    /// For how many days identifiers are remembered. Of an order it counts from the day of its last change, of a cash
    /// movement from the day it was booked.
    pub struct Remember {
        /// Within so many days an identifier of an order that is no longer kept is refused. 1 remembers none: for the day
        /// of its last change and the next the order itself is kept.
        pub orders_days: u16,
        /// Within so many days a cash movement with the same reference is booked once.
        pub cash_days: u16,
    }
}

impl Default for Remember {
    /// Where nobody has said otherwise: an order's identifier as long as the order is kept, a movement's reference for a
    /// year and a month.
    fn default() -> Self {
        Self { orders_days: 1, cash_days: 400 }
    }
}
