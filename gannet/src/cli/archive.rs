//! `gannet journal archive` and `unarchive`: old segments elsewhere, and back.

use std::path::PathBuf;

use node::backup::{Moved, archive, unarchive};
use readable::table::{Cell, Table};

use super::Failure;
use super::output::Output;

/// Move the segments whose records are all older than a kept snapshot to another folder. A node may be trading. They are
/// copied, read back, and only then removed; what was moved is known, and named where it is missed. The other folder has
/// the form of a backup: `gannet restore` makes journals of it, to look at old days.
#[derive(Debug, clap::Args)]
pub(super) struct Archive {
    /// The other folder: a new one, or one with earlier segments of the same journals.
    #[arg(value_name = "TO")]
    to: PathBuf,
    /// So many snapshots stay usable, and everything since the oldest of them stays here.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=100))]
    keep_snapshots: u8,
    /// The folder of the journals.
    #[arg(long, value_name = "DIR", default_value = "journal")]
    journal: PathBuf,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
}

/// Bring back the segments that were moved to another folder. They stay there, too.
#[derive(Debug, clap::Args)]
pub(super) struct Unarchive {
    /// The other folder.
    #[arg(value_name = "FROM")]
    from: PathBuf,
    /// The folder of the journals.
    #[arg(long, value_name = "DIR", default_value = "journal")]
    journal: PathBuf,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Archive, out: &mut Output) -> Result<(), Failure> {
    let moved = archive(&args.journal, &args.to, args.keep_snapshots.into()).map_err(Failure::new)?;
    if args.json {
        return out.json(&moved);
    }
    show("Moved", &moved, out)?;
    for shard in moved.iter().filter(|shard| shard.snapshot.is_none()) {
        out.line(&format!(
            "Shard {}: nothing may go, there are fewer than {} snapshots. The node takes them as it trades \
             (node.snapshot_records), `gannet journal snapshot` takes one of a stopped one.",
            shard.shard, args.keep_snapshots
        ))?;
    }
    Ok(())
}

pub(super) fn run_back(args: &Unarchive, out: &mut Output) -> Result<(), Failure> {
    let moved = unarchive(&args.journal, &args.from).map_err(Failure::new)?;
    if args.json { out.json(&moved) } else { show("Brought back", &moved, out) }
}

fn show(title: &str, moved: &[Moved], out: &mut Output) -> Result<(), Failure> {
    let mut table = Table::new(title, &["SHARD", "SEGMENTS", "FIRST RECORD HERE", "OLDEST SNAPSHOT KEPT"]);
    for shard in moved {
        table.row(vec![
            Cell::count(shard.shard),
            Cell::count(shard.segments),
            Cell::count(shard.first_seq),
            shard.snapshot.map_or(Cell::Blank, Cell::count),
        ]);
    }
    out.table(&table)
}
