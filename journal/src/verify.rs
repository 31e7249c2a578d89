//! Proving that a journal is whole, and saying what it holds. Both take no lock and change nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use machine::{Incarnation, Payload, ShardId, Timestamp};

use crate::archived::Archived;
use crate::chain;
use crate::directory::Directory;
use crate::disk::{Access, Folder};
use crate::error::JournalError;
use crate::open::Cut;
use crate::reader::Reader;
use crate::record::Record;
use crate::scan::Tail;
use crate::survey::survey;

/// What [`verify`] found in a journal that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// Whose journal it is.
    pub shard: ShardId,
    /// Records read and checked.
    pub records: u64,
    /// How many of them are of each kind, by its number.
    pub kinds: BTreeMap<u8, u64>,
    /// The last record's number; 0 where there is none.
    pub last_seq: u64,
    /// Segments with records.
    pub segments: u64,
    /// The highest incarnation.
    pub incarnation: Incarnation,
    /// A torn tail that the next opening will cut.
    pub torn: Option<Cut>,
}

/// What a journal holds, by its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Whose journal it is.
    pub shard: ShardId,
    /// How often it was opened for writing.
    pub incarnation: Incarnation,
    /// The last record's number; 0 where there is none.
    pub last_seq: u64,
    /// Its segments, the prepared one not included.
    pub segments: Vec<SegmentStat>,
    /// Bytes on disk of all segments, the prepared one included.
    pub allocated_bytes: u64,
    /// What was moved elsewhere, if anything was.
    pub archived: Option<Archived>,
}

/// One segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentStat {
    /// Its file.
    pub path: PathBuf,
    /// Its position among the segments, from 1.
    pub index: u64,
    /// Its first record.
    pub first_seq: u64,
    /// The number of its records.
    pub records: u64,
    /// When it was begun.
    pub created: Timestamp,
    /// The incarnation that began it.
    pub incarnation: Incarnation,
    /// The length of its file.
    pub len_bytes: u64,
}

/// Reads every record of the journal in `dir` and checks its checksum, its place, that it reads as a `P`, and the hash
/// chain.
///
/// On the journal of a running node it checks what is there when it comes to it.
pub fn verify<P: Payload>(dir: impl Into<Folder>) -> Result<VerifyReport, JournalError> {
    let directory = Directory::new(dir);
    let control = directory.require_control()?;
    let survey = survey(&directory, &control)?;
    let mut reader = Reader::open(directory.folder())?;
    let (mut records, mut incarnation) = (0, Incarnation { count: survey.incarnation });
    let mut kinds = BTreeMap::new();
    let mut record = Record::<P>::default();
    while reader.read(&mut record)? {
        records += 1;
        *kinds.entry(record.kind).or_default() += 1;
        incarnation = incarnation.max(record.incarnation);
    }
    if let Some(active) = &survey.active {
        chain::check(&directory, control.shard, active.index)?;
    }
    let torn = survey.active.as_ref().and_then(|active| match active.tail {
        Tail::Torn { bytes, records } => {
            Some(Cut { segment: active.scan.path.clone(), offset: active.scan.at, bytes, records })
        }
        Tail::Clean | Tail::Corrupt(_) => None,
    });
    let segments = survey.active.map_or(0, |active| active.index + 1 - survey.first_index);
    let last_seq = reader.next_seq() - 1;
    Ok(VerifyReport { shard: control.shard, records, kinds, last_seq, segments, incarnation, torn })
}

/// Describes the journal in `dir`; checks headers and the records of the last two segments only.
pub fn stat(dir: impl Into<Folder>) -> Result<Stat, JournalError> {
    let directory = Directory::new(dir);
    let control = directory.require_control()?;
    let survey = survey(&directory, &control)?;
    let mut allocated_bytes = 0;
    let mut segments: Vec<SegmentStat> = Vec::new();
    for index in directory.segments()? {
        let path = directory.segment_path(index);
        let len = directory.open(&path, Access::Read).and_then(|file| file.len());
        let len_bytes = len.map_err(|error| JournalError::io("inspect", &path, error))?;
        allocated_bytes += len_bytes;
        let Some(scan) = crate::scan::SegmentScan::open(&directory, index, control.shard)? else { continue };
        let fixed = scan.page.fixed;
        if let Some(before) = segments.last_mut() {
            before.records = fixed.first_seq - before.first_seq;
        }
        segments.push(SegmentStat {
            path,
            index,
            first_seq: fixed.first_seq,
            records: 0,
            created: Timestamp::from_nanos(fixed.created_ns),
            incarnation: Incarnation { count: fixed.incarnation },
            len_bytes,
        });
    }
    let last_seq = survey.active.as_ref().map_or(0, |active| active.scan.next_seq - 1);
    if let Some(last) = segments.last_mut() {
        last.records = (last_seq + 1).saturating_sub(last.first_seq);
    }
    let incarnation = Incarnation { count: survey.incarnation };
    let archived = directory.archived()?;
    Ok(Stat { shard: control.shard, incarnation, last_seq, segments, allocated_bytes, archived })
}
