//! The way back to whoever submitted a command.

use model::{Event, Position};

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

/// A client comes or goes.
#[derive(Debug)]
pub(crate) enum Attach {
    Come { client: u32, sink: AnswerSink, attached: flume::Sender<()> },
    Go { client: u32 },
}

/// Every client's sink, by number. Numbers are given once for a process; the slots of the gone are reused by the
/// table, not by the clients.
#[derive(Debug, Default)]
pub(crate) struct Sinks {
    sinks: std::collections::BTreeMap<u32, AnswerSink>,
}

impl Sinks {
    pub(crate) fn take(&mut self, attach: Attach) {
        match attach {
            Attach::Come { client, sink, attached } => {
                self.sinks.insert(client, sink);
                // A client that gave up waiting will tell so by `Go`.
                let _ = attached.send(());
            }
            Attach::Go { client } => drop(self.sinks.remove(&client)),
        }
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
