//! What a shard records of the clocks: where it found the wall clock, and how its own time stands to a clock that nobody
//! sets.

use core::fmt;

use crate::{Position, Timestamp};

journalled! {
    /// One boot of one machine, by the name that its kernel gave it: the 16 bytes of a UUID.
    #[derive(PartialOrd, Ord, Hash)]
    #[serde(into = "alloc::string::String")]
    pub struct BootId { /// As the kernel has them.
        pub bytes: [u8; 16] }

    /// One instant by two clocks. With it a later start on the same boot knows how long it was down, whatever was done to
    /// the wall clock meanwhile.
    pub struct ClockAnchor {
        /// The boot that `since_boot_ns` counts from.
        pub boot: BootId,
        /// Nanoseconds since that boot, time in suspend included.
        pub since_boot_ns: i64,
        /// The shard's time then.
        pub time: Timestamp,
        /// How far the shard's time was ahead of the wall clock, since a jump back had been accepted: nanoseconds, not
        /// below zero.
        pub ahead_ns: i64,
    }

    /// Where a wall clock was found that is not trusted.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum ClockFinding {
        /// Off what it should show, while the shard worked.
        Jumped,
        /// At a start: behind the last record, or off the time that passed since, as the machine's own boot tells it.
        JumpedWhileDown,
        /// At a start: far ahead of the last record, or ahead of one that was written under a clock in doubt, and another
        /// boot. Nothing tells how long the node was down.
        LongDown,
        /// Back where it should be. It is still a person who says that it is trusted again.
        Returned,
    }

    /// A wall clock that is not trusted: what it showed, and what it should have shown.
    pub struct ClockJump {
        /// How it was found.
        pub finding: ClockFinding,
        /// What it should have shown.
        pub due: Timestamp,
        /// What it showed.
        pub shown: Timestamp,
    }

    /// A person says that the wall clock is right as it was found, and that orders and dates go on with it.
    pub struct ClockAcceptance {
        /// The record of the finding that is accepted: the newest there is.
        pub found: Position,
    }
}

/// What a state knows of the clocks, as its journal tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownClock {
    /// The last instant that was recorded by both clocks.
    pub anchor: Option<ClockAnchor>,
    /// How far the shard's time is ahead of the wall clock since a jump back was accepted, in nanoseconds.
    pub ahead_ns: i64,
    /// What is not trusted, where something is not.
    pub suspicion: Option<ClockJump>,
}

impl ClockJump {
    /// How far it was off, in nanoseconds: above zero where it was ahead.
    pub const fn off_ns(&self) -> i64 {
        self.shown.nanos.saturating_sub(self.due.nanos)
    }

    /// What accepting it does to a shard whose time is `ahead_ns` ahead of the wall clock already: by how much its time
    /// steps, and how far it is ahead afterwards. Time never steps back: a wall clock that is accepted behind leaves it
    /// ahead, and one that is accepted ahead makes up for that first.
    pub const fn accepted(&self, ahead_ns: i64) -> (i64, i64) {
        if matches!(self.finding, ClockFinding::Returned) {
            return (0, ahead_ns);
        }
        let step_ns = self.off_ns().saturating_sub(ahead_ns);
        if step_ns > 0 { (step_ns, 0) } else { (0, step_ns.saturating_neg()) }
    }
}

impl ClockFinding {
    /// One word, for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Jumped => "jumped",
            Self::JumpedWhileDown => "jumped_while_down",
            Self::LongDown => "long_down",
            Self::Returned => "returned",
        }
    }

    /// The number that is folded into digests.
    pub const fn number(self) -> u64 {
        self as u64
    }
}

impl fmt::Display for BootId {
    /// As the kernel prints it: `8-4-4-4-12` hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.bytes.iter().enumerate() {
            let dash = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

impl From<BootId> for alloc::string::String {
    fn from(boot: BootId) -> Self {
        alloc::format!("{boot}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn jump(off_ns: i64) -> ClockJump {
        let due = Timestamp::from_nanos(1_000);
        ClockJump { finding: ClockFinding::Jumped, due, shown: Timestamp::from_nanos(1_000 + off_ns) }
    }

    #[test]
    fn accepted_ahead_time_steps_and_accepted_behind_it_stays_ahead() {
        assert_eq!(jump(30).accepted(0), (30, 0));
        assert_eq!(jump(-30).accepted(0), (0, 30));
        // Behind twice, then ahead by more and by less than that.
        assert_eq!(jump(-20).accepted(30), (0, 50));
        assert_eq!(jump(70).accepted(50), (20, 0));
        assert_eq!(jump(20).accepted(50), (0, 30));
        assert_eq!(ClockJump { finding: ClockFinding::Returned, ..jump(3) }.accepted(50), (0, 50));
    }

    #[test]
    fn a_boot_is_printed_as_the_kernel_prints_it() {
        let bytes = core::array::from_fn(|at| u8::try_from(at).unwrap() * 16);
        assert_eq!(BootId { bytes }.to_string(), "00102030-4050-6070-8090-a0b0c0d0e0f0");
    }
}
