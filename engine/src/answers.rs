//! The way back to whoever submitted a command.

use model::{Event, Outbound, Position, SessionId};

/// The answer to one command: its first event, and where the command stands in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The client's number for the command.
    pub ticket: u64,
    /// The command's record. A read at or after it sees the command's effect.
    pub position: Position,
    /// What came of it.
    pub event: Event,
}

/// How answers reach a client.
#[derive(Debug)]
pub(crate) enum AnswerSink {
    /// A single-producer ring, polled by the client.
    Ring(rtrb::Producer<Answer>),
    /// A channel that can wake an async task: for the cold side, since the wake-up is paid by the shard.
    Channel(flume::Sender<Answer>),
}

/// A client or a session comes or goes.
#[derive(Debug)]
pub(crate) enum Attach {
    Client { client: u32, sink: AnswerSink, attached: flume::Sender<()> },
    ClientGone { client: u32 },
    Session { session: SessionId, ring: rtrb::Producer<Outbound>, attached: flume::Sender<()> },
}

/// Every client's sink, by number. Numbers are given once for a process.
#[derive(Debug, Default)]
pub(crate) struct Sinks {
    sinks: std::collections::BTreeMap<u32, AnswerSink>,
}

impl Sinks {
    pub(crate) fn insert(&mut self, client: u32, sink: AnswerSink) {
        self.sinks.insert(client, sink);
    }

    pub(crate) fn remove(&mut self, client: u32) {
        self.sinks.remove(&client);
    }

    /// Hands an answer over. A client never has more commands out than its ring holds, so there is room; one that
    /// is gone does not want it.
    pub(crate) fn send(&mut self, client: u32, answer: Answer) {
        match self.sinks.get_mut(&client) {
            Some(AnswerSink::Ring(ring)) => drop(ring.push(answer)),
            Some(AnswerSink::Channel(channel)) => drop(channel.try_send(answer)),
            None => {}
        }
    }
}
