//! Durations, short enough for a cell of a table.

/// `850 ns`, `1.2 µs`, `35.0 ms`, `2.0 s`.
pub fn short_duration(ns: u64) -> String {
    let tenths = |of: u64, unit: &str| format!("{}.{} {unit}", ns / of, ns % of * 10 / of);
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => tenths(1_000, "µs"),
        1_000_000..1_000_000_000 => tenths(1_000_000, "ms"),
        _ => tenths(1_000_000_000, "s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_the_largest_that_fits() {
        let shown = [850, 1_290, 35_000_000, 2_000_000_000, 120_000_000_000].map(short_duration);
        assert_eq!(shown, ["850 ns", "1.2 µs", "35.0 ms", "2.0 s", "120.0 s"]);
    }
}
