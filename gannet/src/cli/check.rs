//! `gannet check`: is the configuration right, and what would it change?

use std::path::PathBuf;

use front::definitions::Definitions;
use node::config::Config;
use node::journals::Journals;
use node::plan::Plan;
use serde_json::json;

use super::Failure;
use super::output::Output;

/// Check a configuration, and show the difference to what its journals know. Nothing is changed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration file.
    #[arg(default_value = "node.toml")]
    config: PathBuf,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let config = Config::load(&args.config).map_err(Failure::new)?;
    let journals = Journals::read_or_empty(&config.node.journal).map_err(Failure::new)?;
    let cores = journals.shards.iter().map(|(shard, recovered)| (*shard, &recovered.core));
    let plan = Plan::new(&config, &Definitions::of(cores, &config.currencies)).map_err(Failure::new)?;
    if args.json {
        let steps: Vec<String> = plan.steps.iter().map(ToString::to_string).collect();
        return out.json(&json!({ "steps": steps, "unlisted": plan.unlisted }));
    }
    out.line(&format!(
        "{}: {} instruments, {} sessions, {} portfolios, {} accounts",
        args.config.display(),
        config.instruments.len(),
        config.sessions.len(),
        config.portfolios.len(),
        config.accounts.len()
    ))?;
    if plan.is_empty() {
        return out.line("no difference to the journals");
    }
    out.line("difference to the journals (+ is done at the next start, ~ only with `gannet run --apply`):")?;
    for step in &plan.steps {
        out.line(&format!("  {step}"))?;
    }
    for unlisted in &plan.unlisted {
        out.line(&format!("  ! {unlisted}: exists, is not in the file, and stays"))?;
    }
    Ok(())
}
