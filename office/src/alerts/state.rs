//! The state of the alerts: check, then commit.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;

use borsh::{BorshDeserialize, BorshSerialize};
use machine::{CausedBy, Origin, Position, ShardId, Timestamp, Violation};
use model::{Invariant, Name, there};

use super::{
    AcknowledgeAlert, AlertWord, HearFrom, MOST_ALERT_TEXT_BYTES, MOST_SUBJECT_BYTES, MOST_WORD_BYTES,
    RaiseAlert,
};
use crate::changes::{Changes, Noted};
use crate::events::{OfficeEvent, OfficeOutcome, Saying};
use crate::reason::{OfficeDenial, OfficeReason, check_text};

/// The most open alerts, each with a cause of its own, before others are counted together.
pub const MOST_OPEN: usize = 1_000;
/// The most acknowledged alerts that are kept.
pub const MOST_ACKNOWLEDGED: usize = 1_000;
/// How long an acknowledged alert is kept: 30 days, in nanoseconds.
pub const KEPT_NS: i64 = 30 * 86_400_000_000_000;
/// The subject under which causes are counted for which there is no room.
pub const OTHERS: &str = "(others)";

/// The alerts that are open, and those that were acknowledged lately.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Alerts {
    /// How many numbers were given.
    count: u64,
    /// By number.
    kept: BTreeMap<u64, RaisedAlert>,
    /// The acknowledged ones, in the order they were acknowledged in.
    acknowledged: VecDeque<u64>,
    /// The last alert of each shard that is on record here.
    heard: BTreeMap<ShardId, HeardAlerts>,
}

/// An alert with its number.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RaisedAlert {
    /// Which, from 1.
    pub number: u64,
    /// What kind of thing.
    pub kind: Name,
    /// Who or what it is about.
    pub subject: String,
    /// What happened, the last time.
    pub text: String,
    /// How often it was raised while open.
    pub times: u64,
    /// When it was raised first.
    pub first: Timestamp,
    /// When it was raised last.
    pub last: Timestamp,
    /// The shard's record of the last time; none where the node itself raised it.
    pub position: Option<Position>,
    /// Who has seen it; none while it is open.
    pub acknowledgement: Option<Acknowledgement>,
}

/// Who has seen an alert.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Acknowledgement {
    /// Who, through which door.
    pub origin: Origin,
    /// When.
    pub time: Timestamp,
    /// What they said.
    pub word: String,
}

/// How far a shard's alerts are heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct HeardAlerts {
    /// The last one.
    pub last: CausedBy,
    /// How many the shard had raised by then.
    pub raised: u64,
}

impl Alerts {
    /// Every alert that is kept, by number.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &RaisedAlert> {
        self.kept.values()
    }

    /// Those that nobody has acknowledged.
    pub fn open(&self) -> impl DoubleEndedIterator<Item = &RaisedAlert> {
        self.all().filter(|alert| alert.acknowledgement.is_none())
    }

    /// How many nobody has acknowledged.
    pub fn count_open(&self) -> usize {
        self.kept.len() - self.acknowledged.len()
    }

    /// The alert with this number.
    pub fn get(&self, number: u64) -> Option<&RaisedAlert> {
        self.kept.get(&number)
    }

    /// How far a shard's alerts are heard; `None` where none ever were.
    pub fn heard(&self, shard: ShardId) -> Option<HeardAlerts> {
        self.heard.get(&shard).copied()
    }

    pub(crate) fn apply(
        &mut self,
        saying: &Saying<'_>,
        word: &AlertWord,
        changes: &mut Changes,
        out: &mut OfficeOutcome,
    ) {
        if let Err(denial) = self.check(word) {
            return out.denied(denial);
        }
        match word {
            AlertWord::Raise(raise) => self.raise(saying, raise, changes, out),
            AlertWord::Acknowledge(acknowledge) => self.acknowledge(saying, acknowledge, changes, out),
            AlertWord::Hear(from) => self.hear(*from, changes, out),
        }
    }

    fn check(&self, word: &AlertWord) -> Result<(), OfficeDenial> {
        match word {
            AlertWord::Raise(raise) => {
                check_text(raise.kind.as_str(), MOST_SUBJECT_BYTES)?;
                check_text(&raise.subject, MOST_SUBJECT_BYTES)?;
                check_text(&raise.text, MOST_ALERT_TEXT_BYTES)
            }
            AlertWord::Acknowledge(acknowledge) => self.check_acknowledge(acknowledge),
            AlertWord::Hear(_) => Ok(()),
        }
    }

    fn check_acknowledge(&self, acknowledge: &AcknowledgeAlert) -> Result<(), OfficeDenial> {
        let alert = self.get(acknowledge.number).ok_or(OfficeDenial::of(OfficeReason::UnknownAlert))?;
        if alert.acknowledgement.is_some() {
            return Err(OfficeDenial::of(OfficeReason::AlertAcknowledged));
        }
        check_text(&acknowledge.word, MOST_WORD_BYTES)
    }

    fn raise(
        &mut self,
        saying: &Saying<'_>,
        raise: &RaiseAlert,
        changes: &mut Changes,
        out: &mut OfficeOutcome,
    ) {
        if let Some(source) = raise.source {
            if self.heard(source.event.position.shard).is_some_and(|heard| heard.last >= source.event) {
                return out.event(OfficeEvent::AlertHeardBefore { event: source.event });
            }
            self.note_heard(source.event, source.raised, changes);
        }
        let (number, times) = match self.counting(raise) {
            Some(alert) => {
                alert.times += 1;
                alert.last = saying.stamp.time;
                alert.text.clone_from(&raise.text);
                alert.position = raise.source.map(|source| source.event.position);
                (alert.number, alert.times)
            }
            None => (self.open_one(saying, raise), 1),
        };
        changes.note(Noted::Raised, number, times);
        changes.bytes(raise.subject.as_bytes());
        out.event(OfficeEvent::AlertRaised { number, times });
    }

    /// The open alert that counts this cause.
    fn counting(&mut self, raise: &RaiseAlert) -> Option<&mut RaisedAlert> {
        let is_full = self.count_open() >= MOST_OPEN;
        let open = |alert: &&mut RaisedAlert| alert.acknowledgement.is_none() && alert.kind == raise.kind;
        let own = self.kept.values().find(|alert| {
            alert.acknowledgement.is_none() && alert.kind == raise.kind && alert.subject == raise.subject
        });
        let subject = match own {
            Some(_) => raise.subject.as_str(),
            None if is_full => OTHERS,
            None => return None,
        };
        self.kept.values_mut().filter(open).find(|alert| alert.subject == subject)
    }

    fn open_one(&mut self, saying: &Saying<'_>, raise: &RaiseAlert) -> u64 {
        let is_full = self.count_open() >= MOST_OPEN;
        self.count += 1;
        let (number, time) = (self.count, saying.stamp.time);
        let alert = RaisedAlert {
            number,
            kind: raise.kind,
            subject: if is_full { OTHERS.into() } else { raise.subject.clone() },
            text: raise.text.clone(),
            times: 1,
            first: time,
            last: time,
            position: raise.source.map(|source| source.event.position),
            acknowledgement: None,
        };
        self.kept.insert(number, alert);
        number
    }

    fn acknowledge(
        &mut self,
        saying: &Saying<'_>,
        acknowledge: &AcknowledgeAlert,
        changes: &mut Changes,
        out: &mut OfficeOutcome,
    ) {
        let (number, origin) = (acknowledge.number, *saying.origin);
        let alert = there(self.kept.get_mut(&number), Invariant::PlaceIsTaken);
        let (time, word) = (saying.stamp.time, acknowledge.word.clone());
        alert.acknowledgement = Some(Acknowledgement { origin, time, word });
        self.acknowledged.push_back(number);
        changes.note(Noted::Acknowledged, number, u64::from(origin.principal) << 32 | u64::from(origin.uid));
        changes.bytes(acknowledge.word.as_bytes());
        out.event(OfficeEvent::AlertAcknowledged { number });
        if self.acknowledged.len() > MOST_ACKNOWLEDGED {
            self.retire_oldest(changes, out);
        }
    }

    fn hear(&mut self, from: HearFrom, changes: &mut Changes, out: &mut OfficeOutcome) {
        self.note_heard(from.after, from.raised, changes);
        out.event(OfficeEvent::AlertsHeardFrom { after: from.after });
    }

    fn note_heard(&mut self, last: CausedBy, raised: u64, changes: &mut Changes) {
        self.heard.insert(last.position.shard, HeardAlerts { last, raised });
        let which = u64::from(last.position.shard.index) << 32 | u64::from(last.index);
        changes.note(Noted::Heard, last.position.seq, which);
    }

    fn retire_oldest(&mut self, changes: &mut Changes, out: &mut OfficeOutcome) {
        let Some(number) = self.acknowledged.pop_front() else { return };
        there(self.kept.remove(&number), Invariant::PlaceIsTaken);
        changes.note(Noted::Retired, number, 0);
        out.event(OfficeEvent::AlertRetired { number });
    }

    /// When the oldest acknowledged alert is to be retired.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        let alert = self.kept.get(self.acknowledged.front()?)?;
        let acknowledged = alert.acknowledgement.as_ref()?.time;
        Some(Timestamp::from_nanos(acknowledged.nanos.saturating_add(KEPT_NS)))
    }

    /// Retires what is due, at most so many; how many it were.
    pub(crate) fn due(
        &mut self,
        now: Timestamp,
        most: usize,
        changes: &mut Changes,
        out: &mut OfficeOutcome,
    ) -> usize {
        let mut done = 0;
        while done < most && self.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.retire_oldest(changes, out);
            done += 1;
        }
        done
    }

    /// What must hold of them at every record; the first thing that does not, in words.
    pub fn verify(&self) -> Result<(), Violation> {
        let violated = |invariant| {
            Err(Violation {
                invariant,
                of: alloc::format!("{} alerts, {} acknowledged", self.kept.len(), self.acknowledged.len()),
            })
        };
        if !self
            .kept
            .iter()
            .all(|(number, alert)| *number == alert.number && *number >= 1 && *number <= self.count)
        {
            return violated("an alert stands under its number, and no number was given that is not counted");
        }
        let acknowledged = self.kept.values().filter(|alert| alert.acknowledgement.is_some()).count();
        let is_known = |number: &u64| self.get(*number).is_some_and(|alert| alert.acknowledgement.is_some());
        if acknowledged != self.acknowledged.len() || !self.acknowledged.iter().all(is_known) {
            return violated("the list of acknowledged alerts holds each of them once");
        }
        if acknowledged > MOST_ACKNOWLEDGED {
            return violated("no more acknowledged alerts are kept than are stated");
        }
        let mut causes: alloc::vec::Vec<_> =
            self.open().map(|alert| (alert.kind, alert.subject.as_str())).collect();
        causes.sort_unstable();
        if causes.windows(2).any(|pair| pair.first() == pair.last()) {
            return violated("one cause has one open alert");
        }
        if self.kept.values().any(|alert| alert.times == 0 || alert.first > alert.last) {
            return violated("an alert was raised at least once, and not after the last time");
        }
        Ok(())
    }
}
