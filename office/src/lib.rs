//! The office: the machine beside the shards, for what stands on no order's way and must be as true.
//!
//! [`Office`] is its state, and [`Office::apply`] takes one stamped input. It reads no clock, does no I/O and depends on
//! nothing but its arguments: the same inputs give the same state, byte for byte.
//!
//! Where to read: `office.rs` is the table of contents, a match of words to parts. A part is a folder with its words, its
//! state, what must hold of it (`verify`) and how long its rows are kept. Parts do not use each other.
#![no_std]

extern crate alloc;

pub mod alerts;
pub mod approvals;
mod changes;
mod codec;
pub mod config_history;
mod events;
mod hosted;
mod input;
mod logic;
mod office;
mod reason;
mod sections;

pub use crate::input::{OfficeBroken, OfficeInput, OfficeWord};
pub use crate::office::Office;
pub use events::{OfficeEvent, OfficeOutcome};
pub use logic::OFFICE_LOGIC_CHANGES;
pub use reason::{OfficeDenial, OfficeReason};
