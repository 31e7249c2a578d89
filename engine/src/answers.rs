//! The way back to whoever submitted a command.

use machine::Position;

use crate::outlet::{Line, make_ready, put};

/// The answer to one command: its first event, and where the command stands in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<E> {
    /// The client's number for the command.
    pub ticket: u64,
    /// The command's record. A read at or after it sees the command's effect.
    pub position: Position,
    /// What came of it.
    pub event: E,
}

/// How answers reach a client.
#[derive(Debug)]
pub(crate) enum AnswerSink<E> {
    /// A single-producer ring, polled by the client.
    Ring(rtrb::Producer<Line<Answer<E>>>),
    /// A channel that can wake an async task: for the cold side, since the wake-up is paid by the shard.
    Channel(flume::Sender<Answer<E>>),
}

/// Every client's sink, in the order of their numbers, which are given once for a process.
#[derive(Debug)]
pub(crate) struct Sinks<E> {
    sinks: Vec<(u32, AnswerSink<E>)>,
    /// Where the last answer went: the next one often goes there too.
    last: usize,
}

impl<E> Default for Sinks<E> {
    fn default() -> Self {
        Self { sinks: Vec::new(), last: 0 }
    }
}

impl<E> Sinks<E> {
    pub(crate) fn insert(&mut self, client: u32, sink: AnswerSink<E>) {
        let at = self.sinks.partition_point(|(other, _)| *other < client);
        self.sinks.insert(at, (client, sink));
    }

    pub(crate) fn remove(&mut self, client: u32) {
        self.sinks.retain(|(other, _)| *other != client);
    }

    /// Hands an answer over. A client never has more commands out than its ring holds, so there is room; one that
    /// is gone does not want it.
    #[inline]
    pub(crate) fn send(&mut self, client: u32, answer: impl FnOnce() -> Answer<E>) {
        match self.sink(client) {
            Some(AnswerSink::Ring(ring)) => {
                put(ring, || Line(answer()));
            }
            Some(AnswerSink::Channel(channel)) => drop(channel.try_send(answer())),
            None => {}
        }
    }

    /// See [`make_ready`]: of whom the last answer went to.
    #[inline]
    pub(crate) fn make_ready(&mut self) {
        if let Some((_, AnswerSink::Ring(ring))) = self.sinks.get_mut(self.last) {
            make_ready(ring);
        }
    }

    #[inline]
    fn sink(&mut self, client: u32) -> Option<&mut AnswerSink<E>> {
        if self.sinks.get(self.last).is_none_or(|(other, _)| *other != client) {
            self.last = self.sinks.binary_search_by_key(&client, |(other, _)| *other).ok()?;
        }
        self.sinks.get_mut(self.last).map(|(_, sink)| sink)
    }
}
