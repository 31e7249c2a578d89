//! The journal: everything that happened to a shard, in order, on disk before its effect leaves.
//!
//! One directory is the journal of one shard. [`open`] gives its one [`Writer`] and says in [`Recovery`] what it
//! found; [`Reader`] reads from a position to the end, [`Follower`] goes on live, both from any process and without
//! a lock. A record is a kind and bytes, which mean something to the machine whose journal it is ([`machine::Payload`]) and
//! nothing here. Its number, from 1 and without gaps, is its position.
//!
//! * [`layout`]: the record, drawn. [`header`]: the first page of a segment, drawn.
//! * Appending touches memory only: segments are allocated and made present ahead by a thread.
//! * Under [`Durability::Disk`] another thread writes and syncs, and publishes how far it came.
//! * What can be wrong, and is refused by name: [`JournalError`].
//!
//! Invariants of absence: the hot path does not allocate, does not call the system, and does not wait; nothing is
//! skipped on reading; a file is never shortened while it may be mapped.

mod archive;
mod archived;
mod background;
mod chain;
mod copy_in;
mod copy_out;
mod damage;
mod directory;
pub mod disk;
mod doorbell;
mod durability;
mod error;
mod extent;
mod files;
mod flusher;
mod follower;
mod gap;
mod handover;
mod head;
pub mod header;
mod lacking;
pub mod layout;
mod memory;
mod native;
mod open;
mod pace;
mod piece;
mod preparer;
mod reader;
mod record;
mod repair;
mod scan;
mod segment;
mod short_turns;
mod survey;
mod sync;
mod verify;
mod version;
mod warmth;
mod watch;
mod workshop;
mod write_back;
mod writer;

pub use archive::{bring_back, copy_to_archive, remove_archived};
pub use archived::{Archived, archived};
pub use background::Background;
pub use chain::{head, verify_head};
pub use copy_in::{CopiedIn, copy_in};
pub use copy_out::{CopiedOut, copy_out};
pub use damage::Damage;
pub use disk::{AtGap, Folder};
pub use doorbell::Doorbell;
pub use durability::Durability;
pub use error::JournalError;
pub use follower::Follower;
pub use gap::{Gap, Stretch};
pub use head::{Head, HeadError};
pub use lacking::lacking;
pub use open::{Claim, Cut, Opened, Options, Recovery, claim, open};
pub use piece::{Piece, Until};
pub use reader::Reader;
pub use record::Record;
pub use repair::{Repaired, repair_to};
pub use short_turns::take_short_turns;
pub use verify::{SegmentStat, Stat, VerifyReport, stat, verify};
pub use watch::DurableWatch;
pub use writer::{Appended, Writer};
