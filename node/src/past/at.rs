//! An instant of the past, as a person writes it.

use std::fmt;
use std::str::FromStr;

use model::{Position, Timestamp};

use crate::journals::OFFICE;

/// An instant: behind a record, or at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// Behind this record of the only shard; 0 is before the first.
    Seq(u64),
    /// Behind this record of a shard.
    Position(Position),
    /// With every record up to this time.
    Time(Timestamp),
}

/// The text is no instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an instant: a record as 1042 or 0:1042, or a time as 2026-11-20T16:00:00Z")]
pub struct AtError;

impl FromStr for At {
    type Err = AtError;

    fn from_str(text: &str) -> Result<Self, AtError> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map(Self::Seq).map_err(|_| AtError);
        }
        if let Some(seq) = text.strip_prefix("office:") {
            let position = |seq| Self::Position(Position::new(OFFICE, seq));
            return seq.parse().map(position).map_err(|_| AtError);
        }
        match text.parse() {
            Ok(position) => Ok(Self::Position(position)),
            Err(_) => from_rfc3339(text).map(Self::Time).ok_or(AtError),
        }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seq(seq) => write!(f, "record {seq}"),
            Self::Position(Position { shard: OFFICE, seq }) => write!(f, "record office:{seq}"),
            Self::Position(position) => write!(f, "record {position}"),
            Self::Time(time) => time.fmt(f),
        }
    }
}

/// RFC 3339 with up to nine decimals and any offset. A leap second is refused: stamps do not have any, and reading it as
/// the second before would be another instant.
fn from_rfc3339(text: &str) -> Option<Timestamp> {
    if text.contains(":60") {
        return None;
    }
    let nanos = text.parse::<jiff::Timestamp>().ok()?.as_nanosecond();
    Some(Timestamp::from_nanos(i64::try_from(nanos).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ShardId;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    #[test]
    fn records_and_times_are_read() {
        assert_eq!("1042".parse(), Ok(At::Seq(1042)));
        assert_eq!("2:17".parse(), Ok(At::Position(Position::new(ShardId::new(2), 17))));
        assert_eq!("office:17".parse(), Ok(At::Position(Position::new(OFFICE, 17))));
        for (text, nanos) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01t01:00:00.5+01:00", 500_000_000),
            ("1969-12-31 23:30:00.000000001-00:30", 1),
            ("2026-11-20T16:00:00Z", 1_795_190_400_000_000_000),
        ] {
            assert_eq!(text.parse(), Ok(At::Time(Timestamp::from_nanos(nanos))), "{text}");
        }
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "now",
            "-1",
            "1:",
            "office:",
            "office:x",
            "99999999999999999999",
            "2026-11-20",
            "2026-11-20T16:00:00",
            "2026-02-30T00:00:00Z",
            "2026-11-20T24:00:00Z",
            "2026-11-20T23:59:60Z",
            "2026-11-20T16:00:00.Z",
            "2026-11-20T16:00:00.1234567890Z",
            "2026-11-20T16:00:00+1:00",
            "2026-11-20T16:00:00*01:00",
            "2026-11-20T+1:00:00Z",
            "9999-12-31T00:00:00Z",
            "äöüäöüäöü",
        ] {
            assert_eq!(text.parse::<At>(), Err(AtError), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: RngSeed::Fixed(6), failure_persistence: None, ..ProptestConfig::default()
        })]

        #[test]
        fn what_a_stamp_prints_is_read_back(nanos: i64) {
            let time = Timestamp::from_nanos(nanos);
            if time.date().to_civil().0 >= 1700 {
                prop_assert_eq!(time.to_string().parse(), Ok(At::Time(time)));
            }
        }

        #[test]
        fn no_text_panics(text in "[0-9:TZtz+. -]{0,40}|\\PC{0,20}") {
            let _ = text.parse::<At>();
        }
    }
}
