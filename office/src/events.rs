//! What came of an input, and who asked for it.

use alloc::vec::Vec;

use machine::{CausedBy, Origin, Stamp, Timestamp};

use crate::approvals::MoveResult;
use crate::reason::OfficeDenial;

/// What came of it. The first event of a word is its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfficeEvent {
    /// The journal was opened.
    OfficeOpened,
    /// A word was refused; nothing changed.
    Denied {
        /// Why.
        denial: OfficeDenial,
    },
    /// A piece of a configuration is kept.
    PieceKept {
        /// How much is there by now.
        len_bytes: u64,
    },
    /// A configuration came into force.
    ConfigRecorded {
        /// Its number.
        number: u64,
    },
    /// It is the one in force, and nothing was applied.
    ConfigUnchanged {
        /// Its number.
        number: u64,
    },
    /// An alert is open.
    AlertRaised {
        /// Its number.
        number: u64,
        /// How often it was raised by now.
        times: u64,
    },
    /// This alert, or a later one of its shard, is on record; nothing is done again.
    AlertHeardBefore {
        /// The event of the shard.
        event: CausedBy,
    },
    /// A shard's alerts are heard behind this.
    AlertsHeardFrom {
        /// Its last record before.
        after: CausedBy,
    },
    /// Somebody has seen an alert.
    AlertAcknowledged {
        /// Its number.
        number: u64,
    },
    /// An alert that was acknowledged long ago is forgotten.
    AlertRetired {
        /// Its number.
        number: u64,
    },
    /// An invariant broke: a part takes no word until the next start.
    PartSetAside {
        /// The kind of its words; 3 for ticks.
        part: u8,
    },
    /// What needs a second person is as the configuration says.
    PolicySet,
    /// A request waits for a second person.
    ApprovalWaits {
        /// Its number.
        number: u64,
        /// Until when.
        expires: Timestamp,
    },
    /// The same was asked for before; nothing is done again.
    ApprovalExists {
        /// The number of the request that exists.
        number: u64,
    },
    /// A second person said yes: the shard is asked.
    Approved {
        /// Its number.
        number: u64,
    },
    /// Somebody said no.
    ApprovalRefused {
        /// Its number.
        number: u64,
    },
    /// Nobody came in time.
    ApprovalExpired {
        /// Its number.
        number: u64,
    },
    /// What came of an approved move is on record.
    MoveRecorded {
        /// The number of its request.
        number: u64,
        /// What its shard says.
        result: MoveResult,
    },
    /// A request that ended long ago is forgotten.
    ApprovalRetired {
        /// Its number.
        number: u64,
    },
}

/// The consequences of one input, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfficeOutcome {
    /// What happened.
    pub events: Vec<OfficeEvent>,
}

/// Who asks, and the stamp of the record.
pub(crate) struct Saying<'a> {
    pub(crate) stamp: Stamp,
    pub(crate) origin: &'a Origin,
}

impl OfficeOutcome {
    pub(crate) fn event(&mut self, event: OfficeEvent) {
        self.events.push(event);
    }

    pub(crate) fn denied(&mut self, denial: OfficeDenial) {
        self.event(OfficeEvent::Denied { denial });
    }
}
