//! What leaves the shard, and only once its record is durable.

use std::collections::VecDeque;

use journal::DurableWatch;
use machine::{Backlog, Consequences, EventOf, Hosted, Position, RoomClaim};

use crate::answers::{Answer, AnswerSink, Sinks};
use crate::egress::Egress;
use crate::envelope::Asked;
use crate::outlet::Line;

/// Answers and messages on their way out.
#[derive(Debug)]
pub(crate) struct Release<M: Hosted> {
    /// By the number of the way out.
    egress: Vec<Egress<M::Message>>,
    /// Messages in all overflows together.
    overflowing: usize,
    sinks: Sinks<EventOf<M>>,
    /// The session that the last message went to: the next one often goes there too.
    last: usize,
    /// Not durable yet, in order.
    held: VecDeque<Held<M>>,
    watch: DurableWatch,
}

struct Held<M: Hosted> {
    seq: u64,
    leaving: Leaving<M>,
}

enum Leaving<M: Hosted> {
    Answer { client: u32, answer: Answer<EventOf<M>> },
    Message(M::Message),
}

/// How much may wait for the disk before no more commands are taken, and before no more of those that overtake are.
const MOST_HELD: usize = 64 * 1024;
const MOST_HELD_URGENT: usize = MOST_HELD + 16 * 1024;

impl<M: Hosted> std::fmt::Debug for Held<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held").field("seq", &self.seq).finish_non_exhaustive()
    }
}

impl<M: Hosted> Release<M> {
    pub(crate) fn new(watch: DurableWatch) -> Self {
        Self {
            egress: Vec::new(),
            overflowing: 0,
            sinks: Sinks::default(),
            last: 0,
            held: VecDeque::with_capacity(1024),
            watch,
        }
    }

    /// Answers to this client go there.
    pub(crate) fn answer_to(&mut self, client: u32, sink: AnswerSink<EventOf<M>>) {
        self.sinks.insert(client, sink);
    }

    /// The client wants no more answers.
    pub(crate) fn forget(&mut self, client: u32) {
        self.sinks.remove(client);
    }

    /// Messages for this way out go there.
    pub(crate) fn open(&mut self, way: u16, ring: rtrb::Producer<Line<M::Message>>) {
        let slot = usize::from(way);
        if self.egress.len() <= slot {
            self.egress.resize_with(slot + 1, Egress::default);
        }
        if let Some(egress) = self.egress.get_mut(slot) {
            self.overflowing -= egress.open(ring);
        }
    }

    /// How many of so many commands may be taken now: all, or none where too much waits for the disk.
    #[inline]
    pub(crate) fn admits(&self, commands: usize) -> usize {
        if self.held.len() < MOST_HELD { commands } else { 0 }
    }

    /// The same of those that overtake: what fills the room of the others leaves them theirs.
    #[inline]
    pub(crate) fn admits_urgent(&self, commands: usize) -> usize {
        if self.held.len() < MOST_HELD_URGENT { commands } else { 0 }
    }

    /// True where so many commands more find room, whatever they are and whichever sessions they are for: then nobody
    /// needs to look which.
    #[inline]
    pub(crate) fn is_clear_for(&mut self, commands: usize) -> bool {
        let wanted = commands * M::MOST_MESSAGES;
        self.egress.iter_mut().all(|egress| egress.is_clear_for(wanted))
    }

    /// What stands in the way of a command that goes out there.
    pub(crate) fn backlog(&mut self, way: u16, claim: RoomClaim) -> Option<Backlog> {
        self.egress.get_mut(usize::from(way))?.backlog(claim)
    }

    /// Takes what the record at `position` led to; hands it over at once where the record is durable already.
    #[inline]
    pub(crate) fn take(&mut self, position: Position, asked: Option<&Asked>, outcome: &M::Outcome) {
        let answer = asked.zip(outcome.events().first());
        if self.held.is_empty() && self.watch.durable_seq() >= position.seq {
            for message in M::messages(outcome) {
                self.send(message);
            }
            if let Some((asked, event)) = answer {
                self.sinks.send(asked.client, || Answer {
                    ticket: asked.ticket,
                    position,
                    event: event.clone(),
                });
            }
        } else {
            self.hold(position, answer, M::messages(outcome));
        }
    }

    /// Answers by itself what the machine could not, once the record at `position` is durable.
    pub(crate) fn answer(&mut self, position: Position, asked: &Asked, event: EventOf<M>) {
        if self.held.is_empty() && self.watch.durable_seq() >= position.seq {
            self.sinks.send(asked.client, || Answer { ticket: asked.ticket, position, event });
        } else {
            self.hold(position, Some((asked, &event)), &[]);
        }
    }

    /// Asks for the memory that the next messages are written to.
    #[inline]
    pub(crate) fn make_ready(&mut self) {
        if let Some(egress) = self.egress.get_mut(self.last) {
            egress.make_ready();
        }
        self.sinks.make_ready();
    }

    /// Keeps it until the record is durable.
    fn hold(&mut self, position: Position, answer: Option<(&Asked, &EventOf<M>)>, messages: &[M::Message]) {
        let seq = position.seq;
        for message in messages {
            if let Some(egress) = self.egress.get_mut(slot_of::<M>(message)) {
                egress.hold();
            }
            self.held.push_back(Held { seq, leaving: Leaving::Message(message.clone()) });
        }
        if let Some((asked, event)) = answer {
            let answer = Answer { ticket: asked.ticket, position, event: event.clone() };
            self.held.push_back(Held { seq, leaving: Leaving::Answer { client: asked.client, answer } });
        }
    }

    /// Hands over what has become durable; true where there was something.
    #[inline]
    pub(crate) fn release_durable(&mut self) -> bool {
        let drained = self.overflowing > 0 && self.drain_overflow();
        if self.held.is_empty() {
            return drained;
        }
        let durable = self.watch.durable_seq();
        let mut released = false;
        while self.held.front().is_some_and(|held| held.seq <= durable) {
            match self.held.pop_front().map(|held| held.leaving) {
                Some(Leaving::Message(message)) => {
                    if let Some(egress) = self.egress.get_mut(slot_of::<M>(&message)) {
                        egress.let_go();
                    }
                    self.send(&message);
                }
                Some(Leaving::Answer { client, answer }) => self.sinks.send(client, || answer),
                None => {}
            }
            released = true;
        }
        drained || released
    }

    /// Nothing waits for the disk.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Something that waited for the disk can leave.
    pub(crate) fn is_due(&self) -> bool {
        self.waits_for().is_some_and(|seq| seq <= self.watch.durable_seq()) || self.watch.check().is_err()
    }

    /// The first record that waits for the disk.
    pub(crate) fn waits_for(&self) -> Option<u64> {
        self.held.front().map(|held| held.seq)
    }

    #[inline]
    fn send(&mut self, message: &M::Message) {
        self.last = slot_of::<M>(message);
        if let Some(egress) = self.egress.get_mut(self.last)
            && !egress.send(message)
        {
            self.overflowing += 1;
        }
    }

    #[cold]
    fn drain_overflow(&mut self) -> bool {
        let drained: usize = self.egress.iter_mut().map(Egress::drain).sum();
        self.overflowing -= drained;
        drained > 0
    }
}

#[inline]
fn slot_of<M: Hosted>(message: &M::Message) -> usize {
    usize::from(M::way_of(message))
}
