//! The delivery sweep: what became of requests in doubt, worked out after each logon. Pure bookkeeping.
//!
//! * Absent from the engine's record, and the record cannot have lost its end: it was never sent.
//! * Otherwise the broker is asked (`OrderStatusRequest`, 35=H). The question has a higher number than everything in
//!   doubt, and what the broker missed is gap-filled, so when it answers every earlier message is settled for
//!   good: "unknown order" is proof.

use std::collections::{BTreeMap, BTreeSet};

use model::{ExecType, ExecutionReport, OrdStatus, Text, WireId};

use crate::inbound::UNKNOWN_ORDER;
use crate::port::{Doubt, DoubtKind};

/// What to do about a session's doubts.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Requests that never left.
    pub(crate) never_sent: Vec<WireId>,
    /// Whom to ask about: the id to ask about, and the doubts that the answer settles.
    pub(crate) questions: BTreeMap<WireId, Vec<Doubt>>,
}

impl Plan {
    /// `sent` are those requests that the engine's record holds.
    pub(crate) fn of(doubts: &[Doubt], sent: &BTreeSet<WireId>, absence_proves: bool) -> Self {
        let mut plan = Self::default();
        for doubt in doubts {
            let is_request = doubt.kind != DoubtKind::Execution;
            if is_request && absence_proves && !sent.contains(&doubt.request) {
                plan.never_sent.push(doubt.request);
            } else {
                plan.questions.entry(doubt.asks_about()).or_default().push(*doubt);
            }
        }
        plan
    }
}

/// The questions of the current sweep. Shared by the thread that asks and the one that hears the answers.
#[derive(Debug, Default)]
pub(crate) struct Book {
    round: u64,
    asked: BTreeMap<WireId, Question>,
    waiting: usize,
    unresolved: u32,
    progress: u64,
}

#[derive(Debug)]
struct Question {
    requests: Vec<WireId>,
    broker_order_id: Text<40>,
    stands: Stands,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    Waiting,
    Settled,
    GivenUp,
}

/// An answer's question: it can be settled once the answer is posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    round: u64,
    asked: WireId,
    /// The requests the answer is about.
    pub(crate) requests: Vec<WireId>,
}

/// What a report means for the sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A report like any other.
    Plain,
    /// The broker knows the order: the report tells the core all there is, then the question is settled.
    Known(Answered),
    /// The broker does not know the order: evidence instead of a report. Without a question (an old answer comes
    /// again) it concerns the id it names.
    Unknown(Option<Answered>, Option<WireId>),
}

impl Book {
    /// Opens the questions of a new sweep; those of an earlier one are void.
    pub(crate) fn open(&mut self, questions: &BTreeMap<WireId, Vec<Doubt>>) {
        self.abandon();
        for (asked, doubts) in questions {
            let broker_order_id = doubts.first().map_or(Text::EMPTY, |doubt| doubt.broker_order_id);
            let requests = doubts.iter().map(|doubt| doubt.request).collect();
            self.asked.insert(*asked, Question { requests, broker_order_id, stands: Stands::Waiting });
        }
        self.waiting = self.asked.len();
    }

    /// The session went down: the questions are void.
    pub(crate) fn abandon(&mut self) {
        *self = Self { round: self.round + 1, ..Self::default() };
    }

    /// How many questions are unanswered.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many requests are still in doubt: their questions were given up.
    pub(crate) fn unresolved(&self) -> u32 {
        self.unresolved
    }

    /// Grows with each answer.
    pub(crate) fn progress(&self) -> u64 {
        self.progress
    }

    /// What a report means. `status_request` is its FIX tag 790.
    pub(crate) fn meaning(&self, report: &ExecutionReport, status_request: Option<WireId>) -> Meaning {
        let answered = self.question_of(report, status_request);
        let is_status = report.exec_type == ExecType::OrderStatus;
        let unknown = report.ord_status == OrdStatus::Rejected && report.reject_code == UNKNOWN_ORDER;
        if unknown && (is_status || answered.is_some()) {
            return Meaning::Unknown(answered, status_request.or(report.cl_ord_id));
        }
        match answered {
            Some(answered) if is_status || status_request.is_some() => Meaning::Known(answered),
            _ => Meaning::Plain,
        }
    }

    /// Our question was refused; whom it was about may not be known.
    pub(crate) fn refused(&self, about: Option<WireId>) -> Option<Answered> {
        self.answered(about?)
    }

    /// Brokers echo tag 790, or name the order by one of its ids.
    fn question_of(&self, report: &ExecutionReport, status_request: Option<WireId>) -> Option<Answered> {
        let named = [status_request, report.cl_ord_id, report.orig_cl_ord_id];
        if let Some(answered) = named.into_iter().flatten().find_map(|id| self.answered(id)) {
            return Some(answered);
        }
        let by_order = |question: &Question| {
            !report.broker_order_id.is_empty() && question.broker_order_id == report.broker_order_id
        };
        let (asked, _) = self.asked.iter().find(|(_, question)| by_order(question))?;
        self.answered(*asked)
    }

    fn answered(&self, asked: WireId) -> Option<Answered> {
        let question = self.asked.get(&asked)?;
        Some(Answered { round: self.round, asked, requests: question.requests.clone() })
    }

    /// The answer is posted: the question is settled. A second answer, or one to an earlier sweep, changes nothing.
    pub(crate) fn settle(&mut self, answered: &Answered) {
        if self.close(answered, Stands::Settled) {
            self.progress += 1;
        }
    }

    /// The broker will not answer this one. True for the first time.
    pub(crate) fn give_up(&mut self, answered: &Answered) -> bool {
        let first = self.close(answered, Stands::GivenUp);
        if first {
            self.progress += 1;
            self.unresolved += u32::try_from(answered.requests.len()).unwrap_or(u32::MAX);
        }
        first
    }

    fn close(&mut self, answered: &Answered, stands: Stands) -> bool {
        if answered.round != self.round {
            return false;
        }
        match self.asked.get_mut(&answered.asked) {
            Some(question) if question.stands == Stands::Waiting => {
                question.stands = stands;
                self.waiting -= 1;
                true
            }
            _ => false,
        }
    }

    /// The broker did not answer in time: the questions that are open.
    pub(crate) fn unanswered(&self) -> Vec<Answered> {
        let open = self.asked.iter().filter(|(_, question)| question.stands == Stands::Waiting);
        open.filter_map(|(asked, _)| self.answered(*asked)).collect()
    }
}

#[cfg(test)]
#[path = "sweep_tests.rs"]
mod tests;
