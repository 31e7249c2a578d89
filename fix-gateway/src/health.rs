//! How a session does; while it is down, why, and since when.

use std::fmt;
use std::time::SystemTime;

use crate::error::Failure;

/// How a session does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// Not logged on; the engine tries again and again.
    Connecting,
    /// Logged on; what was in doubt is being cleared up.
    Clearing,
    /// Orders flow.
    Ready,
    /// Stopped, as asked.
    Stopped,
    /// Stopped by itself.
    Failed(Failure),
}

impl Health {
    /// Not logged on, for whatever reason.
    pub const fn is_down(&self) -> bool {
        !matches!(self, Self::Clearing | Self::Ready)
    }
}

/// Why a session is down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DownReason {
    /// It has just been started, and no attempt has ended yet.
    Starting,
    /// There is no connection, or the broker did not answer our logon.
    LogonUnanswered,
    /// The broker refused our logon, with this text (FIX tag 58).
    LogonRefused(String),
    /// The broker refused our logon because our number was too low: our record is older than the truth.
    NumberTooLow {
        /// The number our logon had.
        sent: u64,
        /// The number the broker expects, where it said so.
        expected: Option<u64>,
    },
    /// The broker's own number is lower than one it had used: it has begun again without saying so.
    BrokerNumberTooLow,
    /// A message came whose names (FIX tags 8, 49, 56) are not the session's.
    CompIdProblem,
    /// The broker reset the numbers again, right after it had reset them.
    ResetStorm,
    /// The broker does not send again what we miss.
    GapUnfilled {
        /// The first missing number.
        missing: u64,
    },
    /// The broker let us log on, and did not answer our test requests.
    TestRequestUnanswered,
    /// The broker lost a message of ours on a live connection; the next sweep clears it up.
    MessageLost,
    /// The broker logged out, with this text (FIX tag 58).
    LoggedOut(String),
    /// The connection broke.
    ConnectionLost,
    /// It stopped by itself.
    Failed(Failure),
    /// It could not be started.
    NotStarted(String),
    /// It was stopped, as asked.
    Stopped,
}

impl DownReason {
    /// One word for programs.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::LogonUnanswered => "logon_unanswered",
            Self::LogonRefused(_) => "logon_refused",
            Self::NumberTooLow { .. } => "number_too_low",
            Self::BrokerNumberTooLow => "broker_number_too_low",
            Self::CompIdProblem => "comp_id_problem",
            Self::ResetStorm => "reset_storm",
            Self::GapUnfilled { .. } => "gap_unfilled",
            Self::TestRequestUnanswered => "test_request_unanswered",
            Self::MessageLost => "message_lost",
            Self::LoggedOut(_) => "logged_out",
            Self::ConnectionLost => "connection_lost",
            Self::Failed(_) => "failed",
            Self::NotStarted(_) => "not_started",
            Self::Stopped => "stopped",
        }
    }

    /// True where the broker was there and something must change before it can go on: connecting again soon does not
    /// help.
    #[cfg(feature = "quickfix")]
    pub(crate) const fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::LogonRefused(_)
                | Self::NumberTooLow { .. }
                | Self::BrokerNumberTooLow
                | Self::CompIdProblem
                | Self::ResetStorm
                | Self::GapUnfilled { .. }
                | Self::TestRequestUnanswered
        )
    }
}

impl fmt::Display for DownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => write!(f, "it has just been started"),
            Self::LogonUnanswered => write!(f, "no connection, or no answer to our logon"),
            Self::LogonRefused(text) => write!(f, "the broker refuses our logon: {}", or_nothing(text)),
            Self::NumberTooLow { sent, expected: Some(expected) } => {
                write!(f, "the broker expects our number {expected}, our record has only {sent}")
            }
            Self::NumberTooLow { sent, expected: None } => {
                write!(f, "the broker refuses our number {sent} as too low and does not say what it expects")
            }
            Self::BrokerNumberTooLow => {
                write!(f, "the broker uses numbers again that it had used; agree a sequence reset with it")
            }
            Self::CompIdProblem => write!(f, "a message came whose CompIDs are not the session's"),
            Self::ResetStorm => write!(f, "the broker resets the numbers again and again"),
            Self::GapUnfilled { missing } => {
                write!(f, "the broker does not send its message {missing} again")
            }
            Self::TestRequestUnanswered => write!(f, "the broker does not answer our test requests"),
            Self::MessageLost => write!(f, "the broker lost a message of ours; connecting anew"),
            Self::LoggedOut(text) => write!(f, "the broker logged out: {}", or_nothing(text)),
            Self::ConnectionLost => write!(f, "the connection broke"),
            Self::Failed(failure) => write!(f, "{failure}"),
            Self::NotStarted(problem) => write!(f, "it cannot be started: {problem}"),
            Self::Stopped => write!(f, "it was stopped"),
        }
    }
}

fn or_nothing(text: &str) -> &str {
    if text.is_empty() { "it gives no reason" } else { text }
}

/// A session's health, and what led to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthSince {
    /// How it does.
    pub health: Health,
    /// Why it is down, or was last.
    pub reason: DownReason,
    /// Since when it is up, or down.
    pub since: SystemTime,
}

impl HealthSince {
    /// Down since `since`.
    pub const fn down(reason: DownReason, since: SystemTime) -> Self {
        Self { health: Health::Connecting, reason, since }
    }

    /// An attempt or a connection ended, which changes nothing about a session that failed.
    pub(crate) fn become_down(&mut self, reason: DownReason) {
        if !matches!(self.health, Health::Failed(_)) {
            self.reason = reason;
        }
    }

    /// A failure stands: nothing else replaces it. The time stays while a session that is down stays down.
    pub(crate) fn become_health(&mut self, health: Health, now: SystemTime) {
        if matches!(self.health, Health::Failed(_)) {
            return;
        }
        if self.health.is_down() != health.is_down() {
            self.since = now;
        }
        match &health {
            Health::Failed(failure) => self.reason = DownReason::Failed(failure.clone()),
            Health::Stopped => self.reason = DownReason::Stopped,
            _ => {}
        }
        self.health = health;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn the_time_is_that_of_going_down_and_not_of_the_last_attempt() {
        let mut standing = HealthSince::down(DownReason::Starting, at(1));
        standing.become_health(Health::Connecting, at(2));
        assert_eq!(standing.since, at(1));
        standing.become_health(Health::Clearing, at(3));
        standing.become_health(Health::Ready, at(4));
        assert_eq!(standing.since, at(3));
        standing.become_health(Health::Failed(Failure::NotRecorded), at(5));
        assert_eq!((standing.since, standing.reason.word()), (at(5), "failed"));
        standing.become_down(DownReason::ConnectionLost);
        standing.become_health(Health::Stopped, at(6));
        assert_eq!(standing.reason.word(), "failed");
        assert_eq!(standing.health, Health::Failed(Failure::NotRecorded));
    }

    #[test]
    fn every_reason_says_something() {
        let refused = DownReason::LogonRefused(String::new());
        assert_eq!(refused.to_string(), "the broker refuses our logon: it gives no reason");
        let low = DownReason::NumberTooLow { sent: 9, expected: Some(14) };
        assert_eq!(low.to_string(), "the broker expects our number 14, our record has only 9");
    }
}
