//! A shard to measure: one ready session, one portfolio, accounts with every limit set, quoted instruments.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actors::Core;
use engine::{Client, Clock, Idle, SessionOutlet, SessionPort, Shard, ShardConfig, SystemClock};
use model::{
    AccountId, Actor, Command, Event, Input, InstrumentId, LimitKind, OrderId, Outbound, OutboundKind,
    Position, SessionChange, SessionState, ShardId, Timestamp,
};
use workload::{ACCOUNTS, INSTRUMENTS, Orders, SESSION, definitions, quote};

use crate::error::PerfError;
use crate::stalls::{ShardStalls, Watched, sched};

/// Commands a client may have out.
pub(crate) const WINDOW: usize = 4096;
const PATIENCE: Duration = Duration::from_secs(20);

/// An order that the broker has acknowledged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Working {
    pub(crate) order: OrderId,
    pub(crate) account: AccountId,
    /// As it left.
    pub(crate) message: Outbound,
}

/// Started, defined, funded, quoted, its session ready.
pub(crate) struct Rig {
    pub(crate) shard: Shard<Core>,
    pub(crate) port: SessionPort<Core>,
    pub(crate) outlet: SessionOutlet<Outbound>,
    pub(crate) client: Client<Core>,
    pub(crate) orders: Orders,
    /// The shard's stalls, as its clock sees them.
    pub(crate) stalls: Arc<ShardStalls>,
}

/// The usual configuration of a measured shard.
pub(crate) fn config(dir: &Path, core: Option<usize>) -> ShardConfig {
    let mut config = ShardConfig::new(journal::Options::new(dir, ShardId::new(0)));
    config.idle = if core.is_some() { Idle::Spin } else { Idle::Yield };
    config.core = core;
    config
}

impl Rig {
    pub(crate) fn ready(config: &ShardConfig) -> Result<Self, PerfError> {
        Self::with(config, ACCOUNTS, SystemClock)
    }

    /// As [`Self::ready`], with so many accounts and another clock.
    pub(crate) fn with(config: &ShardConfig, accounts: u32, clock: impl Clock) -> Result<Self, PerfError> {
        let (clock, stalls) = Watched::new(clock);
        let shard = start(config, clock)?;
        let (port, outlet) = shard.open_session(SESSION)?;
        let client = shard.client(1000, WINDOW)?;
        let mut rig = Self { shard, port, outlet, client, orders: Orders::over(accounts), stalls };
        rig.define(definitions(accounts)?)?;
        rig.make_ready()?;
        settle()?;
        Ok(rig)
    }

    /// Many at a time: a hundred thousand accounts are a million commands.
    fn define(&mut self, commands: Vec<Command>) -> Result<(), PerfError> {
        let mut rest = commands.into_iter().peekable();
        let deadline = Instant::now() + PATIENCE;
        while rest.peek().is_some() || self.client.in_flight() > 0 {
            while self.client.in_flight() < WINDOW
                && let Some(command) = rest.next()
            {
                self.client.submit(command)?;
            }
            while let Some(answer) = self.client.poll() {
                if let Event::Denied { denial, .. } = answer.event {
                    return Err(PerfError::Unexpected(format!("the rig's set-up was denied: {denial:?}")));
                }
            }
            if Instant::now() > deadline {
                return Err(PerfError::Late("the definition of accounts"));
            }
        }
        Ok(())
    }

    /// Submits `count` orders and has the broker acknowledge each; they are told in order.
    pub(crate) fn working(&mut self, count: usize) -> Result<Vec<Working>, PerfError> {
        let (mut ids, mut messages) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let (mut submitted, deadline) = (0, Instant::now() + PATIENCE);
        while ids.len() < count || messages.len() < count {
            while submitted < count && self.client.in_flight() < WINDOW {
                let order = self.orders.next();
                self.client.submit(Command::NewOrder(order))?;
                submitted += 1;
            }
            while let Some(answer) = self.client.poll() {
                match answer.event {
                    Event::OrderAccepted { order, account, .. } => ids.push((order, account)),
                    other => {
                        return Err(PerfError::Unexpected(format!("an order was not accepted: {other:?}")));
                    }
                }
            }
            let before = messages.len();
            self.drain(|message| messages.push(*message));
            for message in messages.get(before..).unwrap_or_default() {
                self.port.post(Input::ExecutionReport(workload::acknowledged(message)?))?;
            }
            if Instant::now() > deadline {
                return Err(PerfError::Late("the broker's taking the orders"));
            }
        }
        self.barrier()?;
        let working = |((order, account), message)| Working { order, account, message };
        Ok(ids.into_iter().zip(messages).map(working).collect())
    }

    /// Returns when everything that was posted is applied: of two commands one after the other the second was taken
    /// in a turn that had looked at the reports before.
    pub(crate) fn barrier(&mut self) -> Result<(), PerfError> {
        for _ in 0..2 {
            let kind = LimitKind::MaxQuoteAgeMs;
            let (actor, value) = (Actor::Account(AccountId::new(0)), Some(86_400_000u32.into()));
            self.client.call(Command::SetLimit { actor, kind, currency: None, value }, PATIENCE)?;
        }
        Ok(())
    }

    fn make_ready(&mut self) -> Result<(), PerfError> {
        for index in 0..INSTRUMENTS {
            self.shard.facts().send((InstrumentId::new(index), quote(Timestamp::default())))?;
        }
        for state in [SessionState::Up, SessionState::Ready] {
            let change = SessionChange { session: SESSION, state, unresolved: 0 };
            self.port.post(Input::Session(change))?;
        }
        let deadline = Instant::now() + PATIENCE;
        let replica = self.shard.replica();
        let ready = |core: &actors::Core| {
            core.session(SESSION).is_some_and(|session| session.state == SessionState::Ready)
        };
        while !replica.read(Position::new(self.shard.id(), 0), ready)? {
            if Instant::now() > deadline {
                return Err(PerfError::Late("the session's becoming ready"));
            }
        }
        while self.outlet.poll().is_some() {}
        Ok(())
    }

    /// Takes everything that has left; how many orders, each told to `seen`.
    #[inline]
    pub(crate) fn drain(&mut self, mut seen: impl FnMut(&Outbound)) {
        while let Some(message) = self.outlet.poll() {
            if matches!(message.kind, OutboundKind::NewOrderSingle { .. }) {
                seen(&message);
            }
        }
    }

    /// Takes the answers that are there; a denial ends the measurement.
    #[inline]
    pub(crate) fn take_answers(&mut self) -> Result<u64, PerfError> {
        let mut taken = 0;
        while let Some(answer) = self.client.poll() {
            if !matches!(answer.event, Event::OrderAccepted { .. }) {
                return Err(PerfError::Unexpected(format!("an order was not accepted: {:?}", answer.event)));
            }
            taken += 1;
        }
        Ok(taken)
    }

    /// Lets the read side stand still, so that it takes no core from the path, until the guard goes.
    pub(crate) fn hold_read_side(&self) -> Result<Held, PerfError> {
        let (replica, start) = (self.shard.replica(), Position::new(self.shard.id(), 0));
        let (release, released) = channel::<()>();
        let (hold, held) = channel();
        let thread = std::thread::spawn(move || {
            // Ends in any case: an error here shows on the other end as a closed channel.
            let _ = replica.read(start, |_| {
                let _ = hold.send(());
                let _ = released.recv();
            });
        });
        held.recv_timeout(PATIENCE).map_err(|_| PerfError::Late("the read side's standing still"))?;
        Ok(Held { release: Some(release), thread: Some(thread) })
    }
}

/// A shard whose other threads stay off its core, as a node does it.
fn start(config: &ShardConfig, clock: impl Clock) -> Result<Shard<Core>, PerfError> {
    let before = rustix::thread::sched_getaffinity(None);
    if let Some(core) = config.core {
        engine::leave_to_shards(&[core]);
    }
    let shard = Shard::<Core>::start(config, clock)?;
    if let Ok(before) = before {
        let _ = rustix::thread::sched_setaffinity(None, &before);
    }
    Ok(shard)
}

/// Waits until what a start leaves to the background is done: the next segment of the journal, the first memory for orders.
/// What is measured meanwhile would be that.
fn settle() -> Result<(), PerfError> {
    let deadline = Instant::now() + PATIENCE;
    let mut rests = 0;
    while rests < 3 {
        let (before, _) = background();
        std::thread::sleep(LOOK);
        let (after, is_asleep) = background();
        let is_at_rest = is_asleep && after.saturating_sub(before) <= AT_REST;
        rests = if is_at_rest { rests + 1 } else { 0 };
        if Instant::now() > deadline {
            return Err(PerfError::Late("the end of what a start leaves to the background"));
        }
    }
    Ok(())
}

/// Between two looks at what the background does.
const LOOK: Duration = Duration::from_millis(25);
/// Threads with nothing to do look whether that is still so, and need less than this for it.
const AT_REST: Duration = Duration::from_millis(1);

/// How long the threads of this process that work in the background have run so far, and whether all are asleep: one that
/// only waits for a core has not run either. Zero, and asleep, where the system does not say.
fn background() -> (Duration, bool) {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return (Duration::ZERO, true) };
    let (mut worked, mut is_asleep) = (Duration::ZERO, true);
    for thread in threads.flatten() {
        let read = |name| std::fs::read_to_string(thread.path().join(name)).unwrap_or_default();
        if ["journal-", "supply-"].iter().any(|kind| read("comm").starts_with(kind)) {
            worked += Duration::from_nanos(sched(&read("schedstat")).map_or(0, |sched| sched.ran_ns));
            // Behind the name, which may hold anything.
            is_asleep &= read("stat").rsplit_once(") ").is_none_or(|(_, state)| state.starts_with('S'));
        }
    }
    (worked, is_asleep)
}

/// While it lives, the read side stands still.
pub(crate) struct Held {
    release: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.release = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rig_begins_when_its_next_segment_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let rig = Rig::ready(&config(dir.path(), None)).unwrap();
        assert!(dir.path().join("00000002.segment").exists());
        let (before, _) = background();
        std::thread::sleep(LOOK);
        let worked = background().0.saturating_sub(before);
        assert!(before > Duration::ZERO && worked < 10 * AT_REST, "{worked:?}");
        rig.shard.stop().unwrap();
    }
}
