//! What listings cost those who read, and what they keep the replica from.
//!
//! A shard as a node runs it, with the node's own control plane before its replica. A hundred clients of the local socket
//! list ten thousand positions each, a page at a time, while orders flow. Measured are the pages, from the moment at which
//! each was to be asked for, and how long after its submission an order's event is with a subscriber of the same replica: at
//! most so far behind is it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use ::wire::client::Client;
use ::wire::{Answer, Cursor, Filter, Request};
use actors::Core;
use engine::{Idle, Replay, Replica, SystemClock};
use front::definitions::Definitions;
use front::directory::Directory;
use model::{Command, Event, Input, Origin, Position, ShardId};
use node::books::ShardBooks;
use node::config::SocketAccess;
use node::node_api::{EventFeed, NodeApi, PendingAnswer, SubmitError, SubscribeError};
use node::server::{Admission, ControlPlane, Room};
use workload::INSTRUMENTS;

use crate::error::PerfError;
use crate::lab::Lab;
use crate::rig::{Rig, config};
use crate::row::{Best, Row, per_second};
use crate::rows::wire;
use crate::samples::Samples;

const PAGE: &str = "a page of 100 positions over the local socket, from the moment it was to be asked for until it is parsed; \
                    100 clients list 10,010 positions each, a page every 50 ms, while orders flow; rate: positions told";
const BEHIND: &str = "meanwhile, from the submission of an order until a subscriber of the same replica has its event; rate: orders a second";

const CLIENTS: usize = 100;
/// No divisor of it divides [`INSTRUMENTS`], so that orders going round over both make every pair of them.
const HOLDERS: u32 = 1_001;
const POSITIONS: usize = HOLDERS as usize * INSTRUMENTS as usize;
const ROWS: u32 = 100;
/// Between two pages of one client.
const EVERY: Duration = Duration::from_millis(50);
/// Between two orders.
const ORDER: Duration = Duration::from_micros(500);
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn measure(lab: &mut Lab) -> Result<(), PerfError> {
    let floor = wire::blocking_echo(lab)?;
    let Listed { pages, ages, rows_per_second, orders_per_second } = listed(lab)?;
    let row = Row::new("readers.page", Best::one(&pages), PAGE);
    lab.rows.push(row.rate(rows_per_second).beside(floor));
    let row = Row::new("readers.behind", Best::one(&ages), BEHIND);
    lab.rows.push(row.rate(orders_per_second).beside(floor));
    Ok(())
}

struct Listed {
    pages: Samples,
    ages: Samples,
    rows_per_second: f64,
    orders_per_second: f64,
}

fn listed(lab: &Lab) -> Result<Listed, PerfError> {
    let dir = lab.fresh_dir()?;
    let mut config = config(&dir.path().join("shard"), None);
    config.idle = Idle::Park { spins: 2_000 };
    let mut rig = Rig::with(&config, HOLDERS, SystemClock)?;
    hold_everything(&mut rig)?;
    let socket = dir.path().join("gannet.sock");
    let control = serve(&rig, &socket)?;
    let length = lab.sized(Duration::from_secs(6), Duration::from_secs(30));
    let seen = while_orders_flow(&mut rig, &socket, length);
    control.stop();
    rig.shard.stop()?;
    seen
}

/// Every account holds every instrument.
fn hold_everything(rig: &mut Rig) -> Result<(), PerfError> {
    for order in rig.working(POSITIONS)? {
        rig.port.post(Input::ExecutionReport(workload::filled(&order.message)?))?;
    }
    rig.barrier()
}

fn serve(rig: &Rig, socket: &Path) -> Result<ControlPlane, PerfError> {
    let (replica, shard) = (rig.shard.replica(), rig.shard.id());
    let here = replica.inspect(Position::default(), Replay::position)?;
    let definitions = replica.read(here, |core: &Core| Definitions::of([(shard, core)], &[]))?;
    let api = OneShard { directory: Arc::new(Directory::new([shard], &definitions)), replica };
    let room = Room { ordinary: 2 * CLIENTS, urgent: 4, waiting: CLIENTS, leaving: 4 };
    let admission = Admission { room, first_request: PATIENCE, access: SocketAccess::User };
    let control = ControlPlane::start(Arc::new(api), socket, admission, Vec::new());
    control.map_err(|error| PerfError::Unexpected(format!("the control plane did not start: {error}")))
}

/// A node that is read and takes no commands.
struct OneShard {
    directory: Arc<Directory>,
    replica: Replica<Core>,
}

impl NodeApi for OneShard {
    fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.directory)
    }

    fn submit(&self, _: ShardId, _: Origin, _: Command) -> Result<PendingAnswer, SubmitError> {
        Err(SubmitError::Stopping)
    }

    fn subscribe(&self, _: &[Position]) -> Result<EventFeed, SubscribeError> {
        Err(SubscribeError::Stopping)
    }

    fn read(&self, shard: ShardId, ask: &mut dyn FnMut(&ShardBooks<'_>)) {
        let behind = self.replica.behind();
        // A replica that has stopped answers nobody, and every client ends with an error.
        let _ = self.replica.inspect(Position::default(), |replay| {
            ask(&ShardBooks {
                shard,
                core: replay.core(),
                position: replay.position(),
                digest: String::new(),
                alerts: replay.alerts(),
                diverged_at: None,
                behind,
            });
        });
    }
}

fn while_orders_flow(rig: &mut Rig, socket: &Path, length: Duration) -> Result<Listed, PerfError> {
    let replica = rig.shard.replica();
    let here = replica.inspect(Position::default(), Replay::position)?;
    let events = replica.subscribe(here, 1 << 16)?.events;
    let over = AtomicBool::new(false);
    let start = Instant::now() + Duration::from_millis(200);
    thread::scope(|scope| {
        let over = &over;
        let (submitted, submissions) = flume::unbounded();
        let told = scope.spawn(move || ages(&events, &submissions, over));
        let clients: Vec<_> =
            (0..CLIENTS).map(|number| scope.spawn(move || list(number, socket, start, over))).collect();
        let orders = trade(rig, &submitted, start + length);
        over.store(true, Ordering::Relaxed);
        let (mut pages, mut rows) = (Samples::new(), 0);
        for client in clients {
            let (times, listed) = joined(client)?;
            rows += listed;
            for ns in times {
                pages.record(ns);
            }
        }
        // One more record, so that the subscriber wakes up and sees that it is over.
        rig.barrier()?;
        let ages = joined(told)?;
        let took = nanos(length);
        Ok(Listed {
            pages,
            ages,
            rows_per_second: per_second(rows, took),
            orders_per_second: per_second(orders?, took),
        })
    })
}

fn joined<T>(thread: ScopedJoinHandle<'_, Result<T, PerfError>>) -> Result<T, PerfError> {
    thread.join().map_err(|_| PerfError::Unexpected("a reader died".to_owned()))?
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// An order each half of a millisecond, which the broker ends at once; how many.
fn trade(rig: &mut Rig, submitted: &flume::Sender<Instant>, end: Instant) -> Result<u64, PerfError> {
    let (mut orders, mut next) = (0, Instant::now());
    while next < end {
        thread::sleep(next.saturating_duration_since(Instant::now()));
        next += ORDER;
        let order = rig.orders.next();
        // The reader lives until the last order is told.
        let _ = submitted.send(Instant::now());
        rig.client.submit(Command::NewOrder(order))?;
        orders += 1;
        while let Some(message) = rig.outlet.poll() {
            rig.port.post(Input::ExecutionReport(workload::ended(&message)?))?;
        }
        rig.take_answers()?;
    }
    Ok(orders)
}

/// How old each order is when it is told. They are told in the order of their submission.
fn ages(
    events: &flume::Receiver<engine::Published<Event>>,
    submissions: &flume::Receiver<Instant>,
    over: &AtomicBool,
) -> Result<Samples, PerfError> {
    let mut ages = Samples::new();
    while !over.load(Ordering::Relaxed) {
        let told =
            events.recv().map_err(|_| PerfError::Unexpected("the subscriber was cut off".to_owned()))?;
        if matches!(told.event, Event::OrderAccepted { .. })
            && let Ok(submission) = submissions.try_recv()
        {
            ages.record(nanos(submission.elapsed()));
        }
    }
    Ok(ages)
}

/// Lists every position again and again, a page each [`EVERY`]; how long each page took, and how many rows came.
fn list(
    number: usize,
    socket: &Path,
    start: Instant,
    over: &AtomicBool,
) -> Result<(Vec<u64>, u64), PerfError> {
    let failed = |error: String| PerfError::Unexpected(format!("client {number}: {error}"));
    let mut client = Client::connect_within(socket, PATIENCE).map_err(|error| failed(error.to_string()))?;
    let (mut times, mut rows, mut after) = (Vec::new(), 0, None::<Cursor>);
    // Evenly over the time between two pages, so that they do not all ask at once.
    let mut due = start + EVERY / 100 * u32::try_from(number).unwrap_or(0);
    let mut listing = BTreeMap::new();
    while !over.load(Ordering::Relaxed) {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let filter = Filter { after, limit: Some(ROWS), ..Filter::default() };
        let answer = client.call(&Request::Positions(filter)).map_err(|error| failed(error.to_string()))?;
        times.push(nanos(due.elapsed()));
        due += EVERY;
        let Answer::Positions(page) = answer else { return Err(failed(format!("{answer:?}"))) };
        rows += u64::try_from(page.rows.len()).unwrap_or(0);
        listing.extend(page.rows.iter().map(|row| ((row.account, row.symbol), row.quantity)));
        after = page.next;
        if after.is_none() {
            whole(&listing).map_err(failed)?;
            listing.clear();
        }
    }
    Ok((times, rows))
}

/// A listing that misses a row, or tells one twice, is no listing.
fn whole<K, V>(listing: &BTreeMap<K, V>) -> Result<(), String> {
    if listing.len() == POSITIONS {
        Ok(())
    } else {
        Err(format!("{} of {POSITIONS} positions", listing.len()))
    }
}
