//! Points in time as the journal stores them. Conversion to civil time with zones is for the edges.

use core::fmt;

journalled! {
    /// Nanoseconds since 1970-01-01T00:00:00Z. Given once, by the shard that stamps an input.
    #[derive(Default, PartialOrd, Ord, Hash)]
    #[serde(into = "alloc::string::String")]
    pub struct Timestamp { /// Nanoseconds since the epoch.
        pub nanos: i64 }

    /// A civil date as days since 1970-01-01.
    #[derive(Default, PartialOrd, Ord, Hash)]
    #[serde(into = "alloc::string::String")]
    pub struct Date { /// Days since the epoch.
        pub days: i32 }
}

const NANOS_PER_DAY: i64 = 86_400_000_000_000;
/// Counted from Monday.
const FRIDAY: i32 = 4;

impl Timestamp {
    /// A point this many nanoseconds after the epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self { nanos }
    }

    /// Nanoseconds from `earlier` to here; zero where `earlier` is later.
    pub const fn since(self, earlier: Self) -> i64 {
        let gap = self.nanos.saturating_sub(earlier.nanos);
        if gap < 0 { 0 } else { gap }
    }

    /// The date in UTC.
    pub fn date(self) -> Date {
        // A day count of an i64 of nanoseconds is at most 106,752: it fits.
        Date { days: i32::try_from(self.nanos.div_euclid(NANOS_PER_DAY)).unwrap_or(i32::MAX) }
    }
}

impl Date {
    /// 9999-12-31, the last date that settlement counts from.
    pub const LAST: Self = Self { days: 2_932_896 };

    /// Its first instant in UTC; the last or first there is where that is beyond what a timestamp holds.
    pub fn start(self) -> Timestamp {
        Timestamp::from_nanos(i64::from(self.days).saturating_mul(NANOS_PER_DAY))
    }

    /// From a proleptic Gregorian year, month 1..=12 and day 1..=31; `None` where there is no such day.
    pub fn from_civil(year: i32, month: u8, day: u8) -> Option<Self> {
        if !(1..=12).contains(&month) || day == 0 || !(1600..=9999).contains(&year) {
            return None;
        }
        // Howard Hinnant, "chrono-compatible low-level date algorithms", days_from_civil.
        let shifted_year = if month <= 2 { year - 1 } else { year };
        let era = shifted_year.div_euclid(400);
        let year_of_era = shifted_year.rem_euclid(400);
        let shifted_month = (i32::from(month) + 9) % 12;
        let day_of_year = (153 * shifted_month + 2) / 5 + i32::from(day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let date = Self { days: era * 146_097 + day_of_era - 719_468 };
        (date.to_civil() == (year, month, day)).then_some(date)
    }

    /// Year, month and day in the proleptic Gregorian calendar.
    pub fn to_civil(self) -> (i32, u8, u8) {
        let shifted = self.days.saturating_add(719_468);
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i32::from(month <= 2);
        (year, u8::try_from(month).unwrap_or(0), u8::try_from(day).unwrap_or(0))
    }

    /// Monday to Friday. Holidays are not known yet: settlement dates on them are a day early.
    pub const fn is_weekday(self) -> bool {
        self.weekday() <= FRIDAY
    }

    /// From 0, a Monday.
    const fn weekday(self) -> i32 {
        // 1970-01-01 was a Thursday.
        (self.days.rem_euclid(7) + 3) % 7
    }

    /// The date `count` weekdays later (`T+count`); from a weekend, counted from the Monday after it.
    #[must_use]
    pub fn plus_weekdays(self, count: u8) -> Self {
        // Far beyond any calendar: a broker's nonsense must not overflow.
        let mut date = Self { days: if self.days > Self::LAST.days { Self::LAST.days } else { self.days } };
        let weekday = date.weekday();
        if weekday + i32::from(count) <= FRIDAY {
            return Self { days: date.days + i32::from(count) };
        }
        while !date.is_weekday() {
            date.days += 1;
        }
        for _ in 0..count {
            date.days += 1;
            while !date.is_weekday() {
                date.days += 1;
            }
        }
        date
    }

    /// Reads `YYYYMMDD`, the FIX `LocalMktDate`.
    pub fn from_fix(text: &str) -> Option<Self> {
        if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let part = |from: usize, to: usize| text.get(from..to)?.parse::<u16>().ok();
        Self::from_civil(part(0, 4)?.into(), u8::try_from(part(4, 6)?).ok()?, u8::try_from(part(6, 8)?).ok()?)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.to_civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with nanoseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = self.nanos.rem_euclid(NANOS_PER_DAY);
        let (seconds, nanos) = (rest / 1_000_000_000, rest % 1_000_000_000);
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        write!(f, "{}T{hours:02}:{minutes:02}:{:02}.{nanos:09}Z", self.date(), seconds % 60)
    }
}

impl From<Date> for alloc::string::String {
    fn from(date: Date) -> Self {
        alloc::format!("{date}")
    }
}

impl From<Timestamp> for alloc::string::String {
    fn from(time: Timestamp) -> Self {
        alloc::format!("{time}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn civil_dates_round_trip_over_four_centuries() {
        for days in -135_000..200_000 {
            let date = Date { days };
            let (year, month, day) = date.to_civil();
            assert_eq!(Date::from_civil(year, month, day), Some(date));
        }
    }

    #[test]
    fn dates_that_do_not_exist_are_refused() {
        assert_eq!(Date::from_fix("20230229"), None);
        assert_eq!(Date::from_fix("20231301"), None);
        assert_eq!(Date::from_fix("2023-1-1"), None);
        assert_eq!(Date::from_fix("20240229").unwrap().to_string(), "2024-02-29");
    }

    #[test]
    fn settlement_skips_the_weekend() {
        let friday = Date::from_civil(2026, 11, 20).unwrap();
        assert_eq!(friday.plus_weekdays(1), Date::from_civil(2026, 11, 23).unwrap());
        assert_eq!(friday.plus_weekdays(2), Date::from_civil(2026, 11, 24).unwrap());
        let sunday = Date::from_civil(2026, 11, 22).unwrap();
        assert_eq!(sunday.plus_weekdays(0), Date::from_civil(2026, 11, 23).unwrap());
    }

    /// Day after day, by counting weekdays one by one.
    #[test]
    fn weekdays_are_counted_whatever_the_day() {
        for days in -20..20 {
            let weekdays = (days..).map(|days| Date { days }).filter(|date| date.is_weekday());
            for (count, expected) in (0u8..30).zip(weekdays) {
                assert_eq!(Date { days }.plus_weekdays(count), expected, "{days} + {count}");
            }
        }
        assert_eq!(Date { days: i32::MAX }.plus_weekdays(2), Date::LAST.plus_weekdays(2));
    }

    #[test]
    fn a_timestamp_prints_as_rfc_3339() {
        assert_eq!(Timestamp::from_nanos(1).to_string(), "1970-01-01T00:00:00.000000001Z");
        assert_eq!(Timestamp::from_nanos(-1).to_string(), "1969-12-31T23:59:59.999999999Z");
    }
}
