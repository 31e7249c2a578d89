//! The state of the configuration history: check, then commit.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use machine::{Origin, Position, Timestamp, Violation};

use super::{
    ConfigChange, ConfigChangeKind, ConfigWord, MOST_CHANGE_BYTES, MOST_CHANGES, PutPiece, RecordConfig,
};
use crate::changes::{Changes, Noted};
use crate::events::{OfficeEvent, OfficeOutcome, Saying};
use crate::reason::{OfficeDenial, OfficeReason, check_text};

/// The longest text that is kept.
pub const MOST_CONFIG_BYTES: usize = 8 * 1024 * 1024;
/// The most configurations whose rows are kept; older ones are in the journal.
pub const MOST_ROWS: usize = 1_000;

/// The configurations that were in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ConfigHistory {
    /// How many there were.
    count: u64,
    /// The last of them, oldest first.
    rows: VecDeque<InForce>,
    /// The text of the last.
    text: String,
    /// Pieces of a text that is not in force yet.
    draft: Vec<u8>,
}

/// A configuration that came into force.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct InForce {
    /// Which, from 1.
    pub number: u64,
    /// The record by which it did.
    pub position: Position,
    /// When.
    pub time: Timestamp,
    /// By whom, and through which door.
    pub origin: Origin,
    /// BLAKE3 of its text.
    pub digest: [u8; 32],
    /// The length of its text.
    pub len_bytes: u64,
    /// What is otherwise than before.
    pub changes: Vec<ConfigChange>,
    /// How many changes are not told.
    pub more_changes: u32,
}

/// What a word that was not refused does.
enum ConfigEffect {
    Keep,
    Unchanged,
    InForce(Option<String>),
}

impl ConfigHistory {
    /// How many there were.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The last configurations, oldest first.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = &InForce> {
        self.rows.iter()
    }

    /// The one in force; `None` before the first.
    pub fn in_force(&self) -> Option<&InForce> {
        self.rows.back()
    }

    /// The text in force; empty before the first.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn apply(
        &mut self,
        saying: &Saying<'_>,
        word: &ConfigWord,
        changes: &mut Changes,
        out: &mut OfficeOutcome,
    ) {
        match self.check(word) {
            Err(denial) => out.denied(denial),
            Ok(step) => self.commit(saying, word, step, changes, out),
        }
    }

    fn check(&self, word: &ConfigWord) -> Result<ConfigEffect, OfficeDenial> {
        match word {
            ConfigWord::Piece(piece) => self.check_piece(piece).map(|()| ConfigEffect::Keep),
            ConfigWord::Record(record) => self.check_record(record),
        }
    }

    fn check_piece(&self, piece: &PutPiece) -> Result<(), OfficeDenial> {
        let offset = usize::try_from(piece.offset).unwrap_or(usize::MAX);
        if offset != 0 && offset != self.draft.len() {
            return Err(OfficeDenial::beyond_count(OfficeReason::PieceOutOfOrder, self.draft.len(), offset));
        }
        let end = offset.saturating_add(piece.bytes.len());
        if end > MOST_CONFIG_BYTES {
            return Err(OfficeDenial::beyond_count(
                OfficeReason::ConfigurationTooLong,
                MOST_CONFIG_BYTES,
                end,
            ));
        }
        Ok(())
    }

    fn check_record(&self, record: &RecordConfig) -> Result<ConfigEffect, OfficeDenial> {
        if record.changes.len() > MOST_CHANGES {
            let count = record.changes.len();
            return Err(OfficeDenial::beyond_count(OfficeReason::TooManyChanges, MOST_CHANGES, count));
        }
        for change in &record.changes {
            check_text(&change.text, MOST_CHANGE_BYTES)?;
        }
        if self.in_force().is_some_and(|last| last.digest == record.digest) {
            let is_applied = record.changes.iter().any(|change| change.kind == ConfigChangeKind::Applied);
            return Ok(if is_applied { ConfigEffect::InForce(None) } else { ConfigEffect::Unchanged });
        }
        if *blake3::hash(&self.draft).as_bytes() != record.digest {
            return Err(OfficeDenial::of(OfficeReason::ConfigurationDiffers));
        }
        let unreadable = |_| OfficeDenial::of(OfficeReason::ConfigurationUnreadable);
        String::from_utf8(self.draft.clone())
            .map(|text| ConfigEffect::InForce(Some(text)))
            .map_err(unreadable)
    }

    fn commit(
        &mut self,
        saying: &Saying<'_>,
        word: &ConfigWord,
        step: ConfigEffect,
        changes: &mut Changes,
        out: &mut OfficeOutcome,
    ) {
        match (word, step) {
            (ConfigWord::Piece(piece), _) => {
                if piece.offset == 0 {
                    self.draft.clear();
                }
                self.draft.extend_from_slice(&piece.bytes);
                let len_bytes = u64::try_from(self.draft.len()).unwrap_or(u64::MAX);
                changes.note(Noted::Piece, piece.offset, len_bytes);
                out.event(OfficeEvent::PieceKept { len_bytes });
            }
            (ConfigWord::Record(record), ConfigEffect::InForce(text)) => {
                if let Some(text) = text {
                    self.text = text;
                }
                self.come_into_force(saying, record, changes, out);
            }
            (ConfigWord::Record(_), _) => {
                self.draft = Vec::new();
                changes.note(Noted::Piece, 0, 0);
                out.event(OfficeEvent::ConfigUnchanged { number: self.count });
            }
        }
    }

    fn come_into_force(
        &mut self,
        saying: &Saying<'_>,
        record: &RecordConfig,
        changes: &mut Changes,
        out: &mut OfficeOutcome,
    ) {
        // Its memory goes, too: a text of megabytes comes once in a month.
        self.draft = Vec::new();
        self.count += 1;
        let number = self.count;
        self.rows.push_back(InForce {
            number,
            position: saying.stamp.position,
            time: saying.stamp.time,
            origin: *saying.origin,
            digest: record.digest,
            len_bytes: u64::try_from(self.text.len()).unwrap_or(u64::MAX),
            changes: record.changes.clone(),
            more_changes: record.more_changes,
        });
        if self.rows.len() > MOST_ROWS {
            self.rows.pop_front();
        }
        changes.note(Noted::InForce, number, u64::try_from(record.changes.len()).unwrap_or(u64::MAX));
        changes.bytes(&record.digest);
        out.event(OfficeEvent::ConfigRecorded { number });
    }

    /// What must hold of it at every record; the first thing that does not, in words.
    pub fn verify(&self) -> Result<(), Violation> {
        let violated = |invariant| {
            Err(Violation {
                invariant,
                of: alloc::format!("{} configurations, {} rows", self.count, self.rows.len()),
            })
        };
        let first = self.count + 1 - u64::try_from(self.rows.len()).unwrap_or(0).min(self.count);
        if !self.rows.iter().zip(first..).all(|(row, number)| row.number == number) {
            return violated("configurations are numbered without gaps, up to how many there were");
        }
        if self.rows.len() > MOST_ROWS || (self.rows.is_empty() && self.count > 0) {
            return violated("the last configurations are kept, and no more than are stated");
        }
        if !self
            .rows
            .iter()
            .zip(self.rows.iter().skip(1))
            .all(|(a, b)| a.time <= b.time && a.position < b.position)
        {
            return violated("configurations come one behind the other");
        }
        if let Some(last) = self.rows.back()
            && last.digest != *blake3::hash(self.text.as_bytes()).as_bytes()
        {
            return violated("the text in force has the digest of the last row");
        }
        if self.draft.len() > MOST_CONFIG_BYTES {
            return violated("a draft is no longer than a configuration may be");
        }
        Ok(())
    }
}
