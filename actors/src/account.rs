//! One account: its holdings and books. Its orders stand with those of the whole shard, in `orders.rs`.

use borsh::{BorshDeserialize, BorshSerialize};
use model::{AccountDefinition, InstrumentId, Limits};

use risk_gate::Armed;

use crate::store::sorted::Sorted;
use crate::{Holding, Ledger};

/// The state of one account.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Account {
    /// Who it is.
    pub definition: AccountDefinition,
    /// What it may do.
    pub limits: Limits,
    /// The rules that these arm: worked out where one is set.
    #[borsh(skip)]
    pub(crate) armed: Armed,
    /// True where new orders are denied.
    pub halted: bool,
    /// True where an invariant broke: new orders are denied, fills go to suspense, until an operator releases it.
    pub set_aside: bool,
    pub(crate) ledger: Ledger,
    pub(crate) holdings: Sorted<InstrumentId, Holding>,
}

impl Account {
    pub(crate) fn new(definition: AccountDefinition) -> Self {
        Self {
            definition,
            limits: Limits::default(),
            armed: Armed::by(&Limits::default()),
            halted: false,
            set_aside: false,
            ledger: Ledger::default(),
            holdings: Sorted::new(),
        }
    }

    /// What its limits arm.
    pub(crate) const fn arms(&self) -> Armed {
        Armed::by(&self.limits)
    }

    /// Works that out, once they have changed.
    pub(crate) const fn arm(&mut self) {
        self.armed = self.arms();
    }

    /// Its books.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What it holds or has open, by instrument.
    pub fn holdings(&self) -> impl Iterator<Item = (&InstrumentId, &Holding)> {
        self.holdings.iter()
    }

    /// Its holding of one instrument; an empty one where it never traded it.
    pub fn holding(&self, instrument: InstrumentId) -> Holding {
        *self.held(instrument)
    }

    #[inline]
    pub(crate) fn held(&self, instrument: InstrumentId) -> &Holding {
        self.holdings.get(&instrument).unwrap_or(&Holding::NONE)
    }
}
