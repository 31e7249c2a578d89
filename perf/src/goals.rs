//! The goals, and whether this run met them.

use crate::row::Row;

/// A goal for one row.
pub(crate) struct Goal {
    /// The row it is about.
    row: &'static str,
    /// As people say it.
    pub(crate) text: &'static str,
    met: fn(&Row) -> bool,
    /// The number that decides, for people.
    actual: fn(&Row) -> String,
}

const SUBMIT: &str = "core.submit_to_gateway";

/// In the order of the table.
const GOALS: &[Goal] = &[
    Goal { row: SUBMIT, text: "p50 ≤ 1 µs", met: |row| row.p50 <= 1_000, actual: p50 },
    Goal {
        row: SUBMIT,
        text: "p50 ≤ 0.6 µs above one hop",
        met: |row| above_floor(row) <= 600,
        actual: |row| format!("{} ns", above_floor(row)),
    },
    Goal {
        row: "core.submit_to_gateway.closed_loop",
        text: "p99 ≤ 3 µs",
        met: |row| row.p99 <= 3_000,
        actual: p99,
    },
    Goal { row: "risk.all_rules", text: "p50 ≤ 250 ns", met: |row| row.p50 <= 250, actual: p50 },
    Goal { row: "journal.append.process", text: "p50 ≤ 100 ns", met: |row| row.p50 <= 100, actual: p50 },
    Goal { row: "journal.append.disk", text: "p50 ≤ 100 ns", met: |row| row.p50 <= 100, actual: p50 },
    Goal { row: "journal.append.process", text: "p99.9 ≤ 3 × memory", met: tail_within, actual: tail },
    Goal { row: "journal.append.disk", text: "p99.9 ≤ 3 × memory", met: tail_within, actual: tail },
    Goal {
        row: "journal.durable_lag",
        text: "p50 ≤ 1.5 × fdatasync",
        met: |row| within(row, 1.5),
        actual: ratio,
    },
    Goal { row: "throughput.one_shard", text: "≥ 1.5 M/s", met: |row| reaches(row, 1.5e6), actual: rate },
    Goal { row: "throughput.disk", text: "≥ 500 k/s", met: |row| reaches(row, 0.5e6), actual: rate },
    Goal { row: "replay.records", text: "≥ 2 M/s", met: |row| reaches(row, 2e6), actual: rate },
    Goal {
        row: "memory.account_bytes",
        text: "≤ 4 KiB",
        met: |row| row.p50 <= 4096,
        actual: |row| format!("{} B", row.p50),
    },
];

/// A goal with what came of it.
pub(crate) struct Verdict {
    pub(crate) row: &'static str,
    pub(crate) text: &'static str,
    pub(crate) actual: String,
    pub(crate) met: bool,
}

/// The goals of the rows that were measured. Of several rows of a name the first counts.
pub(crate) fn verdicts(rows: &[Row]) -> Vec<Verdict> {
    let judged = |goal: &Goal| {
        let row = rows.iter().find(|row| row.name == goal.row)?;
        Some(Verdict { row: goal.row, text: goal.text, actual: (goal.actual)(row), met: (goal.met)(row) })
    };
    GOALS.iter().filter_map(judged).collect()
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
