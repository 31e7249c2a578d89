//! Reading the state of a journal without changing it: what opening, verifying and reading start from.

use machine::ShardId;

use crate::damage::Damage;
use crate::directory::{Control, Directory};
use crate::error::JournalError;
use crate::extent::{Extent, ReadEnd};
use crate::files::is_zero_from;
use crate::header::SEGMENT_HEADER_BYTES;
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
    /// Files behind the active segment that hold no record, the last one first: removed in this order, they leave no
    /// gap.
    pub(crate) unused: Vec<u64>,
    /// The first segment's index.
    pub(crate) first_index: u64,
    /// The highest incarnation seen anywhere.
    pub(crate) incarnation: u32,
}

/// Looks at the headers of all segments and the records of the last two.
pub(crate) fn survey(directory: &Directory, control: &Control) -> Result<Survey, JournalError> {
    let Extent { segments: indexes, first, .. } = Extent::of(directory)?.whole()?;
    let first_index = first.first_segment;
    let mut survey =
        Survey { active: None, unused: Vec::new(), first_index, incarnation: control.incarnation.count };
    find_active(directory, control, indexes, &mut survey)?;
    if let Some(active) = &survey.active {
        let (before, active_first) = (first_index..active.index, active.scan.page.fixed.first_seq);
        check_headers(directory, control.shard, before, first.first_seq(), active_first)?;
        if let Tail::Corrupt(damage) = active.tail {
            return Err(active.scan.corrupt(damage));
        }
    }
    check_nothing_lost(directory, control, first.before.seq, &survey)?;
    Ok(survey)
}

fn blank(directory: &Directory, index: u64) -> JournalError {
    JournalError::Header { path: directory.segment_path(index), what: "blank" }
}

/// Opens a segment; `None` where it is prepared but not begun, and may be: nothing in it, and nothing said of it.
fn open_begun(
    directory: &Directory,
    control: &Control,
    index: u64,
) -> Result<Option<SegmentScan>, JournalError> {
    if let Some(scan) = SegmentScan::open(directory, index, control.shard)? {
        return Ok(Some(scan));
    }
    if index <= control.segment {
        return Err(blank(directory, index));
    }
    // Its header is stored, and under disk durability synced, before its first record. A header without its magic was
    // being stored when the process died.
    let path = directory.segment_path(index);
    let records_at = SEGMENT_HEADER_BYTES as u64;
    if is_zero_from(directory.disk(), &path, records_at)
        .map_err(|error| JournalError::io("read", &path, error))?
    {
        return Ok(None);
    }
    // There was a header, or a writer has just begun the segment.
    match SegmentScan::open(directory, index, control.shard)? {
        Some(scan) => Ok(Some(scan)),
        None => Err(blank(directory, index)),
    }
}

/// Finds the segment that records go to, from the last one on, and checks that the one before leads up to it.
///
/// Segments that never got a record to disk are passed over, also begun ones: under disk durability the appender may
/// be some segments ahead of the flusher when the process dies, and their headers reach the disk in any order.
fn find_active(
    directory: &Directory,
    control: &Control,
    mut indexes: Vec<u64>,
    survey: &mut Survey,
) -> Result<(), JournalError> {
    while let Some(index) = indexes.pop() {
        let begun = open_begun(directory, control, index)?;
        let next = survey.active.take();
        let untouched = next.as_ref().is_none_or(|next| next.is_untouched(control));
        match (begun, next) {
            (None, next) if untouched => {
                survey.unused.extend(next.map(|next| next.index));
                survey.unused.push(index);
            }
            (None, _) => return Err(blank(directory, index)),
            (Some(mut scan), None) => {
                let (_, tail, incarnation) = scan.finish()?;
                survey.incarnation = survey.incarnation.max(incarnation);
                survey.active = Some(Active { index, scan, tail });
            }
            (Some(mut scan), Some(next)) => {
                let (stop, incarnation) = scan.run()?;
                survey.incarnation = survey.incarnation.max(incarnation);
                match check_sealed(&mut scan, stop, &next.scan) {
                    Err(JournalError::Corrupt { .. }) if untouched => {
                        survey.unused.push(next.index);
                        let tail = scan.judge(stop)?;
                        survey.active = Some(Active { index, scan, tail });
                    }
                    checked => {
                        survey.active = Some(next);
                        return checked;
                    }
                }
            }
        }
    }
    Ok(())
}

impl Active {
    /// Begun, but it never got a record to disk.
    fn is_untouched(&self, control: &Control) -> bool {
        self.scan.count() == 0 && self.tail == Tail::Clean && self.index > control.segment
    }
}

/// First record numbers rise from segment to segment, and every segment before the active one has a header.
fn check_headers(
    directory: &Directory,
    shard: ShardId,
    before: std::ops::Range<u64>,
    first_seq: u64,
    active_first: u64,
) -> Result<(), JournalError> {
    let out_of_order = |index| {
        let path = directory.segment_path(index);
        JournalError::Header { path, what: "first record out of order" }
    };
    let (mut least, first_index, end) = (first_seq, before.start, before.end);
    for index in before {
        let scan = SegmentScan::open(directory, index, shard)?.ok_or_else(|| blank(directory, index))?;
        let first = scan.page.fixed.first_seq;
        if first < least || (index == first_index && first != first_seq) {
            return Err(out_of_order(index));
        }
        least = first + 1;
    }
    let in_order = if end == first_index { active_first == first_seq } else { active_first >= least };
    if in_order { Ok(()) } else { Err(out_of_order(end)) }
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

/// The control file knows of nothing behind the end.
fn check_nothing_lost(
    directory: &Directory,
    control: &Control,
    moved_seq: u64,
    survey: &Survey,
) -> Result<(), JournalError> {
    let active = survey.active.as_ref();
    let end = ReadEnd {
        index: active.map_or(survey.first_index - 1, |active| active.index),
        seq: active.map_or(moved_seq, |active| active.scan.next_seq - 1),
        is_followed: false,
    };
    if end.is_early(control) { Err(end.refusal(directory, control)) } else { Ok(()) }
}
