//! A sealed segment is given back before it is synced. Were it still mapped, the kernel would interrupt the appending
//! core for each of its pages, and no other test would notice.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{input, options, time};
use journal::disk::{Access, Disk, DiskFile, Lock, NativeDisk, Words};
use journal::{Background, Durability, Options};

/// The segments whose records are mapped in this process, as the kernel says.
fn mapped(dir: &Path) -> Vec<u64> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let segment = |line: &str| -> Option<u64> {
        let (addresses, path) = (line.split_once(' ')?.0, Path::new(line.split_whitespace().last()?));
        let (from, to) = addresses.split_once('-')?;
        let len = u64::from_str_radix(to, 16).ok()? - u64::from_str_radix(from, 16).ok()?;
        // A header page stays mapped as long as somebody has the segment.
        let is_here = path.parent() == Some(dir) && len > 4096;
        path.file_stem().filter(|_| is_here)?.to_str()?.parse().ok()
    };
    maps.lines().filter_map(segment).collect()
}

/// Each look at what is mapped when a file's content is synced.
type Looks = Arc<Mutex<Vec<Vec<u64>>>>;

/// The operating system's disk, watched.
#[derive(Debug)]
struct Watched {
    looks: Looks,
}

#[derive(Debug)]
struct WatchedFile {
    file: Box<dyn DiskFile>,
    dir: std::path::PathBuf,
    looks: Looks,
}

impl Disk for Watched {
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        let (file, looks) = (NativeDisk.open(path, access)?, Arc::clone(&self.looks));
        let dir = path.parent().unwrap_or(path).to_path_buf();
        Ok(Box::new(WatchedFile { file, dir, looks }))
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
        NativeDisk.rename(from, to)
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

impl DiskFile for WatchedFile {
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
    fn begin_sync(&self, from: u64, len_bytes: u64) {
        self.looks.lock().unwrap().push(mapped(&self.dir));
        self.file.begin_sync(from, len_bytes);
    }
    fn sync_data(&self) -> io::Result<()> {
        self.looks.lock().unwrap().push(mapped(&self.dir));
        self.file.sync_data()
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

#[test]
fn a_sealed_segment_is_unmapped_before_it_is_synced() {
    let (dir, looks) = (tempfile::tempdir().unwrap(), Looks::default());
    let disk = Arc::new(Watched { looks: Arc::clone(&looks) });
    let options =
        Options { disk, background: Background::Stepped, ..options(dir.path(), Durability::Process) };
    let mut writer = journal::open(&options).unwrap().writer;
    let mut synced = 0;
    for seq in 1..=5_000 {
        let before = writer.segment_index();
        writer.ensure_room().unwrap();
        writer.append(time(seq), &input(seq)).unwrap();
        if writer.segment_index() == before {
            continue;
        }
        looks.lock().unwrap().clear();
        while writer.step_preparer() {}
        let seen = std::mem::take(&mut *looks.lock().unwrap());
        for mapped in seen {
            assert!(mapped.contains(&writer.segment_index()), "the one that is written to is: {mapped:?}");
            assert!(!mapped.contains(&before), "segment {before}: {mapped:?}");
            synced += 1;
        }
    }
    assert!(synced > 4, "{synced}");
    writer.close().unwrap();
}
