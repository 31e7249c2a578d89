//! Named places where a process can be made to die as SIGKILL would end it: no handler, no destructor, no flush.
//!
//! `GANNET_CRASH_AT=append.half_record:7` in a process's environment ends it when it comes to that place for the
//! seventh time. `cargo xtask crash-proof` starts node and broker so, thousands of times; `docs/crash-proof.md` has
//! the table of all places.
//!
//! Builds without debug assertions have none of this, unless built with the feature `crash-points`: [`reach`] and
//! [`is_due`] are then empty, and cost nothing.

mod plant;

pub use plant::{BREAK_VARIABLE, is_planted, plant, take_back};

/// The variable that arms a place: its name, and behind a colon which time it counts (1 where absent).
pub const VARIABLE: &str = "GANNET_CRASH_AT";

/// True where this build has the places.
pub const COMPILED_IN: bool = cfg!(any(debug_assertions, feature = "crash-points"));

macro_rules! points {
    ($($variant:ident $name:literal $meaning:literal)*) => {
        /// A place; documented by its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Point {
            $(#[doc = $meaning] $variant,)*
        }

        impl Point {
            /// Every place, in the order of the way of an order.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its stable name: the stage, and what has just happened or is about to.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What has happened there, and what has not.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

points! {
    AppendBefore "append.before" "an input is stamped, nothing of its record is written"
    AppendHalfRecord "append.half_record" "half of a record's bytes are in the segment, its commit word is not"
    AppendAfter "append.after" "a record is committed, the core has not seen its input"
    SyncHalfGroup "sync.half_group" "disk: half of a group of records is in the file, and cut through a record"
    SyncBefore "sync.before" "disk: a group of records is in the file and not synced"
    SyncAfter "sync.after" "disk: a group of records is synced, and nobody knows yet"
    ApplyAfter "apply.after" "the core has decided, nothing has left"
    ApprovalGiven "approval.given" "an approval is on record, its move is not asked of its shard"
    ApprovalMoved "approval.moved" "an approved move is booked by its shard, the office does not know"
    AnswerBefore "answer.before" "an answer is ready and not written to its client"
    AnswerAfter "answer.after" "an answer is written to its client"
    HandoverBefore "handover.before" "a message may leave and is not on its session's ring"
    HandoverAfter "handover.after" "a message is on its session's ring"
    FixTaken "fix.taken" "the gateway has taken a message from its ring and not sent it"
    FixNumbered "fix.numbered" "QuickFIX has given a message its number and not stored it"
    FixHalfStored "fix.half_stored" "a message's text is in QuickFIX's store, its index entry is torn, its number not counted"
    FixStoredNotCounted "fix.stored_not_counted" "a message is in QuickFIX's store, its number is not counted"
    FixStored "fix.stored" "a message is stored and counted and not on the socket"
    FixSent "fix.sent" "a message is on the socket"
    ReportReceived "report.received" "a broker's message is received and not handed to the shard"
    ReportPosted "report.posted" "a broker's message is in the shard's lane, QuickFIX has not counted it"
    SnapshotBeforeWrite "snapshot.before_write" "a snapshot is due, nothing of it is written"
    SnapshotHalfWritten "snapshot.half_written" "half of a snapshot is in its temporary file"
    SnapshotBeforeRename "snapshot.before_rename" "a snapshot is whole and synced under its temporary name"
    SnapshotAfterRename "snapshot.after_rename" "a snapshot has its name, older ones are not removed"
    RollCreated "roll.created" "the segment ahead is created and not made present"
    RollNotBegun "roll.not_begun" "a segment is full, the next one has no header"
    RollBegun "roll.begun" "a segment has its header and no record"
    RollSealed "roll.sealed" "a full segment is not marked durable, the control file does not know of it"
    RollUnchained "roll.unchained" "the control file knows of a full segment, the hash chain does not"
    RecoveryCut "recovery.cut" "a torn tail is overwritten with zeros, nothing is synced"
    RecoveryControlBeside "recovery.control_beside" "a new control file is written beside the old one"
    RecoveryRaised "recovery.raised" "the incarnation is raised, nothing is replayed"
    RecoveryMidReplay "recovery.mid_replay" "some records are replayed, some not"
    RecoveryStorePrepared "recovery.store_prepared" "the number to expect is set in QuickFIX's store, nobody is logged on"
    SweepBegun "sweep.begun" "a sweep has begun, nothing is found out"
    SweepMid "sweep.mid" "some of what was never sent is told to the shard, some not"
    SweepAsked "sweep.asked" "the broker is asked about what is in doubt"
    SweepSettled "sweep.settled" "every doubt is settled, the session is not ready"
    BrokerReceived "broker.received" "the broker has an order and has not logged it"
    BrokerLogged "broker.logged" "the broker has logged an order and not looked at it"
    BrokerHalfLine "broker.half_line" "half a line is in the broker's log"
    BrokerDecided "broker.decided" "the broker has logged an execution, or another report, and not sent it"
    BrokerNumbered "broker.numbered" "the broker's QuickFIX has numbered a report and not stored it"
    BrokerStored "broker.stored" "the broker's QuickFIX has stored and counted a report, it is not on the socket"
    BrokerSent "broker.sent" "a report of the broker is on the socket"
}

impl Point {
    /// The place with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|point| point.name() == name)
    }
}

impl std::fmt::Display for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// What [`VARIABLE`] says cannot be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable(String);

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

/// Where to die, and at which time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arm {
    /// The place.
    pub point: Point,
    /// Which time it is come to, from 1.
    pub nth: u64,
}

impl std::fmt::Display for Arm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.point, self.nth)
    }
}

impl std::str::FromStr for Arm {
    type Err = Unusable;

    fn from_str(text: &str) -> Result<Self, Unusable> {
        let (name, nth) = text.split_once(':').unwrap_or((text, "1"));
        let unusable = |what: String| Unusable(format!("{VARIABLE}={text}: {what}"));
        let point =
            Point::named(name).ok_or_else(|| unusable(format!("there is no crash point {name:?}")))?;
        match nth.parse() {
            Ok(nth) if nth > 0 => Ok(Self { point, nth }),
            _ => Err(unusable(format!("{nth:?} is not a number from 1"))),
        }
    }
}

/// Looks at [`VARIABLE`], so that a process says at its start what it would otherwise never notice: a name that is
/// none, or a build without crash points.
pub fn check_environment() -> Result<Option<Arm>, Unusable> {
    let Some(text) = std::env::var_os(VARIABLE) else { return Ok(None) };
    if !COMPILED_IN {
        return Err(Unusable(format!("{VARIABLE} is set, and this build has no crash points")));
    }
    text.to_string_lossy().parse().map(Some)
}

/// Dies here, where this place and this time are armed.
#[inline(always)]
#[expect(clippy::inline_always, reason = "nothing may be left of it where it is not compiled in")]
pub fn reach(point: Point) {
    if is_due(point) {
        die();
    }
}

/// True where [`reach`] would die: for places that leave something half done behind first.
#[inline(always)]
#[expect(clippy::inline_always, reason = "nothing may be left of it where it is not compiled in")]
pub fn is_due(point: Point) -> bool {
    #[cfg(any(debug_assertions, feature = "crash-points"))]
    {
        armed::is_due(point)
    }
    #[cfg(not(any(debug_assertions, feature = "crash-points")))]
    {
        let _ = point;
        false
    }
}

/// Ends the process as SIGKILL does, because it is SIGKILL.
#[cold]
pub fn die() -> ! {
    let own = rustix::process::getpid();
    loop {
        // A process may always kill itself; the signal may take an instant to arrive.
        let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
        std::thread::park();
    }
}

#[cfg(any(debug_assertions, feature = "crash-points"))]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::{Arm, Point, check_environment};

    static ARMED: OnceLock<Option<(Arm, AtomicU64)>> = OnceLock::new();

    pub(super) fn is_due(point: Point) -> bool {
        let armed = ARMED.get_or_init(|| {
            // What cannot be used is said by `check_environment` at the start.
            check_environment().ok().flatten().map(|arm| (arm, AtomicU64::new(0)))
        });
        match armed {
            Some((arm, times)) if arm.point == point => times.fetch_add(1, Ordering::Relaxed) + 1 == arm.nth,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_lead_back() {
        for point in Point::ALL {
            assert_eq!(Point::named(point.name()), Some(*point));
            assert_eq!(format!("{point}:3").parse(), Ok(Arm { point: *point, nth: 3 }));
            assert!(!point.meaning().is_empty() && !point.meaning().contains('|'), "{point}");
        }
    }

    #[test]
    fn what_cannot_be_armed_is_said() {
        assert_eq!("append.after".parse(), Ok(Arm { point: Point::AppendAfter, nth: 1 }));
        for (wrong, problem) in [
            ("append", "there is no crash point \"append\""),
            ("append.after:0", "\"0\" is not a number from 1"),
            ("append.after:x", "\"x\" is not a number from 1"),
        ] {
            let Err(Unusable(said)) = wrong.parse::<Arm>() else { panic!("{wrong} was taken") };
            assert!(said.ends_with(problem), "{said}");
        }
    }

    #[test]
    fn optimised_builds_have_none_unless_asked() {
        assert_eq!(COMPILED_IN, cfg!(debug_assertions) || cfg!(feature = "crash-points"));
        // An empty function of a constant answer: nothing to call, nothing to count.
        assert!(COMPILED_IN || !is_due(Point::AppendBefore));
    }

    #[test]
    fn an_unarmed_process_lives() {
        for point in Point::ALL {
            assert!(!is_due(*point));
            reach(*point);
        }
    }
}
