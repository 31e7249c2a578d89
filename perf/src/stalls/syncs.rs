//! Where the time of the journal's flusher goes: a disk that takes the time of every sync.

use std::ffi::OsString;
use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use journal::disk::{Access, Disk, DiskFile, Lock, NativeDisk, Words};
use serde::Serialize;

use crate::durations::{Durations, Summary};
use crate::stalls::reading::{Cause, Counters, Parts, Reading};

/// The operating system's disk; syncs of files by the journal's flusher are timed.
#[derive(Clone, Debug, Default)]
pub(crate) struct TimedDisk {
    native: NativeDisk,
    log: Arc<Mutex<Option<SyncLog>>>,
}

/// What was seen since it was asked to look.
#[derive(Debug)]
struct SyncLog {
    whole: Durations,
    device: Durations,
    /// From the end of one sync to the begin of the next.
    between: Durations,
    parts: Parts,
    core_taken_between_ns: u64,
    last: Option<Reading>,
    counters: Option<Counters>,
}

impl Default for SyncLog {
    fn default() -> Self {
        Self {
            whole: Durations::new(),
            device: Durations::new(),
            between: Durations::new(),
            parts: Parts::default(),
            core_taken_between_ns: 0,
            last: None,
            counters: None,
        }
    }
}

/// The flusher over a row.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Syncs {
    /// Group commits.
    pub(crate) commits: u64,
    pub(crate) sync_p50_ns: u64,
    pub(crate) sync_p99_ns: u64,
    /// Of a sync, asleep until the device has it.
    pub(crate) device_p50_ns: u64,
    pub(crate) device_p99_ns: u64,
    /// From one sync to the next: writing, and looking for more.
    pub(crate) between_p50_ns: u64,
    pub(crate) between_p99_ns: u64,
    /// Of all syncs: asleep for the device; ready, and another thread had the core; on a core.
    pub(crate) device_ns: u64,
    pub(crate) core_taken_ns: u64,
    pub(crate) on_core_ns: u64,
    /// Between syncs: ready, and another thread had the core.
    pub(crate) core_taken_between_ns: u64,
}

impl TimedDisk {
    /// Begins to look.
    pub(crate) fn begin(&self) {
        *self.log.lock().unwrap_or_else(PoisonError::into_inner) = Some(SyncLog::default());
    }

    /// What was seen; `None` where there was no sync.
    pub(crate) fn end(&self) -> Option<Syncs> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let [whole, device, between]: [Summary; 3] =
            [&log.whole, &log.device, &log.between].map(Durations::summary);
        let on_core = [Cause::OnCore, Cause::PageFaults, Cause::Stolen, Cause::NotKnown];
        (whole.count > 0).then(|| Syncs {
            commits: whole.count,
            sync_p50_ns: whole.p50,
            sync_p99_ns: whole.p99,
            device_p50_ns: device.p50,
            device_p99_ns: device.p99,
            between_p50_ns: between.p50,
            between_p99_ns: between.p99,
            device_ns: log.parts.get(Cause::Asleep),
            core_taken_ns: log.parts.get(Cause::CoreTaken),
            on_core_ns: on_core.into_iter().map(|cause| log.parts.get(cause)).sum(),
            core_taken_between_ns: log.core_taken_between_ns,
        })
    }

    fn timed(&self, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        if std::thread::current().name() != Some("journal-flush") {
            return sync();
        }
        let before = self.before();
        let result = sync();
        if let Some(before) = before {
            self.after(&before);
        }
        result
    }

    fn before(&self) -> Option<Reading> {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let log = log.as_mut()?;
        let now = log.counters.get_or_insert_with(Counters::of_this_thread).read();
        if let Some(last) = log.last {
            let ns = now.at_ns.saturating_sub(last.at_ns);
            log.between.record(ns);
            log.core_taken_between_ns += Parts::of(ns, &last, &now, false).get(Cause::CoreTaken);
        }
        Some(now)
    }

    fn after(&self, before: &Reading) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(log) = log.as_mut() else { return };
        let Some(counters) = &log.counters else { return };
        let after = counters.read();
        let ns = after.at_ns.saturating_sub(before.at_ns);
        let parts = Parts::of(ns, before, &after, false);
        log.whole.record(ns);
        log.device.record(parts.get(Cause::Asleep));
        log.parts.join(&parts);
        log.last = Some(after);
    }
}

impl Disk for TimedDisk {
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(TimedFile { file: self.native.open(path, access)?, disk: self.clone() }))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        self.native.list(dir)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.native.exists(path)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.native.create_dir(dir)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.native.create_dir_all(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.native.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.native.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.native.sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        self.native.lock(path)
    }

    fn now_ns(&self) -> i64 {
        self.native.now_ns()
    }

    fn pause(&self, time: Duration) {
        self.native.pause(time);
    }
}

#[derive(Debug)]
struct TimedFile {
    file: Box<dyn DiskFile>,
    disk: TimedDisk,
}

impl DiskFile for TimedFile {
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
        self.file.allocate(len_bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.timed(|| self.file.sync_data())
    }

    fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn begin_sync(&self, from: u64, len_bytes: u64) {
        self.file.begin_sync(from, len_bytes);
    }

    fn map(&self, len_bytes: usize) -> io::Result<Words> {
        self.file.map(len_bytes)
    }

    fn map_read_only(&self, len_bytes: usize) -> io::Result<Words> {
        self.file.map_read_only(len_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_flusher_s_syncs_are_timed_and_only_while_asked() {
        let (disk, dir) = (TimedDisk::default(), tempfile::tempdir().unwrap());
        let file = disk.open(&dir.path().join("file"), Access::Create).unwrap();
        let sync_on = |name: &str| {
            let thread = std::thread::Builder::new().name(name.to_owned());
            std::thread::scope(|scope| {
                let sync = || {
                    file.write_all_at(b"something", 0).unwrap();
                    file.sync_data().unwrap();
                };
                thread.spawn_scoped(scope, sync).unwrap().join().unwrap();
            });
        };
        sync_on("journal-flush");
        assert!(disk.end().is_none());
        disk.begin();
        sync_on("journal-prepare");
        assert!(disk.end().is_none());
        disk.begin();
        sync_on("journal-flush");
        let syncs = disk.end().unwrap();
        assert_eq!(syncs.commits, 1);
        assert!(syncs.sync_p50_ns > 0 && disk.end().is_none());
    }
}
