//! The words of the trading core, shared by every other crate.
//!
//! * numbers that are exact or refuse: [`Price`], [`Quantity`], [`Amount`], [`Money`];
//! * identities: [`OrderId`], [`AccountId`], ...; where and when something stands comes from the crate `machine`;
//! * what may happen *to* the core: [`Input`], all of it journalled (`codec/` has the bytes);
//! * what the core answers: [`Event`] (past tense) and [`Outbound`] (what must leave for a broker);
//! * why it refuses: [`DenyReason`] and [`Denial`], with stable numbers.
//!
//! The crate is `no_std`: no clock, no I/O, no threads, by construction.
#![no_std]

extern crate alloc;
#[macro_use]
extern crate machine;

mod broken;
mod codec;
mod command;
mod currency;
mod event;
mod exact;
mod ids;
mod input;
mod instrument;
mod limits;
mod number;
mod order;
mod outbound;
mod quote;
mod reason;
mod report;
mod stamped;
mod text;

pub use broken::{Aside, Broken, Invariant, broken, holds, there};
pub use codec::{RecordBody, RecordKind};
pub use command::{CancelAll, CancelOrder, CashMove, CashMoveKind, NewOrder, Remember, ReplaceOrder, Scope};
pub use currency::Currency;
pub use event::{Alert, AlertKind, Event};
pub use exact::ArithmeticError;
pub use ids::{
    AccountId, Actor, BrokerId, InstrumentId, OrderId, PortfolioId, SessionId, StrategyId, WireId,
    WireIdError,
};
pub use input::{
    AccountDefinition, BrokerDefinition, Command, Delivery, DeliveryEvidence, Input, PortfolioDefinition,
    SessionChange, SessionDefinition, SessionState, StrategyDefinition,
};
pub use instrument::{AssetClass, Instrument, InstrumentError};
pub use limits::{FeeSchedule, LimitKind, Limits};
pub use machine::{
    Backlog, BootId, CausedBy, ClockAcceptance, ClockAnchor, ClockFinding, ClockJump, Date, Door,
    Incarnation, Origin, Position, PositionError, ShardId, Timestamp,
};
pub use number::{Amount, Decimal, Money, Price, Quantity, Rounding};
pub use order::{Certainty, OrdStatus, OrderType, PendingKind, Side, TimeInForce};
pub use outbound::{Outbound, OutboundKind};
pub use quote::Quote;
pub use reason::{Denial, DenyReason};
pub use report::{
    CancelReject, ExecType, ExecutionReport, MessageReject, QuarantineCause, QuarantinedMessage, RejectLevel,
};
pub use stamped::Stamped;
pub use text::{ClOrdId, ExecId, Name, Reference, Symbol, Text, TextError};
