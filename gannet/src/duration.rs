//! Durations for people.

/// `850 ns`, `1.2 µs`, `35.0 ms`, `2.0 s`.
pub(crate) fn short_duration(ns: u64) -> String {
    let tenths = |of: u64, unit: &str| format!("{}.{} {unit}", ns / of, ns % of * 10 / of);
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => tenths(1_000, "µs"),
        1_000_000..1_000_000_000 => tenths(1_000_000, "ms"),
        _ => tenths(1_000_000_000, "s"),
    }
}
