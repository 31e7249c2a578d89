//! The running node as its local clients see it: commands into the shards, reads from the replicas.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use actors::Core;
use engine::{Answer, Clock, Connect, Refused, Replica, ReplicaError, Shard, Subscription, Ticket};
use model::{Command, Event, Origin, Position, ShardId, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use wire::LatencyReport;

use super::sessions::Sessions;
use super::stages::Kept;
use crate::books::{SessionStanding, ShardBooks};
use crate::directory::Directory;
use crate::node_api::{
    AnswerLost, CommandAnswer, EventFeed, FEED_EVENTS, Happened, NodeApi, PendingAnswer, SubmitError,
    SubscribeError,
};

/// See the module.
pub(crate) struct RunningNode {
    directory: Directory,
    lines: Vec<Line>,
    sessions: Sessions,
    kept: Option<Kept>,
    clock: Box<dyn Clock>,
}

/// The connection to one shard. A thread hands its answers out, so that the control plane sleeps while there are
/// none.
struct Line {
    connect: Arc<Connect<Core>>,
    waiting: Arc<Mutex<Waiting>>,
    replica: Replica<Core>,
    thread: Option<JoinHandle<()>>,
}

/// Who waits for which answer. Dropping a sender tells its receiver that the answer is lost.
#[derive(Default)]
struct Waiting {
    senders: HashMap<Ticket, oneshot::Sender<CommandAnswer>>,
    ended: bool,
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RunningNode {
    pub(crate) fn new(
        directory: Directory,
        shards: &[Shard<Core>],
        sessions: Sessions,
        kept: Option<Kept>,
        clock: impl Clock,
    ) -> Result<Self, Refused> {
        let lines = shards.iter().map(Line::new).collect::<Result<_, _>>()?;
        Ok(Self { directory, lines, sessions, kept, clock: Box::new(clock) })
    }

    fn line(&self, shard: ShardId) -> Option<&Line> {
        self.lines.get(shard.slot())
    }
}

impl Line {
    fn new(shard: &Shard<Core>) -> Result<Self, Refused> {
        let connect = Arc::new(shard.connect()?);
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        let answers = connect.answers().clone();
        let thread = std::thread::Builder::new().name(format!("answers-{}", shard.id())).spawn({
            let waiting = Arc::clone(&waiting);
            move || hand_out(&answers, &waiting)
        });
        // Without the thread nobody would ever be answered.
        let thread = thread.map_err(|_| Refused::Stopped)?;
        Ok(Self { connect, waiting, replica: shard.replica(), thread: Some(thread) })
    }

    /// The lock is held over the hand-over, so that the answer cannot come before its ticket is known.
    fn submit(&self, origin: Origin, command: Command) -> Result<oneshot::Receiver<CommandAnswer>, Refused> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = lock(&self.waiting);
        if waiting.ended {
            return Err(Refused::Stopped);
        }
        let ticket = self.connect.submit(origin, command)?;
        waiting.senders.insert(ticket, sender);
        Ok(receiver)
    }
}

/// Until the shard is gone.
fn hand_out(answers: &flume::Receiver<Answer<Event>>, waiting: &Mutex<Waiting>) {
    for answer in answers {
        let sender = lock(waiting).senders.remove(&answer.ticket);
        if let Some(sender) = sender {
            // A client that hung up does not want it.
            let _ = sender.send(CommandAnswer { position: answer.position, event: answer.event });
        }
    }
    let mut waiting = lock(waiting);
    waiting.ended = true;
    waiting.senders.clear();
}

impl Drop for RunningNode {
    fn drop(&mut self) {
        for line in self.lines.drain(..) {
            let Line { connect, thread, .. } = line;
            // With the connection gone the shard lets go of its end, and the thread sees the end of its channel.
            drop(connect);
            if thread.is_some_and(|thread| thread.join().is_err()) {
                tracing::error!("a thread that handed answers out died");
            }
        }
    }
}

impl NodeApi for RunningNode {
    fn directory(&self) -> &Directory {
        &self.directory
    }

    fn submit(&self, shard: ShardId, origin: Origin, command: Command) -> Result<PendingAnswer, SubmitError> {
        let line = self.line(shard).ok_or(SubmitError::Stopping)?;
        let receiver = line.submit(origin, command).map_err(|refused| match refused {
            Refused::RingFull { capacity } | Refused::TooManyInFlight { limit: capacity } => {
                SubmitError::RingFull { slots: u64::try_from(capacity).unwrap_or(u64::MAX) }
            }
            Refused::JournalStalled => SubmitError::JournalStalled,
            Refused::Diverged => SubmitError::Diverged,
            Refused::Stopped => SubmitError::Stopping,
        })?;
        Ok(Box::pin(async move { receiver.await.map_err(|_| AnswerLost) }))
    }

    fn read(&self, shard: ShardId, ask: &mut dyn FnMut(&ShardBooks<'_>)) {
        let Some(Line { replica, .. }) = self.line(shard) else { return };
        let diverged_at = replica.divergence().map(|found| found.position);
        // Before the lock: it is taken for reading only once.
        let behind = replica.behind();
        let read = replica.inspect(Position::default(), |replay| {
            ask(&ShardBooks {
                shard: replay.position().shard,
                core: replay.core(),
                position: replay.position(),
                digest: replay.digest().to_string(),
                alerts: replay.alerts(),
                diverged_at,
                behind,
            });
        });
        if let Err(error) = read {
            // Not at position 0, which every state is at or after.
            tracing::error!(%error, "a replica could not be read");
        }
    }

    fn wall_clock(&self) -> Timestamp {
        self.clock.now()
    }

    fn standings(&self) -> Vec<SessionStanding> {
        self.sessions.standings()
    }

    fn latency(&self, worst: usize) -> Option<LatencyReport> {
        self.kept.as_ref().map(|kept| kept.report(worst))
    }

    fn subscribe(&self, from: &[Position]) -> Result<EventFeed, SubscribeError> {
        if let Some(unknown) = from.iter().find(|position| self.line(position.shard).is_none()) {
            return Err(SubscribeError::UnknownShard(unknown.shard));
        }
        let mut streams = Vec::with_capacity(self.lines.len());
        for (shard, line) in (0..).map(ShardId::new).zip(&self.lines) {
            let asked = from.iter().find(|position| position.shard == shard);
            streams.push(subscribe_one(line, shard, asked.copied())?);
        }
        let (sender, feed) = mpsc::channel(FEED_EVENTS);
        tokio::spawn(forward_all(streams, sender));
        Ok(feed)
    }
}

/// The first record whose events are wanted, and the events.
type Stream = (u64, Subscription<Event>);

fn subscribe_one(line: &Line, shard: ShardId, from: Option<Position>) -> Result<Stream, SubscribeError> {
    let first = if let Some(position) = from {
        position.seq.max(1)
    } else {
        let here = line.replica.inspect(Position::default(), |replay| replay.position().seq);
        here.map_err(|_| SubscribeError::Stopping)? + 1
    };
    let after = Position::new(shard, first - 1);
    match line.replica.subscribe(after, FEED_EVENTS) {
        Ok(subscription) => Ok((first, subscription)),
        Err(ReplicaError::TooOld { oldest }) => Err(SubscribeError::NotKept {
            asked: Position::new(shard, first),
            oldest: Position::new(shard, oldest),
        }),
        Err(_) => Err(SubscribeError::Stopping),
    }
}

/// Ends as soon as one shard's events end: a feed with a hole would look whole.
async fn forward_all(streams: Vec<Stream>, sender: mpsc::Sender<Happened>) {
    let mut forwarding = JoinSet::new();
    for (first, subscription) in streams {
        forwarding.spawn(forward(first, subscription, sender.clone()));
    }
    // Dropping the set ends the others.
    let _ = forwarding.join_next().await;
}

async fn forward(first: u64, subscription: Subscription<Event>, sender: mpsc::Sender<Happened>) {
    while let Ok(published) = subscription.events.recv_async().await {
        if published.position.seq < first {
            continue;
        }
        let happened = Happened {
            position: published.position,
            index: published.index,
            time: published.time,
            event: published.event,
        };
        if sender.send(happened).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
#[path = "api_tests.rs"]
mod tests;
