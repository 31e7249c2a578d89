//! The office: its parts, its words, and one match of words to parts.
//!
//! It is the machine for what stands on no order's way and must be as true: the same journal, replay, snapshots and
//! backups as a shard has. It knows no shard's state. What it wants of a shard it asks for, and hears of by a position.

use alloc::collections::BTreeSet;

use machine::{Incarnation, Stamp, Timestamp, Violation};

use crate::alerts::Alerts;
use crate::approvals::Approvals;
use crate::changes::{Changes, Noted};
use crate::config_history::ConfigHistory;
use crate::events::{OfficeEvent, OfficeOutcome, Saying};
use crate::input::{OfficeBroken, OfficeInput, OfficeWord, TICKS};
use crate::reason::{OfficeDenial, OfficeReason};

/// The state of the office.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Office {
    pub(crate) incarnation: Incarnation,
    pub(crate) logic_version: u32,
    pub(crate) config_history: ConfigHistory,
    pub(crate) alerts: Alerts,
    pub(crate) approvals: Approvals,
    /// Parts in which an invariant broke since the last opening, by their kind.
    pub(crate) set_aside: BTreeSet<u8>,
    /// Of every change that led here.
    pub(crate) changes: Changes,
}

/// What a tick does at most: the rest is for the next one, directly behind it.
const DUE_AT_ONCE: usize = 64;

impl Office {
    /// An office in which nothing has happened.
    pub fn new() -> Self {
        Self::default()
    }

    /// Applies one stamped input; its consequences are added to `out`, which the caller has cleared. No input
    /// panics, and what cannot be done is answered with [`OfficeEvent::Denied`].
    pub fn apply(&mut self, stamp: Stamp, input: &OfficeInput, out: &mut OfficeOutcome) {
        match input {
            OfficeInput::Opened { incarnation, logic_version } => {
                (self.incarnation, self.logic_version) = (*incarnation, *logic_version);
                self.set_aside.clear();
                self.changes.note(Noted::Opening, incarnation.count.into(), (*logic_version).into());
                out.event(OfficeEvent::OfficeOpened);
            }
            OfficeInput::Asked { origin, word } => self.word(&Saying { stamp, origin }, word, out),
            OfficeInput::Tick => self.tick(stamp.time, out),
            OfficeInput::Broken(broken) => self.set_aside(broken, out),
        }
    }

    fn word(&mut self, saying: &Saying<'_>, word: &OfficeWord, out: &mut OfficeOutcome) {
        if self.set_aside.contains(&word.kind()) {
            return out.denied(OfficeDenial::of(OfficeReason::PartSetAside));
        }
        let changes = &mut self.changes;
        match word {
            OfficeWord::Config(word) => self.config_history.apply(saying, word, changes, out),
            OfficeWord::Alert(word) => self.alerts.apply(saying, word, changes, out),
            OfficeWord::Approval(word) => self.approvals.apply(saying, word, changes, out),
        }
    }

    fn tick(&mut self, now: Timestamp, out: &mut OfficeOutcome) {
        let done = self.approvals.due(now, DUE_AT_ONCE, &mut self.changes, out);
        self.alerts.due(now, DUE_AT_ONCE.saturating_sub(done), &mut self.changes, out);
    }

    /// The input that it names had no effect. Its part takes no word until the node is started again: then the journal was
    /// replayed, and a person has seen why. Ticks are set aside in the same way.
    fn set_aside(&mut self, broken: &OfficeBroken, out: &mut OfficeOutcome) {
        self.set_aside.insert(broken.part);
        self.changes.note(Noted::SetAside, broken.position.seq, broken.part.into());
        out.event(OfficeEvent::PartSetAside { part: broken.part });
    }

    /// The next time at which a tick has something to do; `None` where nothing waits.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        if self.set_aside.contains(&TICKS) {
            return None;
        }
        let alerts = self.alerts.next_deadline();
        alerts.into_iter().chain(self.approvals.next_deadline()).min()
    }

    /// What must hold at every record, part by part; the first thing that does not, in words.
    pub fn verify(&self) -> Result<(), Violation> {
        self.config_history.verify()?;
        self.alerts.verify()?;
        self.approvals.verify()
    }

    /// Which configuration was in force, when.
    pub const fn config_history(&self) -> &ConfigHistory {
        &self.config_history
    }

    /// Alerts that are open or were acknowledged lately.
    pub const fn alerts(&self) -> &Alerts {
        &self.alerts
    }

    /// Requests that wait for a second person, or ended lately.
    pub const fn approvals(&self) -> &Approvals {
        &self.approvals
    }

    /// The rolling number of all changes.
    pub const fn changes(&self) -> Changes {
        self.changes
    }

    /// The version of the logic of the last opening.
    pub const fn logic_version(&self) -> u32 {
        self.logic_version
    }
}
