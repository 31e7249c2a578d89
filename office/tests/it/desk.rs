//! An office with a journal of its inputs, and people who say things to it.

use machine::{CausedBy, Door, Origin, Position, ShardId, Stamp, Timestamp};
use model::{AccountId, Amount, CashMove, CashMoveKind, Currency, Money, Name, Reference};
use office::alerts::{AcknowledgeAlert, AlertSource, AlertWord, RaiseAlert};
use office::approvals::{ApprovalPolicy, ApprovalWord, Approve, AskApproval, RefuseApproval};
use office::config_history::{ConfigChange, ConfigChangeKind, ConfigWord, PutPiece, RecordConfig};
use office::{Office, OfficeEvent, OfficeInput, OfficeOutcome, OfficeReason, OfficeWord};

pub(crate) const SECOND: i64 = 1_000_000_000;
pub(crate) const OFFICE: ShardId = ShardId::new(900);
pub(crate) const ANN: Origin = person(501);
pub(crate) const BOB: Origin = person(502);

pub(crate) const fn person(uid: u32) -> Origin {
    Origin { principal: 0, uid, client: 7, door: Door::LocalSocket }
}

#[derive(Default)]
pub(crate) struct Desk {
    pub(crate) office: Office,
    pub(crate) journal: Vec<(Stamp, OfficeInput)>,
    pub(crate) now: Timestamp,
}

impl Desk {
    /// Applies an input, and gives everything that came of it.
    pub(crate) fn input(&mut self, input: OfficeInput) -> Vec<OfficeEvent> {
        let seq = self.journal.len() as u64 + 1;
        let stamp = Stamp { position: Position::new(OFFICE, seq), time: self.now };
        let (mut out, before) = (OfficeOutcome::default(), self.office.clone());
        self.office.apply(stamp, &input, &mut out);
        self.office.verify().unwrap_or_else(|violation| panic!("{violation} behind {input:?}"));
        if out.events.first().is_some_and(changes_nothing) {
            assert_eq!(self.office, before, "{:?}", out.events);
        } else {
            assert_ne!(self.office.changes(), before.changes(), "the digest sees it: {input:?}");
        }
        self.journal.push((stamp, input));
        out.events
    }

    /// Says a word; the answer.
    pub(crate) fn say(&mut self, origin: Origin, word: OfficeWord) -> OfficeEvent {
        self.input(OfficeInput::Asked { origin, word }).remove(0)
    }

    /// Time goes on, and every deadline on the way has its tick.
    pub(crate) fn pass(&mut self, seconds: i64) -> Vec<OfficeEvent> {
        let end = Timestamp::from_nanos(self.now.nanos + seconds * SECOND);
        let mut events = Vec::new();
        while let Some(deadline) = self.office.next_deadline().filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            events.extend(self.input(OfficeInput::Tick));
        }
        self.now = end;
        events
    }
}

/// Refused, or known already.
fn changes_nothing(answer: &OfficeEvent) -> bool {
    matches!(
        answer,
        OfficeEvent::Denied { .. }
            | OfficeEvent::AlertHeardBefore { .. }
            | OfficeEvent::ApprovalExists { .. }
    )
}

pub(crate) fn denied(event: &OfficeEvent) -> OfficeReason {
    let OfficeEvent::Denied { denial } = event else { panic!("not denied: {event:?}") };
    denial.reason
}

pub(crate) fn raise(kind: &str, subject: &str) -> OfficeWord {
    OfficeWord::Alert(AlertWord::Raise(RaiseAlert {
        kind: Name::new(kind).unwrap(),
        subject: subject.to_owned(),
        text: format!("{kind} of {subject}"),
        source: None,
    }))
}

/// The alert that is an event of a shard's record.
pub(crate) fn heard(shard: u16, seq: u64, index: u32, raised: u64, subject: &str) -> OfficeWord {
    let event = CausedBy { position: Position::new(ShardId::new(shard), seq), index };
    let OfficeWord::Alert(AlertWord::Raise(mut raise)) = raise("overfill", subject) else { unreachable!() };
    raise.source = Some(AlertSource { event, raised });
    OfficeWord::Alert(AlertWord::Raise(raise))
}

pub(crate) fn acknowledge(number: u64, word: &str) -> OfficeWord {
    OfficeWord::Alert(AlertWord::Acknowledge(AcknowledgeAlert { number, word: word.to_owned() }))
}

pub(crate) fn usd() -> Currency {
    "USD".parse().unwrap()
}

pub(crate) fn policy(above: u32, waits_s: i64) -> OfficeWord {
    let cash_above = [(usd(), Amount::from(above))].into();
    OfficeWord::Approval(ApprovalWord::Policy(ApprovalPolicy { cash_above, waits_ns: waits_s * SECOND }))
}

pub(crate) fn cash(amount: u32, reference: &str) -> AskApproval {
    let money = Money { amount: amount.into(), currency: usd() };
    let reference = Reference::cut(reference);
    let cash_move = CashMove { account: AccountId::new(3), kind: CashMoveKind::Withdrawal, money, reference };
    AskApproval { shard: ShardId::new(1), cash_move }
}

pub(crate) fn ask(amount: u32, reference: &str) -> OfficeWord {
    OfficeWord::Approval(ApprovalWord::Ask(cash(amount, reference)))
}

pub(crate) fn approve(number: u64) -> OfficeWord {
    OfficeWord::Approval(ApprovalWord::Approve(Approve { number }))
}

pub(crate) fn refuse(number: u64, word: &str) -> OfficeWord {
    OfficeWord::Approval(ApprovalWord::Refuse(RefuseApproval { number, word: word.to_owned() }))
}

pub(crate) fn piece(offset: u64, text: &[u8]) -> OfficeWord {
    OfficeWord::Config(ConfigWord::Piece(PutPiece { offset, bytes: text.to_vec() }))
}

pub(crate) fn record(text: &[u8], changes: &[(ConfigChangeKind, &str)]) -> OfficeWord {
    let changes = changes.iter().map(|(kind, text)| ConfigChange { kind: *kind, text: (*text).to_owned() });
    let digest = *blake3::hash(text).as_bytes();
    OfficeWord::Config(ConfigWord::Record(RecordConfig {
        digest,
        changes: changes.collect(),
        more_changes: 0,
    }))
}
