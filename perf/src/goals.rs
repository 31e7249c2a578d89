//! The goals, and whether this run met them.

use crate::row::Row;

/// A goal for one row.
pub(crate) struct Goal {
    /// The row it is about.
    row: &'static str,
    /// As people say it.
    pub(crate) text: &'static str,
    met: fn(&Row) -> bool,
    /// A row that counted fewer says nothing about it.
    least: u64,
    /// The number that decides, for people.
    actual: fn(&Row) -> String,
    /// The rows that tell what stands in the way of it.
    beside: &'static [&'static str],
}

const SUBMIT: &str = "core.submit_to_gateway";
const PATH: &[&str] =
    &["ring.hop", "journal.append.process", "core.apply.new_order", "core.submit_to_gateway.closed_loop"];
const APPEND: &[&str] = &["memory.append", "journal.append.roll"];
const FLOW: &[&str] = &["ring.hop", "journal.append.process", "core.apply.new_order"];

/// Records that the goal of a recovery is about.
pub(crate) const RECOVERED: u64 = 10_000_000;
/// And of a start from a snapshot, behind it.
pub(crate) const TAIL: u64 = 100_000;

/// In the order of the table.
const GOALS: &[Goal] = &[
    Goal {
        row: SUBMIT,
        text: "p50 ≤ 1 µs",
        met: |row| row.p50 <= 1_000,
        actual: p50,
        least: 0,
        beside: PATH,
    },
    Goal {
        row: SUBMIT,
        text: "p50 ≤ 0.6 µs above one hop",
        met: |row| above_floor(row) <= 600,
        actual: |row| format!("{} ns", above_floor(row)),
        least: 0,
        beside: PATH,
    },
    Goal {
        row: "core.submit_to_gateway.closed_loop",
        text: "p99 ≤ 3 µs",
        met: |row| row.p99 <= 3_000,
        actual: p99,
        least: 0,
        beside: PATH,
    },
    Goal {
        row: "risk.all_rules",
        text: "p50 ≤ 250 ns",
        met: |row| row.p50 <= 250,
        actual: p50,
        least: 0,
        beside: &["risk.all_rules"],
    },
    Goal {
        row: "journal.append.process",
        text: "p50 ≤ 100 ns",
        met: |row| row.p50 <= 100,
        actual: p50,
        least: 0,
        beside: APPEND,
    },
    Goal {
        row: "journal.append.disk",
        text: "p50 ≤ 100 ns",
        met: |row| row.p50 <= 100,
        actual: p50,
        least: 0,
        beside: APPEND,
    },
    Goal {
        row: "journal.append.process",
        text: "p99.9 ≤ 3 × memory",
        met: tail_within,
        actual: tail,
        least: 0,
        beside: APPEND,
    },
    Goal {
        row: "journal.append.disk",
        text: "p99.9 ≤ 3 × memory",
        met: tail_within,
        actual: tail,
        least: 0,
        beside: APPEND,
    },
    Goal {
        row: "journal.durable_lag",
        text: "p50 ≤ 1.5 × fdatasync",
        met: |row| within(row, 1.5),
        actual: ratio,
        least: 0,
        beside: &["fdatasync", "wire.echo.blocking"],
    },
    Goal {
        row: "throughput.one_shard",
        text: "≥ 1.5 M/s",
        met: |row| reaches(row, 1.5e6),
        actual: rate,
        least: 0,
        beside: FLOW,
    },
    Goal {
        row: "throughput.disk",
        text: "≥ 500 k/s",
        met: |row| reaches(row, 0.5e6),
        actual: rate,
        least: 0,
        beside: &["throughput.one_shard", "journal.group_commit", "fdatasync"],
    },
    Goal {
        row: "shard.gap.during_snapshot",
        text: "max ≤ 1 ms",
        met: |row| row.max <= 1_000_000,
        actual: |row| format!("{} ns", row.max),
        least: 0,
        beside: &["shard.gap.idle"],
    },
    Goal {
        row: "replay.records",
        text: "≥ 2 M/s",
        met: |row| reaches(row, 2e6),
        actual: rate,
        least: 0,
        beside: &["journal.read", "core.apply.new_order"],
    },
    Goal {
        row: "recovery.from_journal",
        text: "10 M records in 10 s",
        met: |row| row.p50 <= 10_000_000_000,
        actual: |row| format!("{} records in {} ms", row.count, row.p50 / 1_000_000),
        least: RECOVERED,
        beside: &["replay.records", "journal.read"],
    },
    Goal {
        row: "recovery.from_snapshot",
        text: "with a tail of 100 k ≤ 1 s",
        met: |row| row.p50 <= 1_000_000_000,
        actual: |row| format!("{} ms", row.p50 / 1_000_000),
        least: TAIL,
        beside: &["recovery.from_journal", "recovery.from_snapshot.all_orders"],
    },
    Goal {
        row: "memory.account_bytes",
        text: "≤ 4 KiB",
        met: |row| row.p50 <= 4096,
        actual: |row| format!("{} B", row.p50),
        least: 0,
        beside: &["memory.account_bytes.untraded"],
    },
];

/// A goal with what came of it.
pub(crate) struct Verdict {
    pub(crate) row: &'static str,
    pub(crate) text: &'static str,
    pub(crate) actual: String,
    pub(crate) met: bool,
    /// What the same run measured of the parts.
    pub(crate) evidence: String,
}

/// The goals of the rows that were measured. Of several rows of a name the first counts.
pub(crate) fn verdicts(rows: &[Row]) -> Vec<Verdict> {
    let judged = |goal: &Goal| {
        let row = rows.iter().find(|row| row.name == goal.row).filter(|row| row.count >= goal.least)?;
        let (actual, met) = ((goal.actual)(row), (goal.met)(row));
        Some(Verdict { row: goal.row, text: goal.text, actual, met, evidence: evidence(rows, goal) })
    };
    GOALS.iter().filter_map(judged).collect()
}

/// The parts with their medians and tails.
fn evidence(rows: &[Row], goal: &Goal) -> String {
    let part = |name: &&str| {
        let row = rows.iter().find(|row| row.name == **name)?;
        let rate = row.rate.map(|per_second| format!(", {:.2} M/s", per_second / 1e6)).unwrap_or_default();
        Some(format!("`{name}` p50 {}, p99.9 {}, max {}{rate}", row.p50, row.p999, row.max))
    };
    let parts: Vec<String> = goal.beside.iter().filter_map(part).collect();
    if parts.is_empty() { "its parts were not measured in this run".to_owned() } else { parts.join("; ") }
}

fn above_floor(row: &Row) -> u64 {
    row.p50.saturating_sub(row.floor_p50.unwrap_or(0))
}

fn within(row: &Row, factor: f64) -> bool {
    row.ratio_p50.is_some_and(|ratio| ratio <= factor)
}

fn reaches(row: &Row, per_second: f64) -> bool {
    row.rate.is_some_and(|rate| rate >= per_second)
}

fn tail_within(row: &Row) -> bool {
    row.floor_p999.is_some_and(|floor| row.p999 <= 3 * floor)
}

fn tail(row: &Row) -> String {
    row.floor_p999.map_or_else(|| "-".to_owned(), |floor| format!("{} of {floor} ns", row.p999))
}

fn p50(row: &Row) -> String {
    format!("{} ns", row.p50)
}

fn p99(row: &Row) -> String {
    format!("{} ns", row.p99)
}

fn ratio(row: &Row) -> String {
    row.ratio_p50.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2} ×"))
}

fn rate(row: &Row) -> String {
    row.rate.map_or_else(|| "-".to_owned(), |rate| format!("{:.2} M/s", rate / 1e6))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Best;
    use crate::samples::Samples;

    fn row(name: &str, ns: u64) -> Row {
        let mut samples = Samples::new();
        samples.record(ns);
        Row::new(name, Best::one(&samples), "")
    }

    #[test]
    fn a_goal_is_judged_by_the_first_row_of_its_name_and_explained_by_its_parts() {
        let rows = [row(SUBMIT, 900), row(SUBMIT, 5_000), row("ring.hop", 300)];
        let verdicts = verdicts(&rows);
        let first = verdicts.first().unwrap();
        assert!(first.met && first.actual == "900 ns");
        assert_eq!(first.evidence, "`ring.hop` p50 300, p99.9 300, max 300");
        assert!(verdicts.iter().all(|verdict| verdict.row == SUBMIT));
    }

    #[test]
    fn every_goal_can_be_missed() {
        for goal in GOALS {
            let slow = row(goal.row, 50_000_000_000);
            assert!(!(goal.met)(&slow), "{} {}", goal.row, goal.text);
        }
    }
}
