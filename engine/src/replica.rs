//! The read side: a thread that follows the journal and applies the same records to a state of its own, which
//! anybody may read. It costs the shard nothing, and compares every recorded digest on the way.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use journal::{DurableWatch, Follower};
use machine::{Consequences, EventOf, Machine, Position, Timestamp};

use crate::audit::{Audit, Divergence};
use crate::error::EngineError;
use crate::records::RecordOf;
use crate::replay::Replay;
use crate::snapshot::{SnapshotPolicy, take_snapshot};

/// A handle to a read side. Clones read the same one.
#[derive(Debug)]
pub struct Replica<M: Machine> {
    shared: Arc<Shared<M>>,
}

impl<M: Machine> Clone for Replica<M> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

#[derive(Debug)]
struct Shared<M: Machine> {
    replay: RwLock<Replay<M>>,
    publisher: Mutex<Publisher<EventOf<M>>>,
    /// Asked to stop, or stopped by itself.
    stopped: AtomicBool,
    snapshots: Snapshots,
    audit: Audit,
    recorded: DurableWatch,
}

/// Where and when snapshots are taken.
#[derive(Clone, Debug)]
pub(crate) struct Snapshots {
    pub(crate) journal: journal::Folder,
    pub(crate) policy: SnapshotPolicy,
}

/// One event as readers get it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published<E> {
    /// The record it follows from.
    pub position: Position,
    /// Which of the record's events, from 0.
    pub index: u32,
    /// The record's time.
    pub time: Timestamp,
    /// What happened.
    pub event: E,
}

/// Events from a position on, in order, without gaps. A reader that falls too far behind is cut off; it subscribes
/// again from the last position it saw.
#[derive(Debug)]
pub struct Subscription<E> {
    /// The events.
    pub events: flume::Receiver<Published<E>>,
}

/// Why a read was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplicaError {
    /// The read side has stopped: the node stops, or it met a record it could not follow.
    #[error("the read side has stopped")]
    Stopped,
    /// It did not reach the asked position in time.
    #[error("the read side did not reach record {wanted} in time")]
    Late {
        /// The position.
        wanted: Position,
    },
    /// Events that old are not kept in memory; the journal has them.
    #[error("events are kept from record {oldest} on; read the journal for older ones")]
    TooOld {
        /// The first that is kept.
        oldest: u64,
    },
}

/// Recent events, and who wants the next ones.
#[derive(Debug)]
struct Publisher<E> {
    history: VecDeque<Published<E>>,
    /// Events of later records are in `history`.
    history_after: u64,
    subscribers: Vec<Subscriber<E>>,
}

#[derive(Debug)]
struct Subscriber<E> {
    /// It has, or does not want, the events up to this record.
    after: u64,
    sender: flume::Sender<Published<E>>,
}

/// Events kept for those who subscribe from the past.
const HISTORY: usize = 64 * 1024;
/// Records applied before readers get their turn.
const BATCH: usize = 256;
/// The pause of an idle read side, and of a reader that waits for it: what a read may lag behind.
const PAUSE: Duration = Duration::from_micros(200);
/// At the stop, a snapshot is taken where at least so many records would have to be replayed at the next start.
const WORTH_A_SNAPSHOT: u64 = 100_000;
/// How long a read waits for its position.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the read side's thread does, to be called by that thread or, where there is none, by whoever steps the shard.
pub(crate) struct Reading<M: Machine> {
    shared: Arc<Shared<M>>,
    follower: Follower,
    snapshot_at: u64,
    /// Of the batch at hand; kept for its memory.
    events: Vec<Published<EventOf<M>>>,
}

impl<M: Machine> Replica<M> {
    /// At the state `replay`, with `follower` standing right behind it.
    pub(crate) fn new(
        replay: Replay<M>,
        follower: Follower,
        snapshots: Snapshots,
        audit: Audit,
        recorded: DurableWatch,
    ) -> (Self, Reading<M>) {
        let snapshot_at = replay.position().seq;
        let publisher = Publisher {
            history: VecDeque::new(),
            history_after: replay.position().seq,
            subscribers: Vec::new(),
        };
        let shared = Arc::new(Shared {
            replay: RwLock::new(replay),
            publisher: Mutex::new(publisher),
            stopped: AtomicBool::new(false),
            snapshots,
            audit,
            recorded,
        });
        (Self { shared: Arc::clone(&shared) }, Reading { shared, follower, snapshot_at, events: Vec::new() })
    }

    /// Reads the first state at or after `at`. The read side stands still meanwhile, the shard does not.
    pub fn read<R>(&self, at: Position, read: impl FnOnce(&M) -> R) -> Result<R, ReplicaError> {
        self.inspect(at, |replay| read(replay.core()))
    }

    /// As [`Replica::read`], with position, time and digest of the state.
    pub fn inspect<R>(&self, at: Position, read: impl FnOnce(&Replay<M>) -> R) -> Result<R, ReplicaError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            {
                let replay = self.shared.replay();
                if replay.position().seq >= at.seq {
                    return Ok(read(&replay));
                }
            }
            if self.shared.stopped.load(Ordering::Acquire) {
                return Err(ReplicaError::Stopped);
            }
            if Instant::now() >= deadline {
                return Err(ReplicaError::Late { wanted: at });
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Events of the records after `after`, holding at most `capacity` for a slow reader.
    pub fn subscribe(
        &self,
        after: Position,
        capacity: usize,
    ) -> Result<Subscription<EventOf<M>>, ReplicaError> {
        if self.shared.stopped.load(Ordering::Acquire) {
            return Err(ReplicaError::Stopped);
        }
        self.shared.publisher().subscribe(after.seq, capacity)
    }

    /// Where it was first seen to differ from the shard; `None` where every digest agreed.
    pub fn divergence(&self) -> Option<Divergence> {
        self.shared.audit.found()
    }

    /// How many durable records it has not applied yet.
    pub fn behind(&self) -> u64 {
        self.shared.recorded.durable_seq().saturating_sub(self.position().seq)
    }

    /// The last record it has applied.
    pub fn position(&self) -> Position {
        self.shared.replay().position()
    }

    /// Ends the thread.
    pub(crate) fn stop(&self) {
        self.shared.stopped.store(true, Ordering::Release);
    }
}

impl<M: Machine> Shared<M> {
    fn replay(&self) -> RwLockReadGuard<'_, Replay<M>> {
        self.replay.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn publisher(&self) -> MutexGuard<'_, Publisher<EventOf<M>>> {
        self.publisher.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The read side stands still meanwhile. A snapshot that fails is said and tried again at the next turn of the
    /// policy: the journal holds everything.
    fn take_snapshot(&self) {
        if self.audit.found().is_some() {
            // A start from it would no longer see that anything was wrong.
            return;
        }
        let started = Instant::now();
        match take_snapshot(&self.snapshots.journal, &self.replay(), self.snapshots.policy.keep) {
            Ok(taken) => tracing::info!(
                position = %taken.position,
                len_bytes = taken.len_bytes,
                took_ms = started.elapsed().as_millis(),
                "snapshot taken"
            ),
            Err(error) => tracing::error!(%error, "no snapshot could be taken"),
        }
    }

    /// Applies the next records; true where there was one. Readers wait while they are applied, not while their events
    /// go out to everybody who listens.
    fn follow(
        &self,
        follower: &mut Follower,
        events: &mut Vec<Published<EventOf<M>>>,
    ) -> Result<bool, EngineError> {
        let mut record = RecordOf::<M::Input>::default();
        if !follower.read(&mut record)? {
            return Ok(false);
        }
        let applied = self.apply(follower, &mut record, events);
        let mut publisher = self.publisher();
        for published in events.drain(..) {
            publisher.publish(published);
        }
        applied.map(|()| true)
    }

    /// Applies this record and the next ones, at most a batch.
    fn apply(
        &self,
        follower: &mut Follower,
        record: &mut RecordOf<M::Input>,
        events: &mut Vec<Published<EventOf<M>>>,
    ) -> Result<(), EngineError> {
        let mut replay = self.replay.write().unwrap_or_else(PoisonError::into_inner);
        for applied in 1.. {
            match replay.step(record) {
                // The shard has failed at it too, and says so in the next record.
                Err(EngineError::Broken { position, .. }) => {
                    *replay = Replay::passing_over(&self.snapshots.journal, position)?;
                }
                Err(error) => self.audit.judge(error)?,
                Ok(outcome) => {
                    for (index, event) in (0u32..).zip(outcome.events()) {
                        let (position, time) = (record.position, record.time);
                        events.push(Published { position, index, time, event: event.clone() });
                    }
                }
            }
            if applied == BATCH || !follower.read(record)? {
                break;
            }
        }
        Ok(())
    }
}

impl<M: Machine> Reading<M> {
    /// Starts the thread.
    pub(crate) fn start(self, name: String) -> Result<JoinHandle<Result<(), EngineError>>, EngineError> {
        std::thread::Builder::new()
            .name(name.clone())
            .spawn(move || {
                journal::take_short_turns();
                self.run()
            })
            .map_err(|source| EngineError::Thread { name, source })
    }

    fn run(mut self) -> Result<(), EngineError> {
        let result = self.follow_until_stopped();
        if let Err(error) = &result {
            tracing::error!(%error, "the read side cannot follow the journal");
        }
        self.shared.stopped.store(true, Ordering::Release);
        // Whoever listens learns by the end of the channel.
        self.shared.publisher().subscribers.clear();
        result
    }

    fn follow_until_stopped(&mut self) -> Result<(), EngineError> {
        loop {
            // What the shard has recorded is followed to its end before the stop.
            if !self.step()? {
                if self.shared.stopped.load(Ordering::Acquire) {
                    self.snapshot_after(WORTH_A_SNAPSHOT);
                    return Ok(());
                }
                std::thread::sleep(PAUSE);
            }
        }
    }

    /// Applies what is new, and takes a snapshot where one is due; true where there was something new.
    pub(crate) fn step(&mut self) -> Result<bool, EngineError> {
        let moved = self.shared.follow(&mut self.follower, &mut self.events)?;
        self.snapshot_after(u64::MAX);
        Ok(moved)
    }

    /// Takes a snapshot where so many records, or as many as the policy says, came since the last one.
    fn snapshot_after(&mut self, records: u64) {
        let every = self.shared.snapshots.policy.every_records;
        let seq = self.shared.replay().position().seq;
        if every > 0 && seq - self.snapshot_at >= records.min(every) {
            self.shared.take_snapshot();
            self.snapshot_at = seq;
        }
    }
}

impl<E: Clone> Publisher<E> {
    fn publish(&mut self, published: Published<E>) {
        // A subscriber whose channel is full, or gone, is cut off: it learns so by the end of its channel.
        // One that came between the record and its events asked for what is behind it.
        self.subscribers.retain(|subscriber| {
            published.position.seq <= subscriber.after
                || subscriber.sender.try_send(published.clone()).is_ok()
        });
        if self.history.len() == HISTORY {
            self.history_after = self.history.pop_front().map_or(0, |oldest| oldest.position.seq);
        }
        self.history.push_back(published);
    }

    fn subscribe(&mut self, from: u64, capacity: usize) -> Result<Subscription<E>, ReplicaError> {
        if from < self.history_after {
            return Err(ReplicaError::TooOld { oldest: self.history_after + 1 });
        }
        let past = self.history.iter().filter(|published| published.position.seq > from);
        let (sender, events) = flume::bounded(capacity.max(1).saturating_add(past.clone().count()));
        for published in past {
            // There is room for all of the past.
            let _ = sender.try_send(published.clone());
        }
        self.subscribers.push(Subscriber { after: from, sender });
        Ok(Subscription { events })
    }
}

impl<E> Subscription<E> {
    /// The next event, waited for; `None` when none came in time or the reader was cut off.
    pub fn next(&self, patience: Duration) -> Option<Published<E>> {
        self.events.recv_deadline(Instant::now() + patience).ok()
    }
}
