//! What the writer will wait for is made before a sealed segment is put to rest: a sync of one can take longer than the
//! next one lasts.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use common::{input, options, time};
use journal::disk::{Access, Disk, DiskFile, Lock, NativeDisk, Words};
use journal::{Durability, Options, Writer};

/// What was seen of the background thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// This segment has its name.
    Made(u64),
    /// It begins to put a segment to rest.
    Resting,
    /// A segment's content is on disk.
    Synced,
}

/// Holds the first segment that is put to rest until it is let go.
#[derive(Debug, Default)]
struct Gate {
    steps: Mutex<(Vec<Step>, bool)>,
    changed: Condvar,
}

impl Gate {
    fn saw(&self, step: Step) {
        self.steps.lock().unwrap().0.push(step);
        self.changed.notify_all();
    }

    fn wait_until(&self, what: &str, is_so: impl Fn(&[Step], bool) -> bool) -> Vec<Step> {
        let deadline = Instant::now() + Duration::from_mins(1);
        let mut steps = self.steps.lock().unwrap();
        while !is_so(&steps.0, steps.1) {
            assert!(Instant::now() < deadline, "waited a minute until {what}: {:?}", steps.0);
            steps = self.changed.wait_timeout(steps, Duration::from_millis(100)).unwrap().0;
        }
        steps.0.clone()
    }

    fn let_go(&self) {
        self.steps.lock().unwrap().1 = true;
        self.changed.notify_all();
    }
}

#[derive(Debug)]
struct Gated {
    gate: Arc<Gate>,
}

#[derive(Debug)]
struct GatedFile {
    file: Box<dyn DiskFile>,
    gate: Arc<Gate>,
}

impl Disk for Gated {
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(GatedFile { file: NativeDisk.open(path, access)?, gate: Arc::clone(&self.gate) }))
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
        if let Some(segment) = to.file_stem().and_then(|name| name.to_str()?.parse().ok()) {
            self.gate.saw(Step::Made(segment));
        }
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

impl DiskFile for GatedFile {
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
        self.gate.saw(Step::Resting);
        self.gate.wait_until("it is let go", |_, is_let_go| is_let_go);
        self.file.begin_sync(from, len_bytes);
    }
    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()?;
        self.gate.saw(Step::Synced);
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

/// Appends until this segment is written to; how many records there are then.
fn fill_up_to(writer: &mut Writer, segment: u64) -> u64 {
    while writer.segment_index() < segment {
        let seq = writer.next_seq();
        writer.ensure_room().unwrap();
        writer.append(time(seq), &input(seq)).unwrap();
    }
    writer.next_seq() - 1
}

#[test]
fn the_next_segment_is_made_before_a_sealed_one_is_synced() {
    let (dir, gate) = (tempfile::tempdir().unwrap(), Arc::new(Gate::default()));
    let disk = Arc::new(Gated { gate: Arc::clone(&gate) });
    let options = Options { disk, ..options(dir.path(), Durability::Process) };
    let mut writer = journal::open(&options).unwrap().writer;
    fill_up_to(&mut writer, 2);
    gate.wait_until("the first is put to rest", |steps, _| steps.contains(&Step::Resting));
    // While that takes its time, the third is begun, and the fourth is wanted.
    fill_up_to(&mut writer, 3);
    gate.let_go();
    let is_synced = |steps: &[Step], _| steps.iter().filter(|step| **step == Step::Synced).count() >= 2;
    let steps = gate.wait_until("two are at rest", is_synced);
    // The first sync was that of the opening.
    let after = steps.iter().skip_while(|step| **step != Step::Resting).skip(1).collect::<Vec<_>>();
    assert_eq!(after.first(), Some(&&Step::Made(4)), "{steps:?}");
    // A writer that goes on waits for nothing that does not come, and nothing is lost.
    let records = fill_up_to(&mut writer, 20);
    writer.close().unwrap();
    assert_eq!(journal::verify(dir.path()).unwrap().records, records);
}
