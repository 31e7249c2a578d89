//! `Client::submit` until `SessionOutlet::poll` gives the order: ring, stamp, journal, gate, books, ring.
//!
//! The measuring thread is both ends, strategy and gateway, on one core; the shard spins on the other. Open loop:
//! every order has an intended time. Closed loop: the next order goes out when the last one is back.

use std::sync::Arc;

use engine::ShardConfig;
use model::{Command, Outbound, OutboundKind};
use workload::ACCOUNTS;

use crate::error::PerfError;
use crate::lab::Lab;
use crate::open_loop::{Path, offer, one_by_one};
use crate::rig::{Held, Rig, WINDOW, config};
use crate::row::{Best, Row};
use crate::rows::ring;
use crate::samples::Samples;
use crate::stalls::{ShardStalls, TimedDisk, Usual};
use crate::ticks::now_ns;

pub(crate) const NAME: &str = "core.submit_to_gateway";
const OPEN: &str = "open loop, from the intended time; submitter and gateway on one core, shard on the other";
const CLOSED: &str =
    "closed loop, one order at a time; submitter and gateway on one core, shard on the other";
const WITH_READ_SIDE: &str =
    "open loop with the read side following: on two cores it takes its turns from the measured threads";
const DISK: &str = "open loop with disk durability: an order leaves when its record is on disk";
const WITH_SNAPSHOT: &str = "open loop while the read side follows and writes one snapshot after the other";
const ACROSS_ROLLS: &str =
    "open loop across rolls of the journal: segments of 1 MiB, a roll every few thousand orders";

/// The rate that rows of one condition are compared at.
pub(crate) const USUAL_RATE: u32 = 100_000;
/// Offered rates, per second, after the usual one; the last are beyond what one shard is meant to carry.
const FULL_RATES: [u32; 8] = [10_000, 50_000, 250_000, 500_000, 750_000, 1_000_000, 1_500_000, 2_000_000];
const QUICK_RATES: [u32; 1] = [500_000];
/// An order waits for the sync that runs when it comes, and for its own.
const FLUSHED: Usual = Usual { late_ns: 1_000_000, waits_for: "the disk" };
/// Orders before anything is counted.
const WARM_UP: u64 = 10_000;

pub(crate) fn measure(lab: &mut Lab) -> Result<(), PerfError> {
    let floor = ring::hop(lab)?;
    let rates = if lab.is_full() { &FULL_RATES[..] } else { &QUICK_RATES[..] };
    for rate in std::iter::once(&USUAL_RATE).chain(rates) {
        let best = lab.best_of(|| open_loop(lab, &Condition::usual(), *rate))?;
        lab.rows.push(Row::new(NAME, best, OPEN).rate(f64::from(*rate)).beside(floor));
    }
    let best = lab.best_of(|| closed_loop(lab))?;
    let rate = 1e9 / crate::row::as_f64(best.summary.p50.max(1));
    lab.rows.push(Row::new(format!("{NAME}.closed_loop"), best, CLOSED).rate(rate).beside(floor));
    Ok(())
}

/// The same path, each time with one thing different.
pub(crate) fn conditions(lab: &mut Lab) -> Result<(), PerfError> {
    let floor = ring::hop(lab)?;
    let usual = Condition::usual();
    let snapshots = |config: &mut ShardConfig| config.snapshots.every_records = 20_000;
    let rolls = |config: &mut ShardConfig| config.journal.segment_bytes = 1024 * 1024;
    let disk = |config: &mut ShardConfig| config.journal.durability = journal::Durability::Disk;
    let conditions = [
        ("disk", DISK, Condition { change: disk, usual: FLUSHED, ..usual }),
        ("with_read_side", WITH_READ_SIDE, Condition { at_rest: false, ..usual }),
        ("with_snapshot", WITH_SNAPSHOT, Condition { at_rest: false, change: snapshots, ..usual }),
        ("across_rolls", ACROSS_ROLLS, Condition { change: rolls, ..usual }),
    ];
    for (name, note, condition) in conditions {
        let best = Best::one(&open_loop(lab, &condition, USUAL_RATE)?);
        let row = Row::new(format!("{NAME}.{name}"), best, note);
        lab.rows.push(row.rate(USUAL_RATE.into()).beside(floor));
    }
    Ok(())
}

/// What differs from the usual.
#[derive(Clone, Copy)]
pub(crate) struct Condition {
    pub(crate) accounts: u32,
    /// The read side stands still.
    pub(crate) at_rest: bool,
    pub(crate) change: fn(&mut ShardConfig),
    pub(crate) usual: Usual,
}

impl Condition {
    pub(crate) const fn usual() -> Self {
        Self { accounts: ACCOUNTS, at_rest: true, change: |_| (), usual: Usual::PATH }
    }

    /// A ready rig, warmed up.
    pub(crate) fn rig(
        &self,
        lab: &Lab,
        dir: &std::path::Path,
        disk: &TimedDisk,
    ) -> Result<(Rig, Option<Held>), PerfError> {
        let mut config = config(dir, lab.far_core());
        (self.change)(&mut config);
        config.journal.disk = Arc::new(disk.clone());
        let mut rig = Rig::with(&config, self.accounts, engine::SystemClock)?;
        let held = if self.at_rest { Some(rig.hold_read_side()?) } else { None };
        offer(&mut NewOrders::on(&mut rig), USUAL_RATE, lab.sized(WARM_UP / 4, WARM_UP))?;
        Ok((rig, held))
    }
}

/// New orders, until they leave.
pub(crate) struct NewOrders<'a> {
    rig: &'a mut Rig,
    next: model::NewOrder,
    usual: Usual,
}

impl<'a> NewOrders<'a> {
    pub(crate) fn on(rig: &'a mut Rig) -> Self {
        let next = rig.orders.next();
        Self { rig, next, usual: Usual::PATH }
    }
}

impl Path for NewOrders<'_> {
    fn send(&mut self) -> Result<bool, PerfError> {
        if self.rig.client.in_flight() >= WINDOW
            || self.rig.client.submit(Command::NewOrder(self.next)).is_err()
        {
            return Ok(false);
        }
        self.next = self.rig.orders.next();
        Ok(true)
    }

    fn receive(&mut self, arrived: &mut dyn FnMut(u64)) -> Result<(), PerfError> {
        self.rig.drain(|_: &Outbound| arrived(now_ns()));
        // One that is denied never leaves: this says so.
        self.rig.take_answers().map(|_| ())
    }

    fn shard(&self) -> Option<Arc<ShardStalls>> {
        Some(Arc::clone(&self.rig.stalls))
    }

    fn usual(&self) -> Usual {
        self.usual
    }
}

fn closed_loop(lab: &Lab) -> Result<Samples, PerfError> {
    let dir = lab.fresh_dir()?;
    let (mut rig, held) = Condition::usual().rig(lab, dir.path(), &TimedDisk::default())?;
    let pinned = lab.pinned();
    let samples = one_by_one(&mut NewOrders::on(&mut rig), lab.sized(50_000, 500_000))?;
    drop((pinned, held));
    rig.shard.stop()?;
    Ok(samples)
}

pub(crate) fn open_loop(lab: &Lab, condition: &Condition, rate: u32) -> Result<Samples, PerfError> {
    let dir = lab.fresh_dir()?;
    let disk = TimedDisk::default();
    let (mut rig, held) = condition.rig(lab, dir.path(), &disk)?;
    let pinned = lab.pinned();
    disk.begin();
    let mut path = NewOrders { usual: condition.usual, ..NewOrders::on(&mut rig) };
    let mut samples = offer(&mut path, rate, samples_at(lab, rate))?;
    if let Some(tail) = &mut samples.tail {
        tail.syncs = disk.end();
    }
    drop((pinned, held));
    rig.shard.stop()?;
    Ok(samples)
}

/// How many are offered: for a time, and not without end at the highest rates.
pub(crate) fn samples_at(lab: &Lab, rate: u32) -> u64 {
    let thousandths = lab.sized(200, 1_500);
    (u64::from(rate) * thousandths / 1_000).min(lab.sized(100_000, 1_000_000))
}

/// True for what a request about an order leaves as.
pub(crate) const fn is_request(message: &Outbound) -> bool {
    matches!(
        message.kind,
        OutboundKind::OrderCancelRequest { .. } | OutboundKind::OrderCancelReplaceRequest { .. }
    )
}
