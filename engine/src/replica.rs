//! The read side: a thread that follows the journal, applies the same records to a state of its own, and answers
//! from that. It costs the shard nothing, and compares every recorded digest on the way.

use std::collections::VecDeque;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actors::Core;
use journal::Follower;
use model::{Event, Position, Timestamp};

use crate::digest::Digest;
use crate::error::EngineError;
use crate::replay::Replay;

type Question = Box<dyn FnOnce(&Replay) + Send>;

/// A handle to a read side. Clones ask the same one.
#[derive(Clone, Debug)]
pub struct Replica {
    requests: flume::Sender<Request>,
}

/// One event as readers get it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// The record it follows from.
    pub position: Position,
    /// Which of the record's events, from 0.
    pub index: u32,
    /// The record's time.
    pub time: Timestamp,
    /// What happened.
    pub event: Event,
}

/// Events from a position on, in order, without gaps. A reader that falls too far behind is cut off; it subscribes
/// again from the last position it saw.
#[derive(Debug)]
pub struct Subscription {
    /// The events.
    pub events: flume::Receiver<Published>,
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

enum Request {
    Read { at: u64, question: Question },
    Subscribe { from: u64, capacity: usize, answer: flume::Sender<Result<Subscription, ReplicaError>> },
    Stop,
}

/// The read side's own part.
struct ReadSide {
    follower: Follower,
    replay: Replay,
    requests: flume::Receiver<Request>,
    /// Questions about a position not reached yet.
    waiting: Vec<(u64, Question)>,
    history: VecDeque<Published>,
    /// Everything after this record is in `history`.
    history_after: u64,
    subscribers: Vec<flume::Sender<Published>>,
}

/// Events kept for those who subscribe from the past.
const HISTORY: usize = 64 * 1024;
/// Records applied before requests are looked at again.
const BATCH: usize = 512;
/// The pause of an idle read side: what a read may lag behind.
const PAUSE: Duration = Duration::from_micros(200);
/// How long a read waits for its position.
const PATIENCE: Duration = Duration::from_secs(10);

impl Replica {
    /// Starts the thread, at the state `replay` with `follower` standing right behind it.
    pub(crate) fn start(
        name: String,
        replay: Replay,
        follower: Follower,
    ) -> Result<(Self, JoinHandle<Result<Digest, EngineError>>), EngineError> {
        let (requests, inbox) = flume::unbounded();
        let side = ReadSide {
            history_after: replay.position().seq,
            follower,
            replay,
            requests: inbox,
            waiting: Vec::new(),
            history: VecDeque::with_capacity(1024),
            subscribers: Vec::new(),
        };
        let thread = std::thread::Builder::new()
            .name(name.clone())
            .spawn(move || side.run())
            .map_err(|source| EngineError::Thread { name, source })?;
        Ok((Self { requests }, thread))
    }

    /// Runs `read` on the first state at or after `at`, and gives its answer. Blocks: not for the shard.
    pub fn read<R: Send + 'static>(
        &self,
        at: Position,
        read: impl FnOnce(&Core) -> R + Send + 'static,
    ) -> Result<R, ReplicaError> {
        self.inspect(at, move |replay| read(replay.core()))
    }

    /// As [`Replica::read`], with position, time and digest of the state.
    pub fn inspect<R: Send + 'static>(
        &self,
        at: Position,
        read: impl FnOnce(&Replay) -> R + Send + 'static,
    ) -> Result<R, ReplicaError> {
        let (answer, wait) = flume::bounded(1);
        let question: Question = Box::new(move |replay| drop(answer.send(read(replay))));
        self.requests.send(Request::Read { at: at.seq, question }).map_err(|_| ReplicaError::Stopped)?;
        wait.recv_timeout(PATIENCE).map_err(|error| match error {
            flume::RecvTimeoutError::Timeout => ReplicaError::Late { wanted: at },
            flume::RecvTimeoutError::Disconnected => ReplicaError::Stopped,
        })
    }

    /// Events of the records after `after`, holding at most `capacity` for a slow reader.
    pub fn subscribe(&self, after: Position, capacity: usize) -> Result<Subscription, ReplicaError> {
        let (answer, wait) = flume::bounded(1);
        let request = Request::Subscribe { from: after.seq, capacity: capacity.max(1), answer };
        self.requests.send(request).map_err(|_| ReplicaError::Stopped)?;
        wait.recv_timeout(PATIENCE).map_err(|_| ReplicaError::Stopped)?
    }

    /// Ends the thread.
    pub(crate) fn stop(&self) {
        // Where it fails the thread has ended by itself.
        let _ = self.requests.send(Request::Stop);
    }
}

impl ReadSide {
    fn run(mut self) -> Result<Digest, EngineError> {
        loop {
            let moved =
                self.follow().inspect_err(|error| tracing::error!(%error, "the read side cannot follow"))?;
            self.answer_waiting();
            let request = if moved {
                self.requests.try_recv().ok()
            } else {
                match self.requests.recv_timeout(PAUSE) {
                    Ok(request) => Some(request),
                    Err(flume::RecvTimeoutError::Timeout) => None,
                    Err(flume::RecvTimeoutError::Disconnected) => Some(Request::Stop),
                }
            };
            match request {
                Some(Request::Read { at, question }) => self.waiting.push((at, question)),
                Some(Request::Subscribe { from, capacity, answer }) => {
                    // An asker that gave up wants nothing.
                    let _ = answer.send(self.subscribe(from, capacity));
                }
                Some(Request::Stop) => return Ok(self.replay.digest()),
                None => {}
            }
        }
    }

    /// Applies the next records; true where there was one.
    fn follow(&mut self) -> Result<bool, EngineError> {
        for applied in 0..BATCH {
            let Some(record) = self.follower.poll()? else { return Ok(applied > 0) };
            let outcome = self.replay.step(&record)?;
            for (index, event) in (0u32..).zip(&outcome.events) {
                let published =
                    Published { position: record.position, index, time: record.time, event: *event };
                // A subscriber whose channel is full, or gone, is cut off: it learns so by the end of its channel.
                self.subscribers.retain(|subscriber| subscriber.try_send(published).is_ok());
                if self.history.len() == HISTORY {
                    self.history_after = self.history.pop_front().map_or(0, |oldest| oldest.position.seq);
                }
                self.history.push_back(published);
            }
        }
        Ok(true)
    }

    fn answer_waiting(&mut self) {
        let reached = self.replay.position().seq;
        let mut index = 0;
        while let Some((at, _)) = self.waiting.get(index) {
            if *at <= reached {
                let (_, question) = self.waiting.swap_remove(index);
                question(&self.replay);
            } else {
                index += 1;
            }
        }
    }

    fn subscribe(&mut self, from: u64, capacity: usize) -> Result<Subscription, ReplicaError> {
        if from < self.history_after {
            return Err(ReplicaError::TooOld { oldest: self.history_after });
        }
        let past = self.history.iter().filter(|published| published.position.seq > from);
        let (sender, events) = flume::bounded(capacity.saturating_add(past.clone().count()));
        for published in past {
            // There is room for all of the past.
            let _ = sender.try_send(*published);
        }
        self.subscribers.push(sender);
        Ok(Subscription { events })
    }
}

impl Subscription {
    /// The next event, waited for; `None` when none came in time or the reader was cut off.
    pub fn next(&self, patience: Duration) -> Option<Published> {
        self.events.recv_deadline(Instant::now() + patience).ok()
    }
}
