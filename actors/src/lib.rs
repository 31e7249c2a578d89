//! Account and portfolio actors, behind one pure function.
//!
//! [`Core`] is the state of one shard: every portfolio with its accounts, their orders, positions and ledgers.
//! [`Core::apply`] takes one stamped input and answers with events and with what must leave for a broker. It
//! reads no clock, does no I/O, and depends on nothing but its arguments: replaying the same inputs gives the
//! same state, byte for byte.
//!
//! Where to read: [`Core::apply`] is the table of contents; `apply/` holds one file for each input; every change
//! of an order, whatever its cause, goes through `staging.rs`, which keeps ledger, position and exposure in step.
#![no_std]

extern crate alloc;

mod account;
mod apply;
mod asks;
mod core;
mod executions;
mod fingerprint;
mod holding;
mod ledger;
mod logic;
mod names;
mod order;
mod orders;
mod outcome;
mod portfolio;
mod provision;
mod sections;
mod settlements;
mod shelves;
mod sorted;
mod staging;
mod table;

pub use crate::core::{Core, InstrumentBook, Route, SessionBook, Suspense};
pub use account::Account;
pub use fingerprint::Fingerprint;
pub use holding::Holding;
pub use ledger::{Asset, Book, Bucket, Ledger, LedgerError, Leg};
pub use logic::{LOGIC_CHANGES, LOGIC_VERSION};
pub use machine::{Ask, LogicChange, Section, SectionError, Stamp};
pub use order::{Order, Pending};
pub use outcome::Outcome;
pub use portfolio::{Exposure, Portfolio};
pub use provision::{Provision, Want};
pub use risk_gate::Facts;
