//! The operating system's disk.

use std::any::Any;
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use memmap2::MmapOptions;
use rustix::fs::{FallocateFlags, fallocate};

use crate::disk::{Access, Disk, DiskFile, Lock};
use crate::memory::Words;
use crate::write_back::begin_write_back;

/// The operating system's files.
#[derive(Clone, Copy, Debug, Default)]
pub struct NativeDisk;

impl Disk for NativeDisk {
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        let mut options = File::options();
        options.read(true);
        match access {
            Access::Read => &mut options,
            Access::Write => options.write(true),
            Access::Keep => options.write(true).create(true).truncate(false),
            Access::Create => options.write(true).create(true).truncate(true),
        };
        Ok(Box::new(options.open(path)?))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name())).collect()
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        fs::exists(path)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir(dir)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        let file = File::options().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => {
                let lock: Box<dyn Any + Send + Sync> = Box::new(HeldLock(file));
                Ok(Some(lock))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn now_ns(&self) -> i64 {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since_epoch.as_nanos()).unwrap_or(0)
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// Unlocks by itself, not only by closing: a process that another thread starts meanwhile has a copy of the descriptor
/// until it runs its own program, and that copy would hold the lock.
struct HeldLock(File);

impl Drop for HeldLock {
    fn drop(&mut self) {
        // Closing follows, and unlocks as well where there is no copy.
        let _ = self.0.unlock();
    }
}

impl DiskFile for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, out: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, out, offset)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        FileExt::write_all_at(self, bytes, offset)
    }

    fn allocate(&self, len_bytes: u64) -> io::Result<()> {
        Ok(fallocate(self, FallocateFlags::empty(), 0, len_bytes)?)
    }

    fn sync_data(&self) -> io::Result<()> {
        Self::sync_data(self)
    }

    fn sync_all(&self) -> io::Result<()> {
        Self::sync_all(self)
    }

    fn begin_sync(&self, from: u64, len_bytes: u64) {
        begin_write_back(self, from, len_bytes);
    }

    fn map(&self, len_bytes: usize) -> io::Result<Words> {
        Ok(MmapOptions::new().len(len_bytes).map_raw(self)?.into())
    }

    fn map_read_only(&self, len_bytes: usize) -> io::Result<Words> {
        Ok(MmapOptions::new().len(len_bytes).map_raw_read_only(self)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As between fork and exec, when a process is started while a journal is closed.
    #[test]
    fn a_lock_that_was_given_up_is_free_whoever_has_a_copy_of_its_descriptor() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let file = File::create(&path).unwrap();
        file.try_lock().unwrap();
        let _copy = file.try_clone().unwrap();
        let held = HeldLock(file);
        assert!(NativeDisk.lock(&path).unwrap().is_none());
        drop(held);
        assert!(NativeDisk.lock(&path).unwrap().is_some());
    }
}
