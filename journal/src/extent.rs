//! Which segments must be here, and which are: the one place that everybody who reads a journal starts from.
//!
//! Takes no lock: a writer may be rolling to its next segment, a repair cutting, an archive moving. What is being
//! changed is never taken for missing. A segment is there before the control file knows of it; a repair lowers the
//! control file, and an archive raises `archived`, before a segment goes. So a segment is missing only if it was not
//! found between two looks at these files that say the same.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use machine::ShardId;

use crate::archived::Archived;
use crate::directory::{Control, Directory};
use crate::disk::Access;
use crate::error::JournalError;
use crate::gap::{Gap, Stretch};
use crate::scan::SegmentScan;

/// A segment that is seen and cannot be opened, so often, is not being moved: a name without a file, for instance.
const MOST_LOOKS: u32 = 100;

/// What there is of a journal, from its first segment on.
pub(crate) struct Extent {
    pub(crate) control: Control,
    /// Where it starts here.
    pub(crate) first: Archived,
    /// The segments from there on, up to the first one that is missing.
    pub(crate) segments: Vec<u64>,
    /// What is missing.
    pub(crate) gap: Option<Gap>,
}

impl Extent {
    /// Looks which segments there are; opens none where none is missing.
    pub(crate) fn of(directory: &Directory) -> Result<Self, JournalError> {
        loop {
            let (control, first) = (directory.require_control()?, directory.first()?);
            let mut segments = directory.segments()?;
            // What was written to is never moved: where something was moved, there is a first segment.
            let least = if first.first_segment > 1 { first.first_segment } else { 0 };
            let last = segments.last().copied().unwrap_or(0).max(control.segment).max(least);
            let absent = absent(&segments, first.first_segment, last);
            if absent.is_empty() {
                return Ok(Self { control, first, segments, gap: None });
            }
            if !is_settled(directory, &control, &first, &absent)? {
                continue;
            }
            let gap = gap(directory, &control, &first, &segments, absent)?;
            let end =
                gap.missing.first().and_then(|stretch| stretch.segments.as_ref()).map(|run| *run.start());
            segments.retain(|index| end.is_none_or(|end| *index < end));
            return Ok(Self { control, first, segments, gap: Some(gap) });
        }
    }

    /// Does `work` with what there is; again where a segment that was seen is gone when it is opened. It is being moved
    /// elsewhere then, and the next look knows.
    pub(crate) fn with<T>(
        directory: &Directory,
        mut work: impl FnMut(Self) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let mut looks = 0;
        loop {
            looks += 1;
            match Self::of(directory).and_then(&mut work) {
                Err(JournalError::Missing { .. }) if looks < MOST_LOOKS => {}
                done => return done,
            }
        }
    }

    /// Refuses a journal of which something is missing.
    pub(crate) fn whole(self) -> Result<Self, JournalError> {
        match self.gap {
            Some(gap) => Err(JournalError::Gap(gap)),
            None => Ok(self),
        }
    }
}

/// How far a journal was read: to the end of what is there.
#[derive(Clone, Copy)]
pub(crate) struct ReadEnd {
    /// The last segment that was begun; one less than the first where none was.
    pub(crate) index: u64,
    /// The last record; one less than the first where there is none.
    pub(crate) seq: u64,
    /// The next segment is there, and does not go on from here.
    pub(crate) is_followed: bool,
}

impl ReadEnd {
    /// True where the control file knows of something behind it. Who looked at the end before the control file looks
    /// once more: it may have come meanwhile.
    pub(crate) const fn is_early(&self, control: &Control) -> bool {
        self.seq < control.seq || self.index < control.segment
    }

    /// The error for a journal that ends too early by its control file: segments behind it were never begun, or what is
    /// here is an older copy. Where what comes next was moved elsewhere meanwhile, it says so.
    pub(crate) fn refusal(&self, directory: &Directory, control: &Control) -> JournalError {
        match self.missing(directory, control) {
            Ok(refusal) | Err(refusal) => refusal,
        }
    }

    fn missing(&self, directory: &Directory, control: &Control) -> Result<JournalError, JournalError> {
        if let Some(moved) = directory.moved(self.seq + 1)? {
            return Ok(moved);
        }
        let is_segment = self.index < control.segment && !self.is_followed;
        let segments = is_segment.then(|| self.index + 1..=control.segment);
        let stretch = Stretch {
            first_seq: self.seq + 1,
            last_seq: (control.seq > self.seq).then_some(control.seq),
            may_be_more: true,
            last_known: last_known(directory, segments.as_ref())?,
            segments,
        };
        let (dir, moved) = (directory.path().to_path_buf(), moved(&directory.first()?));
        Ok(JournalError::Gap(Gap { dir, holds_to: self.seq, missing: vec![stretch], moved }))
    }
}

/// The runs of indexes from `first` to `last` that are not in `segments`, which ascend.
fn absent(segments: &[u64], first: u64, last: u64) -> Vec<RangeInclusive<u64>> {
    let mut runs = Vec::new();
    let mut expected = first;
    for index in segments.iter().copied() {
        if index > expected {
            runs.push(expected..=index.saturating_sub(1));
        }
        expected = index.saturating_add(1);
    }
    if expected <= last {
        runs.push(expected..=last);
    }
    runs
}

/// True where nobody was at work on the journal while it was looked at, so that what was not found is not there.
fn is_settled(
    directory: &Directory,
    control: &Control,
    first: &Archived,
    absent: &[RangeInclusive<u64>],
) -> Result<bool, JournalError> {
    // A list of a folder that changes meanwhile may leave out what was there: each run is looked for by name.
    for index in absent.iter().map(|run| *run.start()) {
        let path = directory.segment_path(index);
        let found = directory.disk().exists(&path);
        if found.map_err(|error| JournalError::io("inspect", &path, error))? {
            return Ok(false);
        }
    }
    Ok(directory.require_control()? == *control && directory.first()? == *first)
}

/// Says of segments that are missing which records they held: from what stands before and behind them.
fn gap(
    directory: &Directory,
    control: &Control,
    first: &Archived,
    segments: &[u64],
    absent: Vec<RangeInclusive<u64>>,
) -> Result<Gap, JournalError> {
    let mut missing = Vec::new();
    for run in absent {
        let before = segments.iter().copied().rev().find(|index| index < run.start());
        let behind = segments.iter().copied().find(|index| index > run.end());
        let first_seq = match before {
            Some(index) => end_of(directory, control.shard, index)?,
            None => first.first_seq(),
        };
        let behind = match behind {
            Some(index) => SegmentScan::open(directory, index, control.shard)?,
            None => None,
        };
        let known_behind = behind.map(|scan| scan.page.fixed.first_seq.saturating_sub(1));
        missing.push(Stretch {
            first_seq,
            last_seq: known_behind.or((control.seq >= first_seq).then_some(control.seq)),
            may_be_more: known_behind.is_none(),
            last_known: last_known(directory, Some(&run))?,
            segments: Some(run),
        });
    }
    let holds_to = missing.first().map_or(0, |stretch| stretch.first_seq.saturating_sub(1));
    Ok(Gap { dir: directory.path().to_path_buf(), holds_to, missing, moved: moved(first) })
}

/// The record behind the last one in segment `index`.
fn end_of(directory: &Directory, shard: ShardId, index: u64) -> Result<u64, JournalError> {
    let Some(mut scan) = SegmentScan::open(directory, index, shard)? else {
        return Err(JournalError::Header { path: directory.segment_path(index), what: "blank" });
    };
    scan.run()?;
    Ok(scan.next_seq)
}

fn moved(first: &Archived) -> Option<(u64, String)> {
    (first.first_segment > 1).then(|| (first.before.seq, first.moved_to.clone()))
}

/// Where a repair kept a copy of a segment that is missing; else the journal's own folder.
fn last_known(directory: &Directory, run: Option<&RangeInclusive<u64>>) -> Result<PathBuf, JournalError> {
    let Some(run) = run else { return Ok(directory.path().to_path_buf()) };
    let path = directory.segment_path(*run.start());
    let name = path.file_name().unwrap_or_default();
    let mut kept: Vec<PathBuf> = directory
        .names()?
        .iter()
        .filter(|name| name.to_str().is_some_and(|name| name.starts_with("repair-")))
        .map(|folder| directory.path().join(folder))
        .filter(|folder| directory.open(&folder.join(name), Access::Read).is_ok())
        .collect();
    kept.sort_unstable();
    Ok(kept.pop().unwrap_or_else(|| directory.path().to_path_buf()))
}
