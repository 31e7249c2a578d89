//! What a journal lacks, said before it is read: for who reads up to there and says so.

use rkyv::util::AlignedVec;

use crate::directory::Directory;
use crate::disk::{AtGap, Folder};
use crate::error::JournalError;
use crate::extent::Extent;
use crate::gap::Gap;
use crate::reader::Reader;
use crate::scan::SegmentScan;

/// What is missing of the journal in `dir`; `None` where it is whole. Reads the last segment that is here.
///
/// Of a journal that cannot be read for other reasons, a damaged record for instance, the error says so.
pub fn lacking(dir: impl Into<Folder>) -> Result<Option<Gap>, JournalError> {
    let folder = dir.into().reading(AtGap::Refuse);
    match read_last_segment(&Directory::new(&folder)) {
        Err(JournalError::Gap(gap)) => Ok(Some(gap)),
        read => read.map(|()| None),
    }
}

fn read_last_segment(directory: &Directory) -> Result<(), JournalError> {
    let from_seq = Extent::with(directory, |extent| {
        let extent = extent.whole()?;
        for index in extent.segments.into_iter().rev() {
            if let Some(scan) = SegmentScan::open(directory, index, extent.control.shard)? {
                return Ok(scan.page.fixed.first_seq);
            }
        }
        Ok(extent.first.first_seq())
    })?;
    let mut reader = Reader::from_seq(directory.folder(), from_seq)?;
    let mut record = AlignedVec::new();
    while reader.next_raw(&mut record)?.is_some() {}
    Ok(())
}
