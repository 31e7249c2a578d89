//! What was asked for.

use std::path::PathBuf;

/// Gannet's latency lab: every path beside its floor, measured in one run.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "perf", version, after_help = "The report goes to target/perf/report.md as well.")]
pub(crate) struct Options {
    /// Everything in under a minute (the usual).
    #[arg(long, conflicts_with = "full")]
    pub(crate) quick: bool,

    /// Longer series, more rates and repetitions: some minutes.
    #[arg(long)]
    pub(crate) full: bool,

    /// Write the rows to this file as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Write the reference document here, and its pictures into a folder of the same name.
    #[arg(long, value_name = "FILE")]
    pub(crate) publish: Option<PathBuf>,

    /// Only paths whose name starts with this; `neighbour`, `alternatives` and `stages` run only when named.
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<String>,

    /// Where the report and the journals measured go. The default is `perf` in cargo's target directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,

    /// Say which paths there are and stop.
    #[arg(long)]
    pub(crate) list: bool,
}
