//! The journal: everything that happened to a shard, in order, on disk before its effect leaves.
//!
//! One directory is the journal of one shard. [`open`] gives its one [`Writer`] and says in [`Recovery`] what it
//! found; [`Reader`] reads from a position to the end, [`Follower`] goes on live, both from any process and without
//! a lock. A record is an input ([`model::Input`]) or a digest; its number, from 1 and without gaps, is its position.
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
mod codec;
mod copy_in;
mod copy_out;
mod directory;
pub mod disk;
mod doorbell;
mod error;
mod extent;
mod files;
mod flusher;
mod follower;
mod gap;
mod handover;
pub mod header;
mod kind;
mod lacking;
pub mod layout;
mod memory;
mod native;
mod open;
mod pace;
mod piece;
mod preface;
mod preparer;
mod reader;
mod record;
mod repair;
mod scan;
mod segment;
mod survey;
mod sync;
mod verify;
mod warmth;
mod watch;
mod workshop;
mod write_back;
mod writer;

pub use archive::{bring_back, copy_to_archive, remove_archived};
pub use archived::{Archived, archived};
pub use background::take_short_turns;
pub use chain::{Head, HeadError, head, verify_head};
pub use copy_in::{CopiedIn, copy_in};
pub use copy_out::{CopiedOut, copy_out};
pub use disk::{AtGap, Folder};
pub use doorbell::Doorbell;
pub use error::{Damage, JournalError};
pub use follower::Follower;
pub use gap::{Gap, Stretch};
pub use kind::RecordKind;
pub use lacking::lacking;
pub use open::{Background, Claim, Cut, Opened, Options, Recovery, claim, open};
pub use piece::{Piece, Until};
pub use reader::Reader;
pub use record::{Record, RecordBody};
pub use repair::{Repaired, repair_to};
pub use verify::{SegmentStat, Stat, VerifyReport, stat, verify};
pub use watch::DurableWatch;
pub use writer::{Appended, Durability, Writer};
