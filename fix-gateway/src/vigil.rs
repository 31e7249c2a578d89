//! The vigil: what was sent and is not answered while the session is up. Pure bookkeeping, by a clock that is handed in.
//!
//! ```text
//!   sent ──── 1 × patience ──▶ asked ──── 2 × ──▶ asked again ──── 4 × ──▶ asked for the last time, in doubt, an alert
//! ```
//!
//! It asks by telling the core, as evidence: the core knows whether the request is unanswered still, and its question (35=H)
//! leaves as everything does, with a record behind it. What a session that goes down leaves unanswered is the sweep's.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use model::{Delivery, ExecType, ExecutionReport, OrdStatus, WireId};

/// How many times a session's patience the age of a request is when its broker is asked, and what the core is told.
const STEPS: [(u32, Delivery); 3] =
    [(1, Delivery::Overdue), (2, Delivery::Overdue), (4, Delivery::LongOverdue)];

/// Of how much of the patience there is at most one look: many unanswered requests cost no more than a few.
const LOOKS: u32 = 10;

/// What a session waits for.
#[derive(Debug, Default)]
pub(crate) struct Vigil {
    watched: BTreeMap<WireId, Unanswered>,
    /// Nothing is due before.
    next_look: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Unanswered {
    since: Instant,
    /// How many of [`STEPS`] were taken.
    steps: usize,
    /// A cancel or replace: not every report that names it answers it.
    is_request: bool,
}

impl Unanswered {
    /// What comes next, and when; `None` once all was done.
    fn next(&self, patience: Duration) -> Option<(Instant, Delivery)> {
        let (times, delivery) = STEPS.get(self.steps)?;
        Some((self.since + patience * *times, *delivery))
    }
}

impl Vigil {
    /// It is about to leave: an answer may come at once.
    pub(crate) fn begin(&mut self, sent: WireId, is_request: bool, now: Instant, patience: Duration) {
        self.watched.insert(sent, Unanswered { since: now, steps: 0, is_request });
        self.next_look.get_or_insert(now + patience);
    }

    /// It is answered, or was not sent after all.
    pub(crate) fn end(&mut self, sent: WireId) {
        self.watched.remove(&sent);
    }

    /// The session went down.
    pub(crate) fn abandon(&mut self) {
        *self = Self::default();
    }

    /// The broker reports.
    pub(crate) fn heard(&mut self, report: &ExecutionReport) {
        if self.watched.is_empty() {
            return;
        }
        let Some(named) = report.cl_ord_id else { return };
        if self.watched.get(&named).is_some_and(|awaited| answers(report, awaited.is_request)) {
            self.watched.remove(&named);
        }
    }

    /// The same of a report that is about all of these, whichever it names: the answer to a question of the sweep's.
    pub(crate) fn heard_about(&mut self, requests: &[WireId], report: &ExecutionReport) {
        self.heard(report);
        if answers(report, true) {
            requests.iter().for_each(|request| self.end(*request));
        }
    }

    /// What is overdue now, each once for each step.
    pub(crate) fn due(&mut self, now: Instant, patience: Duration) -> Vec<(WireId, Delivery)> {
        let mut due = Vec::new();
        if self.next_look.is_none_or(|look| now < look) {
            return due;
        }
        for (request, awaited) in &mut self.watched {
            if let Some((at, delivery)) = awaited.next(patience)
                && at <= now
            {
                awaited.steps += 1;
                due.push((*request, delivery));
            }
        }
        self.watched.retain(|_, awaited| awaited.next(patience).is_some());
        let next = self.watched.values().filter_map(|awaited| awaited.next(patience)).map(|(at, _)| at).min();
        self.next_look = next.map(|next| next.max(now + patience / LOOKS));
        due
    }
}

/// True where a report that names what was sent answers it, and not only says that it is being worked on.
const fn answers(report: &ExecutionReport, is_request: bool) -> bool {
    match report.exec_type {
        ExecType::PendingNew | ExecType::PendingCancel | ExecType::PendingReplace => false,
        ExecType::OrderStatus => !matches!(
            report.ord_status,
            OrdStatus::PendingNew | OrdStatus::PendingCancel | OrdStatus::PendingReplace
        ),
        ExecType::Canceled | ExecType::Replaced | ExecType::Rejected | ExecType::Expired => true,
        _ => !is_request,
    }
}

#[cfg(test)]
#[path = "vigil_tests.rs"]
mod tests;
