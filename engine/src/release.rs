//! What leaves the shard, and only once its record is durable.

use std::collections::VecDeque;

use actors::Outcome;
use crash_point::{Point, reach};
use journal::DurableWatch;
use model::{Event, Outbound, Position, SessionId};

use crate::answers::{Answer, AnswerSink, Sinks};
use crate::envelope::Asked;
use crate::outlet::{Line, make_ready, put};

/// Answers and messages on their way out.
#[derive(Debug)]
pub(crate) struct Release {
    /// By the session's index.
    egress: Vec<Option<Egress>>,
    /// Messages in all overflows together.
    overflowing: usize,
    sinks: Sinks,
    /// The session that the last message went to: the next one often goes there too.
    last: usize,
    /// Not durable yet, in order.
    held: VecDeque<Held>,
    held_outbound: usize,
    watch: DurableWatch,
}

/// The ring to one session's gateway.
#[derive(Debug)]
struct Egress {
    ring: rtrb::Producer<Line<Outbound>>,
    /// Messages that found the ring full. Only what the gateway itself caused can get here (it must not wait for
    /// its own ring); commands are refused before they are recorded.
    overflow: VecDeque<Outbound>,
    /// At least this many places of the ring are free: looking at what its other end has taken costs a line of memory
    /// that both cores want, so it is done when this is used up.
    room: usize,
}

#[derive(Debug)]
struct Held {
    seq: u64,
    leaving: Leaving,
}

#[derive(Debug)]
enum Leaving {
    Answer { client: u32, answer: Answer },
    Message(Outbound),
}

/// How much may wait for the disk before no more commands are taken.
const MOST_HELD: usize = 64 * 1024;

impl Egress {
    /// So many messages fit, or more than `wanted`.
    #[inline]
    fn room(&mut self, wanted: usize) -> usize {
        if !self.overflow.is_empty() {
            return 0;
        }
        if self.room < wanted {
            self.room = self.ring.slots();
        }
        self.room
    }
}

impl Release {
    pub(crate) fn new(watch: DurableWatch) -> Self {
        Self {
            egress: Vec::new(),
            overflowing: 0,
            sinks: Sinks::default(),
            last: 0,
            held: VecDeque::with_capacity(1024),
            held_outbound: 0,
            watch,
        }
    }

    /// Answers to this client go there.
    pub(crate) fn answer_to(&mut self, client: u32, sink: AnswerSink) {
        self.sinks.insert(client, sink);
    }

    /// The client wants no more answers.
    pub(crate) fn forget(&mut self, client: u32) {
        self.sinks.remove(client);
    }

    /// Messages for this session go there. What waits for a ring that nobody reads any more was never sent: the sweep
    /// will find so.
    pub(crate) fn open(&mut self, session: SessionId, ring: rtrb::Producer<Line<Outbound>>) {
        let slot = session.slot();
        if self.egress.len() <= slot {
            self.egress.resize_with(slot + 1, || None);
        }
        if let Some(place) = self.egress.get_mut(slot) {
            let before = place.replace(Egress { ring, overflow: VecDeque::new(), room: 0 });
            self.overflowing -= before.map_or(0, |egress| egress.overflow.len());
        }
    }

    /// Whatever so many more commands cause can leave, at most `most`: asked before they are recorded.
    #[inline]
    pub(crate) fn room(&mut self, most: usize) -> usize {
        if self.held.len() >= MOST_HELD {
            return 0;
        }
        let wanted = self.held_outbound + most * Outcome::MAX_OUTBOUND;
        let rooms = self.egress.iter_mut().flatten().map(|egress| egress.room(wanted));
        let room = rooms.min().unwrap_or(wanted).min(wanted);
        room.saturating_sub(self.held_outbound) / Outcome::MAX_OUTBOUND
    }

    /// Takes what the record at `position` led to; hands it over at once where the record is durable already.
    #[inline]
    pub(crate) fn take(&mut self, position: Position, asked: Option<&Asked>, outcome: &Outcome) {
        let answer = asked.zip(outcome.events.first());
        if self.held.is_empty() && self.watch.durable_seq() >= position.seq {
            for message in &outcome.outbound {
                self.send(message);
            }
            if let Some((asked, event)) = answer {
                self.sinks.send(asked.client, || Answer { ticket: asked.ticket, position, event: *event });
            }
        } else {
            self.hold(position, answer, &outcome.outbound);
        }
    }

    /// Asks for the memory that the next messages are written to.
    #[inline]
    pub(crate) fn make_ready(&mut self) {
        if let Some(Some(egress)) = self.egress.get_mut(self.last) {
            make_ready(&mut egress.ring);
        }
        self.sinks.make_ready();
    }

    /// Keeps it until the record is durable.
    fn hold(&mut self, position: Position, answer: Option<(&Asked, &Event)>, outbound: &[Outbound]) {
        let seq = position.seq;
        self.held_outbound += outbound.len();
        self.held.extend(outbound.iter().map(|message| Held { seq, leaving: Leaving::Message(*message) }));
        if let Some((asked, event)) = answer {
            let answer = Answer { ticket: asked.ticket, position, event: *event };
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
                    self.held_outbound -= 1;
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
    fn send(&mut self, message: &Outbound) {
        // A session without a ring has no gateway in this process: its orders stay unanswered until one sweeps.
        self.last = message.session.slot();
        let Some(Some(egress)) = self.egress.get_mut(self.last) else { return };
        if !egress.overflow.is_empty() {
            self.overflowing += 1;
            return egress.overflow.push_back(*message);
        }
        reach(Point::HandoverBefore);
        if !put(&mut egress.ring, || Line(*message)) {
            egress.room = 0;
            self.overflowing += 1;
            return egress.overflow.push_back(*message);
        }
        egress.room = egress.room.saturating_sub(1);
        reach(Point::HandoverAfter);
    }

    #[cold]
    fn drain_overflow(&mut self) -> bool {
        let before = self.overflowing;
        for egress in self.egress.iter_mut().flatten() {
            while !egress.overflow.is_empty() && egress.ring.slots() > 0 {
                let Some(message) = egress.overflow.pop_front() else { break };
                // There is room: it was asked just now, and only this thread pushes.
                let _ = put(&mut egress.ring, || Line(message));
                self.overflowing -= 1;
            }
        }
        self.overflowing < before
    }
}
