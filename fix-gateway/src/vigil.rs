//! The vigil: what was sent and is not answered while the session is up. Pure bookkeeping, by a clock that is handed in.
//!
//! ```text
//!   sent ──── 1 × patience ──▶ asked ──── 2 × ──▶ asked again ──── 4 × ──▶ asked, in doubt, an alert ─▶ …
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

/// From then on it asks each time that many times the patience have passed.
const FURTHER: u32 = 4;

/// Of how much of the patience there is at most one look: many unanswered requests cost no more than a few.
const LOOKS: u32 = 10;

/// What a session waits for.
#[derive(Debug, Default)]
pub(crate) struct Vigil {
    watched: BTreeMap<WireId, AwaitedAnswer>,
    /// Nothing is due before.
    next_look: Option<Instant>,
}

/// What is waited for, and so what answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Await {
    /// The word on a new order.
    Order,
    /// The word on a cancel or replace: not every report that names it is that.
    Request,
    /// The answer to a question. Asked again as often as [`STEPS`] say and no more: only the core knows whether it matters
    /// still.
    Question,
}

#[derive(Clone, Copy, Debug)]
struct AwaitedAnswer {
    since: Instant,
    /// How many of [`STEPS`] were taken.
    steps: usize,
    what: Await,
}

impl AwaitedAnswer {
    /// What comes next, and when; `None` once all was done.
    fn next(&self, patience: Duration) -> Option<(Instant, Delivery)> {
        let further = || {
            let more = u32::try_from(self.steps.saturating_sub(STEPS.len())).unwrap_or(u32::MAX);
            (FURTHER.saturating_mul(more.saturating_add(2)), Delivery::Overdue)
        };
        let (times, delivery) = match STEPS.get(self.steps) {
            Some(step) => *step,
            None if self.what == Await::Question => return None,
            None => further(),
        };
        Some((self.since + patience.saturating_mul(times), delivery))
    }
}

impl Vigil {
    /// It is about to leave: an answer may come at once.
    pub(crate) fn begin(&mut self, sent: WireId, what: Await, now: Instant, patience: Duration) {
        let watched = AwaitedAnswer { since: now, steps: 0, what };
        if what == Await::Question {
            // About what is watched already: that goes on.
            self.watched.entry(sent).or_insert(watched);
        } else {
            self.watched.insert(sent, watched);
        }
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
        if self.watched.get(&named).is_some_and(|awaited| answers(report, awaited.what)) {
            self.watched.remove(&named);
        }
    }

    /// The same of a report that is about all of these, whichever it names: the answer to a question of the sweep's.
    pub(crate) fn heard_about(&mut self, requests: &[WireId], report: &ExecutionReport) {
        self.heard(report);
        if answers(report, Await::Request) {
            for request in requests {
                self.end(*request);
            }
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
const fn answers(report: &ExecutionReport, what: Await) -> bool {
    match report.exec_type {
        ExecType::OrderStatus if matches!(what, Await::Question) => true,
        _ if matches!(what, Await::Question) => false,
        ExecType::PendingNew | ExecType::PendingCancel | ExecType::PendingReplace => false,
        ExecType::OrderStatus => !matches!(
            report.ord_status,
            OrdStatus::PendingNew | OrdStatus::PendingCancel | OrdStatus::PendingReplace
        ),
        ExecType::Canceled | ExecType::Replaced | ExecType::Rejected | ExecType::Expired => true,
        _ => matches!(what, Await::Order),
    }
}

#[cfg(test)]
#[path = "vigil_tests.rs"]
mod tests;
