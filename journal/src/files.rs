//! Small pieces of file work.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

const CHUNK_BYTES: usize = 256 * 1024;

/// True where a file holds nothing but zeros.
pub(crate) fn is_zero(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok(true);
        }
        if chunk.get(..read).is_none_or(|bytes| bytes.iter().any(|byte| *byte != 0)) {
            return Ok(false);
        }
    }
}

/// Overwrites a range with zeros; nothing is freed.
pub(crate) fn zero(file: &File, offset: u64, len_bytes: u64) -> io::Result<()> {
    let zeros = vec![0; CHUNK_BYTES];
    let (mut at, end) = (offset, offset + len_bytes);
    while at < end {
        let len = usize::try_from(end - at).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
        file.write_all_at(zeros.get(..len).unwrap_or(&[]), at)?;
        at += len as u64;
    }
    Ok(())
}
