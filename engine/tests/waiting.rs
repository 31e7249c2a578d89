//! A shard that waits for others leaves them the core, whatever it does while there is nothing to do: for a disk that
//! does not come back from a sync, for space. (Nobody waits for a gateway that takes nothing: see `room.rs`.)
//!
//! A process of its own: it looks at the one thread that is called shard-0.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;
#[path = "../../journal/tests/common/observed.rs"]
mod observed;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{PATIENCE, Rig, buy, config};
use engine::{Idle, Refused, ShardConfig};
use journal::Durability;
use model::*;
use observed::{Observed, Observer, Seen};

const ALL: [Idle; 3] = [Idle::Spin, Idle::Yield, Idle::Park { spins: 2_000 }];

/// Has the machine's disk hang in its syncs, or be full.
#[derive(Debug, Default)]
struct Moody {
    hangs: AtomicBool,
    is_full: AtomicBool,
}

impl Observer for Moody {
    fn sees(&self, seen: Seen, _: &Path) {
        while seen == Seen::SyncBegins && self.hangs.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn allocates(&self) -> io::Result<()> {
        if self.is_full.load(Ordering::SeqCst) { Err(io::Error::from_raw_os_error(28)) } else { Ok(()) }
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

fn shard(dir: &Path, idle: Idle, durability: Durability, disk: &Arc<Moody>) -> ShardConfig {
    let mut config = config(dir);
    (config.idle, config.journal.durability) = (idle, durability);
    config.journal.disk = Arc::new(Observed(Arc::clone(disk)));
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
        let (dir, disk) = (tempfile::tempdir().unwrap(), Arc::<Moody>::default());
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
        let (dir, disk) = (tempfile::tempdir().unwrap(), Arc::<Moody>::default());
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
