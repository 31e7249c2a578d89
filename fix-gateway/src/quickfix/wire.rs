//! What the session's two threads share inside the engine: where the connection stands, and why it ended.
//!
//! Whether a logon shows that our record of what was sent is not older than the truth:
//!
//! * The broker refuses a number that is too low. So a first attempt that it takes shows that it has nothing of ours
//!   with that number or a higher one.
//! * Each attempt that is not answered, or is refused for another reason, uses up a number. So where the record is too
//!   old, a later attempt can fit by chance. But a broker that has all we recorded and no more misses the numbers of the
//!   attempts, and asks for them from the first on (`ResendRequest`). Only that is believed.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::health::DownReason;
use crate::locked::locked;

use super::progress::Awaited;
use super::store::{Correction, NextNumber, StoreFiles};

/// How many raw messages may wait for their number: more only come when a broker floods us with numbers too high.
const UNDELIVERED: usize = 16_384;

/// The broker may reset the numbers once in this time. One that does so again and again is not answered for ever.
const RESET_PAUSE: Duration = Duration::from_mins(1);

/// See the module.
pub(super) struct Wire {
    /// Logged on, as QuickFIX sees it.
    logged_on: AtomicBool,
    /// Logged on, and neither side misses anything: messages may go out.
    up: AtomicBool,
    /// The initiator is of no more use: its session hung up, or shall.
    over: AtomicBool,
    /// Nothing more is taken on this connection: what it still brings is asked for again on the next.
    deaf: AtomicBool,
    /// The message that QuickFIX works on names other parties than ours.
    foreign: AtomicBool,
    /// The number of the message that QuickFIX works on.
    current: AtomicU64,
    /// The first number given to an application message on this connection.
    first_live: AtomicU64,
    pub(super) files: StoreFiles,
    /// Raw messages by number, from the log until QuickFIX delivers or rejects them.
    undelivered: Mutex<BTreeMap<u64, Vec<u8>>>,
    connection: Mutex<ConnectionState>,
    between: Mutex<Between>,
}

/// What is known of the current connection.
#[derive(Debug, Default)]
struct ConnectionState {
    /// The number of our logon.
    logon: u64,
    /// From which number on the broker asked us to send again.
    asked_from: Option<u64>,
    /// What the broker must reach before nothing is missing.
    gap_until: Option<u64>,
    last_reset: Option<Instant>,
    is_storm: bool,
    was_on: bool,
    was_up: bool,
    reason: Option<DownReason>,
}

/// What one connection leaves for the next.
#[derive(Debug, Default)]
struct Between {
    correction: Correction,
    /// Our number was raised once since the session was last up.
    raised: bool,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ConnectionEnd {
    pub(super) reason: DownReason,
    /// It had been of use.
    pub(super) was_up: bool,
}

impl Wire {
    pub(super) fn new(files: StoreFiles) -> Self {
        Self {
            logged_on: AtomicBool::new(false),
            up: AtomicBool::new(false),
            over: AtomicBool::new(false),
            deaf: AtomicBool::new(false),
            foreign: AtomicBool::new(false),
            current: AtomicU64::new(0),
            first_live: AtomicU64::new(u64::MAX),
            files,
            undelivered: Mutex::default(),
            connection: Mutex::default(),
            between: Mutex::default(),
        }
    }

    /// For a new connection: what must be put right in the store before.
    pub(super) fn reset(&self) -> Correction {
        for flag in [&self.logged_on, &self.up, &self.over, &self.deaf, &self.foreign] {
            flag.store(false, Ordering::Release);
        }
        self.first_live.store(u64::MAX, Ordering::Release);
        locked(&self.undelivered).clear();
        *locked(&self.connection) = ConnectionState::default();
        std::mem::take(&mut locked(&self.between).correction)
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Logged on, but not known to be in step with the broker.
    pub(super) fn must_ping(&self) -> bool {
        self.is_logged_on() && !self.is_up() && !self.is_over()
    }

    pub(super) fn is_logged_on(&self) -> bool {
        self.logged_on.load(Ordering::Acquire)
    }

    pub(super) fn is_up(&self) -> bool {
        self.up.load(Ordering::Acquire)
    }

    /// Nothing more of this connection is taken.
    pub(super) fn is_deaf(&self) -> bool {
        self.deaf.load(Ordering::Acquire)
    }

    /// The message that QuickFIX works on is not the session's.
    pub(super) fn is_foreign(&self) -> bool {
        self.foreign.load(Ordering::Acquire)
    }

    /// What the gateway thread must watch.
    pub(super) fn waits(&self) -> Awaited {
        let gap_until = if self.is_over() { None } else { locked(&self.connection).gap_until };
        Awaited { gap_until, tests: self.must_ping() }
    }

    /// The connection shall end; the first reason counts.
    pub(super) fn end(&self, reason: DownReason) {
        self.give_reason(reason);
        self.over.store(true, Ordering::Release);
    }

    pub(super) fn give_reason(&self, reason: DownReason) {
        locked(&self.connection).reason.get_or_insert(reason);
    }

    /// QuickFIX begins to work on a message.
    pub(super) fn begin(&self, seq: u64, is_foreign: bool) {
        self.current.store(seq, Ordering::Release);
        self.foreign.store(is_foreign, Ordering::Release);
    }

    /// The number of the message that QuickFIX works on.
    pub(super) fn current(&self) -> u64 {
        self.current.load(Ordering::Acquire)
    }

    pub(super) fn keep(&self, seq: u64, raw: &[u8]) {
        let mut undelivered = locked(&self.undelivered);
        if undelivered.len() >= UNDELIVERED {
            undelivered.pop_first();
        }
        undelivered.insert(seq, raw.to_vec());
    }

    pub(super) fn take(&self, seq: u64) -> Option<Vec<u8>> {
        locked(&self.undelivered).remove(&seq)
    }

    /// A message is not the session's. QuickFIX counts it if its number is the next one; so the number is expected
    /// again on the next connection, for the message that belongs there.
    pub(super) fn note_foreign(&self) {
        let expected = self.files.seq_nums().map(|now| now.target);
        let mut between = locked(&self.between);
        between.correction.target = between.correction.target.or(expected);
        drop(between);
        self.deaf.store(true, Ordering::Release);
        self.end(DownReason::CompIdProblem);
    }

    /// Our logon goes out.
    pub(super) fn note_logon(&self, seq: u64) {
        locked(&self.connection).logon = seq;
    }

    pub(super) fn note_logged_on(&self) {
        locked(&self.connection).was_on = true;
        self.logged_on.store(true, Ordering::Release);
    }

    /// We ask the broker to send again what comes before the current message.
    pub(super) fn note_gap(&self) {
        locked(&self.connection).gap_until = Some(self.current().saturating_sub(1));
    }

    /// The broker asks us to send again from this number on.
    pub(super) fn note_asked(&self, from: u64) {
        let mut connection = locked(&self.connection);
        connection.asked_from = Some(connection.asked_from.map_or(from, |known| known.min(from)));
    }

    /// The broker resets the numbers. False where it does so again and again.
    pub(super) fn note_reset(&self, now: Instant) -> bool {
        let mut connection = locked(&self.connection);
        let again =
            connection.last_reset.is_some_and(|last| now.saturating_duration_since(last) < RESET_PAUSE);
        connection.is_storm |= again;
        connection.last_reset = Some(now);
        connection.gap_until = None;
        !again
    }

    /// The logon that QuickFIX works on must not be answered.
    pub(super) fn is_storm(&self) -> bool {
        locked(&self.connection).is_storm
    }

    /// The broker logs out, or refuses our logon for another reason than its number. Whether it counted a logon that it
    /// refused nobody knows, so the number is not used again; see the module.
    pub(super) fn note_refusal(&self, text: String) {
        let was_on = locked(&self.connection).was_on;
        self.give_reason(if was_on { DownReason::LoggedOut(text) } else { DownReason::LogonRefused(text) });
    }

    /// The number of our logon was too low. What the broker expects is taken once until the session is up again, and not
    /// more often: a broker that says something else each time is not followed.
    pub(super) fn note_too_low(&self, sent: u64, expected: Option<u64>) {
        let was_on = locked(&self.connection).was_on;
        let mut between = locked(&self.between);
        match expected.filter(|_| !between.raised) {
            Some(expected) => {
                between.raised = true;
                let exactly = if was_on { NextNumber::AtLeast } else { NextNumber::Exactly };
                between.correction.sender = Some(exactly(expected));
            }
            None if was_on => {}
            None => between.correction.sender = Some(NextNumber::Exactly(sent)),
        }
        drop(between);
        self.give_reason(DownReason::NumberTooLow { sent, expected });
    }

    /// The number of our last logon.
    pub(super) fn logon(&self) -> u64 {
        locked(&self.connection).logon
    }

    /// The broker is in step with us. `first` is the number of our first attempt since the session was last up. True
    /// where the broker showed that it has no more of ours than the record; see the module.
    pub(super) fn note_up(&self, first: Option<u64>) -> bool {
        locked(&self.between).raised = false;
        let mut connection = locked(&self.connection);
        connection.was_up = true;
        first.is_some_and(|first| {
            connection.logon <= first || connection.asked_from.is_some_and(|from| from <= first)
        })
    }

    pub(super) fn set_up(&self) {
        self.up.store(true, Ordering::Release);
    }

    /// The session is logged out, or an attempt to log on failed. Gives the reason.
    pub(super) fn note_logged_out(&self) -> DownReason {
        self.logged_on.store(false, Ordering::Release);
        self.up.store(false, Ordering::Release);
        self.ended().reason
    }

    /// The current connection is over, for good.
    pub(super) fn hung_up(&self) {
        self.over.store(true, Ordering::Release);
    }

    /// How the current connection ended.
    pub(super) fn ended(&self) -> ConnectionEnd {
        let connection = locked(&self.connection);
        let unknown =
            if connection.was_on { DownReason::ConnectionLost } else { DownReason::LogonUnanswered };
        ConnectionEnd { reason: connection.reason.clone().unwrap_or(unknown), was_up: connection.was_up }
    }

    /// An application message goes out for the first time, with this number.
    pub(super) fn note_live(&self, seq: u64) {
        self.first_live.fetch_min(seq, Ordering::AcqRel);
    }

    /// The number was used on this connection.
    pub(super) fn is_live(&self, seq: u64) -> bool {
        seq >= self.first_live.load(Ordering::Acquire)
    }
}
