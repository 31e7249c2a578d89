//! Small pieces of file work.

use std::io;
use std::path::Path;

use crate::disk::{Access, Disk, DiskFile};

const CHUNK_BYTES: usize = 256 * 1024;

/// True where a file holds nothing but zeros from `offset` on.
pub(crate) fn is_zero_from(disk: &dyn Disk, path: &Path, offset: u64) -> io::Result<bool> {
    let file = disk.open(path, Access::Read)?;
    let (mut chunk, mut at) = (vec![0; CHUNK_BYTES], offset);
    loop {
        let read = file.read_at(&mut chunk, at)?;
        if read == 0 {
            return Ok(true);
        }
        at += read as u64;
        // Without an early end, so that many bytes are looked at in one instruction.
        let seen = chunk.get(..read).map(|bytes| bytes.iter().fold(0, |seen, byte| seen | byte));
        if seen != Some(0) {
            return Ok(false);
        }
    }
}

/// Overwrites a range with zeros; nothing is freed.
pub(crate) fn zero(file: &dyn DiskFile, offset: u64, len_bytes: u64) -> io::Result<()> {
    let zeros = vec![0; CHUNK_BYTES];
    let (mut at, end) = (offset, offset + len_bytes);
    while at < end {
        let len = usize::try_from(end - at).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
        file.write_all_at(zeros.get(..len).unwrap_or(&[]), at)?;
        at += len as u64;
    }
    Ok(())
}

/// Writes what is there, up to `end`, in its own place.
pub(crate) fn write_again(file: &dyn DiskFile, end: u64) -> io::Result<()> {
    let (mut chunk, mut at) = (vec![0; CHUNK_BYTES], 0);
    while at < end {
        let most = usize::try_from(end - at).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
        let read = file.read_at(chunk.get_mut(..most).unwrap_or(&mut []), at)?;
        if read == 0 {
            break;
        }
        file.write_all_at(chunk.get(..read).unwrap_or(&[]), at)?;
        at += read as u64;
    }
    Ok(())
}

/// Copies a file, durably.
pub(crate) fn copy(disk: &dyn Disk, from: &Path, to: &Path) -> io::Result<()> {
    let (source, copy) = (disk.open(from, Access::Read)?, disk.open(to, Access::Create)?);
    copy_bytes(&*source, &*copy)?;
    copy.sync_all()
}

/// Copies what is in a file over the first bytes of another one.
pub(crate) fn copy_bytes(from: &dyn DiskFile, to: &dyn DiskFile) -> io::Result<()> {
    let (mut chunk, mut at) = (vec![0; CHUNK_BYTES], 0);
    loop {
        let read = from.read_at(&mut chunk, at)?;
        if read == 0 {
            return Ok(());
        }
        to.write_all_at(chunk.get(..read).unwrap_or(&[]), at)?;
        at += read as u64;
    }
}
