//! Whether what is missing comes: a gap that the broker does not fill, a test request that it does not answer.

use std::time::{Duration, Instant};

/// What the session waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Awaited {
    /// The number that the broker must reach for the gap to be closed; `None` where nothing is missing.
    pub(super) gap_until: Option<u64>,
    /// We test whether both sides are in step.
    pub(super) tests: bool,
}

impl Awaited {
    /// Nothing is waited for.
    pub(super) const fn is_idle(self) -> bool {
        self.gap_until.is_none() && !self.tests
    }
}

/// What has not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdue {
    /// The broker's message with this number, and maybe others.
    Gap {
        /// The first missing number.
        missing: u64,
    },
    /// The answer to our test requests.
    Answer,
}

/// Watches the number that we take next: while it moves, the broker is at it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GapWatch {
    seen: Option<(u64, Instant)>,
}

impl GapWatch {
    /// `next` is the number that we take next. Gives what has not come for `patience`.
    pub(super) fn look(
        &mut self,
        wait: Awaited,
        next: u64,
        now: Instant,
        patience: Duration,
    ) -> Option<Overdue> {
        let has_gap = wait.gap_until.is_some_and(|until| next <= until);
        if !has_gap && !wait.tests {
            self.seen = None;
            return None;
        }
        match self.seen {
            Some((seen, since)) if seen == next => {
                let overdue = now.saturating_duration_since(since) >= patience;
                let what = if has_gap { Overdue::Gap { missing: next } } else { Overdue::Answer };
                overdue.then_some(what)
            }
            _ => {
                self.seen = Some((next, now));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn look(
        progress: &mut GapWatch,
        wait: Awaited,
        next: u64,
        start: Instant,
        second: u64,
    ) -> Option<Overdue> {
        progress.look(wait, next, start + Duration::from_secs(second), PATIENCE)
    }

    #[test]
    fn a_gap_that_is_not_filled_is_overdue_and_one_that_is_being_filled_is_not() {
        let (mut progress, start) = (GapWatch::default(), Instant::now());
        let wait = Awaited { gap_until: Some(20), tests: false };
        assert_eq!(look(&mut progress, wait, 15, start, 0), None);
        assert_eq!(look(&mut progress, wait, 15, start, 29), None);
        assert_eq!(look(&mut progress, wait, 17, start, 30), None);
        assert_eq!(look(&mut progress, wait, 17, start, 59), None);
        assert_eq!(look(&mut progress, wait, 17, start, 60), Some(Overdue::Gap { missing: 17 }));
    }

    #[test]
    fn a_filled_gap_is_forgotten() {
        let (mut progress, start) = (GapWatch::default(), Instant::now());
        let wait = Awaited { gap_until: Some(20), tests: false };
        look(&mut progress, wait, 15, start, 0);
        assert_eq!(look(&mut progress, wait, 21, start, 10), None);
        assert_eq!(look(&mut progress, wait, 21, start, 1_000), None);
    }

    #[test]
    fn a_broker_that_answers_no_test_is_given_up() {
        let (mut progress, start) = (GapWatch::default(), Instant::now());
        let wait = Awaited { gap_until: None, tests: true };
        assert_eq!(look(&mut progress, wait, 2, start, 0), None);
        assert_eq!(look(&mut progress, wait, 2, start, 30), Some(Overdue::Answer));
    }
}
