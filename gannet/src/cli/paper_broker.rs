//! `gannet paper-broker`: the counterparty for demos and tests.

use std::path::PathBuf;
use std::time::Duration;

use paper_broker::{Config, PaperBroker};

use super::Failure;
use super::output::Output;
use crate::stop::StopSignal;

/// Run a paper broker until SIGINT or SIGTERM.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Its configuration file.
    #[arg(short, long, value_name = "FILE", default_value = "broker.toml")]
    config: PathBuf,
    /// When it has stopped, say what it did, as JSON.
    #[arg(long)]
    json: bool,
}

/// How often it is looked for the end.
const ROUND: Duration = Duration::from_millis(100);

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Said(format!("{}: {error}", args.config.display()));
    let text = std::fs::read_to_string(&args.config).map_err(|error| failed(&error))?;
    let config: Config = toml::from_str(&text).map_err(|error| failed(&error))?;
    let stop = StopSignal::listen().map_err(Failure::new)?;
    let broker = PaperBroker::start(config).map_err(Failure::new)?;
    if !args.json {
        out.line(&format!("running; FIX on port {}, quotes on port {}", broker.port(), broker.feed_port()))?;
    }
    while !stop.wait(ROUND) {}
    let status = broker.status().map_err(Failure::new)?;
    broker.stop().map_err(Failure::new)?;
    if args.json { out.json(&status) } else { out.line("stopped") }
}
