//! The hash chain: proof, relative to a head kept elsewhere, that no record was changed, removed or inserted.
//!
//! The hash up to a record is BLAKE3 over the hash up to the segment before (32 zeros for the first), the 64 bytes of
//! the segment's own header that are written once, and its records up to that one, byte by byte. Each segment's header
//! page keeps the hash of all before it, stored when the one before was sealed, so a head costs one segment to read.

use blake3::Hasher;
use machine::ShardId;

use crate::directory::Directory;
use crate::disk::{Access, AtGap, Folder};
use crate::error::JournalError;
use crate::extent::Extent;
use crate::head::Head;
use crate::header::{CHAIN_AT, SegmentHeader, encode_chain};
use crate::lacking::lacking;
use crate::reader::segment_of;
use crate::scan::SegmentScan;
use crate::survey::survey;

/// The head of the journal in `dir`: everything that is there now. Of a folder that is read up to a gap, everything
/// before it.
pub fn head(dir: impl Into<Folder>) -> Result<Head, JournalError> {
    let directory = Directory::new(dir);
    if directory.folder().at_gap == AtGap::End
        && let Some(gap) = lacking(directory.folder())?
    {
        return head_up_to(&directory, gap.holds_to);
    }
    let control = directory.require_control()?;
    let Some(active) = survey(&directory, &control)?.active else { return Ok(Head::ORIGIN) };
    let before = before_segment(&directory, control.shard, active.index)?;
    hash_segment(&directory, control.shard, active.index, &before.hash, u64::MAX)
}

/// Everything up to record `seq`, whatever is missing behind it.
fn head_up_to(directory: &Directory, seq: u64) -> Result<Head, JournalError> {
    let extent = Extent::of(directory)?;
    match segment_of(directory, &extent, seq.max(extent.first.first_seq()))? {
        (index, Some(scan)) => {
            let before = before_segment(directory, scan.page.fixed.shard, index)?;
            hash_segment(directory, scan.page.fixed.shard, index, &before.hash, seq)
        }
        (_, None) => Ok(extent.first.before),
    }
}

/// Proves that everything up to `head` is as it was when the head was taken, by reading all of it.
pub fn verify_head(dir: impl Into<Folder>, head: &Head) -> Result<(), JournalError> {
    let directory = Directory::new(dir);
    let extent = Extent::of(&directory)?.whole()?;
    let (shard, mut found) = (extent.control.shard, extent.first.before);
    if let Some(moved) = extent.first.moved(&directory, head.seq).filter(|_| found.seq > head.seq) {
        return Err(moved);
    }
    for index in extent.segments {
        if found == *head {
            break;
        }
        match SegmentScan::open(&directory, index, shard)? {
            Some(scan) if scan.page.fixed.first_seq <= head.seq.saturating_add(1) => {}
            _ => break,
        }
        found = hash_segment(&directory, shard, index, &found.hash, head.seq)?;
    }
    match found {
        found if found == *head => Ok(()),
        Head { seq, .. } if seq < head.seq => {
            Err(JournalError::Lost { dir: directory.path().to_path_buf(), found: seq, expected: head.seq })
        }
        _ => Err(JournalError::Chain { path: directory.path().to_path_buf(), seq: head.seq }),
    }
}

/// Checks the hashes that the segments keep of those before them.
pub(crate) fn check(directory: &Directory, shard: ShardId, last_index: u64) -> Result<(), JournalError> {
    let first = directory.first()?;
    let mut before = first.before.hash;
    for index in first.first_segment..=last_index {
        let Some(scan) = SegmentScan::open(directory, index, shard)? else { break };
        if scan.page.chain.is_some_and(|kept| kept != before) {
            return Err(JournalError::Chain { path: scan.path, seq: scan.page.fixed.first_seq - 1 });
        }
        before = hash_segment(directory, shard, index, &before, u64::MAX)?.hash;
    }
    Ok(())
}

/// Stores in segment `index` the hash of all before it, if it is not there yet.
pub(crate) fn extend(directory: &Directory, shard: ShardId, index: u64) -> Result<(), JournalError> {
    extend_paced(directory, shard, index, &mut || ())
}

/// As [`extend`], in slices with a `pause` between them.
pub(crate) fn extend_paced(
    directory: &Directory,
    shard: ShardId,
    index: u64,
    pause: &mut dyn FnMut(),
) -> Result<(), JournalError> {
    let before = match SegmentScan::open(directory, index, shard)? {
        Some(scan) if scan.page.chain.is_none() => up_to_segment(directory, shard, index, pause)?,
        _ => return Ok(()),
    };
    let path = directory.segment_path(index);
    let stored = directory.open(&path, Access::Write);
    let stored = stored.and_then(|file| file.write_all_at(&encode_chain(&before), CHAIN_AT as u64));
    stored.map_err(|error| JournalError::io("write", &path, error))
}

/// Everything before segment `index`, which must have been begun.
pub(crate) fn before_segment(
    directory: &Directory,
    shard: ShardId,
    index: u64,
) -> Result<Head, JournalError> {
    let missing = || JournalError::Missing { path: directory.segment_path(index) };
    let scan = SegmentScan::open(directory, index, shard)?.ok_or_else(missing)?;
    let hash = match scan.page.chain {
        Some(hash) => hash,
        None => up_to_segment(directory, shard, index, &mut || ())?,
    };
    Ok(Head { seq: scan.page.fixed.first_seq - 1, hash })
}

/// The hash of all segments before `index`, from the latest one that keeps a hash on.
fn up_to_segment(
    directory: &Directory,
    shard: ShardId,
    index: u64,
    pause: &mut dyn FnMut(),
) -> Result<[u8; 32], JournalError> {
    let first = directory.first()?;
    let mut start = index.saturating_sub(1);
    let mut before = first.before.hash;
    while start > first.first_segment {
        if let Some(hash) = SegmentScan::open(directory, start, shard)?.and_then(|scan| scan.page.chain) {
            before = hash;
            break;
        }
        start -= 1;
    }
    for earlier in start.max(first.first_segment)..index {
        before = hash_in_slices(directory, shard, earlier, &before, u64::MAX, pause)?.hash;
    }
    Ok(before)
}

/// Hashes segment `index` up to record `last` or its end.
pub(crate) fn hash_segment(
    directory: &Directory,
    shard: ShardId,
    index: u64,
    before: &[u8; 32],
    last: u64,
) -> Result<Head, JournalError> {
    hash_in_slices(directory, shard, index, before, last, &mut || ())
}

/// As [`hash_segment`], with a `pause` after each slice.
fn hash_in_slices(
    directory: &Directory,
    shard: ShardId,
    index: u64,
    before: &[u8; 32],
    last: u64,
    pause: &mut dyn FnMut(),
) -> Result<Head, JournalError> {
    let missing = || JournalError::Missing { path: directory.segment_path(index) };
    let mut scan = SegmentScan::open(directory, index, shard)?.ok_or_else(missing)?;
    let fixed: &SegmentHeader = &scan.page.fixed;
    let mut hasher = Hasher::new();
    hasher.update(before);
    hasher.update(&fixed.encode());
    // Many records at once: the hash is several times faster over long pieces.
    while let Some(records) = scan.next_records(last)? {
        hasher.update(records);
        pause();
    }
    Ok(Head { seq: scan.next_seq - 1, hash: *hasher.finalize().as_bytes() })
}
