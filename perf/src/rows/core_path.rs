//! `Client::submit` until `SessionPort::poll_outbound` gives the order: ring, stamp, journal, gate, books, ring.
//!
//! The measuring thread is both ends, strategy and gateway, on one core; the shard spins on the other. Open loop:
//! every order has an intended time and its latency counts from there, so that a stall is paid by everybody who
//! had to wait behind it (no coordinated omission). Closed loop: the next order goes out when the last one is back.

use crate::error::PerfError;
use crate::lab::Lab;
use crate::rig::{Held, Rig, WINDOW, config};
use crate::row::{Best, Row};
use crate::rows::ring;
use crate::samples::Samples;
use crate::ticks::now_ns;

const NAME: &str = "core.submit_to_gateway";
const OPEN: &str = "open loop, from the intended time; submitter and gateway on one core, shard on the other";
const CLOSED: &str =
    "closed loop, one order at a time; submitter and gateway on one core, shard on the other";
const WITH_READ_SIDE: &str =
    "open loop with the read side following: on two cores it takes its turns from the measured threads";

/// A rate the path is offered, per second.
const RATES: [u32; 5] = [100_000, 10_000, 250_000, 500_000, 1_000_000];
/// The longest a loop may stand still.
const PATIENCE_NS: u64 = 20_000_000_000;

pub(crate) fn measure(lab: &mut Lab) -> Result<(), PerfError> {
    let floor = ring::hop(lab)?;
    let (rates, seconds) = if lab.is_full() { (&RATES[..], 2.0) } else { (&[100_000, 500_000][..], 0.3) };
    for rate in rates {
        let best = lab.best_of(|| open_loop(lab, *rate, seconds, true))?;
        lab.rows.push(Row::new(NAME, best, OPEN).rate(f64::from(*rate)).beside(floor));
    }
    let best = lab.best_of(|| closed_loop(lab))?;
    let rate = 1e9 / f64::from(u32::try_from(best.summary.p50.max(1)).unwrap_or(u32::MAX));
    lab.rows.push(Row::new(format!("{NAME}.closed_loop"), best, CLOSED).rate(rate).beside(floor));
    let samples = open_loop(lab, 100_000, seconds, false)?;
    let row = Row::new(format!("{NAME}.with_read_side"), Best::only(samples.summary()), WITH_READ_SIDE);
    lab.rows.push(row.rate(100_000.0).beside(floor));
    Ok(())
}

/// A ready rig, its read side at rest where asked for, warmed up.
fn warm_rig(lab: &Lab, dir: &std::path::Path, at_rest: bool) -> Result<(Rig, Option<Held>), PerfError> {
    let mut rig = Rig::ready(&config(dir, lab.far_core()))?;
    let held = if at_rest { Some(rig.hold_read_side()?) } else { None };
    let mut samples = Samples::new();
    for _ in 0..10_000 {
        one_order(&mut rig, &mut samples)?;
    }
    Ok((rig, held))
}

fn closed_loop(lab: &Lab) -> Result<Samples, PerfError> {
    let dir = lab.fresh_dir()?;
    let (mut rig, held) = warm_rig(lab, dir.path(), true)?;
    let pinned = lab.pinned();
    let mut samples = Samples::new();
    for _ in 0..lab.sized(50_000, 500_000) {
        one_order(&mut rig, &mut samples)?;
    }
    drop((pinned, held));
    rig.shard.stop()?;
    Ok(samples)
}

fn one_order(rig: &mut Rig, samples: &mut Samples) -> Result<(), PerfError> {
    let order = rig.orders.next();
    let start = now_ns();
    rig.client.submit(model::Command::NewOrder(order))?;
    while rig.port.poll_outbound().is_none() {
        // An order that is denied never leaves.
        if rig.take_answers()? > 0 {
            while rig.port.poll_outbound().is_none() {
                check_patience(start)?;
            }
            samples.record(now_ns() - start);
            return Ok(());
        }
        check_patience(start)?;
    }
    samples.record(now_ns() - start);
    while rig.take_answers()? == 0 {
        check_patience(start)?;
    }
    Ok(())
}

fn check_patience(since_ns: u64) -> Result<(), PerfError> {
    std::hint::spin_loop();
    if now_ns() > since_ns + PATIENCE_NS { Err(PerfError::Late("an order's leaving")) } else { Ok(()) }
}

fn open_loop(lab: &Lab, rate: u32, seconds: f64, at_rest: bool) -> Result<Samples, PerfError> {
    let dir = lab.fresh_dir()?;
    let (mut rig, held) = warm_rig(lab, dir.path(), at_rest)?;
    let pinned = lab.pinned();
    let samples = offer(&mut rig, rate, seconds)?;
    drop((pinned, held));
    rig.shard.stop()?;
    Ok(samples)
}

/// Offers `rate` orders a second. One session's messages leave in the order of one client's commands, so the
/// n-th to arrive is the n-th that was sent.
fn offer(rig: &mut Rig, rate: u32, seconds: f64) -> Result<Samples, PerfError> {
    let interval_ns = 1_000_000_000 / u64::from(rate);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of some millions")]
    let count = (f64::from(rate) * seconds) as u64;
    let begin = now_ns() + 100_000;
    let (mut sent, mut seen) = (0u64, 0u64);
    let mut samples = Samples::new();
    let mut order = rig.orders.next();
    while seen < count {
        let now = now_ns();
        let is_due = sent < count && now >= begin + sent * interval_ns;
        // A full ring is no error here: the order waits, and its latency runs.
        if is_due
            && rig.client.in_flight() < WINDOW
            && rig.client.submit(model::Command::NewOrder(order)).is_ok()
        {
            sent += 1;
            order = rig.orders.next();
        }
        rig.drain(|_| {
            samples.record(now_ns().saturating_sub(begin + seen * interval_ns));
            seen += 1;
        });
        rig.take_answers()?;
        if now > begin + sent * interval_ns + PATIENCE_NS {
            return Err(PerfError::Late("an order's leaving"));
        }
    }
    Ok(samples)
}
