//! The one place that reads a clock. The core gets time as a stamp.

use std::sync::OnceLock;

use machine::{BootId, Timestamp};

/// Gives the time of day. A simulated one makes a shard repeatable.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Time that only passes, in nanoseconds from any start: nobody sets it. Of a clock that does not jump, the time of
    /// day will do.
    #[inline]
    fn monotonic_ns(&self) -> i64 {
        self.now().nanos
    }

    /// The boot that [`Clock::monotonic_ns`] counts from, where there is one: two processes that name the same one measure
    /// by the same clock.
    fn boot(&self) -> Option<BootId> {
        None
    }

    /// Both at once.
    fn read(&self) -> Reading {
        let wall = self.now();
        Reading { wall, monotonic_ns: wall.nanos }
    }
}

/// One look at both clocks. Who gives a [`Clock::monotonic_ns`] of its own gives a [`Clock::read`] too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The time of day.
    pub wall: Timestamp,
    /// Time that only passes.
    pub monotonic_ns: i64,
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // Before 1970 or after 2262 there is no trading.
        let since_epoch =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_nanos(i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX))
    }

    /// Of the kind that goes on while the machine is suspended: that is no jump.
    #[inline]
    fn monotonic_ns(&self) -> i64 {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        now.tv_sec.saturating_mul(1_000_000_000).saturating_add(now.tv_nsec)
    }

    /// By the kernel's own name of it. Where that cannot be read, a start judges by the last record alone.
    fn boot(&self) -> Option<BootId> {
        static BOOT: OnceLock<Option<BootId>> = OnceLock::new();
        *BOOT.get_or_init(|| parse_boot(&std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?))
    }

    fn read(&self) -> Reading {
        Reading { wall: self.now(), monotonic_ns: self.monotonic_ns() }
    }
}

/// A UUID, as the kernel prints it.
fn parse_boot(text: &str) -> Option<BootId> {
    let digits = text.trim().replace('-', "");
    let number = u128::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 32)?;
    Some(BootId { bytes: number.to_be_bytes() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_is_the_kernels() {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
        assert_eq!(SystemClock.boot().unwrap().to_string(), text.trim());
        for nonsense in
            ["", "12", "+2345678-9abc-def0-1234-56789abcdef01", "g2345678-9abc-def0-1234-56789abcdef0"]
        {
            assert_eq!(parse_boot(nonsense), None, "{nonsense}");
        }
    }
}
