//! Cutting a damaged journal back to a good record: an explicit act, never done by itself, and recorded.

use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

use crate::directory::{Control, Directory};
use crate::disk::{Access, Folder};
use crate::error::JournalError;
use crate::files;
use crate::header::{DURABLE_AT, word_bytes};
use crate::layout::field;
use crate::scan::{Peek, SegmentScan};

/// What a repair did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// The last record that was kept.
    pub last_seq: u64,
    /// The segment that now ends with it.
    pub segment: PathBuf,
    /// From which byte on it was overwritten with zeros.
    pub offset: u64,
    /// Segments behind it that were removed.
    pub removed: Vec<PathBuf>,
    /// Where the files are kept as they were before, with a word about the repair.
    pub kept_in: PathBuf,
}

/// Cuts the journal in `dir` behind record `seq`, which must be good, as all before it: everything later is given up.
///
/// Every file that changes is first copied to `repair-N` in the same directory; there `repair.txt` says what was
/// done. A repair that is interrupted is started again, or the copies are put back. Refused while a writer has the
/// journal open. Whoever read or followed the journal beyond `seq` has to start anew.
pub fn repair_to(dir: impl Into<Folder>, seq: u64) -> Result<Repaired, JournalError> {
    let directory = Directory::new(dir);
    let control = directory.require_control()?;
    let _lock = directory.lock()?;
    let scan = find_end(&directory, &control, seq)?;
    let later: Vec<PathBuf> = directory
        .segments()?
        .into_iter()
        .filter(|index| *index > scan.page.fixed.index)
        .map(|index| directory.segment_path(index))
        .collect();
    let kept_in = keep_copies(&directory, &scan, &later, seq)?;
    // First the control file: from then on what is cut below is not missed.
    let kept = Control { segment: scan.page.fixed.index, seq, ..control };
    directory.write_control(&kept)?;
    for path in later.iter().rev() {
        directory.remove(path)?;
    }
    directory.sync()?;
    cut(&directory, &scan).map_err(|error| JournalError::io("cut", &scan.path, error))?;
    Ok(Repaired { last_seq: seq, segment: scan.path, offset: scan.at, removed: later, kept_in })
}

/// Goes behind record `seq`, from the first segment on: everything up to there must be good.
fn find_end(directory: &Directory, control: &Control, seq: u64) -> Result<SegmentScan, JournalError> {
    let start = directory.first()?;
    let first = start.first_seq();
    let not_here = || JournalError::NotHere { seq, first };
    if seq < start.before.seq {
        return Err(not_here());
    }
    // The checksum before the first record of all is 0; of what was moved elsewhere the hash chain tells.
    let mut expected = (first, (start.first_segment == 1).then_some(0));
    for index in start.first_segment.. {
        let scan = SegmentScan::open(directory, index, control.shard);
        let mut scan = match scan {
            Ok(Some(scan)) => scan,
            Ok(None) | Err(JournalError::Missing { .. }) => return Err(not_here()),
            Err(error) => return Err(error),
        };
        if scan.next_seq != expected.0 || expected.1.is_some_and(|crc| crc != scan.prev_crc) {
            let path = scan.path;
            return Err(JournalError::Header { path, what: "does not follow the segment before it" });
        }
        while scan.next_seq <= seq {
            match scan.peek()? {
                Peek::Record(_, len) => {
                    let crc = u32::from_le_bytes(field(scan.record(len)?, 4));
                    scan.advance(len, crc);
                }
                Peek::Vacant => break,
                Peek::Bad(damage) => return Err(scan.corrupt(damage)),
            }
        }
        if scan.next_seq > seq {
            return Ok(scan);
        }
        expected = (scan.next_seq, Some(scan.prev_crc));
    }
    Err(not_here())
}

/// Copies what will change, durably.
fn keep_copies(
    directory: &Directory,
    scan: &SegmentScan,
    later: &[PathBuf],
    seq: u64,
) -> Result<PathBuf, JournalError> {
    let kept_in = free_name(directory)?;
    let refused = |error| JournalError::io("write", &kept_in, error);
    directory.disk().create_dir(&kept_in).map_err(refused)?;
    let control = directory.path().join("control");
    for path in later.iter().chain([&scan.path, &control]) {
        let name = path.file_name().unwrap_or_default();
        files::copy(directory.disk(), path, &kept_in.join(name)).map_err(refused)?;
    }
    let note = kept_in.join("repair.txt");
    write_note(directory, &note, scan, later, seq)
        .map_err(|error| JournalError::io("write", &note, error))?;
    directory.disk().sync_dir(&kept_in).map_err(refused)?;
    directory.sync()?;
    Ok(kept_in)
}

fn free_name(directory: &Directory) -> Result<PathBuf, JournalError> {
    let mut number = 1;
    loop {
        let path = directory.path().join(format!("repair-{number}"));
        let taken = directory.disk().exists(&path);
        if !taken.map_err(|error| JournalError::io("inspect", &path, error))? {
            return Ok(path);
        }
        number += 1;
    }
}

fn write_note(
    directory: &Directory,
    note: &Path,
    scan: &SegmentScan,
    later: &[PathBuf],
    seq: u64,
) -> io::Result<()> {
    let mut text = format!("The journal was cut behind record {seq} by an explicit repair.\n");
    // Writing to a string does not fail.
    let _ = writeln!(text, "{} was zeroed from byte {} on.", scan.path.display(), scan.at);
    for path in later {
        let _ = writeln!(text, "{} was removed.", path.display());
    }
    text.push_str("These are the files as they were.\n");
    let file = directory.open(note, Access::Create)?;
    file.write_all_at(text.as_bytes(), 0)?;
    file.sync_all()
}

/// Zeroes a segment from here on, and says that what is left is durable.
pub(crate) fn cut(directory: &Directory, scan: &SegmentScan) -> io::Result<()> {
    let file = directory.open(&scan.path, Access::Write)?;
    // A segment's record count fits 32 bits: each takes at least 40 bytes of at most 4 GiB.
    let count = u32::try_from(scan.count()).unwrap_or(u32::MAX);
    let mark = word_bytes(count, DURABLE_AT, scan.page.fixed.index);
    // First the mark: a cut below the old one would be taken for damage.
    file.write_all_at(&mark, DURABLE_AT as u64)?;
    file.sync_data()?;
    files::zero(&*file, scan.at, scan.room_bytes())?;
    file.sync_data()
}
