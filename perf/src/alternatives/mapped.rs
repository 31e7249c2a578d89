//! A file in memory, for the alternatives that write through a mapping.
#![allow(unsafe_code, reason = "mapping a file is unsafe: somebody else may change it")]

use std::fs::File;
use std::path::Path;

use memmap2::MmapMut;

use crate::error::PerfError;

/// A file of `len` bytes, allocated, mapped, and every page written once.
pub(crate) fn file(path: &Path, len: u64) -> Result<(File, MmapMut), PerfError> {
    let file = File::options().read(true).write(true).create_new(true).open(path);
    let file = file.map_err(PerfError::io("make a file"))?;
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, len)
        .map_err(|error| PerfError::Io { what: "allocate a file", source: error.into() })?;
    // SAFETY: the file was made just now in a directory of our own, nobody else writes it or makes it shorter, and
    // its blocks are there. Fails, should they not be: the row itself, by SIGBUS.
    let mut map = unsafe { MmapMut::map_mut(&file) }.map_err(PerfError::io("map a file"))?;
    for page in map.chunks_mut(4096) {
        if let Some(first) = page.first_mut() {
            *first = 1;
        }
    }
    file.sync_all().map_err(PerfError::io("sync a file"))?;
    Ok((file, map))
}
