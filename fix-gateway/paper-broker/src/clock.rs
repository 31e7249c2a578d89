//! Moments: nanoseconds since 1970 UTC, and how FIX writes them.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Now, nanoseconds since 1970 UTC.
pub(crate) fn now_utc_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// FIX `UTCTimestamp` with milliseconds: `20131007-13:30:00.000`.
pub(crate) fn fix_time(utc_ns: i64) -> String {
    strftime("%Y%m%d-%H:%M:%S%.3f", utc_ns)
}

/// FIX tag 75: the UTC date, `20131007`.
pub(crate) fn trade_date(utc_ns: i64) -> String {
    strftime("%Y%m%d", utc_ns)
}

/// As QuickFIX writes when a store was created: without milliseconds.
pub(crate) fn store_time(utc_ns: i64) -> String {
    strftime("%Y%m%d-%H:%M:%S", utc_ns)
}

fn strftime(format: &str, utc_ns: i64) -> String {
    let stamp = Timestamp::from_nanosecond(i128::from(utc_ns)).unwrap_or_default();
    stamp.to_zoned(TimeZone::UTC).strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_as_fix_writes_them() {
        assert_eq!(fix_time(1_381_132_801_250_999_999), "20131007-08:00:01.250");
        assert_eq!(trade_date(1_381_132_801_000_000_000), "20131007");
        assert_eq!(trade_date(0), "19700101");
        assert_eq!(store_time(1_381_132_801_250_999_999), "20131007-08:00:01");
    }
}
