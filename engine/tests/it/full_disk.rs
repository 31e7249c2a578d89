//! A disk that fills up under a working shard: nothing is taken that cannot be recorded, nothing that was answered is
//! lost, and work goes on once there is space. Mounts a small file system, which only root may; skipped elsewhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::Path;
use std::process::{Command as Program, Stdio};
use std::time::Instant;

use crate::common::{PATIENCE, Rig, buy, config, fill};
use actors::Core;
use engine::{EngineError, Refused, Shard, ShardConfig, SystemClock, replay};
use journal::{Durability, JournalError};
use model::*;

/// A file system of 8 MiB, most of it taken: room for three segments of 128 KiB and a bit.
struct SmallDisk {
    dir: tempfile::TempDir,
}

impl SmallDisk {
    fn new() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mut mount = Program::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(dir.path()).stderr(Stdio::null());
        if !mount.status().is_ok_and(|status| status.success()) {
            eprintln!("skipped: mounting a tmpfs is not permitted here");
            return None;
        }
        let disk = Self { dir };
        disk.fill(8192 * 1024 - 420 * 1024);
        Some(disk)
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn fill(&self, len: usize) {
        std::fs::write(self.path().join("filler"), vec![1; len]).unwrap();
    }

    fn free(&self) {
        std::fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Program::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

/// Orders as fast as they are taken, and fills for those that went out, until the disk is full. Gives how many were
/// handed over.
fn pump_until_full(rig: &mut Rig) -> u32 {
    let deadline = Instant::now() + PATIENCE;
    let mut handed_over = 0;
    let mut filled = 0;
    loop {
        assert!(Instant::now() < deadline, "the disk never filled up");
        assert!(rig.shard.is_running(), "the shard died after {handed_over} orders");
        while let Some(sent) = rig.outlet.poll() {
            let OutboundKind::NewOrderSingle { cl_ord_id, .. } = sent.kind else { continue };
            filled += 1;
            rig.port.post(fill(cl_ord_id, &format!("E{filled}"), 10, 10, filled)).unwrap();
        }
        match rig.client.submit(Command::NewOrder(buy(&format!("A{handed_over}")))) {
            Ok(_) => handed_over += 1,
            Err(Refused::JournalStalled) => return handed_over,
            Err(Refused::TooManyInFlight { .. } | Refused::RingFull { .. }) => {
                while rig.client.poll().is_some() {}
                // Ours may have all its answers outstanding when the disk is full: one that has none asks.
                match rig.shard.client(1000, 1).unwrap().submit(Command::Resume(Scope::Firm)) {
                    Err(Refused::JournalStalled) => return handed_over,
                    Ok(_) | Err(Refused::RingFull { .. }) => {}
                    Err(other) => panic!("after {handed_over} orders: {other}"),
                }
            }
            Err(other) => panic!("after {handed_over} orders: {other}"),
        }
    }
}

fn fills_up_and_goes_on(durability: Durability) {
    let Some(disk) = SmallDisk::new() else { return };
    let mut config: ShardConfig = config(disk.path());
    config.journal.durability = durability;
    let mut rig = Rig::ready(&config);
    let handed_over = pump_until_full(&mut rig);
    assert!(handed_over > 100, "{handed_over}");
    assert!(rig.shard.is_running());
    // A halt is refused, too: it could not be recorded.
    let halt = rig.shard.client(1000, 1).unwrap().submit(Command::Halt(Scope::Firm));
    assert!(matches!(halt, Err(Refused::JournalStalled)), "{halt:?}");

    disk.free();
    let deadline = Instant::now() + PATIENCE;
    while rig.client.in_flight() > 0 {
        assert!(rig.shard.is_running(), "{:?}", rig.shard.stop());
        assert!(Instant::now() < deadline, "{} are not answered", rig.client.in_flight());
        rig.client.poll();
        rig.outlet.poll();
    }
    let answer = loop {
        match rig.client.call(Command::NewOrder(buy("after")), PATIENCE) {
            Ok(answer) => break answer,
            // The shard has not looked yet.
            Err(Refused::JournalStalled) => assert!(Instant::now() < deadline),
            Err(other) => panic!("{other}: {:?}", rig.shard.stop()),
        }
    };
    assert!(matches!(answer.event, Event::OrderAccepted { .. }), "{answer:?}");
    drop(rig.client);
    let stopped = rig.shard.stop().unwrap();
    let recovered = replay::<Core>(&config.journal.dir).unwrap();
    assert_eq!((recovered.position, recovered.digest), (stopped.position, stopped.digest));
    let order = |name: &ClOrdId| recovered.core.order_by_cl_ord_id(crate::common::ACCOUNT, name);
    for number in 0..handed_over {
        let name = ClOrdId::new(&format!("A{number}")).unwrap();
        assert!(order(&name).is_some(), "{name} was answered and is lost");
    }
}

#[test]
fn a_shard_outlives_a_full_disk_under_process_durability() {
    for _ in 0..8 {
        fills_up_and_goes_on(Durability::Process);
    }
}

#[test]
fn a_shard_outlives_a_full_disk_under_disk_durability() {
    for _ in 0..8 {
        fills_up_and_goes_on(Durability::Disk);
    }
}

#[test]
fn a_shard_that_is_stopped_on_a_full_disk_loses_nothing_it_answered() {
    let Some(disk) = SmallDisk::new() else { return };
    let config = config(disk.path());
    let mut rig = Rig::ready(&config);
    pump_until_full(&mut rig);
    let mut answered = Vec::new();
    while let Some(answer) = rig.client.poll() {
        answered.extend(match answer.event {
            Event::OrderAccepted { cl_ord_id, .. } => Some(cl_ord_id),
            _ => None,
        });
    }
    drop(rig.client);
    // Whether there was space for its last words or not: what was answered is there.
    let stopped = rig.shard.stop();
    assert!(matches!(&stopped, Ok(_) | Err(EngineError::Journal(JournalError::Full { .. }))), "{stopped:?}");
    let recovered = replay::<Core>(&config.journal.dir).unwrap();
    let order = |name: &ClOrdId| recovered.core.order_by_cl_ord_id(crate::common::ACCOUNT, name);
    assert!(answered.iter().all(|name| order(name).is_some()));
    disk.free();
    let shard = Shard::<Core>::start(&config, SystemClock).unwrap();
    assert_eq!(shard.recovered().position, recovered.position);
    shard.stop().unwrap();
}

#[test]
fn a_shard_that_finds_no_space_at_the_start_is_refused_by_name() {
    let Some(disk) = SmallDisk::new() else { return };
    disk.fill(8192 * 1024 - 24 * 1024);
    let error = Shard::<Core>::start(&config(disk.path()), SystemClock).expect_err("there is no space");
    assert!(matches!(error, EngineError::Journal(JournalError::Full { .. })), "{error}");
    assert!(error.to_string().contains("no space left for the journal"), "{error}");
}
