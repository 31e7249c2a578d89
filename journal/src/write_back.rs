//! Asking the kernel to begin writing a part of a file.
#![allow(unsafe_code, reason = "sync_file_range is a C function")]

use std::fs::File;
use std::os::fd::AsRawFd;

/// Begins to write what is dirty in a range, and waits for nothing. A hint: where it fails the sync does it all.
pub(crate) fn begin_write_back(file: &File, from: u64, len_bytes: u64) {
    let (Ok(from), Ok(len)) = (i64::try_from(from), i64::try_from(len_bytes)) else { return };
    // SAFETY: the descriptor is open as long as `file`, and the call takes no pointer. Fails: nothing could.
    let _ = unsafe { libc::sync_file_range(file.as_raw_fd(), from, len, libc::SYNC_FILE_RANGE_WRITE) };
}
