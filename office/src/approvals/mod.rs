//! Requests that wait for a second person.
//!
//! ```text
//!   request ──▶ waits ──┬── approved by another person ──▶ approved ──▶ carried out on its shard, or denied there
//!                       ├── refused, by anybody ──▶ refused
//!                       └── nobody came in time ──▶ expired
//! ```
//!
//! The policy says above which amount a move of cash needs one. Who asked for it cannot approve it. An approved request is
//! an *ask* ([`Approvals::approved`], `docs/decisions/0026-asks.md`): it stands in this state until what came of it on its
//! shard is on record here, and is made again after a crash. The shard books a reference once, so it is done once.
//!
//! Memory is bounded: at most [`MOST_WAITING`] wait or are being carried out, and what has ended is retired
//! [`ENDED_KEPT_NS`] later, or earlier where more than [`MOST_ENDED`] are kept.

mod state;
mod words;

pub use state::{
    ApprovalRequest, ApprovalStanding, Approvals, ENDED_KEPT_NS, MOST_ENDED, MOST_WAITING, is_same_person,
};
pub use words::{ApprovalPolicy, ApprovalWord, Approve, AskApproval, MoveResult, RecordMove, RefuseApproval};
