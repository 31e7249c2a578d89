//! What a snapshot costs the shard: the gaps in its loop while the read side writes one.
//!
//! An idle shard asks the clock in every turn. So a clock that notes the time between two questions shows every
//! pause of the loop, whatever its reason, without anything being added to the loop.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use engine::{Clock, SystemClock, snapshots_dir};
use model::Timestamp;

use crate::error::PerfError;
use crate::lab::Lab;
use crate::open_loop::one_by_one;
use crate::rig::{Rig, config};
use crate::row::{Best, Row};
use crate::rows::core_path::NewOrders;
use crate::samples::Samples;
use crate::ticks::now_ns;

const IDLE: &str = "time between two turns of an idle shard's loop";
const DURING: &str = "the same while the read side writes and syncs a snapshot of all accounts; whatever is longer than beside it is its doing";
const PATIENCE: Duration = Duration::from_mins(2);

/// Notes the time between two questions while it is told to.
#[derive(Clone, Default)]
struct GapClock {
    shared: Arc<Gaps>,
}

#[derive(Default)]
struct Gaps {
    armed: AtomicBool,
    last_ns: AtomicU64,
    samples: Mutex<Option<Samples>>,
}

impl Clock for GapClock {
    fn now(&self) -> Timestamp {
        if self.shared.armed.load(Ordering::Relaxed) {
            let now = now_ns();
            let last = self.shared.last_ns.swap(now, Ordering::Relaxed);
            let mut samples = self.shared.samples.lock().unwrap_or_else(PoisonError::into_inner);
            match samples.as_mut() {
                Some(samples) if last > 0 => samples.record(now - last),
                _ => {}
            }
        }
        SystemClock.now()
    }
}

impl GapClock {
    fn begin(&self) {
        *self.shared.samples.lock().unwrap_or_else(PoisonError::into_inner) = Some(Samples::new());
        self.shared.last_ns.store(0, Ordering::Relaxed);
        self.shared.armed.store(true, Ordering::Release);
    }

    fn end(&self) -> Result<Samples, PerfError> {
        self.shared.armed.store(false, Ordering::Release);
        let samples = self.shared.samples.lock().unwrap_or_else(PoisonError::into_inner).take();
        samples
            .filter(|samples| samples.summary().count > 0)
            .ok_or(PerfError::Late("a turn of the shard's loop"))
    }
}

pub(crate) fn pause(lab: &mut Lab) -> Result<(), PerfError> {
    let accounts = lab.sized(10_000u32, 100_000);
    let dir = lab.fresh_dir()?;
    let clock = GapClock::default();
    let mut settings = config(dir.path(), lab.far_core());
    // Eight definitions an account and a few of the rig's: the snapshot is due soon after them.
    let every = u64::from(accounts) * 8 + 1_000;
    settings.snapshots.every_records = every;
    let mut rig = Rig::with(&settings, accounts, clock.clone())?;
    let position = wait_for_read_side(&rig)?;
    clock.begin();
    std::thread::sleep(Duration::from_millis(lab.sized(300, 3_000)));
    let idle = clock.end()?;
    let during = while_snapshot(&mut rig, dir.path(), &clock, every.saturating_sub(position) + 1)?;
    rig.shard.stop()?;
    let floor = lab.floor("shard.gap.idle", IDLE, |_| Ok(Best::one(&idle)))?;
    let row = Row::new("shard.gap.during_snapshot", Best::one(&during), DURING);
    lab.rows.push(row.beside(floor));
    Ok(())
}

/// Sends what is missing until a snapshot begins, and watches the shard until it is written.
fn while_snapshot(
    rig: &mut Rig,
    dir: &std::path::Path,
    clock: &GapClock,
    missing: u64,
) -> Result<Samples, PerfError> {
    let (folder, deadline) = (snapshots_dir(dir), Instant::now() + PATIENCE);
    clock.begin();
    one_by_one(&mut NewOrders::on(rig), missing)?;
    while snapshots(&folder) == 0 {
        if Instant::now() > deadline {
            return Err(PerfError::Late("a snapshot"));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    clock.end()
}

fn snapshots(folder: &std::path::Path) -> usize {
    let is_whole =
        |entry: &std::fs::DirEntry| entry.path().extension().is_some_and(|extension| extension == "snapshot");
    std::fs::read_dir(folder).map_or(0, |entries| entries.flatten().filter(is_whole).count())
}

/// Until it stands still: where it stands then.
fn wait_for_read_side(rig: &Rig) -> Result<u64, PerfError> {
    let deadline = Instant::now() + PATIENCE;
    let mut before = 0;
    loop {
        let now = rig.shard.replica().inspect(model::Position::default(), |replay| replay.position().seq)?;
        if now > 0 && now == before {
            return Ok(now);
        }
        before = now;
        if Instant::now() > deadline {
            return Err(PerfError::Late("the read side's following"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
