//! The goals, and whether this run met them.
//!
//! Another machine of the same kind is half as fast in every row, floors too. So a goal is a ratio between two rows of
//! one run, and time alone is never judged.

use serde::Serialize;

use crate::row::{Row, as_f64, ratio};

/// A goal for one row.
struct Goal {
    /// The row it is about, and the number of it.
    of: Number,
    /// What that is held against, measured in the same run.
    floor: Against,
    bound: GoalBound,
    /// A row that counted fewer says nothing about it.
    least: u64,
    /// The rows that tell what stands in the way of it.
    beside: &'static [&'static str],
}

/// One number of a row.
struct Number {
    row: &'static str,
    /// What it is called.
    name: &'static str,
    read: fn(&Row) -> Option<f64>,
}

/// What a number is divided by.
enum Against {
    /// A number of another row.
    Measured(Number),
    /// No machine changes it: a size.
    Fixed { value: f64, name: &'static str },
}

/// Between a number and its floor.
#[derive(Clone, Copy)]
enum GoalBound {
    AtMost(f64),
    AtLeast(f64),
}

impl GoalBound {
    /// A number that is none meets none.
    fn holds(self, ratio: f64) -> bool {
        match self {
            Self::AtMost(most) => ratio <= most,
            Self::AtLeast(least) => ratio >= least,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtMost(most) => format!("≤ {most:.2}"),
            Self::AtLeast(least) => format!("≥ {least:.2}"),
        }
    }
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

/// Times the longest gap without a snapshot.
pub(crate) const LONGEST_GAP: f64 = 10.0;

/// In the order of the table.
const GOALS: &[Goal] = &[
    // Two hops are the limit of any such path; the rest is ours.
    goal(p50(SUBMIT), measured(p50("ring.hop")), GoalBound::AtMost(3.0), PATH),
    goal(p99("core.submit_to_gateway.closed_loop"), measured(p50("ring.hop")), GoalBound::AtMost(6.0), PATH),
    goal(p50("risk.all_rules"), measured(p50("arithmetic")), GoalBound::AtMost(2.0), &["risk.all_rules"]),
    goal(p50("journal.append.process"), measured(p50("memory.append")), GoalBound::AtMost(2.5), APPEND),
    goal(p50("journal.append.disk"), measured(p50("memory.append")), GoalBound::AtMost(2.5), APPEND),
    goal(p999("journal.append.process"), measured(p999("memory.append")), GoalBound::AtMost(3.0), APPEND),
    goal(p999("journal.append.disk"), measured(p999("memory.append")), GoalBound::AtMost(3.0), APPEND),
    goal(
        p50("journal.durable_lag"),
        measured(p50("fdatasync")),
        GoalBound::AtMost(1.5),
        &["fdatasync", "wire.echo.blocking"],
    ),
    // Orders in the time of one hop.
    goal(rate("throughput.one_shard"), measured(turns("ring.hop")), GoalBound::AtLeast(0.5), FLOW),
    // The disk takes the records in groups: what a whole shard makes of that, of what the journal alone does.
    goal(
        rate("throughput.disk"),
        measured(rate("journal.group_commit")),
        GoalBound::AtLeast(0.15),
        &["throughput.one_shard", "journal.group_commit", "fdatasync"],
    ),
    // The longest pause against the longest that is there without a snapshot.
    goal(
        max("shard.gap.during_snapshot"),
        measured(max("shard.gap.idle")),
        GoalBound::AtMost(LONGEST_GAP),
        &["shard.gap.idle"],
    ),
    goal(
        rate("replay.records"),
        measured(rate("journal.read")),
        GoalBound::AtLeast(0.3),
        &["journal.read", "core.apply.new_order"],
    ),
    Goal {
        least: RECOVERED,
        ..goal(
            rate("recovery.from_journal"),
            measured(rate("journal.read")),
            GoalBound::AtLeast(0.15),
            &["replay.records", "journal.read"],
        )
    },
    Goal {
        least: TAIL,
        ..goal(
            p50("recovery.from_snapshot"),
            measured(p50("recovery.from_journal")),
            GoalBound::AtMost(0.05),
            &["recovery.from_journal", "recovery.from_snapshot.all_orders"],
        )
    },
    goal(
        bytes("memory.account_bytes"),
        Against::Fixed { value: 4096.0, name: "4 KiB" },
        GoalBound::AtMost(1.0),
        &["memory.account_bytes.untraded"],
    ),
];

const fn goal(of: Number, floor: Against, bound: GoalBound, beside: &'static [&'static str]) -> Goal {
    Goal { of, floor, bound, least: 0, beside }
}

const fn measured(number: Number) -> Against {
    Against::Measured(number)
}

const fn p50(row: &'static str) -> Number {
    Number { row, name: "p50", read: |row| Some(as_f64(row.p50)) }
}

const fn p99(row: &'static str) -> Number {
    Number { row, name: "p99", read: |row| Some(as_f64(row.p99)) }
}

const fn p999(row: &'static str) -> Number {
    Number { row, name: "p99.9", read: |row| Some(as_f64(row.p999)) }
}

const fn max(row: &'static str) -> Number {
    Number { row, name: "max", read: |row| Some(as_f64(row.max)) }
}

const fn bytes(row: &'static str) -> Number {
    Number { row, name: "bytes", read: |row| Some(as_f64(row.p50)) }
}

const fn rate(row: &'static str) -> Number {
    Number { row, name: "rate", read: |row| row.rate }
}

/// How often a second what takes its median could follow itself.
const fn turns(row: &'static str) -> Number {
    Number { row, name: "1 / p50", read: |row| (row.p50 > 0).then(|| 1e9 * ratio(1, row.p50)) }
}

/// A goal with what came of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Judgement {
    pub(crate) row: &'static str,
    /// The number of the row.
    pub(crate) number: &'static str,
    /// What it was divided by: a row of the same run and its number, or a size.
    pub(crate) floor: String,
    pub(crate) goal: String,
    pub(crate) ratio: f64,
    pub(crate) met: bool,
    /// What the same run measured of the parts.
    #[serde(skip)]
    pub(crate) evidence: String,
}

/// The goals whose rows and floors were measured. Of several rows of a name the first counts.
pub(crate) fn verdicts(rows: &[Row]) -> Vec<Judgement> {
    GOALS.iter().filter_map(|goal| judged(rows, goal)).collect()
}

fn judged(rows: &[Row], goal: &Goal) -> Option<Judgement> {
    let row = rows.iter().find(|row| row.name == goal.of.row).filter(|row| row.count >= goal.least)?;
    let (floor, name) = match &goal.floor {
        Against::Fixed { value, name } => (*value, (*name).to_owned()),
        Against::Measured(number) => {
            let row = rows.iter().find(|row| row.name == number.row)?;
            ((number.read)(row)?, format!("{} {}", number.row, number.name))
        }
    };
    let value = (goal.of.read)(row)?;
    let ratio = if floor > 0.0 { value / floor } else { return None };
    Some(Judgement {
        row: goal.of.row,
        number: goal.of.name,
        floor: name,
        goal: goal.bound.text(),
        ratio,
        met: goal.bound.holds(ratio),
        evidence: evidence(rows, goal),
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Best;
    use crate::samples::Samples;

    /// A row of one sample, with the rate that goes with it.
    fn row(name: &str, ns: u64) -> Row {
        let mut samples = Samples::new();
        samples.record(ns);
        let row = Row::new(name, Best::one(&samples), "");
        Row { count: RECOVERED, ..row.rate(1e9 * ratio(1, ns)) }
    }

    fn floor_row(goal: &Goal) -> Option<&'static str> {
        match &goal.floor {
            Against::Measured(number) => Some(number.row),
            Against::Fixed { .. } => None,
        }
    }

    #[test]
    fn a_goal_is_judged_by_the_first_row_of_its_name_and_explained_by_its_parts() {
        let rows = [row(SUBMIT, 900), row(SUBMIT, 5_000), row("ring.hop", 300)];
        let verdicts = verdicts(&rows);
        let [first] = verdicts.as_slice() else { panic!("{verdicts:?}") };
        assert!(first.met && (first.ratio - 3.0).abs() < 1e-9);
        assert_eq!((first.floor.as_str(), first.goal.as_str()), ("ring.hop p50", "≤ 3.00"));
        assert_eq!(first.evidence, "`ring.hop` p50 300, p99.9 300, max 300, 3.33 M/s");
    }

    #[test]
    fn without_its_floor_in_the_same_run_nothing_is_judged() {
        assert!(verdicts(&[row(SUBMIT, 900)]).is_empty());
    }

    #[test]
    fn a_machine_that_is_slower_in_every_row_is_judged_the_same() {
        for (goal, ns) in GOALS.iter().flat_map(|goal| [140, 430, 1_700].map(|ns| (goal, ns))) {
            let Some(floor) = floor_row(goal) else { continue };
            let on = |slower: u64| {
                judged(&[row(goal.of.row, ns * slower), row(floor, 300 * slower)], goal).unwrap().met
            };
            for slower in [2, 3, 10] {
                assert_eq!(on(1), on(slower), "{} {} at {ns} ns", goal.of.row, goal.of.name);
            }
        }
    }

    #[test]
    fn every_goal_can_be_met_and_missed() {
        for goal in GOALS {
            let floor = floor_row(goal).map(|name| row(name, 1_000));
            let met = |ns| {
                let rows: Vec<Row> = [row(goal.of.row, ns)].into_iter().chain(floor.clone()).collect();
                judged(&rows, goal).unwrap().met
            };
            assert!(met(10) && !met(50_000_000), "{} {}", goal.of.row, goal.of.name);
        }
    }

    #[test]
    fn no_time_is_judged_alone() {
        for goal in GOALS.iter().filter(|goal| floor_row(goal).is_none()) {
            assert_eq!(goal.of.name, "bytes", "{} is held against a number of one machine", goal.of.row);
        }
    }
}
