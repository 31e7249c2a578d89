//! What other threads hand to the desk.

use crossbeam::channel::Sender;

use crate::Error;
use crate::book::Counts;
use crate::log::Misunderstood;
use crate::words::Request;

/// What reaches the desk besides quotes.
pub(crate) enum ToDesk {
    /// An order, cancel, replace or status request, logged already.
    Request(Request),
    /// A message to refuse, logged already.
    Misunderstood(Misunderstood),
    /// Somebody wants to see the counts.
    Count(Sender<Counts>),
    /// The log could not be written on another thread.
    Failed(Error),
    /// Say what is still to be said, and end.
    Stop,
}
