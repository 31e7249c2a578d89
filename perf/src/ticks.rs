//! The clock: the processor's time stamp counter where it runs at one rate on every core, else the system's clock.
#![allow(unsafe_code, reason = "reading the time stamp counter is an intrinsic")]

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::durations::Durations;

/// Nanoseconds since the clock was first used. Comparable between threads.
#[inline]
pub(crate) fn now_ns() -> u64 {
    let clock = CLOCK.get_or_init(TickClock::calibrate);
    match clock.scale {
        Some(scale) => {
            let ticks = counter().saturating_sub(clock.base);
            u64::try_from((u128::from(ticks) * u128::from(scale)) >> SHIFT).unwrap_or(u64::MAX)
        }
        None => u64::try_from(clock.start.elapsed().as_nanos()).unwrap_or(u64::MAX),
    }
}

/// What two readings of the clock in a row are apart, at the median.
pub(crate) fn overhead_ns() -> u64 {
    let mut samples = Durations::new();
    for _ in 0..20_000 {
        let start = now_ns();
        samples.record(now_ns() - start);
    }
    samples.summary().p50
}

/// Its name, for the report.
pub(crate) fn name() -> &'static str {
    match CLOCK.get_or_init(TickClock::calibrate).scale {
        Some(_) => "time stamp counter",
        None => "monotonic clock of the system",
    }
}

const SHIFT: u32 = 32;
const CALIBRATION: Duration = Duration::from_millis(100);

static CLOCK: OnceLock<TickClock> = OnceLock::new();

struct TickClock {
    start: Instant,
    base: u64,
    /// Nanoseconds for one tick, times 2^32.
    scale: Option<u64>,
}

impl TickClock {
    fn calibrate() -> Self {
        let (start, base) = (Instant::now(), counter());
        if !counter_is_steady() {
            return Self { start, base, scale: None };
        }
        while start.elapsed() < CALIBRATION {
            std::hint::spin_loop();
        }
        let (elapsed, ticks) = (start.elapsed(), counter().saturating_sub(base).max(1));
        let scale = u64::try_from((elapsed.as_nanos() << SHIFT) / u128::from(ticks)).ok();
        Self { start, base, scale: scale.filter(|scale| *scale > 0) }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn counter() -> u64 {
    // The fence holds the reading back until what is measured is done; without it short calls look free.
    // SAFETY: every x86-64 processor has both instructions. Fails, should the kernel forbid the second:
    // `tests::it_runs_like_the_system_clock`.
    unsafe {
        core::arch::x86_64::_mm_lfence();
        core::arch::x86_64::_rdtsc()
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn counter() -> u64 {
    0
}

/// One rate whatever the core does, and the kernel itself keeps time with it.
fn counter_is_steady() -> bool {
    let source = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    cfg!(target_arch = "x86_64") && read(source).trim() == "tsc" && {
        let processor = read("/proc/cpuinfo");
        ["constant_tsc", "nonstop_tsc"].iter().all(|flag| processor.contains(flag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs_like_the_system_clock() {
        now_ns();
        let (start, from) = (Instant::now(), now_ns());
        while start.elapsed() < Duration::from_millis(50) {
            std::hint::spin_loop();
        }
        let (measured, real) = (now_ns() - from, start.elapsed().as_nanos());
        let real = u64::try_from(real).unwrap();
        // Between the two readings the thread may have been taken off its core: only a gross error is one.
        assert!(measured >= 49_000_000 && measured <= real + real / 50, "{measured} {real}");
    }
}
