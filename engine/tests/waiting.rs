//! A shard that waits for others leaves them the core, whatever it does while there is nothing to do: for a disk that
//! does not come back from a sync, for space. (Nobody waits for a gateway that takes nothing: see `room.rs`.)
//!
//! A process of its own: it looks at the one thread that is called shard-0.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{PATIENCE, Rig, buy, config};
use engine::{Idle, Refused, ShardConfig};
use journal::Durability;
use journal::disk::{Access, Disk, DiskFile, Lock, NativeDisk, Words};
use model::*;

const ALL: [Idle; 3] = [Idle::Spin, Idle::Yield, Idle::Park { spins: 2_000 }];

/// The machine's disk, which hangs in its syncs or is full when it is told to.
#[derive(Clone, Debug, Default)]
struct Moody {
    hangs: Arc<AtomicBool>,
    is_full: Arc<AtomicBool>,
}

#[derive(Debug)]
struct MoodyFile {
    file: Box<dyn DiskFile>,
    disk: Moody,
}

impl Disk for Moody {
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(MoodyFile { file: NativeDisk.open(path, access)?, disk: self.clone() }))
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

impl DiskFile for MoodyFile {
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
        if self.disk.is_full.load(Ordering::SeqCst) {
            return Err(io::Error::from_raw_os_error(28));
        }
        self.file.allocate(len_bytes)
    }
    fn sync_data(&self) -> io::Result<()> {
        while self.disk.hangs.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
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

/// What the kernel counted for the shard's thread: how long it had a core, and how often it gave it away to sleep.
fn counted() -> Option<(Duration, u64)> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?;
    let shard = tasks
        .flatten()
        .map(|task| task.path())
        .find(|task| std::fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == "shard-0"))?;
    let stat = std::fs::read_to_string(shard.join("schedstat")).ok()?;
    let ran_ns = stat.split_whitespace().next()?.parse().ok().filter(|ns| *ns > 0)?;
    let status = std::fs::read_to_string(shard.join("status")).ok()?;
    let sleeps = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    Some((Duration::from_nanos(ran_ns), sleeps.trim().parse().ok()?))
}

/// How long the shard has a core between two sleeps, over half a second. It does not depend on what else runs: a thread
/// that is always awake does not sleep at all.
fn awake() -> Option<Duration> {
    // What is on its way to it is there.
    std::thread::sleep(Duration::from_millis(50));
    let (ran_before, slept_before) = counted()?;
    std::thread::sleep(Duration::from_millis(500));
    let (ran, slept) = counted()?;
    let sleeps = u32::try_from(slept - slept_before).unwrap_or(u32::MAX).saturating_add(1);
    Some(ran.saturating_sub(ran_before) / sleeps)
}

fn leaves_the_core(what: &str, idle: Idle, awake: Option<Duration>) {
    match awake {
        Some(awake) => {
            assert!(awake < Duration::from_millis(2), "{what}, {idle:?}: {awake:?} awake between two sleeps");
        }
        None => eprintln!("skipped: the kernel does not say what a thread gets"),
    }
}

fn shard(dir: &Path, idle: Idle, durability: Durability, disk: &Moody) -> ShardConfig {
    let mut config = config(dir);
    (config.idle, config.journal.durability) = (idle, durability);
    config.journal.disk = Arc::new(disk.clone());
    config
}

/// The tests look at the one thread that is called shard-0.
static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn alone() -> std::sync::MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[test]
fn a_shard_that_waits_for_a_sync_leaves_its_core() {
    let _alone = alone();
    for idle in ALL {
        let (dir, disk) = (tempfile::tempdir().unwrap(), Moody::default());
        let mut rig = Rig::ready(&shard(dir.path(), idle, Durability::Disk, &disk));
        disk.hangs.store(true, Ordering::SeqCst);
        rig.client.submit(Command::NewOrder(buy("A"))).unwrap();
        let awake = awake();
        assert_eq!(rig.client.poll(), None, "it is not on disk");
        // It goes on taking what comes, and leaves when the disk is back.
        rig.client.submit(Command::NewOrder(buy("B"))).unwrap();
        disk.hangs.store(false, Ordering::SeqCst);
        for _ in 0..2 {
            let answer = rig.client.wait(PATIENCE).unwrap();
            assert!(matches!(answer.event, Event::OrderAccepted { .. }), "{answer:?}");
        }
        leaves_the_core("a sync", idle, awake);
    }
}

#[test]
fn a_shard_on_a_full_disk_leaves_its_core() {
    let _alone = alone();
    for (idle, durability) in
        ALL.into_iter().zip([Durability::Process, Durability::Disk, Durability::Process])
    {
        let (dir, disk) = (tempfile::tempdir().unwrap(), Moody::default());
        let mut rig = Rig::ready(&shard(dir.path(), idle, durability, &disk));
        disk.is_full.store(true, Ordering::SeqCst);
        let (deadline, mut number) = (Instant::now() + PATIENCE, 0);
        loop {
            let order = Command::NewOrder(buy(&format!("A{number}")));
            let handed_over = match rig.client.submit(order) {
                // All of its answers may be outstanding when the disk is full: a client that has none asks.
                Err(Refused::TooManyInFlight { .. }) => {
                    rig.shard.client(1000, 1).unwrap().submit(Command::Resume(Scope::Firm))
                }
                handed_over => handed_over,
            };
            if handed_over == Err(Refused::JournalStalled) {
                break;
            }
            number += 1;
            while rig.client.poll().is_some() {}
            while rig.outlet.poll().is_some() {}
            assert!(Instant::now() < deadline, "it never stalled");
        }
        // What brokers say waits in its lane.
        rig.port.post(Input::Tick).unwrap();
        let awake = awake();
        disk.is_full.store(false, Ordering::SeqCst);
        while rig.client.in_flight() > 0 {
            rig.client.poll();
            rig.outlet.poll();
            assert!(Instant::now() < deadline, "it never went on");
        }
        leaves_the_core("a full disk", idle, awake);
    }
}
