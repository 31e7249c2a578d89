//! What somebody asks the core to do: imperative words. Each is answered by exactly one [`crate::Event`].

use crate::{
    AccountDefinition, AccountId, Actor, Amount, Aside, ClOrdId, ClockAcceptance, Currency, Instrument,
    InstrumentId, LimitKind, Money, OrderId, OrderType, PortfolioDefinition, PortfolioId, Price, Quantity,
    Reference, SessionDefinition, Side, StrategyId, TimeInForce,
};

journalled! {
    /// What somebody asks for.
    pub enum Command {
        /// Submit an order.
        NewOrder(NewOrder),
        /// Cancel an order.
        CancelOrder(CancelOrder),
        /// Change an order.
        ReplaceOrder(ReplaceOrder),
        /// Move cash in or out.
        MoveCash(CashMove),
        /// Stop new orders in a scope. Cancels and fills go on.
        Halt(Scope),
        /// End a halt of exactly that scope.
        Resume(Scope),
        /// Set or lift one limit of an account, or of a portfolio in one currency.
        SetLimit {
            /// Whose.
            actor: Actor,
            /// Which.
            kind: LimitKind,
            /// For [`LimitKind::MaxGrossExposure`].
            currency: Option<Currency>,
            /// The new value; `None` lifts it.
            value: Option<Amount>,
        },
        /// Define or change an instrument. Its id and currency never change.
        DefineInstrument(Instrument),
        /// Define a portfolio or rename it.
        DefinePortfolio(PortfolioDefinition),
        /// Define an account or change its name, session or fees.
        DefineAccount(AccountDefinition),
        /// Define a session.
        DefineSession(SessionDefinition),
        /// Cancel every open order in a scope.
        CancelAll(CancelAll),
        /// Take back who was set aside after a broken invariant.
        Release(Aside),
        /// Trust the wall clock again, as it was found.
        AcceptClock(ClockAcceptance),
    }

    /// Submit an order. FIX `NewOrderSingle` (35=D).
    pub struct NewOrder {
        /// For whom.
        pub account: AccountId,
        /// By which strategy of the account's portfolio; 0 for a person.
        pub strategy: StrategyId,
        /// The submitter's own identifier, unique in the account for the trading day and the next, as long as a
        /// finished order is kept (FIX asks for the day). The same with the same content returns the order that
        /// exists; with other content it is denied.
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
        /// The mover's own identifier, unique in the account.
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
}

impl Scope {
    /// Who is meant: a strategy stands in its portfolio.
    pub const fn about(self) -> Aside {
        match self {
            Self::Firm => Aside::Firm,
            Self::Portfolio(id) | Self::Strategy(id, _) => Aside::Portfolio(id),
            Self::Account(id) => Aside::Account(id),
            Self::Instrument(id) => Aside::Instrument(id),
        }
    }
}

impl Command {
    /// Whom it is about: who is set aside where an invariant breaks while it is carried out.
    pub const fn about(&self) -> Aside {
        match self {
            Self::NewOrder(order) => Aside::Account(order.account),
            Self::CancelOrder(cancel) => Aside::Account(cancel.account),
            Self::ReplaceOrder(replace) => Aside::Account(replace.account),
            Self::MoveCash(cash) => Aside::Account(cash.account),
            Self::SetLimit { actor: Actor::Account(id), .. } => Aside::Account(*id),
            Self::SetLimit { actor: Actor::Portfolio(id), .. } => Aside::Portfolio(*id),
            Self::Halt(scope) | Self::Resume(scope) | Self::CancelAll(CancelAll { scope, .. }) => {
                scope.about()
            }
            Self::DefineInstrument(instrument) => Aside::Instrument(instrument.id),
            Self::DefinePortfolio(portfolio) => Aside::Portfolio(portfolio.id),
            Self::DefineAccount(account) => Aside::Account(account.id),
            Self::Release(aside) => *aside,
            Self::DefineSession(_) | Self::AcceptClock(_) => Aside::Firm,
        }
    }
}
