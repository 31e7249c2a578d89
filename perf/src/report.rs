//! The table for people, the Markdown report and the JSON file.

use std::fmt::Write;
use std::path::Path;

use crate::error::PerfError;
use crate::goals::{Judgement, verdicts};
use crate::lab::Lab;
use crate::machine::{Run, file_system};
use crate::numbers::{number, per_second};
use crate::plot::{self, Picture};
use crate::row::{Row, Unit};
use crate::stalls;

/// Everything that came of a run.
pub(crate) struct Report {
    pub(crate) rows: Vec<Row>,
    pub(crate) verdicts: Vec<Judgement>,
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) pictures: Vec<Picture>,
    pub(crate) not_run: Vec<String>,
    pub(crate) failures: Vec<(&'static str, PerfError)>,
}

/// Title, cells, columns to the left.
type Titled = (&'static str, Vec<Vec<String>>, &'static [usize]);

/// The JSON file.
#[derive(serde::Serialize)]
struct Json<'a> {
    rows: &'a [Row],
    /// What was judged: ratio, goal and the floor that the ratio is to.
    goals: &'a [Judgement],
}

const HEADINGS: [&str; 10] = ["path", "rate", "p50", "p90", "p99", "p99.9", "max", "floor", "p50", "ratio"];

impl Report {
    pub(crate) fn new(lab: &Lab, run: Run, failures: Vec<(&'static str, PerfError)>) -> Self {
        let mut facts = run.facts;
        let cores: Vec<String> = lab.cores.iter().map(ToString::to_string).collect();
        facts.push(("threads", threads(lab, &cores)));
        facts.push(("journals on", file_system(lab.scratch())));
        facts.push(("clock's own part", format!("{} ns, taken off where a row says so", lab.clock_ns)));
        facts.push(("repetitions", format!("{}, the best of each is shown", lab.repetitions())));
        Self {
            verdicts: verdicts(&lab.rows),
            rows: lab.rows.clone(),
            facts,
            pictures: plot::pictures(&lab.rows),
            not_run: lab.not_run.clone(),
            failures,
        }
    }

    /// For a terminal.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        if !self.rows.is_empty() {
            text.push('\n');
            text.push_str(&aligned(&self.cells(), &[0, 7]));
        }
        for (title, cells, left) in self.tail_tables() {
            line(&mut text, format_args!("\n{title}"));
            text.push_str(&aligned(&cells, left));
        }
        if !self.verdicts.is_empty() {
            text.push('\n');
            text.push_str(&aligned(&self.goal_cells(), &[0, 1, 2]));
            for verdict in self.verdicts.iter().filter(|verdict| !verdict.met) {
                line(&mut text, format_args!("  {} {}: {}", verdict.row, verdict.number, verdict.evidence));
            }
        }
        text.push('\n');
        for (name, value) in &self.facts {
            line(&mut text, format_args!("{name:<20} {value}"));
        }
        for what in &self.not_run {
            line(&mut text, format_args!("{:<20} {what}", "not run"));
        }
        for (name, error) in &self.failures {
            line(&mut text, format_args!("FAILED {name}: {error}"));
        }
        text
    }

    pub(crate) fn cells(&self) -> Vec<Vec<String>> {
        let headings = HEADINGS.map(str::to_owned).to_vec();
        std::iter::once(headings).chain(self.rows.iter().map(cells)).collect()
    }

    pub(crate) fn goal_cells(&self) -> Vec<Vec<String>> {
        let headings = ["path", "number", "floor", "goal", "ratio", ""].map(str::to_owned).to_vec();
        let judged = self.verdicts.iter().map(|verdict| {
            let met = if verdict.met { "met" } else { "NOT MET" };
            let ratio = format!("{:.2}", verdict.ratio);
            let row = [verdict.row, verdict.number, &verdict.floor, &verdict.goal, &ratio, met];
            row.map(str::to_owned).to_vec()
        });
        std::iter::once(headings).chain(judged).collect()
    }

    pub(crate) fn write_json(&self, path: &Path) -> Result<(), PerfError> {
        let written = |source| PerfError::Write { path: path.to_path_buf(), source };
        let text = serde_json::to_string_pretty(&Json { rows: &self.rows, goals: &self.verdicts });
        let text = text.map_err(|error| written(error.into()))?;
        std::fs::write(path, text + "\n").map_err(written)
    }

    pub(crate) fn write_markdown(&self, lab: &Lab) -> Result<(), PerfError> {
        plot::write(&self.pictures, &lab.dir)?;
        let path = lab.dir.join("report.md");
        std::fs::write(&path, self.markdown())
            .map_err(|source| PerfError::Write { path: path.clone(), source })?;
        eprintln!("report: {}", path.display());
        Ok(())
    }

    /// What the tails were looked into for.
    fn tail_tables(&self) -> Vec<Titled> {
        let orders = stalls::table::orders(&self.rows).map(|cells| (LATE, cells, &[0, 9, 10][..]));
        let shards = stalls::table::shards(&self.rows).map(|cells| (SHARD, cells, &[0, 4][..]));
        let flushers = stalls::table::flushers(&self.rows).map(|cells| (FLUSHER, cells, &[0][..]));
        [orders, shards, flushers].into_iter().flatten().collect()
    }

    /// The same as a section.
    pub(crate) fn tails(&self, text: &mut String) {
        let tables = self.tail_tables();
        if !tables.is_empty() {
            text.push_str(TAILS);
        }
        for (title, cells, _) in tables {
            line(text, format_args!("\n{title}:\n"));
            text.push_str(&piped(&cells));
        }
    }

    fn markdown(&self) -> String {
        let mut text = String::from("# Latency report\n\n");
        text.push_str(ABOUT);
        text.push_str("\n## Paths\n\n");
        text.push_str(&piped(&self.cells()));
        self.tails(&mut text);
        text.push_str("\n## Goals\n\n");
        text.push_str(&piped(&self.goal_cells()));
        text.push_str("\n## Pictures\n\n");
        for Picture { file, about, .. } in &self.pictures {
            line(&mut text, format_args!("![{about}]({file})\n"));
        }
        text.push_str("## What each row means\n\n");
        for row in &self.rows {
            let all: Vec<String> = row.repetitions.iter().map(|p50| number(*p50)).collect();
            let rate = row.rate.map(|rate| format!(" at {}", per_second(rate))).unwrap_or_default();
            line(
                &mut text,
                format_args!(
                    "* `{}`{rate}: {}. {} samples; p50 of each repetition: {}.",
                    row.name,
                    row.note,
                    row.count,
                    all.join(", ")
                ),
            );
        }
        text.push_str("\n## Machine\n\n");
        for (name, value) in &self.facts {
            line(&mut text, format_args!("* {name}: {value}"));
        }
        for (name, error) in &self.failures {
            line(&mut text, format_args!("\n**Failed:** `{name}`: {error}"));
        }
        text
    }
}

const ABOUT: &str = "Durations in nanoseconds, from HDR histograms with three significant figures, to the maximum. \
    Open loop rows count from the time an order was meant to be sent. A floor is what the machine itself takes for \
    the same, measured in the same run. Rows with a rate and a floor in nanoseconds for each show in the percentiles \
    the mean time of each in a window.\n";

const LATE: &str = "Where the tails come from: orders that were late, and what they were late behind";
const SHARD: &str = "Where the tails come from: the shard's own pauses, all together by cause";
const FLUSHER: &str = "Where the time of the journal's flusher goes";

const TAILS: &str = "
## Where the tails come from

A pause is a turn of a loop, of the thread that measures or of the shard, that took over 20 µs. Behind each the thread reads
what the kernel counts for it, which any program may:

* *core taken*: ready to run, and another thread had its core;
* *asleep*: it waited for something, as the shard does for a segment of the journal that is not made yet;
* *host*: neither on a core nor waiting for one nor asleep;
* *page faults*: on its core, taking some;
* *interrupts*: on its core without any of that, which is what remains: interrupts, the kernel's work in them, what a host
  takes without saying so. For the shard also work of its own that is longer than it should be. `/proc/interrupts` says
  which core a disk interrupts: best none that a shard is pinned to.

An order is late behind the pause it was due in, and one behind a late one for the same reason until the queue is gone.
*Queue*: no pause was seen; the path is loaded, or it waits for what it is meant to wait for, the disk or the read side. *Who
had the measuring core*: our own threads, in those pauses; threads of the kernel and of other programs over the whole row, as
far as they were still there behind it. What is described is the repetition that the row shows.

A sync of the flusher is *device* while it sleeps for it; *core taken* is all that it was ready and another thread ran. An
order waits for the sync that runs when it comes, for what lies between two, and for its own.
";

/// Which thread ran where.
fn threads(lab: &Lab, cores: &[String]) -> String {
    match (lab.near_core(), lab.far_core()) {
        (Some(near), Some(far)) => {
            format!(
                "measuring on core {near}, measured on core {far}, background beside the measuring one or on any of {}",
                cores.join(", ")
            )
        }
        _ => "not pinned: fewer than two cores, every hop is a turn of the scheduler".to_owned(),
    }
}

fn cells(row: &Row) -> Vec<String> {
    let dash = || "-".to_owned();
    let mut cells = vec![row.name.clone(), row.rate.map_or_else(dash, per_second)];
    cells.extend([row.p50, row.p90, row.p99, row.p999, row.max].map(number));
    if row.unit == Unit::Bytes
        && let Some(last) = cells.last_mut()
    {
        last.push_str(" B");
    }
    cells.push(row.floor_name.map_or_else(dash, str::to_owned));
    cells.push(row.floor_p50.map_or_else(dash, number));
    cells.push(row.ratio_p50.map_or_else(dash, |ratio| format!("{ratio:.2}")));
    cells
}

/// Columns as wide as they must be; those in `left` to the left.
fn aligned(cells: &[Vec<String>], left: &[usize]) -> String {
    let columns = cells.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| cells.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for (index, row) in cells.iter().enumerate() {
        let mut row_text = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let padding = " ".repeat(width - cell.chars().count());
            let gap = if column == 0 { "" } else { "  " };
            let (before, behind) =
                if left.contains(&column) { ("", padding.as_str()) } else { (padding.as_str(), "") };
            row_text.push_str(&[gap, before, cell, behind].concat());
        }
        line(&mut text, format_args!("{}", row_text.trim_end()));
        if index == 0 {
            let total = widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1);
            line(&mut text, format_args!("{}", "─".repeat(total)));
        }
    }
    text
}

/// A Markdown table.
pub(crate) fn piped(cells: &[Vec<String>]) -> String {
    let mut text = String::new();
    for (index, row) in cells.iter().enumerate() {
        line(&mut text, format_args!("| {} |", row.join(" | ")));
        if index == 0 {
            line(&mut text, format_args!("|{}", " --- |".repeat(row.len())));
        }
    }
    text
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let cells = [["path", "p50"], ["a.b", "1,000"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(aligned(&cells, &[0]), "path    p50\n───────────\na.b   1,000\n");
    }
}
