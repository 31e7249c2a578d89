//! The latency lab: every path beside its floor, measured in one run.
//!
//! * `options` and `lab`: what was asked for, and what every measurement gets.
//! * `ticks`, `samples`, `rig`: the clock, the histograms, a shard to measure.
//! * `rows`: one file for each family of paths; `perf/src/rows.rs` is the table of contents.
//! * `stalls`: where the tails come from.
//! * `alternatives`: the designs that lost, still runnable.
//! * `goals`, `machine`, `report`, `plot`: what the numbers are held against and how they are shown; `publish` writes the
//!   reference document.

mod alternatives;
mod counting;
mod durations;
mod error;
mod goals;
mod lab;
mod machine;
mod numbers;
mod open_loop;
mod options;
mod plot;
mod publish;
mod ratio;
mod report;
mod rig;
mod row;
mod rows;
mod samples;
mod stalls;
mod ticks;
mod usage;

use std::process::ExitCode;

use clap::Parser;

use crate::error::PerfError;
use crate::lab::Lab;
use crate::options::Options;
use crate::report::Report;

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("perf: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures, prints, writes; false where a measurement failed.
fn run(options: Options) -> Result<bool, PerfError> {
    if options.list {
        rows::names().for_each(|name| println!("{name}"));
        return Ok(true);
    }
    let mut lab = Lab::open(options)?;
    let before = machine::Conditions::now();
    let failures = rows::measure(&mut lab);
    let run = machine::Run::between(&before, &machine::Conditions::now());
    let report = Report::new(&lab, run, failures);
    // Files first: who reads the table may close it early, as `head` does.
    report.write_markdown(&lab)?;
    if let Some(path) = &lab.options.json {
        report.write_json(path)?;
    }
    if let Some(path) = &lab.options.publish {
        publish::write(&report, path, lab.is_full())?;
    }
    print!("{}", report.table());
    Ok(report.failures.is_empty())
}
