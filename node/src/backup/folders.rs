//! Plain files: the stores of FIX sessions and the configuration.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::BackupError;

/// Copies the files of a FIX session's store. In this order a message is recorded at least as far as it is counted; what
/// is recorded and not counted, the session's start counts. Not copied: `lock`, and `boot`, the proof that absence from
/// the record means "never sent". Of a copy that is not so.
pub(super) fn copy_store(from: &Path, to: &Path) -> Result<(), BackupError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(from).map_err(BackupError::io(from))? {
        let entry = entry.map_err(BackupError::io(from))?;
        if entry.path().is_file() {
            names.extend(entry.file_name().into_string());
        }
    }
    let copied = |name: &String| ![".lock", ".boot", ".new"].iter().any(|ending| name.ends_with(ending));
    names.retain(copied);
    let rank = |name: &String| match name.rsplit('.').next() {
        Some("seqnums") => 0,
        Some("session") => 1,
        Some("header") => 2,
        _ => 3,
    };
    names.sort_by_key(|name| (rank(name), name.clone()));
    fs::create_dir_all(to).map_err(BackupError::io(to))?;
    for name in names {
        copy_file(&from.join(&name), &to.join(&name))?;
    }
    sync_dir(to)
}

/// Copies one file: the old copy or the whole new one is there.
pub(super) fn copy_file(from: &Path, to: &Path) -> Result<(), BackupError> {
    let beside = to.with_added_extension("tmp");
    let copied = fs::copy(from, &beside)
        .and_then(|_| File::open(&beside)?.sync_all())
        .and_then(|()| fs::rename(&beside, to));
    copied.map_err(BackupError::io(from))
}

/// Brings the names in a folder to disk.
pub(super) fn sync_dir(folder: &Path) -> Result<(), BackupError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(BackupError::io(folder))
}

/// True where there is nothing in it, or no folder at all.
pub(super) fn is_free(folder: &Path) -> Result<bool, BackupError> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        entries => Ok(entries.map_err(BackupError::io(folder))?.next().is_none()),
    }
}

/// A folder's name for a session's.
pub(super) fn folder_name(session: &str) -> String {
    let plain = |letter: char| {
        if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_') { letter } else { '_' }
    };
    session.chars().map(plain).collect()
}
