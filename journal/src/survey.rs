//! Reading the state of a journal without changing it: what opening, verifying and reading start from.

use std::path::PathBuf;

use model::ShardId;

use crate::directory::{Control, Directory};
use crate::error::{Damage, JournalError};
use crate::scan::{Peek, SegmentScan, Tail};

/// The segment that records go to, scanned to its end.
pub(crate) struct Active {
    pub(crate) index: u64,
    pub(crate) scan: SegmentScan,
    pub(crate) tail: Tail,
}

/// What a directory holds.
pub(crate) struct Survey {
    /// `None` in a journal that was never used.
    pub(crate) active: Option<Active>,
    /// Files behind the active segment that hold no record.
    pub(crate) unused: Vec<u64>,
    /// The first segment's index.
    pub(crate) first_index: u64,
    /// The highest incarnation seen anywhere.
    pub(crate) incarnation: u32,
}

/// Looks at the headers of all segments and the records of the last two.
pub(crate) fn survey(directory: &Directory, control: &Control) -> Result<Survey, JournalError> {
    let indexes = contiguous(directory, control)?;
    let mut unused = Vec::new();
    let mut used = indexes.clone();
    let last = loop {
        let Some(index) = used.pop() else { break None };
        match SegmentScan::open(directory, index, control.shard)? {
            Some(scan) => break Some((index, scan)),
            None if index <= control.segment => return Err(blank(directory, index)),
            None if is_unused(directory, index)? => unused.push(index),
            // A header is stored before anything else: there was one, or a writer has just begun the segment.
            None => match SegmentScan::open(directory, index, control.shard)? {
                Some(scan) => break Some((index, scan)),
                None => return Err(blank(directory, index)),
            },
        }
    };
    let first_index = indexes.first().copied().unwrap_or(1);
    let Some((index, scan)) = last else {
        return Ok(Survey { active: None, unused, first_index, incarnation: control.incarnation.count });
    };
    check_headers(directory, control.shard, &used, scan.page.fixed.first_seq)?;
    let mut survey = Survey { active: None, unused, first_index, incarnation: control.incarnation.count };
    find_active(directory, control, index, scan, used.last().copied(), &mut survey)?;
    check_nothing_lost(directory, control, &survey)?;
    Ok(survey)
}

/// The segment indexes, without gaps, from 1 to at least what the control file knows of.
fn contiguous(directory: &Directory, control: &Control) -> Result<Vec<u64>, JournalError> {
    let indexes = directory.segments()?;
    let last = indexes.last().copied().unwrap_or(0).max(control.segment);
    let mut present = indexes.iter().copied();
    for expected in 1..=last {
        if present.next() != Some(expected) {
            return Err(JournalError::Missing { path: directory.segment_path(expected) });
        }
    }
    Ok(indexes)
}

fn blank(directory: &Directory, index: u64) -> JournalError {
    JournalError::Header { path: directory.segment_path(index), what: "blank" }
}

/// A segment without a header holds nothing: the header is stored, and under disk durability synced, first.
fn is_unused(directory: &Directory, index: u64) -> Result<bool, JournalError> {
    let path = directory.segment_path(index);
    crate::files::is_zero(&path).map_err(|error| JournalError::io("read", &path, error))
}

/// First record numbers rise from segment to segment, and every earlier segment has a header.
fn check_headers(
    directory: &Directory,
    shard: ShardId,
    used: &[u64],
    last_first: u64,
) -> Result<(), JournalError> {
    let mut before = 0;
    for index in used {
        let scan = SegmentScan::open(directory, *index, shard)?.ok_or_else(|| blank(directory, *index))?;
        let first = scan.page.fixed.first_seq;
        if first <= before || first > last_first || (*index == 1 && first != 1) {
            return Err(JournalError::Header { path: scan.path, what: "first record out of order" });
        }
        before = first;
    }
    if used.is_empty() && last_first != 1 {
        return Err(JournalError::Header {
            path: directory.segment_path(1),
            what: "first record out of order",
        });
    }
    Ok(())
}

/// Scans the last used segment and the one before it, and decides which of them records go to.
fn find_active(
    directory: &Directory,
    control: &Control,
    index: u64,
    mut scan: SegmentScan,
    before: Option<u64>,
    survey: &mut Survey,
) -> Result<(), JournalError> {
    let (_, tail, incarnation) = scan.finish()?;
    survey.incarnation = survey.incarnation.max(incarnation);
    if let Some(before) = before {
        let mut sealed =
            SegmentScan::open(directory, before, control.shard)?.ok_or_else(|| blank(directory, before))?;
        let (stop, incarnation) = sealed.run()?;
        survey.incarnation = survey.incarnation.max(incarnation);
        let untouched = scan.count() == 0 && tail == Tail::Clean && index > control.segment;
        match check_sealed(&mut sealed, stop, &scan) {
            Ok(()) => {}
            // The next segment's header got to disk before the end of this one: nothing there was durable.
            Err(JournalError::Corrupt { .. }) if untouched => {
                survey.unused.push(index);
                let tail = sealed.judge(stop)?;
                return accept(survey, before, sealed, tail);
            }
            Err(error) => return Err(error),
        }
    }
    accept(survey, index, scan, tail)
}

fn accept(survey: &mut Survey, index: u64, scan: SegmentScan, tail: Tail) -> Result<(), JournalError> {
    if let Tail::Corrupt(damage) = tail {
        return Err(scan.corrupt(damage));
    }
    survey.active = Some(Active { index, scan, tail });
    Ok(())
}

/// A sealed segment, scanned up to `stop`, must end where the next one starts.
pub(crate) fn check_sealed(
    scan: &mut SegmentScan,
    stop: Peek,
    next: &SegmentScan,
) -> Result<(), JournalError> {
    let follows = scan.next_seq == next.page.fixed.first_seq && scan.prev_crc == next.page.fixed.prev_crc;
    let full = scan.room_bytes() < crate::layout::MAX_RECORD_BYTES as u64;
    match (stop, follows && full) {
        (Peek::Bad(damage), _) => Err(scan.corrupt(damage)),
        (_, false) => Err(scan.corrupt(Damage::Vacant)),
        (_, true) if scan.judge(stop)? != Tail::Clean => Err(scan.corrupt(Damage::Trailing)),
        (_, true) => Ok(()),
    }
}

fn check_nothing_lost(directory: &Directory, control: &Control, survey: &Survey) -> Result<(), JournalError> {
    let dir: PathBuf = directory.path().to_path_buf();
    let found = survey.active.as_ref().map_or(0, |active| active.scan.next_seq - 1);
    let behind = survey.active.as_ref().map_or(0, |active| active.index) < control.segment;
    if found < control.seq || behind {
        return Err(JournalError::Lost { dir, found, expected: control.seq.max(found + u64::from(behind)) });
    }
    Ok(())
}
