//! The running node as its local clients see it: commands into the shards, reads from the replicas.

use std::sync::Arc;

use actors::Core;
use engine::{Clock, ReplicaError, Subscription};
use model::{Command, Event, Origin, Position, ShardId, Timestamp};
use office::OfficeWord;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use wire::LatencyReport;

use super::line::Line;
use super::office::OfficeDesk;
use super::sessions::Sessions;
use super::stages::Kept;
use crate::books::{SessionStanding, ShardBooks};
use crate::node_api::{
    AnswerLost, CommandAnswer, EventFeed, FEED_EVENTS, Happened, NodeApi, PendingAnswer, PendingReply,
    SubmitError, SubscribeError,
};
use crate::office::OfficeBooks;
use front::directory::Directory;
use front::live::{LiveDirectory, Shards};

/// See the module.
pub(crate) struct RunningNode {
    names: Arc<LiveDirectory>,
    /// Those who go between it and the shards end before the shards' lines do. None in a test of the rest.
    office: Option<OfficeDesk>,
    lines: Vec<Arc<Line<Core>>>,
    sessions: Sessions,
    kept: Option<Kept>,
    clock: Box<dyn Clock>,
}

impl RunningNode {
    pub(crate) fn new(
        names: Arc<LiveDirectory>,
        office: Option<OfficeDesk>,
        lines: Vec<Arc<Line<Core>>>,
        sessions: Sessions,
        kept: Option<Kept>,
        clock: impl Clock,
    ) -> Self {
        Self { names, office, lines, sessions, kept, clock: Box::new(clock) }
    }

    fn line(&self, shard: ShardId) -> Option<&Line<Core>> {
        self.lines.get(shard.slot()).map(Arc::as_ref)
    }
}

/// The shards' replicas, to be looked at for names.
pub(super) struct ShardLines<'a>(pub(super) &'a [Arc<Line<Core>>]);

impl Shards for ShardLines<'_> {
    fn each(&self, look: &mut dyn FnMut(ShardId, &Core)) {
        for line in self.0 {
            let seen = line.replica.inspect(Position::default(), |replay| {
                look(replay.position().shard, replay.core());
            });
            if let Err(error) = seen {
                // Not at position 0, which every state is at or after: the node stops.
                tracing::error!(%error, "a replica could not be asked for names");
            }
        }
    }
}

impl NodeApi for RunningNode {
    fn directory(&self) -> Arc<Directory> {
        self.names.current()
    }

    fn renewed_directory(&self) -> Arc<Directory> {
        self.names.renewed(&ShardLines(&self.lines))
    }

    fn submit(&self, shard: ShardId, origin: Origin, command: Command) -> Result<PendingAnswer, SubmitError> {
        let line = self.line(shard).ok_or(SubmitError::Stopping)?;
        let receiver = line.submit(origin, command)?;
        Ok(Box::pin(async move {
            let (position, event) = receiver.await.map_err(|_| AnswerLost)?;
            Ok(CommandAnswer { position, event })
        }))
    }

    fn say(&self, origin: Origin, word: OfficeWord) -> Result<PendingReply, SubmitError> {
        self.office.as_ref().ok_or(SubmitError::Stopping)?.say(origin, word)
    }

    fn read_office(&self, ask: &mut dyn FnMut(&OfficeBooks<'_>)) {
        if let Some(office) = &self.office {
            office.read(ask);
        }
    }

    fn read(&self, shard: ShardId, ask: &mut dyn FnMut(&ShardBooks<'_>)) {
        let Some(replica) = self.line(shard).map(|line| &line.replica) else { return };
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

fn subscribe_one(
    line: &Line<Core>,
    shard: ShardId,
    from: Option<Position>,
) -> Result<Stream, SubscribeError> {
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
