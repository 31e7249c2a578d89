//! `gannet run`: a node, until it is interrupted.

use std::path::PathBuf;
use std::time::Duration;

use engine::UpgradePolicy;
use model::Position;
use node::config::Config;
use node::running::{Node, StartOptions};

use super::output::Output;
use super::{Failure, log_to_stderr};
use crate::stop::StopSignal;

/// Run a node until SIGINT or SIGTERM.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub(super) struct Args {
    /// The configuration file.
    #[arg(short, long, value_name = "FILE", default_value = "node.toml")]
    config: PathBuf,
    /// Apply what the configuration changes of what exists, too. `gannet check` shows it.
    #[arg(long)]
    apply: bool,
    /// Measure how long the stages of each command take, and write it beside the journals.
    #[arg(long)]
    trace: bool,
    /// After an upgrade: start from the newest snapshot, although the records before it lead elsewhere with this
    /// program. What the old program concluded stays.
    #[arg(long)]
    from_snapshot: bool,
    /// After an upgrade: start although the old program was not stopped in order, and nothing proves that this one
    /// leads to the same by the last inputs.
    #[arg(long)]
    accept_unproven: bool,
    /// After a divergence: start although the digest at this record differs from the replayed one. The replayed state
    /// counts from there on.
    #[arg(long, value_name = "SHARD:SEQ")]
    accept_divergence: Option<Position>,
}

/// How often the node is looked at.
const ROUND: Duration = Duration::from_millis(100);

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let config = Config::load(&args.config).map_err(Failure::new)?;
    log_to_stderr(&config.node.log);
    // Before anything is started: a signal from here on ends the node in order.
    let stop = StopSignal::listen().map_err(Failure::new)?;
    let stage_times = args.trace.then(|| config.node.journal.clone());
    let upgrade = UpgradePolicy {
        from_snapshot: args.from_snapshot,
        accept_unproven: args.accept_unproven,
        accept_divergence: args.accept_divergence,
    };
    let options = StartOptions { apply_changes: args.apply, stage_times, upgrade };
    let node = Node::start(&config, &options).map_err(Failure::new)?;
    out.line(&format!("running; local commands: --socket {}", config.node.socket.display()))?;
    while !stop.wait(ROUND) {
        if !node.is_running() {
            tracing::error!("a shard has ended; the node stops");
            break;
        }
    }
    for report in node.stop().map_err(Failure::new)? {
        tracing::info!(position = %report.position, digest = %report.digest, "stopped");
    }
    Ok(())
}
