//! Copies of snapshots, beside a copy of their journal.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use crate::snapshot::{is_whole, snapshots_dir};

/// Copies the snapshots of the journal in `from` that were taken at or before record `up_to` to the folder of another
/// one, `to`, but for those that are there, and returns their records in order. One that is damaged, or taken away
/// meanwhile by a running node, is left out: a start does without.
pub fn copy_snapshots(from: &Path, to: &Path, up_to: u64) -> io::Result<Vec<u64>> {
    let (from, to) = (snapshots_dir(from), snapshots_dir(to));
    let mut copied = Vec::new();
    for seq in list(&from)?.into_iter().filter(|seq| *seq <= up_to) {
        let name = file_name(seq);
        let bytes = match fs::read(from.join(&name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            read => read?,
        };
        if !is_whole(&bytes) {
            tracing::warn!(snapshot = %from.join(&name).display(), "damaged, and not copied");
            continue;
        }
        let path = to.join(&name);
        if fs::read(&path).ok().as_ref() != Some(&bytes) {
            fs::create_dir_all(&to)?;
            let beside = path.with_extension("tmp");
            let mut file = File::create(&beside)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
        }
        copied.push(seq);
    }
    if !copied.is_empty() {
        File::open(&to)?.sync_all()?;
    }
    Ok(copied)
}

/// Removes the snapshots of the journal in `journal` that are not among `kept`.
pub fn remove_snapshots_but(journal: &Path, kept: &[u64]) -> io::Result<()> {
    let folder = snapshots_dir(journal);
    for seq in list(&folder)?.into_iter().filter(|seq| !kept.contains(seq)) {
        fs::remove_file(folder.join(file_name(seq)))?;
    }
    Ok(())
}

fn file_name(seq: u64) -> String {
    format!("{seq:020}.snapshot")
}

/// The records at which there is a snapshot, in order; none where there is no folder.
fn list(folder: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let seq = name.to_str().and_then(|name| name.strip_suffix(".snapshot")?.parse().ok());
        // Another spelling of the same number is not one of ours.
        found.extend(seq.filter(|seq| name.to_str() == Some(&file_name(*seq))));
    }
    found.sort_unstable();
    Ok(found)
}
