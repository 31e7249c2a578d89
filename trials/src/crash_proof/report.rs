//! The table, the same as JSON, and what to do about a failure.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use readable::table::{Cell, Table};
use serde_json::{Map, Value, json};

use super::plan::{Durabilities, Planned};
use super::rows::{self, Row};
use super::{Check, CrashProofOptions, TrialError};
use crate::findings::Findings;

/// What became of the kills at one place, or of all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Kills, those that go before included.
    pub(crate) kills: u64,
    /// Kills that struck at the place itself.
    pub(crate) reached: u64,
    /// Orders that were acknowledged meanwhile.
    pub(crate) orders: u64,
    /// Executions that were booked meanwhile.
    pub(crate) fills: u64,
    pub(crate) findings: Findings,
}

/// What the crash proof found.
pub struct Report {
    planned: Vec<(Row, Tally)>,
    kills: u64,
    not_struck: Vec<&'static str>,
    options: CrashProofOptions,
    kept: Vec<(PathBuf, &'static str)>,
    broken: Option<String>,
    started: Instant,
    seconds: f64,
}

impl Report {
    pub(super) fn new(options: &CrashProofOptions, planned: &[Planned]) -> Self {
        let is_planned = |row: &Row| planned.iter().any(|planned| planned.row.name == row.name);
        let all = rows::all();
        Self {
            planned: planned.iter().map(|planned| (planned.row, Tally::default())).collect(),
            kills: planned.iter().map(|planned| u64::from(planned.strikes * planned.row.cost())).sum(),
            not_struck: all.iter().filter(|row| !is_planned(row)).map(|row| row.name).collect(),
            options: options.clone(),
            kept: Vec::new(),
            broken: None,
            started: Instant::now(),
            seconds: 0.0,
        }
    }

    /// Of a world that was kept.
    pub(super) fn of_one(root: &Path, tally: Tally) -> Self {
        let mut report = Self::new(&CrashProofOptions::default(), &[]);
        let kept = Row { name: "kept", meaning: "what a kept world left", ..Row::any() };
        report.planned = vec![(kept, tally)];
        report.not_struck.clear();
        report.kept = vec![(root.to_owned(), "kept")];
        report
    }

    fn tally(&mut self, name: &str) -> Option<&mut Tally> {
        self.planned.iter_mut().find(|(row, _)| row.name == name).map(|(_, tally)| tally)
    }

    pub(super) fn killed(&mut self, name: &str) {
        if let Some(tally) = self.tally(name) {
            tally.kills += 1;
        }
    }

    pub(super) fn struck(&mut self, name: &str, reached: bool) {
        if let Some(tally) = self.tally(name) {
            tally.reached += u64::from(reached);
        }
    }

    /// Adds what came after a kill.
    pub(super) fn add(&mut self, name: &str, new: &Tally) {
        if let Some(tally) = self.tally(name) {
            tally.orders += new.orders;
            tally.fills += new.fills;
            tally.findings.merge(&new.findings);
        }
    }

    pub(super) fn was_reached(&self, name: &str) -> bool {
        self.planned.iter().any(|(row, tally)| row.name == name && tally.reached > 0)
    }

    pub(super) fn keep(&mut self, root: &Path, name: &'static str) {
        self.kept.push((root.to_owned(), name));
    }

    pub(super) fn broken(&mut self, error: &TrialError, name: &str) {
        self.broken = Some(format!("after a kill at {name}: {error}"));
    }

    pub(super) fn finish(&mut self) {
        self.seconds = self.started.elapsed().as_secs_f64();
    }

    /// Kills done, and kills planned.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.total().kills, self.kills)
    }

    /// What a person sees on the way.
    pub(super) fn line(&self, name: &str) -> String {
        let total = self.total();
        let found = total.findings.lines().count();
        let Tally { kills, orders, fills, .. } = total;
        format!("{kills} kills, {orders} orders, {fills} fills, {found} findings; {name}")
    }

    fn total(&self) -> Tally {
        let mut total = Tally::default();
        for (_, tally) in &self.planned {
            total.kills += tally.kills;
            total.reached += tally.reached;
            total.orders += tally.orders;
            total.fills += tally.fills;
            total.findings.merge(&tally.findings);
        }
        total
    }

    /// Places that no kill struck, though it was planned: nothing is proved there.
    fn not_reached(&self) -> Vec<&'static str> {
        let missed = self.planned.iter().filter(|(row, tally)| tally.reached == 0 && row.name != "kept");
        missed.map(|(row, _)| row.name).collect()
    }

    /// True where nothing was found, and every place that was to be struck was.
    pub fn holds(&self) -> bool {
        self.total().findings.is_empty() && self.not_reached().is_empty() && self.broken.is_none()
    }

    /// A line for each place.
    pub fn table(&self) -> Table {
        let title = format!(
            "Crash proof: seed {}, durability {}, {:.0} s",
            self.options.seed,
            word(self.options.durability),
            self.seconds
        );
        let headings = [
            "POINT",
            "KILLS",
            "AT IT",
            "ORDERS",
            "LOST",
            "TWICE",
            "FILLS",
            "LOST",
            "TWICE",
            "FIX NUMBERS",
            "LEDGER",
            "DIGEST",
        ];
        let mut table = Table::new(title, &headings);
        for (row, tally) in &self.planned {
            table.row(cells(row.name, tally));
        }
        table.total(cells("all", &self.total()));
        table
    }

    /// The numbers, under the documented keys.
    pub fn to_json(&self) -> Value {
        let points: Map<String, Value> = self
            .planned
            .iter()
            .map(|(row, tally)| {
                let mut numbers = numbers(tally);
                numbers.insert("meaning".to_owned(), json!(row.meaning));
                (row.name.to_owned(), Value::Object(numbers))
            })
            .collect();
        let mut all = numbers(&self.total());
        let more = [
            ("points", Value::Object(points)),
            ("holds", json!(self.holds())),
            ("not_reached", json!(self.not_reached())),
            ("not_struck", json!(self.not_struck)),
            ("findings", json!(self.total().findings.lines().collect::<Vec<_>>())),
            ("broken", json!(self.broken)),
            ("seed", json!(self.options.seed)),
            ("durability", json!(word(self.options.durability))),
            ("seconds", json!(self.seconds)),
        ];
        all.extend(more.map(|(key, value)| (key.to_owned(), value)));
        Value::Object(all)
    }

    /// How to repeat what went wrong: the places, the orders and the market are the seed's, the instants are not.
    fn repeat(&self, name: &str) -> String {
        let CrashProofOptions { seed, durability, .. } = self.options;
        let point = if rows::all().iter().any(|row| row.name == name) { name } else { "random.node" };
        format!(
            "cargo xtask crash-proof --point {point} --kills 20 --seed {seed} --durability {}",
            word(durability)
        )
    }
}

const fn word(durability: Durabilities) -> &'static str {
    match durability {
        Durabilities::Process => "process",
        Durabilities::Disk => "disk",
        Durabilities::Both => "both",
    }
}

fn cells(name: &str, tally: &Tally) -> Vec<Cell> {
    let found = |check| tally.findings.count(check);
    let numbers = [
        tally.kills,
        tally.reached,
        tally.orders,
        found(Check::OrdersLost),
        found(Check::OrdersDuplicated),
        tally.fills,
        found(Check::FillsLost),
        found(Check::FillsTwice),
        found(Check::SequenceMismatches),
        found(Check::LedgerNonzero),
        found(Check::DigestMismatches),
    ];
    std::iter::once(Cell::text(name)).chain(numbers.map(Cell::count)).collect()
}

fn numbers(tally: &Tally) -> Map<String, Value> {
    let counts: BTreeMap<&str, u64> = [
        ("kills", tally.kills),
        ("reached", tally.reached),
        ("orders", tally.orders),
        ("fills", tally.fills),
    ]
    .into_iter()
    .chain(Check::ALL.map(|check| (check.key(), tally.findings.count(check))))
    .collect();
    counts.into_iter().map(|(key, count)| (key.to_owned(), json!(count))).collect()
}

/// What is to be said below the table.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.not_struck.is_empty() && self.options.points.is_empty() {
            let more = "more kills strike there too";
            writeln!(f, "Not struck in this run ({more}): {}", self.not_struck.join(", "))?;
        }
        let not_reached = self.not_reached();
        if !not_reached.is_empty() {
            writeln!(f, "✘ never come to, so nothing is proved there: {}", not_reached.join(", "))?;
        }
        for (row, tally) in &self.planned {
            for line in tally.findings.lines() {
                writeln!(f, "✘ {}: {line}", row.name)?;
            }
        }
        if let Some(broken) = &self.broken {
            writeln!(f, "✘ {broken}")?;
        }
        if self.holds() {
            return writeln!(
                f,
                "✔ nothing was lost, nothing happened twice, and every replay led to the same state"
            );
        }
        for (root, name) in &self.kept {
            let root = root.display();
            writeln!(f, "\nKept in {root}; to look at it:")?;
            writeln!(f, "  gannet crash-proof --judge {root}")?;
            writeln!(
                f,
                "  gannet orders --journal {root}/journal; gannet journal verify {root}/journal/shard-0"
            )?;
            writeln!(f, "  less {root}/node.out {root}/broker.out {root}/broker/broker.log")?;
            writeln!(f, "To repeat it: {}", self.repeat(name))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One place, struck once, nothing found.
    fn report() -> Report {
        let options =
            CrashProofOptions { points: vec!["fix.sent".to_owned()], ..CrashProofOptions::default() };
        let planned = super::super::plan::plan(&CrashProofOptions { kills: 1, ..options.clone() }).unwrap();
        let mut report = Report::new(&options, &planned);
        report.killed("fix.sent");
        report.struck("fix.sent", true);
        report.add("fix.sent", &Tally { orders: 5, fills: 4, ..Tally::default() });
        report
    }

    #[test]
    fn it_holds_where_nothing_was_found() {
        let report = report();
        assert!(report.holds());
        let json = report.to_json();
        assert_eq!((&json["kills"], &json["points"]["fix.sent"]["fills"]), (&json!(1), &json!(4)));
        assert!(Check::ALL.iter().all(|check| json[check.key()] == 0));
        assert!(report.to_string().starts_with("✔"), "{report}");
    }

    #[test]
    fn it_does_not_hold_with_a_finding_and_says_how_to_look_at_it() {
        for check in Check::ALL {
            let mut report = report();
            let mut new = Tally::default();
            new.findings.add(check, "E1-5".to_owned());
            report.add("fix.sent", &new);
            report.keep(Path::new("/tmp/world"), "fix.sent");
            assert!(!report.holds());
            assert_eq!(report.to_json()["points"]["fix.sent"][check.key()], 1);
            assert_eq!(report.to_json()[check.key()], 1);
            let text = report.to_string();
            for said in [
                &format!("✘ fix.sent: {}: E1-5", check.key()),
                "gannet crash-proof --judge /tmp/world",
                "cargo xtask crash-proof --point fix.sent --kills 20 --seed 7 --durability both",
            ] {
                assert!(text.contains(said), "{text}");
            }
        }
    }

    #[test]
    fn it_does_not_hold_where_a_place_was_never_come_to_or_the_proof_broke_off() {
        let mut missed = report();
        missed.planned[0].1.reached = 0;
        assert!(!missed.holds());
        assert!(missed.to_string().contains("✘ never come to, so nothing is proved there: fix.sent"));
        let mut broken = report();
        broken.broken(&TrialError::Asked("nothing works".to_owned()), "fix.sent");
        assert!(!broken.holds());
        assert!(broken.to_string().contains("✘ after a kill at fix.sent: nothing works"), "{broken}");
    }
}
