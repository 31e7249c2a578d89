//! Open orders, counted as they come and go, so that nobody has to walk them to say how many there are.

use alloc::vec::Vec;

use model::{Certainty, SessionId};

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) open: u64,
    /// By session.
    in_doubt: Vec<u64>,
}

impl Tally {
    /// An order is open from here on.
    #[inline]
    pub(super) fn begin(&mut self, session: SessionId, certainty: Certainty) {
        self.open += 1;
        if certainty == Certainty::InDoubt {
            self.doubt(session);
        }
    }

    /// An order that was open is not, or stands otherwise.
    #[inline]
    pub(super) fn end(&mut self, session: SessionId, certainty: Certainty) {
        self.open -= 1;
        if certainty == Certainty::InDoubt
            && let Some(count) = self.in_doubt.get_mut(session.slot())
        {
            *count -= 1;
        }
    }

    #[cold]
    fn doubt(&mut self, session: SessionId) {
        if self.in_doubt.len() <= session.slot() {
            self.in_doubt.resize(session.slot() + 1, 0);
        }
        if let Some(count) = self.in_doubt.get_mut(session.slot()) {
            *count += 1;
        }
    }

    pub(crate) fn in_doubt(&self, session: SessionId) -> u64 {
        self.in_doubt.get(session.slot()).copied().unwrap_or(0)
    }
}
