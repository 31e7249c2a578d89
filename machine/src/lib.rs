//! What a machine is: a state that is a pure function of its journal.
//!
//! A machine takes one stamped input after the other and answers with what followed from it. The host (`engine`) records
//! each input before the machine sees it, and applies the same inputs again to replay, to read, to audit and to travel in
//! time. So a machine reads no clock, does no I/O, and depends on nothing but its inputs.
//!
//! * [`Machine`]: the state, and everything that a host asks of it. Start here.
//! * [`Journalled`]: an input. [`Payload`]: its bytes in a journal. [`Recorded`]: an input or the host's digest.
//! * [`Hosted`]: what a live shard asks beyond the state: lanes, stamps, ways out.
//! * [`Consequences`]: what followed from an input.
//! * [`MadeAhead`]: memory that a state grows by, made by another thread.
//! * [`Position`], [`Stamp`], [`Timestamp`]: where and when. [`Origin`], [`CausedBy`]: who asked, and what an input follows
//!   from. They stand in every machine's journal and mean the same in each.
//!
//! The crate knows no words: what an order is, or a person, stands in the machines. It is `no_std`.
#![no_std]

extern crate alloc;

#[macro_use]
mod derives;
mod ask;
mod clock;
mod consequences;
mod hosted;
mod journalled;
mod logic;
mod made_ahead;
mod origin;
mod place;
mod section;
mod state;
mod time;
mod violation;

pub use ask::Ask;
pub use clock::{BootId, ClockAcceptance, ClockAnchor, ClockFinding, ClockJump, KnownClock};
pub use consequences::Consequences;
pub use hosted::{Backlog, FactOf, Hosted, Outlook, RoomClaim, Urgency};
pub use journalled::{DIGEST_KIND, Journalled, Payload, Recorded, Unreadable};
pub use logic::LogicChange;
pub use made_ahead::MadeAhead;
pub use origin::{CausedBy, Door, Origin};
pub use place::{Incarnation, Position, PositionError, ShardId, Stamp};
pub use section::{Section, SectionError};
pub use state::{EventOf, Machine};
pub use time::{Date, Timestamp};
pub use violation::Violation;

/// Writing and reading without an operating system: `std::io` where there is one.
pub use borsh::io;
