//! Keeps QuickFIX from throwing a store of an earlier day away.
//!
//! The constructor of its session deletes a store whose `.session` file names an earlier UTC day, before it looks at
//! `NonStopSession` (libquickfix `Session.cpp`): numbers back to 1, reports that were not delivered gone. A broker
//! that is started again after midnight would tell its initiators less than its log says. So the store is always of
//! today, and a start just before midnight waits until the day cannot change before QuickFIX looks.

use std::path::Path;
use std::time::Duration;

use crate::config::SessionConfig;
use crate::{Error, clock};

/// To be called for each session before QuickFIX opens its store.
pub(crate) fn date_today(fix_dir: &Path, session: &SessionConfig) -> Result<(), Error> {
    let mut now_ns = clock::now_utc_ns();
    if let Some(rest) = rest_of_day(now_ns) {
        tracing::info!(wait_s = rest.as_secs(), "waiting for the new day");
        std::thread::sleep(rest);
        now_ns = clock::now_utc_ns();
    }
    let name = format!("FIX.4.4-{}-{}.session", session.sender, session.target);
    let (path, beside) = (fix_dir.join(&name), fix_dir.join(name + ".new"));
    std::fs::write(&beside, clock::store_time(now_ns)).map_err(|source| Error::file(&beside, source))?;
    std::fs::rename(&beside, &path).map_err(|source| Error::file(&path, source))
}

/// What is left of the UTC day, where that is too short to start in.
fn rest_of_day(now_ns: i64) -> Option<Duration> {
    const DAY_NS: i64 = 86_400_000_000_000;
    let rest = Duration::from_nanos(u64::try_from(DAY_NS - now_ns.rem_euclid(DAY_NS)).ok()?);
    (rest <= SHORT).then_some(rest)
}

/// QuickFIX opens its stores well within this.
const SHORT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_seconds_of_a_day_are_waited_out() {
        let midnight_ns = 1_381_190_400_000_000_000;
        assert_eq!(rest_of_day(midnight_ns), None);
        assert_eq!(rest_of_day(midnight_ns - 10_000_000_001), None);
        assert_eq!(rest_of_day(midnight_ns - 10_000_000_000), Some(SHORT));
        assert_eq!(rest_of_day(midnight_ns - 1), Some(Duration::from_nanos(1)));
    }

    #[test]
    fn an_old_store_becomes_one_of_today() {
        let dir = tempfile::tempdir().unwrap();
        let session = SessionConfig { sender: "B".to_owned(), target: "T".to_owned() };
        let path = dir.path().join("FIX.4.4-B-T.session");
        std::fs::write(&path, "20200101-00:00:00").unwrap();
        date_today(dir.path(), &session).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.starts_with(&clock::trade_date(clock::now_utc_ns())), "{text}");
        assert_eq!(text.len(), "20200101-00:00:00".len());
    }
}
