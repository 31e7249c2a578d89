//! The state of the approvals: check, then commit.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;

use borsh::{BorshDeserialize, BorshSerialize};
use machine::{Origin, Position, Timestamp, Violation};
use model::{Amount, CashMove, Invariant, there};

use super::{ApprovalPolicy, ApprovalWord, AskApproval, MoveResult, RecordMove, RefuseApproval};
use crate::alerts::MOST_WORD_BYTES;
use crate::changes::{Changes, Noted};
use crate::events::{OfficeEvent, OfficeOutcome, Saying};
use crate::reason::{OfficeDenial, OfficeReason, check_text};

/// The most requests that wait for a person or for their shard.
pub const MOST_WAITING: usize = 1_000;
/// The most ended requests that are kept.
pub const MOST_ENDED: usize = 1_000;
/// How long an ended request is kept: 90 days, in nanoseconds.
pub const ENDED_KEPT_NS: i64 = 90 * 86_400_000_000_000;

/// Requests that wait for a second person, and those that ended lately.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Approvals {
    policy: ApprovalPolicy,
    /// How many numbers were given.
    count: u64,
    /// By number.
    requests: BTreeMap<u64, ApprovalRequest>,
    /// Those that wait for a person, by when they expire.
    waiting: BTreeSet<(Timestamp, u64)>,
    /// Those that ended, in the order they ended in.
    ended: VecDeque<u64>,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ApprovalRequest {
    /// Which, from 1.
    pub number: u64,
    /// What is asked for.
    pub asked: AskApproval,
    /// Who asked.
    pub origin: Origin,
    /// When.
    pub time: Timestamp,
    /// Until when it waits.
    pub expires: Timestamp,
    /// Where it stands.
    pub standing: ApprovalStanding,
}

/// Where a request stands. Numbered by place in snapshots: a new one goes to the end.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum ApprovalStanding {
    /// Nobody has decided.
    Waiting,
    /// A second person said yes; what came of it on the shard is not known here yet.
    Approved {
        /// Who.
        by: Origin,
        /// When.
        time: Timestamp,
        /// The record by which.
        at: Position,
    },
    /// It was approved, and the shard has decided.
    CarriedOut {
        /// Who approved.
        by: Origin,
        /// When the shard's word came.
        time: Timestamp,
        /// The shard's record.
        at: Position,
        /// What it says.
        result: MoveResult,
    },
    /// Somebody said no.
    Refused {
        /// Who.
        by: Origin,
        /// When.
        time: Timestamp,
        /// Why.
        word: String,
    },
    /// Nobody came in time.
    Expired {
        /// When that was noticed.
        time: Timestamp,
    },
}

/// True where two words came from one person: by the node's own list of people, or by the operating system's user. Who has
/// two names on the list, or two users, is not found out here.
pub const fn is_same_person(one: &Origin, other: &Origin) -> bool {
    one.uid == other.uid || (one.principal != 0 && one.principal == other.principal)
}

impl ApprovalStanding {
    /// Nothing more comes of it.
    pub const fn has_ended(&self) -> bool {
        !matches!(self, Self::Waiting | Self::Approved { .. })
    }

    /// A move under its reference is on its way, or was booked.
    const fn holds_reference(&self) -> bool {
        matches!(
            self,
            Self::Waiting | Self::Approved { .. } | Self::CarriedOut { result: MoveResult::Booked, .. }
        )
    }

    /// When it ended.
    const fn ended(&self) -> Option<Timestamp> {
        match self {
            Self::Waiting | Self::Approved { .. } => None,
            Self::CarriedOut { time, .. } | Self::Refused { time, .. } | Self::Expired { time } => {
                Some(*time)
            }
        }
    }

    /// In digests: for good.
    const fn number(&self) -> u64 {
        match self {
            Self::Waiting => 0,
            Self::Approved { .. } => 1,
            Self::CarriedOut { result: MoveResult::Booked, .. } => 2,
            Self::CarriedOut { result: MoveResult::Denied(_), .. } => 3,
            Self::Refused { .. } => 4,
            Self::Expired { .. } => 5,
        }
    }
}

impl Approvals {
    /// What needs a second person.
    pub const fn policy(&self) -> &ApprovalPolicy {
        &self.policy
    }

    /// True where a move needs a second person.
    pub fn needs_approval(&self, cash_move: &CashMove) -> bool {
        self.threshold(cash_move).is_some_and(|above| cash_move.money.amount > above)
    }

    fn threshold(&self, cash_move: &CashMove) -> Option<Amount> {
        self.policy.cash_above.get(&cash_move.money.currency).copied()
    }

    /// Every request that is kept, by number.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &ApprovalRequest> {
        self.requests.values()
    }

    /// The request with this number.
    pub fn get(&self, number: u64) -> Option<&ApprovalRequest> {
        self.requests.get(&number)
    }

    /// How many wait for a person.
    pub fn count_waiting(&self) -> usize {
        self.waiting.len()
    }

    /// What is asked of the shards: approved, and not on record as carried out. The oldest approval first.
    pub fn approved(&self) -> impl Iterator<Item = &ApprovalRequest> {
        let mut approved: alloc::vec::Vec<_> =
            self.all().filter_map(|request| Some((approved_at(request)?, request))).collect();
        approved.sort_unstable_by_key(|(at, _)| *at);
        approved.into_iter().map(|(_, request)| request)
    }

    /// The request under whose number this move waits, goes on or was booked.
    fn standing_for(&self, asked: &AskApproval) -> Option<&ApprovalRequest> {
        let same = |request: &&ApprovalRequest| {
            let known = &request.asked.cash_move;
            known.account == asked.cash_move.account && known.reference == asked.cash_move.reference
        };
        self.all().filter(same).find(|request| request.standing.holds_reference())
    }

    pub(crate) fn apply(
        &mut self,
        saying: &Saying<'_>,
        word: &ApprovalWord,
        changes: &mut Changes,
        out: &mut OfficeOutcome,
    ) {
        if let Err(denial) = self.check(saying, word) {
            return out.denied(denial);
        }
        match word {
            ApprovalWord::Policy(policy) => self.set_policy(policy, changes, out),
            ApprovalWord::Ask(asked) => self.ask(saying, *asked, changes, out),
            ApprovalWord::Approve(approve) => {
                let (by, time, at) = (*saying.origin, saying.stamp.time, saying.stamp.position);
                self.decide(approve.number, ApprovalStanding::Approved { by, time, at }, changes);
                out.event(OfficeEvent::Approved { number: approve.number });
            }
            ApprovalWord::Refuse(RefuseApproval { number, word }) => {
                let (by, time) = (*saying.origin, saying.stamp.time);
                self.decide(*number, ApprovalStanding::Refused { by, time, word: word.clone() }, changes);
                changes.bytes(word.as_bytes());
                out.event(OfficeEvent::ApprovalRefused { number: *number });
                self.end(*number, changes, out);
            }
            ApprovalWord::Record(record) => self.record(saying, *record, changes, out),
        }
    }

    fn check(&self, saying: &Saying<'_>, word: &ApprovalWord) -> Result<(), OfficeDenial> {
        match word {
            ApprovalWord::Policy(policy) => {
                let is_bad =
                    policy.waits_ns <= 0 || policy.cash_above.values().any(|above| above.is_negative());
                if is_bad { Err(OfficeDenial::of(OfficeReason::BadPolicy)) } else { Ok(()) }
            }
            ApprovalWord::Ask(asked) => self.check_ask(asked),
            ApprovalWord::Approve(approve) => {
                let request = self.check_waits(approve.number, saying.stamp.time)?;
                let same = is_same_person(&request.origin, saying.origin);
                if same { Err(OfficeDenial::of(OfficeReason::SamePerson)) } else { Ok(()) }
            }
            ApprovalWord::Refuse(refuse) => {
                self.check_waits(refuse.number, saying.stamp.time)?;
                check_text(&refuse.word, MOST_WORD_BYTES)
            }
            ApprovalWord::Record(record) => {
                let request =
                    self.get(record.number).ok_or(OfficeDenial::of(OfficeReason::UnknownApproval))?;
                let is_approved = matches!(request.standing, ApprovalStanding::Approved { .. });
                if is_approved { Ok(()) } else { Err(OfficeDenial::of(OfficeReason::NotApproved)) }
            }
        }
    }

    fn check_ask(&self, asked: &AskApproval) -> Result<(), OfficeDenial> {
        let (cash_move, of) = (&asked.cash_move, OfficeDenial::of);
        if cash_move.reference.is_empty() {
            return Err(of(OfficeReason::ReferenceMissing));
        }
        if let Some(known) = self.standing_for(asked) {
            let same = known.asked == *asked;
            return if same { Ok(()) } else { Err(of(OfficeReason::ReferenceTaken)) };
        }
        if !self.needs_approval(cash_move) {
            let Some(above) = self.threshold(cash_move) else {
                return Err(of(OfficeReason::NotAboveThreshold));
            };
            let amount = cash_move.money.amount;
            return Err(OfficeDenial::beyond(OfficeReason::NotAboveThreshold, above, amount));
        }
        let waiting = self.requests.len() - self.ended.len();
        if waiting >= MOST_WAITING {
            return Err(OfficeDenial::beyond_count(OfficeReason::TooManyWait, MOST_WAITING, waiting + 1));
        }
        Ok(())
    }

    /// The request, where it waits. One whose time is over does not, also before the tick that says so.
    fn check_waits(&self, number: u64, now: Timestamp) -> Result<&ApprovalRequest, OfficeDenial> {
        let request = self.get(number).ok_or(OfficeDenial::of(OfficeReason::UnknownApproval))?;
        let waits = request.standing == ApprovalStanding::Waiting && now < request.expires;
        if waits { Ok(request) } else { Err(OfficeDenial::of(OfficeReason::ApprovalEnded)) }
    }

    fn set_policy(&mut self, policy: &ApprovalPolicy, changes: &mut Changes, out: &mut OfficeOutcome) {
        self.policy.clone_from(policy);
        let currencies = u64::try_from(policy.cash_above.len()).unwrap_or(u64::MAX);
        changes.note(Noted::Policy, currencies, policy.waits_ns.cast_unsigned());
        for (currency, above) in &policy.cash_above {
            let [low, top] = above.words();
            changes.bytes(currency.as_str().as_bytes());
            changes.note(Noted::Policy, low, top);
        }
        out.event(OfficeEvent::PolicySet);
    }

    fn ask(
        &mut self,
        saying: &Saying<'_>,
        asked: AskApproval,
        changes: &mut Changes,
        out: &mut OfficeOutcome,
    ) {
        if let Some(known) = self.standing_for(&asked) {
            return out.event(OfficeEvent::ApprovalExists { number: known.number });
        }
        self.count += 1;
        let (number, time) = (self.count, saying.stamp.time);
        let expires = Timestamp::from_nanos(time.nanos.saturating_add(self.policy.waits_ns));
        let request = ApprovalRequest {
            number,
            asked,
            origin: *saying.origin,
            time,
            expires,
            standing: ApprovalStanding::Waiting,
        };
        self.requests.insert(number, request);
        self.waiting.insert((expires, number));
        changes.note(Noted::Waits, number, expires.nanos.cast_unsigned());
        changes.bytes(asked.cash_move.reference.as_str().as_bytes());
        out.event(OfficeEvent::ApprovalWaits { number, expires });
    }

    fn record(
        &mut self,
        saying: &Saying<'_>,
        record: RecordMove,
        changes: &mut Changes,
        out: &mut OfficeOutcome,
    ) {
        let RecordMove { number, at, result } = record;
        let Some(ApprovalStanding::Approved { by, .. }) =
            self.get(number).map(|request| request.standing.clone())
        else {
            return;
        };
        let standing = ApprovalStanding::CarriedOut { by, time: saying.stamp.time, at, result };
        self.decide(number, standing, changes);
        out.event(OfficeEvent::MoveRecorded { number, result });
        self.end(number, changes, out);
    }

    fn decide(&mut self, number: u64, standing: ApprovalStanding, changes: &mut Changes) {
        let request = there(self.requests.get_mut(&number), Invariant::PlaceIsTaken);
        self.waiting.remove(&(request.expires, number));
        changes.note(Noted::Decided, number, standing.number());
        request.standing = standing;
    }

    /// It ended: the oldest that did goes where too many are kept.
    fn end(&mut self, number: u64, changes: &mut Changes, out: &mut OfficeOutcome) {
        self.ended.push_back(number);
        if self.ended.len() > MOST_ENDED {
            self.retire_oldest(changes, out);
        }
    }

    fn retire_oldest(&mut self, changes: &mut Changes, out: &mut OfficeOutcome) {
        let Some(number) = self.ended.pop_front() else { return };
        there(self.requests.remove(&number), Invariant::PlaceIsTaken);
        changes.note(Noted::Retired, number, 1);
        out.event(OfficeEvent::ApprovalRetired { number });
    }

    fn next_expiry(&self) -> Option<Timestamp> {
        self.waiting.first().map(|(expires, _)| *expires)
    }

    fn next_retirement(&self) -> Option<Timestamp> {
        let ended = self.get(*self.ended.front()?)?.standing.ended()?;
        Some(Timestamp::from_nanos(ended.nanos.saturating_add(ENDED_KEPT_NS)))
    }

    /// When the next request expires or is to be retired.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.next_expiry().into_iter().chain(self.next_retirement()).min()
    }

    /// Ends and retires what is due, at most so many; how many it were.
    pub(crate) fn due(
        &mut self,
        now: Timestamp,
        most: usize,
        changes: &mut Changes,
        out: &mut OfficeOutcome,
    ) -> usize {
        let mut done = 0;
        while done < most && self.next_expiry().is_some_and(|expires| expires <= now) {
            let Some((_, number)) = self.waiting.pop_first() else { break };
            self.decide(number, ApprovalStanding::Expired { time: now }, changes);
            out.event(OfficeEvent::ApprovalExpired { number });
            self.end(number, changes, out);
            done += 1;
        }
        while done < most && self.next_retirement().is_some_and(|retirement| retirement <= now) {
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
                of: alloc::format!(
                    "{} requests, {} waiting, {} ended",
                    self.requests.len(),
                    self.waiting.len(),
                    self.ended.len()
                ),
            })
        };
        if !self
            .requests
            .iter()
            .all(|(number, request)| *number == request.number && (1..=self.count).contains(number))
        {
            return violated(
                "a request stands under its number, and no number was given that is not counted",
            );
        }
        let ended = self.all().filter(|request| request.standing.has_ended()).count();
        let has_ended = |number: &u64| self.get(*number).is_some_and(|request| request.standing.has_ended());
        if ended != self.ended.len() || !self.ended.iter().all(has_ended) || ended > MOST_ENDED {
            return violated(
                "the list of ended requests holds each of them once, and no more than are stated",
            );
        }
        let waiting = self.all().filter(|request| request.standing == ApprovalStanding::Waiting);
        if !waiting.map(|request| (request.expires, request.number)).eq(sorted_by_number(&self.waiting)) {
            return violated("the list of waiting requests holds each of them once");
        }
        if self.requests.len() - ended > MOST_WAITING {
            return violated("no more requests wait than may");
        }
        let decided_alone = |request: &ApprovalRequest| match &request.standing {
            ApprovalStanding::Approved { by, .. } | ApprovalStanding::CarriedOut { by, .. } => {
                is_same_person(by, &request.origin)
            }
            _ => false,
        };
        if self.all().any(decided_alone) {
            return violated("nobody approves what they asked for");
        }
        Ok(())
    }
}

fn approved_at(request: &ApprovalRequest) -> Option<Position> {
    match request.standing {
        ApprovalStanding::Approved { at, .. } => Some(at),
        _ => None,
    }
}

fn sorted_by_number(waiting: &BTreeSet<(Timestamp, u64)>) -> alloc::vec::IntoIter<(Timestamp, u64)> {
    let mut sorted: alloc::vec::Vec<_> = waiting.iter().copied().collect();
    sorted.sort_unstable_by_key(|(_, number)| *number);
    sorted.into_iter()
}
