//! How it is shown: one line a row, the most frequent reason first.

use crate::numbers::{number, per_second};
use crate::row::{Row, ratio};
use crate::stalls::census::CoreOwner;
use crate::stalls::late::Behind;
use crate::stalls::reading::Cause;
use crate::stalls::{Stalls, Tail};

const ORDERS: [&str; 11] = [
    "path",
    "rate",
    "late",
    "core taken",
    "interrupts",
    "other",
    "shard",
    "queue",
    "longest pause",
    "why",
    "who had the measuring core",
];
const SHARD: [&str; 10] = [
    "path",
    "rate",
    "pauses",
    "longest",
    "why",
    "core taken",
    "asleep",
    "page faults",
    "host",
    "interrupts, work",
];
const FLUSHER: [&str; 10] = [
    "path",
    "syncs",
    "orders each",
    "sync p50",
    "p99",
    "device p50",
    "p99",
    "core taken",
    "between p50",
    "core taken",
];
/// Threads that are named at most.
const NAMED: usize = 3;
/// Who had the core for less than this part of what the first one had is in the JSON alone.
const WORTH_NAMING: u64 = 20;

/// A table with headings, one line for each row that has one; `None` where none has.
fn table<const N: usize>(
    headings: [&str; N],
    rows: &[Row],
    line: impl Fn(&Row, &Tail) -> Option<Vec<String>>,
) -> Option<Vec<Vec<String>>> {
    let headings = headings.map(str::to_owned).to_vec();
    let lines = rows.iter().filter_map(|row| line(row, row.tail.as_deref()?));
    let table: Vec<_> = std::iter::once(headings).chain(lines).collect();
    (table.len() > 1).then_some(table)
}

/// How many orders were late, and behind what.
pub(crate) fn orders(rows: &[Row]) -> Option<Vec<Vec<String>>> {
    table(ORDERS, rows, |row, tail| Some(orders_line(row, tail)))
}

/// The shard's pauses.
pub(crate) fn shards(rows: &[Row]) -> Option<Vec<Vec<String>>> {
    table(SHARD, rows, |row, tail| Some(shard_line(row, tail.shard.as_ref()?)))
}

/// Where the flusher was watched.
pub(crate) fn flushers(rows: &[Row]) -> Option<Vec<Vec<String>>> {
    table(FLUSHER, rows, flusher_line)
}

fn orders_line(row: &Row, tail: &Tail) -> Vec<String> {
    let total = tail.late.total();
    let mut cells = vec![
        row.name.clone(),
        rate(row),
        format!("{} > {}", percent(total, row.count), brief(tail.usual.late_ns)),
    ];
    let is_named = |cause| matches!(cause, Cause::CoreTaken | Cause::OnCore);
    let of = |is_one: &dyn Fn(Behind) -> bool| -> u64 {
        tail.late.reasons().iter().filter(|(behind, _)| is_one(*behind)).map(|(_, orders)| orders).sum()
    };
    for orders in [
        of(&|behind| behind == Behind::Measuring(Cause::CoreTaken)),
        of(&|behind| behind == Behind::Measuring(Cause::OnCore)),
        of(&|behind| matches!(behind, Behind::Measuring(cause) if !is_named(cause))),
        of(&|behind| matches!(behind, Behind::Shard(_))),
        of(&|behind| behind == Behind::Queue),
    ] {
        cells.push(if orders == 0 { DASH.to_owned() } else { percent(orders, total) });
    }
    cells.push(brief(tail.measuring.longest_ns));
    cells.push(match (tail.measuring.longest_cause, &tail.longest_by) {
        (Some(_), Some(name)) => name.clone(),
        (Some(Cause::CoreTaken), None) => "others than ours".to_owned(),
        (Some(cause), None) => cause.words().to_owned(),
        (None, _) => DASH.to_owned(),
    });
    cells.push(holders(tail));
    cells
}

fn holders(tail: &Tail) -> String {
    let mut held: Vec<(String, u64)> =
        tail.held.iter().take(NAMED).map(|(name, ns)| (format!("{name} {}", brief(*ns)), *ns)).collect();
    for (whose, name) in [(CoreOwner::Kernel, "kernel"), (CoreOwner::Others, "other programs")] {
        let ran = || tail.ran.iter().filter(|ran| ran.whose == whose);
        let ns: u64 = ran().map(|ran| ran.on_core_ns).sum();
        if let Some(first) = ran().next() {
            held.push((format!("{name} {} ({})", brief(ns), first.name), ns));
        }
    }
    let most_ns = held.iter().map(|(_, ns)| *ns).max().unwrap_or(0);
    held.retain(|(_, ns)| *ns >= most_ns / WORTH_NAMING);
    let held: Vec<String> = held.into_iter().map(|(held, _)| held).collect();
    if held.is_empty() { DASH.to_owned() } else { held.join(", ") }
}

fn shard_line(row: &Row, shard: &Stalls) -> Vec<String> {
    let why = shard.longest_cause.map_or(DASH, Cause::words).to_owned();
    let mut cells = vec![row.name.clone(), rate(row), number(shard.count), brief(shard.longest_ns), why];
    for cause in [Cause::CoreTaken, Cause::Asleep, Cause::PageFaults, Cause::Stolen, Cause::OnCore] {
        let ns = shard.parts.get(cause);
        cells.push(if ns == 0 { DASH.to_owned() } else { brief(ns) });
    }
    cells
}

fn rate(row: &Row) -> String {
    row.rate.map_or_else(|| DASH.to_owned(), per_second)
}

const DASH: &str = "-";

fn flusher_line(row: &Row, tail: &Tail) -> Option<Vec<String>> {
    let syncs = tail.syncs?;
    Some(vec![
        row.name.clone(),
        number(syncs.commits),
        format!("{:.0}", ratio(row.count, syncs.commits.max(1))),
        brief(syncs.sync_p50_ns),
        brief(syncs.sync_p99_ns),
        brief(syncs.device_p50_ns),
        brief(syncs.device_p99_ns),
        brief(syncs.core_taken_ns),
        brief(syncs.between_p50_ns),
        brief(syncs.core_taken_between_ns),
    ])
}

fn percent(part: u64, of: u64) -> String {
    let percent = ratio(part, of.max(1)) * 100.0;
    if percent >= 10.0 { format!("{percent:.0} %") } else { format!("{percent:.2} %") }
}

/// A duration in the unit that suits it, to two or three figures.
pub(crate) fn brief(ns: u64) -> String {
    let (value, unit) = match ns {
        0..1_000 => return format!("{ns} ns"),
        1_000..1_000_000 => (ratio(ns, 1_000), "µs"),
        1_000_000..1_000_000_000 => (ratio(ns, 1_000_000), "ms"),
        _ => (ratio(ns, 1_000_000_000), "s"),
    };
    if value < 10.0 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_brief() {
        let all = [0, 999, 1_000, 20_000, 4_554_000, 207_093_759, 1_500_000_000].map(brief);
        assert_eq!(all, ["0 ns", "999 ns", "1.0 µs", "20 µs", "4.6 ms", "207 ms", "1.5 s"]);
        assert_eq!([percent(0, 0), percent(1, 1_000), percent(95, 100)], ["0.00 %", "0.10 %", "95 %"]);
    }

    #[test]
    fn rows_without_a_tail_have_no_line() {
        let row = Row::new("fdatasync", crate::row::Best::one(&crate::samples::Samples::new()), "");
        for rows in [&[][..], &[row]] {
            assert!(orders(rows).is_none() && shards(rows).is_none() && flushers(rows).is_none());
        }
    }
}
