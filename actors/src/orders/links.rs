//! What a cell knows of its neighbours in the lists that it is in.

use crate::store::shelves::NOWHERE;

/// Which of a cell's two lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chain {
    /// Its account's open or finished orders.
    Account,
    /// Every finished order of the shard, by when it was finished.
    Finished,
}

/// A cell's neighbours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links {
    account: Neighbours,
    finished: Neighbours,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Neighbours {
    pub(super) earlier: u32,
    pub(super) later: u32,
}

pub(super) const ALONE: Neighbours = Neighbours { earlier: NOWHERE, later: NOWHERE };

impl Default for Links {
    fn default() -> Self {
        Self { account: ALONE, finished: ALONE }
    }
}

impl Links {
    #[inline]
    pub(super) fn later(&self, chain: Chain) -> Option<u32> {
        let later = self.of(chain).later;
        (later != NOWHERE).then_some(later)
    }

    pub(super) const fn of(&self, chain: Chain) -> Neighbours {
        match chain {
            Chain::Account => self.account,
            Chain::Finished => self.finished,
        }
    }

    pub(super) const fn of_mut(&mut self, chain: Chain) -> &mut Neighbours {
        match chain {
            Chain::Account => &mut self.account,
            Chain::Finished => &mut self.finished,
        }
    }
}
