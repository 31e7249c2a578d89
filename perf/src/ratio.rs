//! Whole numbers as ratios, for people.

/// Of two durations far below 2^52.
pub(crate) fn ratio(value: u64, of: u64) -> f64 {
    as_f64(value) / as_f64(of)
}

/// Of a number far below 2^52.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds of minutes, counts of millions")]
pub(crate) fn as_f64(value: u64) -> f64 {
    value as f64
}
