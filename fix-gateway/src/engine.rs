//! What a FIX session engine must offer. QuickFIX is one; an engine of our own is to be another.
//!
//! An engine owns connection, logon, heartbeats, sequence numbers and gap filling. It knows nothing of orders:
//! translation, the delivery sweep and the session's life are the same for all engines.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use model::WireId;

use crate::draft::Draft;
use crate::error::{EngineError, Failure};
use crate::health::DownReason;
use crate::incident::Incident;

/// A FIX session, ready to be run.
///
/// Rules an engine keeps:
/// * it numbers a message at most once, and records it before it sends it;
/// * where the broker asks for a resend of application messages, it gap-fills: a stale order never goes out;
/// * it never rejects an application message by itself: whatever comes in sequence is [`Inbox::received`];
/// * where the broker lost a message that went out on the current connection, it ends the connection;
/// * it books nothing that names other parties than the session's (FIX tags 49 and 56), and ends the session then;
/// * where the broker refuses its number as too low, it takes the one the broker expects once, and tells;
/// * it calls [`Inbox`] from one thread at a time, in the order of events on the wire.
pub trait SessionEngine: Send + 'static {
    /// What the engine's own record says was sent, also by earlier processes.
    fn sent_record(&self) -> Arc<dyn SentRecord>;

    /// Runs the session: starts connecting in the background, calls `work` once, logs out when it returns.
    ///
    /// `work` runs on the caller's thread; it may borrow what lives there.
    fn run(
        self: Box<Self>,
        inbox: Arc<dyn Inbox>,
        work: &mut dyn FnMut(&mut dyn Link),
    ) -> Result<(), EngineError>;
}

/// The sending side of a running session.
pub trait Link {
    /// Called by the gateway thread in each round, busy or not: the engine does here what it must do on this thread.
    fn tend(&mut self) {}

    /// Numbers, records and sends a message, if and only if the session is logged on.
    fn send(&mut self, draft: &Draft) -> SendOutcome;
}

/// What became of a message handed to [`Link::send`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// It has this `MsgSeqNum` and is on its way.
    Sent {
        /// FIX tag 34.
        seq: u64,
    },
    /// It was not numbered and will never go out.
    NotSent,
    /// The engine failed in between: nobody knows. The session must stop.
    Unclear,
}

/// What the engine tells. Implemented by this crate.
pub trait Inbox: Send + Sync {
    /// The session is logged on and in step: neither side misses a message of the other's. What the broker sent again
    /// was [`received`](Self::received) before this.
    fn logged_on(&self);

    /// The session is not logged on any more, or a logon attempt failed, and why.
    fn logged_out(&self, reason: DownReason);

    /// Something is wrong with the session itself: it is journalled and becomes an alert. One that accuses the record is
    /// told before anything is concluded from the record again.
    fn noticed(&self, incident: Incident);

    /// An application message, or a session-level `Reject` (35=3), in sequence: the bytes from `8=` to the end.
    fn received(&self, raw: &[u8]);

    /// The engine or a callback failed: the session must stop.
    fn failed(&self, failure: Failure);
}

/// One of our messages, as found in the engine's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentMessage {
    /// The first byte of FIX tag 35.
    pub msg_type: u8,
    /// FIX tag 11.
    pub cl_ord_id: Option<WireId>,
}

/// What the engine recorded as sent.
pub trait SentRecord: Send + Sync {
    /// Those of `wanted` that were numbered in a `NewOrderSingle`, cancel or replace request.
    fn which_were_sent(&self, wanted: &BTreeSet<WireId>) -> io::Result<BTreeSet<WireId>>;

    /// The message that went out with this `MsgSeqNum`; the last one, should a crash have made a number serve twice.
    fn by_seq(&self, seq: u64) -> io::Result<Option<SentMessage>>;

    /// True where the record cannot have lost its end: what is absent was never sent. A crash of the process leaves
    /// it true; a crash of the machine makes it false until [`trust`](Self::trust), and so does whatever shows that the
    /// record is older than the truth.
    fn absence_proves(&self) -> bool;

    /// Something shows that the record may be older than the truth: absence proves nothing until [`trust`](Self::trust),
    /// also for the next process.
    fn distrust(&self) -> io::Result<()>;

    /// Nothing is in doubt any more: from here on absence proves again, but for `unproven`. These the record may have
    /// lost, so they count as sent for good: one of them may be in doubt again, a cancel the broker still works on for
    /// instance; taken for never sent, it would go out twice.
    fn trust(&self, unproven: &BTreeSet<WireId>) -> io::Result<()>;
}
