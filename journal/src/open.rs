//! Opening a journal for writing: lock, look, cut a torn tail, raise the incarnation, and only then append.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use crash_point::{Point, reach};
use machine::{Incarnation, ShardId};

use crate::background::Background;
use crate::chain;
use crate::directory::{Control, Directory};
use crate::disk::{Access, Disk, Folder, Lock, NativeDisk};
use crate::durability::Durability;
use crate::error::JournalError;
use crate::files;
use crate::flusher::{Flusher, Sync};
use crate::handover::Settled;
use crate::header::{SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::preparer::Preparer;
use crate::scan::Tail;
use crate::segment::{Prepared, Segment};
use crate::survey::{Active, Survey, survey};
use crate::warmth::Warmth;
use crate::watch::Progress;
use crate::workshop::Workshop;
use crate::writer::{Start, Writer};

/// Where a journal is and how it is written.
#[derive(Clone, Debug)]
pub struct Options {
    /// The journal's directory; made where it does not exist.
    pub dir: PathBuf,
    /// Whose journal it is.
    pub shard: ShardId,
    /// The size of new segments in bytes: a multiple of 4096, from [`Options::MIN_SEGMENT_BYTES`] to
    /// [`Options::MAX_SEGMENT_BYTES`].
    pub segment_bytes: u64,
    /// What an acknowledgement may rely on.
    pub durability: Durability,
    /// The disk it is on: the operating system's, but in a simulation.
    pub disk: Arc<dyn Disk>,
    /// Who gets segments ready and brings records to disk.
    pub background: Background,
}

impl Options {
    /// The default size of a segment.
    pub const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
    /// The smallest size of a segment.
    pub const MIN_SEGMENT_BYTES: u64 = 128 * 1024;
    /// The largest size of a segment.
    pub const MAX_SEGMENT_BYTES: u64 = 2 * 1024 * 1024 * 1024;

    /// Segments of the default size, process durability.
    pub fn new(dir: impl Into<PathBuf>, shard: ShardId) -> Self {
        let (segment_bytes, durability) = (Self::SEGMENT_BYTES, Durability::Process);
        let (disk, background) = (Arc::new(NativeDisk), Background::Threads);
        Self { dir: dir.into(), shard, segment_bytes, durability, disk, background }
    }

    /// The journal's directory, on its disk.
    pub fn folder(&self) -> Folder {
        Folder::on(&self.disk, &self.dir)
    }

    fn check(&self) -> Result<(), JournalError> {
        let sizes = Self::MIN_SEGMENT_BYTES..=Self::MAX_SEGMENT_BYTES;
        if !sizes.contains(&self.segment_bytes) || !self.segment_bytes.is_multiple_of(4096) {
            return Err(JournalError::Options(
                "segment_bytes must be a multiple of 4096 from 128 KiB to 2 GiB",
            ));
        }
        Ok(())
    }
}

/// A journal open for writing, and what was found on opening it.
#[derive(Debug)]
pub struct Opened {
    /// Appends to it.
    pub writer: Writer,
    /// What was found.
    pub recovery: Recovery,
}

/// What was found on opening a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The number of records, which start at 1.
    pub records: u64,
    /// The last record's number; 0 where there is none.
    pub last_seq: u64,
    /// What was cut off behind it.
    pub cut: Option<Cut>,
    /// Which opening this is.
    pub incarnation: Incarnation,
    /// There was no journal before.
    pub created: bool,
    /// The number of segments with records, the one being written to included.
    pub segments: u64,
}

/// A torn tail that was cut off: bytes of records that nobody was told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The segment file.
    pub segment: PathBuf,
    /// Where in it the cut was made.
    pub offset: u64,
    /// How many bytes were overwritten with zeros.
    pub bytes: u64,
    /// How many records they had begun.
    pub records: u64,
}

/// Opens the journal in `options.dir` for writing; makes one where there is none.
///
/// A torn tail is cut, and reported. Anything else that is not as it should be is refused: see [`JournalError`].
/// When it returns, the new incarnation is on disk.
pub fn open(options: &Options) -> Result<Opened, JournalError> {
    claim(options)?.open()
}

/// A journal that is locked and not changed yet: for who wants to read it before it is opened for writing.
pub struct Claim {
    options: Options,
    directory: Directory,
    lock: Lock,
}

/// Locks the journal in `options.dir`, whose folder is made where there is none. Nobody else can open it from here on.
pub fn claim(options: &Options) -> Result<Claim, JournalError> {
    options.check()?;
    let directory = Directory::new(options.folder());
    directory.create()?;
    let lock = directory.lock()?;
    Ok(Claim { options: options.clone(), directory, lock })
}

impl std::fmt::Debug for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claim").field("dir", &self.options.dir).finish_non_exhaustive()
    }
}

impl Claim {
    /// As [`open`] from here on.
    pub fn open(self) -> Result<Opened, JournalError> {
        open_claimed(self, |file| file.sync_data())
    }
}

#[cfg(test)]
pub(crate) fn open_with(options: &Options, sync: Sync) -> Result<Opened, JournalError> {
    open_claimed(claim(options)?, sync)
}

fn open_claimed(claim: Claim, sync: Sync) -> Result<Opened, JournalError> {
    let Claim { options, directory, lock } = claim;
    let options = &options;
    let (control, created) = control(&directory, options.shard)?;
    let survey = survey(&directory, &control)?;
    remove_unused(&directory, &survey)?;
    let used_up =
        || JournalError::Header { path: directory.path().to_path_buf(), what: "no incarnation is left" };
    let incarnation = Incarnation { count: survey.incarnation.checked_add(1).ok_or_else(used_up)? };
    if let Some(active) = &survey.active {
        chain::extend(&directory, options.shard, active.index)?;
    }
    let ground = match survey.active {
        Some(active) => {
            write_again(&directory, &control, &active)?;
            go_on(&directory, options, active)?
        }
        None => begin(&directory, options, incarnation)?,
    };
    let control = Control { incarnation, segment: ground.index, seq: ground.next_seq - 1, ..control };
    directory.write_control(&control)?;
    reach(Point::RecoveryRaised);
    let recovery = Recovery {
        records: ground.next_seq - 1,
        last_seq: ground.next_seq - 1,
        cut: ground.cut.clone(),
        incarnation,
        created,
        segments: ground.index + 1 - survey.first_index,
    };
    let writer = start(options, directory, lock, control, ground, sync)?;
    Ok(Opened { writer, recovery })
}

/// The control file, made where there is no journal yet.
fn control(directory: &Directory, shard: ShardId) -> Result<(Control, bool), JournalError> {
    match directory.read_control()? {
        Some(control) if control.shard != shard => {
            let path = directory.path().to_path_buf();
            Err(JournalError::Shard { path, found: control.shard, expected: shard })
        }
        Some(control) => Ok((control, false)),
        None if !directory.has_traces()? => {
            let control = Control { shard, incarnation: Incarnation::default(), segment: 0, seq: 0 };
            directory.write_control(&control)?;
            Ok((control, true))
        }
        None => directory.require_control().map(|control| (control, false)),
    }
}

/// Removes prepared segments: their size or durability may be another one now.
fn remove_unused(directory: &Directory, survey: &Survey) -> Result<(), JournalError> {
    for index in &survey.unused {
        let path = directory.segment_path(*index);
        directory.remove(&path)?;
    }
    // One in preparation is of no use, and most often there is none.
    let _ = directory.disk().remove(&directory.preparation_path());
    directory.sync()
}

/// What the writer stands on.
struct Ground {
    index: u64,
    next_seq: u64,
    prev_crc: u32,
    cut: Option<Cut>,
    active: Prepared,
}

/// The first segment of a new journal.
fn begin(directory: &Directory, options: &Options, incarnation: Incarnation) -> Result<Ground, JournalError> {
    let active = Segment::create(directory, 1, options.segment_bytes, options.durability)?;
    let header = SegmentHeader {
        shard: options.shard,
        index: 1,
        first_seq: 1,
        segment_bytes: options.segment_bytes,
        created_ns: directory.disk().now_ns(),
        incarnation: incarnation.count,
        prev_crc: 0,
    };
    active.segment.begin(&header, options.durability);
    sync(&active.segment)?;
    Ok(Ground { index: 1, next_seq: 1, prev_crc: 0, cut: None, active })
}

/// Writes what is not known to be on disk once more, unchanged, so that the next sync brings it there.
///
/// After a sync that failed the kernel takes what it could not write for written: it can be read, a later sync says that
/// all is well, and the next power failure takes it away. The process that saw the failure has ended; this one cannot know
/// of it.
fn write_again(directory: &Directory, control: &Control, active: &Active) -> Result<(), JournalError> {
    if active.scan.next_seq - 1 <= control.seq {
        return Ok(());
    }
    // What was moved elsewhere was brought to disk there, and read back.
    for index in control.segment.max(directory.first()?.first_segment)..=active.index {
        let path = directory.segment_path(index);
        let end = if index == active.index { active.scan.at } else { u64::MAX };
        let written = directory.open(&path, Access::Write).and_then(|file| {
            files::write_again(&*file, end)?;
            file.sync_data()
        });
        written.map_err(|error| JournalError::io("write", &path, error))?;
    }
    Ok(())
}

/// The segment that is there, its torn tail cut, everything in it on disk.
fn go_on(directory: &Directory, options: &Options, active: Active) -> Result<Ground, JournalError> {
    let scan = active.scan;
    let torn = match active.tail {
        Tail::Torn { bytes, records } => Some((bytes, records)),
        Tail::Clean | Tail::Corrupt(_) => None,
    };
    let cut =
        torn.map(|(bytes, records)| Cut { segment: scan.path.clone(), offset: scan.at, bytes, records });
    if let Some(cut) = &cut {
        let opened = directory.open(&cut.segment, Access::Write);
        let zeroed = opened.and_then(|file| files::zero(&*file, cut.offset, cut.bytes));
        zeroed.map_err(|error| JournalError::io("cut", &cut.segment, error))?;
        reach(Point::RecoveryCut);
    }
    let settled = Settled {
        end: usize::try_from(scan.at).map_err(|_| scan.corrupt(crate::damage::Damage::Length))?,
        count: u32::try_from(scan.count()).map_err(|_| scan.corrupt(crate::damage::Damage::Length))?,
    };
    let prepared = Segment::reopen(directory, &scan.page.fixed, settled, options.durability)?;
    // First the records, then the mark that says so.
    sync(&prepared.segment)?;
    prepared.segment.publish_durable(settled.count);
    prepared.segment.show(options.durability);
    sync(&prepared.segment)?;
    Ok(Ground {
        index: active.index,
        next_seq: scan.next_seq,
        prev_crc: scan.prev_crc,
        cut,
        active: prepared,
    })
}

fn sync(segment: &Segment) -> Result<(), JournalError> {
    segment.sync().map_err(|error| JournalError::io("sync", &segment.path, error))
}

/// So much memory is made present before the first append; the rest in the background.
const POPULATED_BYTES: usize = 1024 * 1024;

fn start(
    options: &Options,
    directory: Directory,
    lock: Lock,
    control: Control,
    ground: Ground,
    sync: Sync,
) -> Result<Writer, JournalError> {
    let from =
        ground.active.appender.settled().end.min(SEGMENT_HEADER_BYTES.max(ground.active.segment.body.len()));
    ground.active.segment.populate(from / 4096 * 4096, from + POPULATED_BYTES);
    let live = match options.durability {
        Durability::Process => None,
        Durability::Disk => Some(directory.live()?),
    };
    let progress = Progress::new(directory.path(), ground.next_seq - 1, live);
    let workshop = Workshop {
        directory: directory.clone(),
        segment_bytes: options.segment_bytes,
        durability: options.durability,
        control,
        progress: Arc::clone(&progress),
        warmth: Warmth::default(),
        sealed: VecDeque::new(),
    };
    let preparer = Preparer::start(workshop, options.background)?;
    let flusher = match options.durability {
        Durability::Process => None,
        Durability::Disk => {
            let segment = Arc::clone(&ground.active.segment);
            Some(Flusher::start(segment, Arc::clone(&progress), preparer.jobs(), sync, options.background)?)
        }
    };
    Ok(Writer::start(Start {
        directory,
        lock,
        durability: options.durability,
        shard: options.shard,
        incarnation: control.incarnation,
        next_seq: ground.next_seq,
        prev_crc: ground.prev_crc,
        segment_bytes: options.segment_bytes,
        active: ground.active,
        progress,
        preparer,
        flusher,
    }))
}
