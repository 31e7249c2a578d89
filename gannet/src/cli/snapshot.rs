//! `gannet journal snapshot`: the state at the end of a journal, beside it.

use actors::Core;
use engine::{Replay, SnapshotPolicy, recover, take_snapshot};
use journal::Options;
use serde_json::json;

use super::Failure;
use super::output::Output;
use super::which::Which;

/// Write a snapshot of each journal's end, as a running node does from time to time. Before an upgrade, with the old
/// program: should the new one decide something in the past otherwise, `gannet run --from-snapshot` goes on from it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    which: Which,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let mut taken = Vec::new();
    for dir in args.which.dirs()? {
        let shard = journal::stat(&dir).map_err(Failure::new)?.shard;
        // Nobody writes meanwhile: a running node takes its own.
        let _claim = journal::claim(&Options::new(&dir, shard)).map_err(Failure::new)?;
        let recovered = recover::<Core>(&dir).map_err(Failure::new)?;
        let keep = SnapshotPolicy::default().keep;
        let snapshot = take_snapshot(&dir, &Replay::resume(recovered), keep)
            .map_err(|error| Failure::Said(format!("{}: {error}", dir.display())))?;
        if !args.which.json {
            let (path, position, bytes) = (snapshot.path.display(), snapshot.position, snapshot.len_bytes);
            out.line(&format!("{path}: behind record {position}, {bytes} bytes"))?;
        }
        taken.push(json!({
            "path": snapshot.path,
            "position": snapshot.position,
            "len_bytes": snapshot.len_bytes,
        }));
    }
    if args.which.json { out.json(&taken) } else { Ok(()) }
}
