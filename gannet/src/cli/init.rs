//! `gannet init`: a configuration to start from.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use node::config::{EXAMPLE_BROKER, EXAMPLE_INSTRUMENTS, EXAMPLE_NODE};

use super::Failure;
use super::output::Output;

/// Write an example configuration into a folder. What is there is not overwritten.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder; made where it does not exist.
    dir: PathBuf,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |error| Failure::Said(format!("{path}: {error}"))
    };
    std::fs::create_dir_all(&args.dir).map_err(failed(&args.dir))?;
    for (name, text) in [
        ("node.toml", EXAMPLE_NODE),
        ("instruments.toml", EXAMPLE_INSTRUMENTS),
        ("broker.toml", EXAMPLE_BROKER),
    ] {
        let path = args.dir.join(name);
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(failed(&path))?;
        file.write_all(text.as_bytes()).map_err(failed(&path))?;
        out.line(&format!("wrote {}", path.display()))?;
    }
    let at = args.dir.display();
    out.line(&format!(
        "\nin {at}: gannet check, gannet paper-broker in one terminal, gannet run in another, then"
    ))?;
    out.line("  gannet deposit -a GROWTH-1 -r opening 1000000 USD")?;
    out.line("  gannet submit -a GROWTH-1 buy 100 IBM")?;
    out.line("  gannet positions")
}
