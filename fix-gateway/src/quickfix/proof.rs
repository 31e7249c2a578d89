//! The proof that a session's files are whole: the machine's boot id, noted while they were. They are not synced, so a
//! crash of the machine ends it; anything else that shows them to be older than the truth removes it.

use std::fs;
use std::path::Path;

/// Changes with each start of the machine.
pub(super) fn boot_id() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().filter(|id| !id.is_empty())
}

/// The files were noted to be whole, and the machine runs since.
pub(super) fn stands(noted_in: &Path) -> bool {
    let noted = fs::read_to_string(noted_in).ok();
    noted.is_some() && noted == boot_id()
}
