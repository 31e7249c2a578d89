//! The operating system's disk, with somebody who sees what is done to it. Engine's tests use it, too.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use journal::disk::{Access, Disk, DiskFile, Lock, NativeDisk, Words};

/// What is seen, each with the path it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A file has this name now.
    Renamed,
    /// A part of a file is about to be written back.
    BeginSync,
    /// The content of a file is about to be synced.
    SyncBegins,
    /// It is on disk.
    Synced,
}

/// Sees it, and may hold it up.
pub(crate) trait Observer: std::fmt::Debug + Send + Sync + 'static {
    fn sees(&self, seen: Seen, path: &Path);

    /// May refuse a file its space.
    fn allocates(&self) -> io::Result<()> {
        Ok(())
    }
}

/// The disk.
#[derive(Debug)]
pub(crate) struct Observed<O>(pub(crate) Arc<O>);

#[derive(Debug)]
struct ObservedFile<O> {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    observer: Arc<O>,
}

impl<O: Observer> Disk for Observed<O> {
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        let file = NativeDisk.open(path, access)?;
        Ok(Box::new(ObservedFile { file, path: path.to_path_buf(), observer: Arc::clone(&self.0) }))
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        NativeDisk.list(dir)
    }
    fn exists(&self, path: &Path) -> io::Result<bool> {
        NativeDisk.exists(path)
    }
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        NativeDisk.create_dir(dir)
    }
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        NativeDisk.create_dir_all(dir)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        NativeDisk.rename(from, to)?;
        self.0.sees(Seen::Renamed, to);
        Ok(())
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        NativeDisk.remove(path)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        NativeDisk.sync_dir(dir)
    }
    fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        NativeDisk.lock(path)
    }
    fn now_ns(&self) -> i64 {
        NativeDisk.now_ns()
    }
    fn pause(&self, time: Duration) {
        NativeDisk.pause(time);
    }
}

impl<O: Observer> DiskFile for ObservedFile<O> {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
    fn read_at(&self, out: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(out, offset)
    }
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }
    fn allocate(&self, len_bytes: u64) -> io::Result<()> {
        self.observer.allocates()?;
        self.file.allocate(len_bytes)
    }
    fn begin_sync(&self, from: u64, len_bytes: u64) {
        self.observer.sees(Seen::BeginSync, &self.path);
        self.file.begin_sync(from, len_bytes);
    }
    fn sync_data(&self) -> io::Result<()> {
        self.observer.sees(Seen::SyncBegins, &self.path);
        self.file.sync_data()?;
        self.observer.sees(Seen::Synced, &self.path);
        Ok(())
    }
    fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all()
    }
    fn map(&self, len_bytes: usize) -> io::Result<Words> {
        self.file.map(len_bytes)
    }
    fn map_read_only(&self, len_bytes: usize) -> io::Result<Words> {
        self.file.map_read_only(len_bytes)
    }
}
