//! Account and portfolio actors, behind one pure function.
//!
//! [`Core`] is the state of one shard: every portfolio with its accounts, their orders, positions and ledgers.
//! [`Core::apply`] takes one stamped input and answers with events and with what must leave for a broker. It
//! reads no clock, does no I/O, and depends on nothing but its arguments: replaying the same inputs gives the
//! same state, byte for byte.
//!
//! Where to read: `trading.rs` is the table of contents. `apply/` holds one file for each input of the orders' way, and
//! `parts/` a folder for each feature beside it. Every change of an order, whatever its cause, goes through `staging.rs`,
//! which keeps ledger, position and exposure in step.
#![no_std]

extern crate alloc;

mod account;
mod apply;
mod asks;
mod books;
mod clock;
mod core;
mod executions;
mod fact;
mod fingerprint;
mod hands;
mod hosted;
mod live;
mod logic;
mod must;
mod order;
mod orders;
mod outcome;
mod part;
mod parts;
mod portfolio;
mod provision;
mod quote_board;
mod remembered;
mod section;
mod sections;
#[cfg(test)]
mod sizes;
mod staging;
mod store;
mod trading;
mod verify;
mod want;

pub use crate::core::{Core, InstrumentBook, Route, SessionBook, Suspense};
pub use account::Account;
pub use books::asset::{Asset, Bucket, Leg};
pub use books::holding::Holding;
pub use books::ledger::{Book, Ledger, LedgerError};
pub use clock::{ClockBook, ClockSuspicion, DatesDue};
pub use fingerprint::Fingerprint;
pub use logic::{LOGIC_CHANGES, LOGIC_VERSION};
pub use machine::{Ask, LogicChange, Section, SectionError, Stamp, Violation};
pub use order::{Order, Pending, Unexplained};
pub use outcome::Outcome;
pub use portfolio::{Exposure, Portfolio};
pub use provision::Provision;
pub use quote_board::QuoteBoard;
pub use risk_gate::Facts;
pub use want::Want;
