//! How long to wait before the next attempt: the shortest pause first, then twice as long each time.

use std::time::Duration;

/// Pauses that grow from the shortest to the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    shortest: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    /// Pauses from `shortest` to `longest`.
    pub const fn new(shortest: Duration, longest: Duration) -> Self {
        Self { shortest, longest, failures: 0 }
    }

    /// An attempt failed: the pause before the next one.
    pub fn failed(&mut self) -> Duration {
        self.failed_within(self.longest)
    }

    /// The same, with a shorter longest pause.
    pub fn failed_within(&mut self, longest: Duration) -> Duration {
        let factor = 1u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_add(1).min(31);
        self.shortest.saturating_mul(factor).min(longest.max(self.shortest))
    }

    /// An attempt succeeded: the next pause is the shortest again.
    pub const fn succeeded(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    #[test]
    fn pauses_grow_from_the_shortest_to_the_longest_and_begin_again() {
        let mut backoff = Backoff::new(seconds(1), seconds(60));
        let pauses: Vec<_> = (0..8).map(|_| backoff.failed().as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        backoff.succeeded();
        assert_eq!(backoff.failed(), seconds(1));
        for _ in 0..100 {
            assert!(backoff.failed() <= seconds(60));
        }
    }

    #[test]
    fn no_pause_is_below_the_shortest() {
        let mut backoff = Backoff::new(seconds(10), seconds(60));
        assert_eq!(backoff.failed_within(seconds(5)), seconds(10));
        assert_eq!(backoff.failed_within(seconds(5)), seconds(10));
        assert_eq!(backoff.failed(), seconds(40));
    }
}
