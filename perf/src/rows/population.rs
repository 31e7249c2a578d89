//! The path with few and with many accounts, and with few and with many open orders in each.

use std::sync::Arc;

use model::{Command, Input, Outbound};
use workload::ACCOUNTS;

use crate::error::PerfError;
use crate::lab::Lab;
use crate::open_loop::{Path, offer};
use crate::rig::{Rig, WINDOW, config};
use crate::row::Row;
use crate::rows::core_path::{Condition, NAME, USUAL_RATE, open_loop, samples_at};
use crate::rows::ring;
use crate::samples::Samples;
use crate::stalls::ShardStalls;
use crate::ticks::now_ns;

const OVER_ACCOUNTS: &str =
    "open loop, orders going round over this many accounts, each with its limits and cash";
const OVER_ORDERS: &str = "open loop over 16 accounts with this many open orders each; the broker ends each new order at once, so that \
                           the number stays";
/// Half the usual rate: each order is two inputs.
const RATE: u32 = USUAL_RATE / 2;

pub(crate) fn accounts(lab: &mut Lab) -> Result<(), PerfError> {
    let floor = ring::hop(lab)?;
    let quick: &[u32] = &[1, 100, 10_000];
    let full: &[u32] = &[1, 10, 100, 1_000, 10_000, 100_000];
    for accounts in lab.sized(quick, full) {
        let condition = Condition { accounts: *accounts, ..Condition::usual() };
        let best = lab.best_of_some(|| open_loop(lab, &condition, USUAL_RATE))?;
        let row = Row::new(format!("{NAME}.accounts.{accounts}"), best, OVER_ACCOUNTS);
        lab.rows.push(row.rate(USUAL_RATE.into()).beside(floor));
    }
    Ok(())
}

pub(crate) fn open_orders(lab: &mut Lab) -> Result<(), PerfError> {
    let floor = ring::hop(lab)?;
    let quick: &[u32] = &[1, 1_000];
    let full: &[u32] = &[1, 10, 100, 1_000, 10_000];
    for each in lab.sized(quick, full) {
        let best = lab.best_of_some(|| beside_open_orders(lab, *each))?;
        let row = Row::new(format!("{NAME}.open_orders.{each}"), best, OVER_ORDERS);
        lab.rows.push(row.rate(RATE.into()).beside(floor));
    }
    Ok(())
}

fn beside_open_orders(lab: &Lab, each: u32) -> Result<Samples, PerfError> {
    let dir = lab.fresh_dir()?;
    let mut rig = Rig::ready(&config(dir.path(), lab.far_core()))?;
    let held = rig.hold_read_side()?;
    rig.working(usize::try_from(each * ACCOUNTS).unwrap_or(0))?;
    let pinned = lab.pinned();
    let next = rig.orders.next();
    let samples = offer(&mut Ended { rig: &mut rig, next }, RATE, samples_at(lab, RATE))?;
    drop((pinned, held));
    rig.shard.stop()?;
    Ok(samples)
}

/// New orders that the broker ends as soon as they leave.
struct Ended<'a> {
    rig: &'a mut Rig,
    next: model::NewOrder,
}

impl Path for Ended<'_> {
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
        let mut left: Option<Outbound> = None;
        while let Some(message) = self.rig.outlet.poll() {
            arrived(now_ns());
            if let Some(before) = left.replace(message) {
                self.rig.port.post(Input::ExecutionReport(workload::ended(&before)?))?;
            }
        }
        if let Some(last) = left {
            self.rig.port.post(Input::ExecutionReport(workload::ended(&last)?))?;
        }
        self.rig.take_answers().map(|_| ())
    }

    fn shard(&self) -> Option<Arc<ShardStalls>> {
        Some(Arc::clone(&self.rig.stalls))
    }
}
