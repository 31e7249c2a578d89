//! The reference document: one run, dated, with its machine, its pictures, and what each number means.

use std::fmt::Write as _;
use std::path::Path;

use crate::error::PerfError;
use crate::numbers::number;
use crate::plot::{self, Picture};
use crate::report::{Report, piped};
use crate::row::Row;

/// Writes `file`, and the pictures into a folder of the same name beside it.
pub(crate) fn write(report: &Report, file: &Path, was_full: bool) -> Result<(), PerfError> {
    let folder = file.with_extension("");
    plot::write(&report.pictures, &folder)?;
    let stem = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    std::fs::write(file, text(report, &stem, was_full))
        .map_err(|source| PerfError::Write { path: file.to_path_buf(), source })?;
    eprintln!("published: {}", file.display());
    Ok(())
}

fn text(report: &Report, folder: &str, was_full: bool) -> String {
    let mut text = String::from("# Performance\n\n");
    let date = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let kind = if was_full { "full" } else { "quick" };
    add(
        &mut text,
        format_args!(
            "The {kind} run of {date}, written by the run itself with `cargo xtask bench --{kind} --publish docs/performance.md`."
        ),
    );
    text.push_str(READ_IT);
    text.push_str("\n## The goals\n\n");
    text.push_str(GOALS);
    text.push_str(&piped(&report.goal_cells()));
    misses(&mut text, report);
    text.push_str(NOT_YET);
    text.push_str("\n## Pictures\n\n");
    for Picture { file, about, .. } in &report.pictures {
        add(&mut text, format_args!("![{about}]({folder}/{file})\n"));
    }
    text.push_str(MEANINGS);
    fix_stages(&mut text, report);
    report.tails(&mut text);
    text.push_str("\n## All paths\n\nDurations in nanoseconds.\n\n");
    text.push_str(&piped(&report.cells()));
    text.push_str("\n## What ran where\n\n");
    for row in &report.rows {
        add(&mut text, format_args!("* `{}`: {}.", row.name, row.note));
    }
    text.push_str("\n## The machine\n\n");
    for (name, value) in &report.facts {
        add(&mut text, format_args!("* {name}: {value}"));
    }
    for what in &report.not_run {
        add(&mut text, format_args!("* not run: {what}"));
    }
    for (name, error) in &report.failures {
        add(&mut text, format_args!("* **failed**: `{name}`: {error}"));
    }
    text
}

/// What stands in the way of each goal that was not met, by measurements of the same run.
fn misses(text: &mut String, report: &Report) {
    let missed: Vec<_> = report.verdicts.iter().filter(|verdict| !verdict.met).collect();
    if missed.is_empty() {
        text.push_str("\nEvery goal that this run can judge is met.\n");
        return;
    }
    text.push_str("\nWhat stands in the way, by measurements of the same run:\n\n");
    for verdict in missed {
        add(text, format_args!("* `{}`, {}: {}.", verdict.row, verdict.number, verdict.evidence));
    }
}

fn fix_stages(text: &mut String, report: &Report) {
    let stages: Vec<&Row> =
        report.rows.iter().filter(|row| row.name.starts_with("wire.quickfix.stage.")).collect();
    if stages.is_empty() {
        return;
    }
    text.push_str(FIX);
    let headings = ["stage", "what", "p50", "p90", "p99", "max"].map(str::to_owned).to_vec();
    let cells = |row: &&Row| {
        let name = row.name.trim_start_matches("wire.quickfix.stage.");
        let what = STAGES.iter().find(|(stage, _)| *stage == name).map_or("", |(_, what)| what);
        let numbers = [row.p50, row.p90, row.p99, row.max].map(number);
        [vec![name.replace('_', " "), what.to_owned()], numbers.to_vec()].concat()
    };
    let table: Vec<Vec<String>> = std::iter::once(headings).chain(stages.iter().map(cells)).collect();
    text.push_str(&piped(&table));
    let total: u64 = stages.iter().map(|row| row.p50).sum();
    let ours: u64 = stages.iter().take(5).map(|row| row.p50).sum();
    add(
        text,
        format_args!(
            "\nThe medians add up to {} ns. The first five are ours, {} ns; the rest is translation, QuickFIX on both sides, and the kernel's loopback.",
            number(total),
            number(ours)
        ),
    );
}

const STAGES: [(&str, &str); 9] = [
    ("1_ring_in", "from the submitter's thread to the shard's"),
    ("2_journal", "stamped and appended"),
    ("3_decide", "risk rules, order, ledger"),
    ("4_release", "answer and message on their rings"),
    ("5_gateway_ring", "until the gateway's thread has the message"),
    ("6_translate_send", "to FIX fields, numbered, stored, written to the socket"),
    ("7_wire_to_broker", "the kernel, then the broker's QuickFIX: wake, read, parse, check"),
    ("8_broker", "the broker's application builds its answer"),
    (
        "9_wire_back_booked",
        "the broker's QuickFIX sends, the kernel, our QuickFIX parses, translation, the shard's ring",
    ),
];

const READ_IT: &str = "
How to read it:

* **Open loop**: every order has a time at which it was meant to be sent, and its latency counts from there. A stall is
  paid by everybody who had to wait behind it; nothing is left out because the sender was late itself.
* **Floor**: what the machine takes for the same without us, measured in the same run: a ring hop, a copy and CRC into
  memory, `fdatasync`, a raw socket. Compare ratios between machines, not nanoseconds.
* **The best of several repetitions** is shown, by median. What disturbs only ever adds, and a shared machine disturbs.
* **Two cores** can show one shard beside one load generator and nothing else. Rows in which more threads want a core
  show the scheduler as much as the program; the notes at the end say which thread ran where.
";

const GOALS: &str = "
A goal is a ratio: a number of a path, divided by a floor of the same run. Another machine of the same kind can be slower by
half in every row, so a time alone is judged nowhere. `1 / p50` is how often a second the floor could follow itself.

";

const NOT_YET: &str = "
Goals that need what is not there yet: FIX in to FIX out through the native engine (≤ 1.10 × a raw echo over the same
hops, ≥ 3 × faster than QuickFIX). What is judged elsewhere: kills without loss (`cargo xtask crash-proof`), refusals
(the tests).
";

const MEANINGS: &str = "
## What the numbers mean, and what they do not

* `core.submit_to_gateway`: a strategy in the same process hands over an order; risk-checked, journalled and booked, it
  lies on the ring of the gateway. It is **not** the time to a broker: no FIX, no socket. With `process` durability the
  record survives the process, not the machine; the row `.disk` survives the machine.
* Rates: the last ones are beyond what one shard carries. There latency is the length of the queue, and grows with the
  time the row runs. The bend is what counts.
  Before that the journal's disk may be what is short: 750 k orders a second are 300 MB a second, and a shard that has filled
  a segment before the next one is made sleeps until it is; its pauses say *asleep*.
* `.with_read_side`, `.with_snapshot`, `core.fill_to_event`: a third thread wants a core. On two cores this is the
  scheduler's time slice; with a core to spare it is not there.
* `core.fill_to_event` ends at a subscriber of the read side, which looks every 200 µs: it is meant for people and
  analytics, not for strategies. `core.fill_to_books` ends where the next order is already judged with the fill in it.
* `journal.append.*`: the call alone. Without pause no writer could be fed so; `journal.append.load.*` are the same at
  500 k/s from the intended times, rolls and all, and `journal.append.roll` is only the calls that begin a segment.
* `journal.durable_lag`: one record at a time, from the append to \"on disk\". `throughput.disk` and
  `journal.group_commit`: many at a time, one sync for all of them.
* `throughput.*`: the load generator is one thread and often the limit; its floor is the bare ring.
* `shard.gap.*`: the time between two turns of the shard's loop. A snapshot is written by the read side, so what it may
  cost the shard is memory bandwidth, the disk's queue and, on few cores, the core.
* `recovery.*`: until the state is ready to trade on, the journal in the page cache. From a cold disk, reading comes on
  top.
* `wire.quickfix.*`: the best configuration found, its stores in memory. A node keeps its store in files, because a
  crash must not lose what was sent: `.file.process`. `.bare`: QuickFIX alone on both sides, without risk, journal or
  books: what a user would have without us, and the part of the round trip that is not ours.
* `fix.parse`, `fix.encode`: translation alone; sockets, sequence numbers and sessions are QuickFIX's.
* `memory.account_bytes`: what the allocator was asked for, by the core of one shard. The read side holds a second copy.
";

const FIX: &str = "
## Where each microsecond of a FIX round trip goes

One order at a time through QuickFIX over loopback, by stamps of a run of its own; tracing costs it some 0.2 µs.

";

fn add(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}
