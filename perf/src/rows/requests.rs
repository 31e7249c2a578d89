//! Cancels and replaces until they leave, and fills until they are booked and told.

use std::sync::Arc;

use engine::{Lane, SystemClock, TraceReader, monotonic_ns};
use model::{CancelOrder, ClOrdId, Command, Event, ExecutionReport, Input, Position, Quantity, ReplaceOrder};
use workload::ACCOUNTS;

use crate::error::PerfError;
use crate::lab::Lab;
use crate::open_loop::{Path, offer};
use crate::rig::{Rig, WINDOW, Working, config};
use crate::row::{Best, Row};
use crate::rows::core_path::{USUAL_RATE, is_request, samples_at};
use crate::rows::ring;
use crate::samples::Samples;
use crate::stalls::{ShardStalls, Usual};
use crate::ticks::now_ns;

const CANCEL: &str = "Client::submit of a cancel until the request is on the gateway's ring; open loop";
const REPLACE: &str = "Client::submit of a replace until the request is on the gateway's ring, judged by the whole gate; open loop";
const BOOKS: &str =
    "SessionPort::post of a fill until order, holding, cash and exposure are booked; open loop";
const EVENT: &str = "SessionPort::post of a fill until a subscriber of the read side has the event; it looks every 200 µs; open loop";

/// The read side looks every 200 µs, and then it works off what came meanwhile.
const TOLD: Usual = Usual { late_ns: 500_000, waits_for: "the read side" };

pub(crate) fn requests(lab: &mut Lab) -> Result<(), PerfError> {
    let floor = ring::hop(lab)?;
    for (name, note, command) in [
        ("core.cancel_to_gateway", CANCEL, cancel as fn(&Working) -> Command),
        ("core.replace_to_gateway", REPLACE, replace),
    ] {
        let best = lab.best_of(|| ask(lab, command))?;
        lab.rows.push(Row::new(name, best, note).rate(USUAL_RATE.into()).beside(floor));
    }
    Ok(())
}

fn cancel(working: &Working) -> Command {
    let (account, order) = (working.account, Some(working.order));
    Command::CancelOrder(CancelOrder { account, order, cl_ord_id: ClOrdId::EMPTY })
}

fn replace(working: &Working) -> Command {
    let model::OutboundKind::NewOrderSingle { limit_price, .. } = working.message.kind else {
        return cancel(working);
    };
    Command::ReplaceOrder(ReplaceOrder {
        account: working.account,
        order: Some(working.order),
        cl_ord_id: ClOrdId::EMPTY,
        quantity: Quantity::from(20),
        limit_price,
    })
}

fn ask(lab: &Lab, command: fn(&Working) -> Command) -> Result<Samples, PerfError> {
    let dir = lab.fresh_dir()?;
    let mut rig = Rig::ready(&config(dir.path(), lab.far_core()))?;
    let held = rig.hold_read_side()?;
    let count = samples_at(lab, USUAL_RATE);
    let orders = rig.working(usize::try_from(count).unwrap_or(0))?;
    let pinned = lab.pinned();
    let commands = orders.iter().map(command).collect::<Vec<_>>().into_iter();
    let samples = offer(&mut Requests { rig: &mut rig, commands }, USUAL_RATE, count)?;
    drop((pinned, held));
    rig.shard.stop()?;
    Ok(samples)
}

struct Requests<'a> {
    rig: &'a mut Rig,
    commands: std::vec::IntoIter<Command>,
}

impl Path for Requests<'_> {
    fn send(&mut self) -> Result<bool, PerfError> {
        let Some(command) = self.commands.as_slice().first() else { return Ok(false) };
        if self.rig.client.in_flight() >= WINDOW || self.rig.client.submit(*command).is_err() {
            return Ok(false);
        }
        self.commands.next();
        Ok(true)
    }

    fn receive(&mut self, arrived: &mut dyn FnMut(u64)) -> Result<(), PerfError> {
        while let Some(message) = self.rig.outlet.poll() {
            if is_request(&message) {
                arrived(now_ns());
            }
        }
        while let Some(answer) = self.rig.client.poll() {
            if !matches!(answer.event, Event::RequestAccepted { .. }) {
                return Err(PerfError::Unexpected(format!("not accepted: {:?}", answer.event)));
            }
        }
        Ok(())
    }

    fn shard(&self) -> Option<Arc<ShardStalls>> {
        Some(Arc::clone(&self.rig.stalls))
    }
}

pub(crate) fn fills(lab: &mut Lab) -> Result<(), PerfError> {
    let floor = ring::hop(lab)?;
    let best = lab.best_of(|| book(lab))?;
    lab.rows.push(Row::new("core.fill_to_books", best, BOOKS).rate(USUAL_RATE.into()).beside(floor));
    let best = Best::one(&tell(lab)?);
    lab.rows.push(Row::new("core.fill_to_event", best, EVENT).rate(USUAL_RATE.into()).beside(floor));
    Ok(())
}

/// A rig with working orders, and the fill of each.
fn with_fills(
    lab: &Lab,
    dir: &std::path::Path,
    trace: usize,
) -> Result<(Rig, Vec<ExecutionReport>), PerfError> {
    let mut config = config(dir, lab.far_core());
    config.trace = trace;
    let mut rig = Rig::with(&config, ACCOUNTS, SystemClock)?;
    let orders = rig.working(usize::try_from(samples_at(lab, USUAL_RATE)).unwrap_or(0))?;
    let fills = orders.iter().map(|order| workload::filled(&order.message)).collect::<Result<Vec<_>, _>>()?;
    Ok((rig, fills))
}

/// The shard's own stamps say when each was booked.
fn book(lab: &Lab) -> Result<Samples, PerfError> {
    let dir = lab.fresh_dir()?;
    let (mut rig, fills) = with_fills(lab, dir.path(), 1 << 16)?;
    let held = rig.hold_read_side()?;
    let mut trace = rig.shard.take_trace().ok_or(PerfError::Late("the trace ring"))?;
    while trace.poll().is_some() {}
    // What the ring lost while nobody read it was before this.
    rig.barrier()?;
    while trace.poll().is_some() {}
    let pinned = lab.pinned();
    let count = u64::try_from(fills.len()).unwrap_or(0);
    let samples = offer(&mut Booked { rig: &rig, fills: fills.into_iter(), trace }, USUAL_RATE, count)?;
    drop((pinned, held));
    rig.shard.stop()?;
    Ok(samples)
}

struct Booked<'a> {
    rig: &'a Rig,
    fills: std::vec::IntoIter<ExecutionReport>,
    trace: TraceReader,
}

impl Path for Booked<'_> {
    fn send(&mut self) -> Result<bool, PerfError> {
        post(self.rig, &mut self.fills)
    }

    fn receive(&mut self, arrived: &mut dyn FnMut(u64)) -> Result<(), PerfError> {
        while let Some(times) = self.trace.poll() {
            if times.lane == Lane::Report {
                arrived(times.applied_ns);
            }
        }
        Ok(())
    }

    /// The clock that the shard stamps with.
    fn now_ns(&self) -> u64 {
        monotonic_ns()
    }

    fn shard(&self) -> Option<Arc<ShardStalls>> {
        Some(Arc::clone(&self.rig.stalls))
    }
}

fn post(rig: &Rig, fills: &mut std::vec::IntoIter<ExecutionReport>) -> Result<bool, PerfError> {
    let Some(fill) = fills.next() else { return Ok(false) };
    rig.port.post(Input::ExecutionReport(fill))?;
    Ok(true)
}

/// A subscriber says when it was told.
fn tell(lab: &Lab) -> Result<Samples, PerfError> {
    let dir = lab.fresh_dir()?;
    let (mut rig, fills) = with_fills(lab, dir.path(), 0)?;
    // What was told so far is behind the subscription.
    rig.barrier()?;
    let replica = rig.shard.replica();
    let here = replica.inspect(Position::default(), engine::Replay::position)?;
    let events = replica.subscribe(here, 1 << 16)?;
    let pinned = lab.pinned();
    let count = u64::try_from(fills.len()).unwrap_or(0);
    let samples = offer(&mut Told { rig: &rig, fills: fills.into_iter(), events }, USUAL_RATE, count)?;
    drop(pinned);
    rig.shard.stop()?;
    Ok(samples)
}

struct Told<'a> {
    rig: &'a Rig,
    fills: std::vec::IntoIter<ExecutionReport>,
    events: engine::Subscription<Event>,
}

impl Path for Told<'_> {
    fn send(&mut self) -> Result<bool, PerfError> {
        post(self.rig, &mut self.fills)
    }

    fn receive(&mut self, arrived: &mut dyn FnMut(u64)) -> Result<(), PerfError> {
        loop {
            match self.events.events.try_recv() {
                Ok(told) if matches!(told.event, Event::Executed { .. }) => arrived(now_ns()),
                Ok(_) => {}
                Err(flume::TryRecvError::Empty) => return Ok(()),
                Err(flume::TryRecvError::Disconnected) => {
                    return Err(PerfError::Unexpected("the subscriber was cut off".to_owned()));
                }
            }
        }
    }

    fn shard(&self) -> Option<Arc<ShardStalls>> {
        Some(Arc::clone(&self.rig.stalls))
    }

    fn usual(&self) -> Usual {
        TOLD
    }
}
